"""Where sealed values lie, so that they can be sealed anew under a newer master key. Opens none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed values; the row's `id` is part of what they are bound to."""

    table: str
    column: str


SEALED = (
    SealedColumn("accounts", "credentials"),
    SealedColumn("accounts", "registered_url"),
    SealedColumn("accounts", "registered_secret"),
    SealedColumn("access_methods", "digits"),
    SealedColumn("entries", "digits"),
    SealedColumn("calendars", "url"),
    SealedColumn("webhooks", "url"),
    SealedColumn("webhooks", "secret"),
    SealedColumn("webhooks", "old_secret"),
)
PASSING = SealedColumn("idempotency_keys", "body")
"""Bound to a key that only the caller knows, so it cannot be sealed anew; it is gone within a day."""


@dataclass(frozen=True, slots=True)
class SealedRow:
    id: UUID
    sealed: bytes


async def behind(
    db: Connection, workspace_id: UUID, where: SealedColumn, version: int, most: int
) -> list[SealedRow]:
    """Values that are not sealed under `version`; their rows are ours until the transaction ends."""
    rows = await db.fetch(
        f"""select id, {where.column} as sealed from {where.table}
            where workspace_id = $1 and {where.column} is not null and substring({where.column} from 1 for 2) <> $2
            order by id limit $3 for no key update""",  # noqa: S608
        workspace_id,
        _prefix(version),
        most,
    )
    return [SealedRow(r["id"], r["sealed"]) for r in rows]


async def replace(db: Connection, workspace_id: UUID, where: SealedColumn, rows: Sequence[SealedRow]) -> None:
    """Store values that were sealed anew."""
    await db.execute(
        f"""update {where.table} t set {where.column} = n.sealed
            from unnest($2::uuid[], $3::bytea[]) as n (id, sealed)
            where t.workspace_id = $1 and t.id = n.id""",  # noqa: S608
        workspace_id,
        [r.id for r in rows],
        [r.sealed for r in rows],
    )


async def sample(db: Connection, workspace_id: UUID, where: SealedColumn) -> SealedRow | None:
    """Any value of this column, to see whether it opens."""
    row = await db.fetchrow(
        f"""select id, {where.column} as sealed from {where.table}
            where workspace_id = $1 and {where.column} is not null order by id desc limit 1""",  # noqa: S608
        workspace_id,
    )
    return SealedRow(row["id"], row["sealed"]) if row else None


async def versions_in_use(db: Connection, *, with_passing: bool = True) -> dict[int, int]:
    """How many values are sealed under each version of the master key, in all workspaces."""
    columns = (*SEALED, PASSING) if with_passing else SEALED
    each = [
        f"select substring({c.column} from 1 for 2) as prefix, count(*) as n from {c.table} "  # noqa: S608
        f"where {c.column} is not null group by 1"
        for c in columns
    ]
    counted: dict[int, int] = {}
    for row in await db.fetch(" union all ".join(each)):
        version = int.from_bytes(row["prefix"], "big")
        counted[version] = counted.get(version, 0) + row["n"]
    return counted


def _prefix(version: int) -> bytes:
    return version.to_bytes(2, "big")
