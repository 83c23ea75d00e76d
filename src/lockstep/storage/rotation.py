"""Where sealed values lie, so that they can be sealed anew under a newer master key. Opens none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
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
    SealedColumn("access_methods", "wanted"),
    SealedColumn("entries", "digits"),
    SealedColumn("entries", "former_digits"),
    SealedColumn("calendars", "url"),
    SealedColumn("client_sessions", "token"),
    SealedColumn("instant_keys", "token"),
    SealedColumn("connect_webviews", "token"),
    SealedColumn("webhooks", "url"),
    SealedColumn("webhooks", "secret"),
    SealedColumn("webhooks", "old_secret"),
    SealedColumn("emulated_worlds", "snapshot"),
    SealedColumn("sandbox_beginnings", "document"),
)
OBSERVED = SealedColumn("observations", "content")
"""Digits that a vendor computed, in documents: Base64, as `sealed` of an entry. They are bound to the account's id."""
PASSING = SealedColumn("idempotency_keys", "body")
"""Bound to a key that only the caller knows, so it cannot be sealed anew; it is gone within a day."""


_OBSERVED = """(select o.workspace_id, o.account_id as id, decode(c ->> 'sealed', 'base64') as content
  from observations o, jsonb_array_elements(o.content) c where c ? 'sealed')"""


@dataclass(frozen=True, slots=True)
class SealedRow:
    id: UUID
    """What the value is bound to."""
    sealed: bytes


@dataclass(frozen=True, slots=True)
class SealedDocument:
    """What was seen of one lock: some of its entries have a `sealed`."""

    account_id: UUID
    target: str
    content: list[dict[str, Any]]


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


async def documents_behind(
    db: Connection, workspace_id: UUID, version: int, most: int
) -> list[SealedDocument]:
    """Those with a value that is not sealed under `version`; their rows are ours until the transaction ends."""
    # In the order in which a reading stores what it saw, else the two could wait for each other. The condition asks the
    # row alone, so that it is asked again of a row that was replaced while we waited for it.
    rows = await db.fetch(
        """select o.account_id, o.target, o.content from observations o
           where o.workspace_id = $1 and exists (select from jsonb_array_elements(o.content) c
             where c ? 'sealed' and substring(decode(c ->> 'sealed', 'base64') from 1 for 2) <> $2)
           order by o.account_id, o.target collate "C" limit $3 for no key update""",
        workspace_id,
        _prefix(version),
        most,
    )
    return [SealedDocument(r["account_id"], r["target"], r["content"]) for r in rows]


async def replace_documents(db: Connection, workspace_id: UUID, documents: Sequence[SealedDocument]) -> None:
    """Store documents whose values were sealed anew. Their digests stay: these are of what is not sealed."""
    # One by one: in an array of documents that are lists, each would be taken for a dimension of it.
    await db.executemany(
        "update observations set content = $4 where workspace_id = $1 and account_id = $2 and target = $3",
        [(workspace_id, d.account_id, d.target, d.content) for d in documents],
    )


async def sample(db: Connection, workspace_id: UUID, where: SealedColumn) -> SealedRow | None:
    """Any value of this column, to see whether it opens."""
    row = await db.fetchrow(
        f"""select t.id, t.{where.column} as sealed from {_values(where)} t
            where t.workspace_id = $1 and t.{where.column} is not null order by t.id desc limit 1""",  # noqa: S608
        workspace_id,
    )
    return SealedRow(row["id"], row["sealed"]) if row else None


async def versions_in_use(db: Connection, *, with_passing: bool = True) -> dict[int, int]:
    """How many values are sealed under each version of the master key, in all workspaces."""
    columns = (*SEALED, OBSERVED, PASSING) if with_passing else (*SEALED, OBSERVED)
    each = [
        f"select substring(t.{c.column} from 1 for 2) as prefix, count(*) as n from {_values(c)} t "  # noqa: S608
        f"where t.{c.column} is not null group by 1"
        for c in columns
    ]
    counted: dict[int, int] = {}
    for row in await db.fetch(" union all ".join(each)):
        version = int.from_bytes(row["prefix"], "big")
        counted[version] = counted.get(version, 0) + row["n"]
    return counted


def _values(where: SealedColumn) -> str:
    """What to select a column's values from."""
    return _OBSERVED if where == OBSERVED else where.table


def _prefix(version: int) -> bytes:
    return version.to_bytes(2, "big")
