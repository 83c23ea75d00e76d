"""Rows of /workspaces."""

from __future__ import annotations

from tests.http.seam.walk import Row, nothing

ROWS = {
    "/workspaces/get": Row(nothing),
    "/workspaces/list": Row(nothing),
}
