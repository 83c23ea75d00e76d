"""Write domains: what must be written by one at a time. Their claims are in `claims`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.storage import changes
from lockstep.storage.claims import Claim
from lockstep.storage.database import Connection, one_or_several


@dataclass(frozen=True, slots=True)
class DomainRow:
    id: UUID
    account_id: UUID
    reference: str
    failures: int
    failure: dict[str, Any] | None
    doubt_at: datetime | None
    urgent_at: datetime | None
    look_at: datetime | None
    think_at: datetime | None
    generation: int
    applied_generation: int
    due_at: datetime | None
    leased_until: datetime | None


_COLUMNS = (
    "id, account_id, reference, failures, failure, doubt_at, urgent_at, look_at, think_at, generation, "
    "applied_generation, due_at, leased_until"
)


def domain_columns(alias: str) -> str:
    """For statements elsewhere in storage that join domains under this name; `domain_row` reads them."""
    return ", ".join(f"{alias}.{column}" for column in _COLUMNS.split(", "))


def domain_row(values: Iterable[Any]) -> DomainRow:
    """A DomainRow from the columns of `domain_columns`."""
    return DomainRow(*values)


async def get(db: Connection, workspace_id: UUID, domain_id: UUID) -> DomainRow | None:
    row = await db.fetchrow(
        f"select {_COLUMNS} from domains where workspace_id = $1 and id = $2",  # noqa: S608
        workspace_id,
        domain_id,
    )
    return DomainRow(**dict(row)) if row else None


async def ensure(
    db: Connection, workspace_id: UUID, account_id: UUID, reference: str, new_id: UUID, now: datetime
) -> UUID:
    """The domain with this reference, made now if need be (and then due at once)."""
    await db.execute(
        """insert into domains (workspace_id, id, account_id, reference, due_at) values ($1, $2, $3, $4, $5)
           on conflict (workspace_id, account_id, reference) do nothing""",
        workspace_id,
        new_id,
        account_id,
        reference,
        now,
    )
    found: UUID = await db.fetchval(
        "select id from domains where workspace_id = $1 and account_id = $2 and reference = $3",
        workspace_id,
        account_id,
        reference,
    )
    return found


async def of_account(db: Connection, workspace_id: UUID, account_id: UUID) -> list[DomainRow]:
    rows = await db.fetch(
        f"select {_COLUMNS} from domains where workspace_id = $1 and account_id = $2 order by id",  # noqa: S608
        workspace_id,
        account_id,
    )
    return [DomainRow(**dict(r)) for r in rows]


async def of_devices(db: Connection, workspace_id: UUID, device_ids: list[UUID]) -> list[UUID]:
    rows = await db.fetch(
        "select distinct domain_id from devices where workspace_id = $1 and id = any($2)",
        workspace_id,
        device_ids,
    )
    return [r["domain_id"] for r in rows]


async def lock(db: Connection, workspace_id: UUID, domain_ids: list[UUID]) -> None:
    """Lock rows in the order of ids: declarations on one domain are made one after another.

    For no key update, as everywhere: a key never changes, and `for update` would make all wait who refer to the row.
    The server checks references anew where a row is changed twice in one transaction, so that a worker that stores an
    outcome waited for a declaration that waited for it."""
    await db.execute(
        "select from domains where workspace_id = $1 and id = any($2) order by id for no key update",
        workspace_id,
        sorted(domain_ids),
    )


async def hurry(db: Connection, workspace_id: UUID, domain_ids: list[UUID], at: datetime) -> None:
    """Something that is needed by `at` was declared on these: they go before those with later needs."""
    await db.execute(
        """update domains set urgent_at = $3 where workspace_id = $1 and id in (
             select id from domains where workspace_id = $1 and id = any($2)
               and (urgent_at is null or urgent_at > $3) order by id for no key update)""",
        workspace_id,
        domain_ids,
        at,
    )


async def look_now(db: Connection, workspace_id: UUID, domain_ids: list[UUID], now: datetime) -> None:
    """A hint: a reading begun from now on is wanted. The caller wakes the domains as well."""
    await db.execute(
        """update domains set look_at = $3 where workspace_id = $1 and id in (
             select id from domains where workspace_id = $1 and id = any($2) order by id for no key update)""",
        workspace_id,
        domain_ids,
        now,
    )


async def rest(db: Connection, workspace_id: UUID, account_id: UUID) -> None:
    """Nobody looks at this account's domains, or thinks about them, until they are woken. What is declared there at the
    same time is told by their generation."""
    await db.execute(
        """update domains set look_at = null, think_at = null, due_at = null, urgent_at = null, failures = 0,
             failure = null, doubt_at = null, generation = generation + 1, applied_generation = generation + 1
           where workspace_id = $1 and id in (
             select id from domains where workspace_id = $1 and account_id = $2 order by id for no key update)""",
        workspace_id,
        account_id,
    )


async def forgive(db: Connection, workspace_id: UUID, domain_id: UUID) -> None:
    """Waits and counted tries of the domain's entries are over: an operator asks to try again."""
    await db.execute(
        """update entries set not_before = null, tried = '{}'
           where workspace_id = $1 and domain_id = $2 and settled_at is null
             and (not_before is not null or tried <> '{}')""",
        workspace_id,
        domain_id,
    )


@dataclass(frozen=True, slots=True)
class Finish:
    """How a pass leaves its domain. `urgent_at` and `doubt_at` of a quiet pass are those from before."""

    look_at: datetime | None
    think_at: datetime | None
    failures: int
    failure: dict[str, Any] | None
    urgent_at: datetime | None
    doubt_at: datetime | None
    is_news: bool = False
    """Whoever looks at the workspace is told that something has changed."""


_FINISH_TYPES = (
    *("uuid", "bigint", "bigint", "timestamptz", "timestamptz", "timestamptz", "int", "jsonb"),
    *("timestamptz", "timestamptz"),
)


def _finish(source: str) -> str:
    return f"""with quick as materialized (select set_config('synchronous_commit', 'off', true)),
           f as materialized (
             select f.* from quick, {source}
               as f (id, epoch, generation, due_at, look_at, think_at, failures, failure, urgent_at, doubt_at)
             join domains q on q.workspace_id = $1 and q.id = f.id and q.lease_epoch = f.epoch
             order by q.id for no key update of q
           )
           update domains q set
             look_at = case when q.generation > f.generation then least(q.look_at, f.look_at) else f.look_at end,
             think_at = f.think_at, failures = f.failures, failure = f.failure, urgent_at = f.urgent_at,
             doubt_at = f.doubt_at, leased_until = null,
             applied_generation = greatest(q.applied_generation, f.generation),
             due_at = case when q.generation > f.generation then least(q.due_at, f.due_at) else f.due_at end
           from f where q.workspace_id = $1 and q.id = f.id and q.lease_epoch = f.epoch
           returning q.id"""  # noqa: S608


_FINISH_ONE, _FINISH_SEVERAL = (_finish(source) for source in one_or_several(2, _FINISH_TYPES))


async def finish(db: Connection, workspace_id: UUID, finishes: Sequence[tuple[Claim, Finish]]) -> list[bool]:
    """End passes and their leases in one statement; a wake that came meanwhile makes the domain due at once.

    False where the lease had passed to another. It need not wait for the disk: what a crash of the database loses, the
    next pass finds anew.
    """
    each = [_finish_row(claim, finish) for claim, finish in finishes]
    if len(each) == 1:
        rows = await db.fetch(_FINISH_ONE, workspace_id, *each[0])
    else:
        rows = await db.fetch(_FINISH_SEVERAL, workspace_id, *zip(*each, strict=True))
    ended = {r["id"] for r in rows}
    if any(f.is_news and claim.row_id in ended for claim, f in finishes):
        await changes.tell(db, workspace_id)
    return [claim.row_id in ended for claim, _ in finishes]


def _finish_row(claim: Claim, f: Finish) -> tuple[object, ...]:
    due_at = min((at for at in (f.look_at, f.think_at) if at is not None), default=None)
    return (
        *(claim.row_id, claim.epoch, claim.generation, due_at, f.look_at, f.think_at),
        *(f.failures, f.failure, f.urgent_at, f.doubt_at),
    )
