"""What may be asked of an installation as a whole: how it does (figures), and whether it is fit to work (health).

Not of any workspace: asked by whoever runs the machine, never through the API."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lockstep.model.access_code import Standing, is_late
from lockstep.operations.access_codes import standing_of
from lockstep.operations.gate import Gate
from lockstep.storage import figures, inspection
from lockstep.storage.figures import CodeRow, Counted

SOON = timedelta(hours=24)
"""Arrivals that the share of proven codes is about."""
_HEALTH_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class QueueFigure:
    queue: str
    due: int
    age_seconds: float
    """For how long the first of them has been due without anybody working on it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of all workspaces together."""

    queues: tuple[QueueFigure, ...]
    arriving_codes: Mapping[Standing, int]
    """Codes of guests who arrive within 24 hours, by how they stand."""
    late_codes: int
    """Codes with an alarm that still holds: not proven although the arrival is near, or still there although over."""
    accounts: tuple[Counted, ...]
    locks: tuple[Counted, ...]
    calendars: tuple[Counted, ...]
    webhooks: tuple[Counted, ...]
    unsequenced: int
    unsequenced_age_seconds: float

    @property
    def proven_share(self) -> float:
        """Of the codes of guests who arrive within 24 hours; 1 where nobody does."""
        total = sum(self.arriving_codes.values())
        return self.arriving_codes[Standing.PROVEN] / total if total else 1.0


@dataclass(frozen=True, slots=True)
class Health:
    """Whether this process can work: it reaches the database, and its schema is the one it was written for."""

    is_database_reachable: bool
    is_schema_current: bool

    @property
    def is_well(self) -> bool:
        return self.is_database_reachable and self.is_schema_current


async def of_all(gate: Gate) -> Figures:
    now = gate.clock.now()
    async with gate.database.reading(None) as db:
        waiting, since = await figures.unsequenced(db)
        return Figures(
            queues=tuple(
                QueueFigure(q.queue, q.due, _age(q.due_since, now)) for q in await figures.queues(db, now)
            ),
            arriving_codes=_standings(await figures.codes_starting(db, now, now + SOON), now),
            late_codes=sum(
                is_late(row.entry.declared, row.entry.belief, row.capabilities, now)
                for row in await figures.codes_alarmed(db)
            ),
            accounts=tuple(await figures.accounts(db)),
            locks=tuple(await figures.locks(db)),
            calendars=tuple(await figures.calendars(db)),
            webhooks=tuple(await figures.webhooks(db)),
            unsequenced=waiting,
            unsequenced_age_seconds=_age(since, now),
        )


async def health(gate: Gate) -> Health:
    """Never raises, and answers within seconds."""
    try:
        async with asyncio.timeout(_HEALTH_SECONDS), gate.database.reading(None) as db:
            return Health(True, await inspection.is_current(db))
    except Exception:  # noqa: BLE001 - whatever keeps the database from answering, it does not answer
        return Health(False, False)


def _standings(rows: Sequence[CodeRow], now: datetime) -> dict[Standing, int]:
    counted = dict.fromkeys(Standing, 0)
    for row in rows:
        counted[standing_of(row.entry, row.capabilities, row.domain_failure, now)[0]] += 1
    return counted


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since is not None else 0.0
