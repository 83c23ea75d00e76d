"""What may be asked of an installation as a whole: how it does (figures), and whether it is fit to work (health).

Not of any workspace: asked by whoever runs the machine, never through the API."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lockstep.model.access_code import Standing
from lockstep.model.permissions import system
from lockstep.operations.arrivals import arrivals
from lockstep.operations.gate import Gate
from lockstep.storage import figures, inspection, workspaces
from lockstep.storage.figures import Counted

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
    """Doors of guests who are inside or arrive within 24 hours, by how their codes stand, as the first page counts
    them: a stay that has no door at all is one."""
    late_codes: int
    """Of these, and of codes that should be gone, those that need somebody: refused, late, missing or overdue."""
    accounts: tuple[Counted, ...]
    locks: tuple[Counted, ...]
    calendars: tuple[Counted, ...]
    webhooks: tuple[Counted, ...]
    unsequenced: int
    unsequenced_age_seconds: float

    @property
    def proven_share(self) -> float:
        """Of the doors of guests who are inside or arrive within 24 hours; 1 where there are none."""
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
    arriving, late = await _doors(gate)
    async with gate.database.reading(None) as db:
        waiting, since = await figures.unsequenced(db)
        return Figures(
            queues=tuple(
                QueueFigure(q.queue, q.due, _age(q.due_since, now)) for q in await figures.queues(db, now)
            ),
            arriving_codes=arriving,
            late_codes=late,
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


async def _doors(gate: Gate) -> tuple[dict[Standing, int], int]:
    """Of all workspaces: doors of those who arrive or are inside, by how they stand; and how many need somebody."""
    arriving, late = dict.fromkeys(Standing, 0), 0
    async with gate.database.reading(None) as db:
        everywhere = await workspaces.every(db)
    for row in everywhere:
        async with gate.reading(row.id) as tx:
            found = await arrivals(tx, system(row.id, "figures"))
        late += found.failed
        for standing, count in found.counts.items():
            arriving[standing] += count
    return arriving, late


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since is not None else 0.0
