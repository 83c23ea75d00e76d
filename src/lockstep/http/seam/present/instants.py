"""Instants as Seam writes them: milliseconds and a Z."""

from __future__ import annotations

from datetime import UTC, datetime


def instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def instant_or_null(at: datetime | None) -> str | None:
    return None if at is None else instant(at)
