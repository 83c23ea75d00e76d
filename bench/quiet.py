"""(d) An hour without any edge: what 10,000 codes cost more than 1,000, in vendor calls, statements and rows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import asyncpg

from bench.figure import Figure
from bench.world import declare, world

LOCKS = 100
FEATURES = {"calls_per_minute": 600_000, "settling_seconds": 5, "late_seconds": 5, "lists_account": True}


class _Counted:
    """Statements sent and rows that came back or were written."""

    def __init__(self) -> None:
        self.statements = 0
        self.rows = 0


async def measure() -> list[Figure]:
    few, many = await _quiet_hour(10), await _quiet_hour(100)
    names = ("vendor calls", "statements", "rows")
    return [
        Figure(
            "d",
            f"a quiet hour, 100 locks: {name} with 10,000 codes over 1,000",
            after / max(before, 1),
            1.0,
            detail=f"{before} and {after}",
        )
        for name, before, after in zip(names, few, many, strict=True)
    ]


async def _quiet_hour(codes_each: int) -> tuple[int, int, int]:
    async with world(LOCKS, FEATURES) as w:
        begins = w.clock.now() - timedelta(hours=1)
        await declare(w, [(begins, begins + timedelta(days=30 + n)) for n in range(codes_each)])
        await w.advance(w.clock.now() + timedelta(hours=2))
        w.vendor.journal.clear()
        with _counting() as counted:
            await w.advance(w.clock.now() + timedelta(hours=1))
        return len(list(w.vendor.journal)), counted.statements, counted.rows


@contextmanager
def _counting() -> Iterator[_Counted]:
    """Counts what this process asks of the database."""
    counted = _Counted()
    names = ("execute", "fetch", "fetchrow", "fetchval")
    originals = {name: getattr(asyncpg.Connection, name) for name in names}

    def counting(name: str) -> Any:
        async def ask(self: Any, *args: Any, **options: Any) -> Any:
            answer = await originals[name](self, *args, **options)
            counted.statements += 1
            counted.rows += len(answer) if isinstance(answer, list) else 1
            return answer

        return ask

    for name in names:
        setattr(asyncpg.Connection, name, counting(name))
    try:
        yield counted
    finally:
        for name, original in originals.items():
            setattr(asyncpg.Connection, name, original)


if __name__ == "__main__":
    for figure in asyncio.run(measure()):
        print(figure.line())
