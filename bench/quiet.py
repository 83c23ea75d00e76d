"""(d) An hour without any edge: what 10,000 codes cost more than 1,000, in vendor calls, statements and rows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from bench.figure import Figure
from bench.tally import Touched, asked, settle, touched
from bench.world import World, declare, world
from lockstep.workers.sweeps.sequencer import sequence_all

LOCKS = 100
FEATURES = {
    "calls_per_minute": 600_000,
    "settling_seconds": 5,
    "late_seconds": 5,
    "lists_account": True,
    "log": True,
}
LOOK = timedelta(seconds=30)
"""A process that nobody wakes looks so often whether something is due."""
OF_THE_LOOK = {"domains", "accounts", "readings"}
"""What a look itself writes: a lock's lease, taken and ended; the account's budget of calls; when the reading began."""


@dataclass(frozen=True, slots=True)
class _Hour:
    calls: int
    statements: int
    returned: int
    touched: Touched

    @property
    def read(self) -> int:
        return sum(self.touched.read.values())

    @property
    def written(self) -> int:
        return sum(self.touched.written.values())

    @property
    def written_more(self) -> int:
        return sum(count for table, count in self.touched.written.items() if table not in OF_THE_LOOK)


async def measure() -> list[Figure]:
    async with world(LOCKS, FEATURES) as w:
        few = await _quiet_hour(w, 10)
        many = await _quiet_hour(w, 100)
    by_table = ", ".join(f"{count} of {table}" for table, count in sorted(many.touched.written.items()))
    return [
        _ratio("vendor calls", few.calls, many.calls),
        _ratio("statements", few.statements, many.statements),
        _ratio("rows that came back", few.returned, many.returned),
        # Index entries of rows that are no more are read until they are swept out: some rows more or less.
        _ratio("rows that the database read", few.read, many.read, limit=1.01),
        _ratio("rows written", few.written, many.written, by_table),
        Figure(
            "d",
            "a quiet hour, 100 locks, 10,000 codes: rows written beside leases, budget of calls and time of reading",
            many.written_more,
            0,
        ),
    ]


async def _quiet_hour(w: World, codes_each: int) -> _Hour:
    """Of so many codes on each lock, some of which may be there already."""
    await _fill(w, codes_each)
    w.vendor.journal.clear()
    before = await touched(w.dsn)
    with asked() as counted:
        ends_at = w.clock.now() + timedelta(hours=1)
        while w.clock.now() < ends_at:
            await w.advance(w.clock.now() + LOOK)
            await sequence_all(w.gate)
    after = await touched(w.dsn)
    return _Hour(len(list(w.vendor.journal)), counted.statements, counted.returned, after - before)


async def _fill(w: World, codes_each: int) -> None:
    """Codes that are in force for a month yet, each proven, and everything told that there is to tell."""
    begins, there = w.clock.now() - timedelta(hours=1), _held(w)
    await declare(w, [(begins, begins + timedelta(days=30 + n)) for n in range(there, codes_each)])
    await w.work_off()
    await w.advance(w.clock.now() + timedelta(hours=1))
    await sequence_all(w.gate)
    assert _held(w) == codes_each
    await settle(w.dsn)


def _held(w: World) -> int:
    """Codes on each lock."""
    held = {len(w.vendor.lock_state(lock_id)["on_lock"]) for lock_id in w.vendor.lock_ids()}
    assert len(held) == 1, f"locks hold {sorted(held)} codes"
    return held.pop()


def _ratio(what: str, few: int, many: int, more: str = "", limit: float = 1.0) -> Figure:
    return Figure(
        "d",
        f"a quiet hour, 100 locks: {what} with 10,000 codes over 1,000",
        many / max(few, 1),
        limit,
        detail="; ".join(part for part in (f"{few} and {many}", more) if part),
    )


if __name__ == "__main__":
    for figure in asyncio.run(measure()):
        print(figure.line())
