"""Instants as Seam writes them: milliseconds and a Z."""

from __future__ import annotations

from datetime import datetime

from lockstep.model.window import as_utc


def instant(at: datetime) -> str:
    return as_utc(at).isoformat(timespec="milliseconds")[:-6] + "Z"


def instant_or_null(at: datetime | None) -> str | None:
    return None if at is None else instant(at)
