"""Counts what a Lockstep in this process asks of its database: by its own calls, and as the server counts them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg


@dataclass(slots=True)
class Asked:
    """Statements sent, `begin` and `commit` included, and rows that came back."""

    statements: int = 0
    returned: int = 0


@dataclass(frozen=True, slots=True)
class Touched:
    """Rows by table since the server's counting began: written, and read, be they used for an answer or not."""

    written: Mapping[str, int]
    read: Mapping[str, int]

    def __sub__(self, before: Touched) -> Touched:
        return Touched(_less(self.written, before.written), _less(self.read, before.read))


@contextmanager
def asked() -> Iterator[Asked]:
    """Counts within, for all connections of this process."""
    counted = Asked()
    names = ("execute", "executemany", "fetch", "fetchrow", "fetchval")
    originals = {name: getattr(asyncpg.Connection, name) for name in names}

    def counting(name: str) -> Any:
        async def ask(self: Any, query: str, *args: Any, **options: Any) -> Any:
            if name == "executemany":
                # One statement for each set of arguments.
                args = (list(args[0]), *args[1:])
                counted.statements += len(args[0]) - 1
            answer = await originals[name](self, query, *args, **options)
            counted.statements += 1
            if name.startswith("fetch"):
                counted.returned += len(answer) if isinstance(answer, list) else answer is not None
            return answer

        return ask

    for name in names:
        setattr(asyncpg.Connection, name, counting(name))
    try:
        yield counted
    finally:
        for name, original in originals.items():
            setattr(asyncpg.Connection, name, original)


async def settle(dsn: str) -> None:
    """Have the server do its upkeep now, so that all begin alike, and count the same for the same questions afterwards.

    It reads a small table whole where that is cheaper than an index, and whether it is depends on how many pages the
    rows fill, not on what is asked: so that is turned off.
    """
    connection = await asyncpg.connect(dsn)
    for setting in ("autovacuum", "enable_seqscan"):
        await connection.execute(f"alter system set {setting} = off")
    await connection.execute("select pg_reload_conf()")
    # Plans that were made before are made anew after this.
    await connection.execute("vacuum (full, analyze)")
    await connection.close()


async def touched(dsn: str) -> Touched:
    """What the server has counted so far. Ends all other connections, for that is when the server is told the last
    of what they did; a pool makes new ones."""
    connection = await asyncpg.connect(dsn)
    ended = await connection.fetch(
        """select pid, pg_terminate_backend(pid) from pg_stat_activity
           where backend_type = 'client backend' and pid <> pg_backend_pid()"""
    )
    pids = [r["pid"] for r in ended]
    while await connection.fetchval("select count(*) from pg_stat_activity where pid = any($1)", pids):
        await asyncio.sleep(0.05)
    rows = await connection.fetch(
        """select relname, n_tup_ins + n_tup_upd + n_tup_del as written,
             seq_tup_read + coalesce((select sum(idx_tup_read) from pg_stat_user_indexes i
               where i.relid = t.relid), 0) as read
           from pg_stat_user_tables t"""
    )
    await connection.close()
    return Touched({r["relname"]: r["written"] for r in rows}, {r["relname"]: int(r["read"]) for r in rows})


def _less(after: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    return {name: left for name in after if (left := after[name] - before.get(name, 0))}
