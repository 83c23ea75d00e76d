"""Write domains: what must be written by one at a time. Their claims are in `claims`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.storage import changes
from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class DomainRow:
    id: UUID
    account_id: UUID
    reference: str
    failures: int
    failure: dict[str, Any] | None
    doubt_at: datetime | None
    look_at: datetime | None
    think_at: datetime | None
    generation: int
    applied_generation: int
    due_at: datetime | None
    leased_until: datetime | None


_COLUMNS = (
    "id, account_id, reference, failures, failure, doubt_at, look_at, think_at, generation, applied_generation, "
    "due_at, leased_until"
)


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
    """Lock rows in the order of ids: declarations on one domain are made one after another."""
    await db.execute(
        "select from domains where workspace_id = $1 and id = any($2) order by id for update",
        workspace_id,
        sorted(domain_ids),
    )


async def set_urgent(db: Connection, workspace_id: UUID, domain_id: UUID, urgent_at: datetime | None) -> None:
    await db.execute(
        """update domains set urgent_at = $3
           where workspace_id = $1 and id = $2 and urgent_at is distinct from $3""",
        workspace_id,
        domain_id,
        urgent_at,
    )


async def hurry(db: Connection, workspace_id: UUID, domain_ids: list[UUID], at: datetime) -> None:
    """Something that is needed by `at` was declared on these: they go before those with later needs."""
    await db.execute(
        """update domains set urgent_at = $3 where workspace_id = $1 and id in (
             select id from domains where workspace_id = $1 and id = any($2)
               and (urgent_at is null or urgent_at > $3) order by id for update)""",
        workspace_id,
        domain_ids,
        at,
    )


async def set_failure(
    db: Connection, workspace_id: UUID, domain_id: UUID, failures: int, failure: dict[str, Any] | None
) -> None:
    result = await db.execute(
        """update domains set failures = $3, failure = $4
           where workspace_id = $1 and id = $2 and (failures, failure) is distinct from ($3::integer, $4::jsonb)""",
        workspace_id,
        domain_id,
        failures,
        failure,
    )
    if result != "UPDATE 0":
        await changes.tell(db, workspace_id)


async def set_doubt(db: Connection, workspace_id: UUID, domain_id: UUID, doubt_at: datetime | None) -> None:
    await db.execute(
        """update domains set doubt_at = $3
           where workspace_id = $1 and id = $2 and doubt_at is distinct from $3""",
        workspace_id,
        domain_id,
        doubt_at,
    )


async def set_next(
    db: Connection, workspace_id: UUID, domain_id: UUID, look_at: datetime | None, think_at: datetime | None
) -> None:
    """When to read and when to think again; the claim's release sets `due_at` to the earlier."""
    await db.execute(
        """update domains set look_at = $3, think_at = $4 where workspace_id = $1 and id = $2
             and (look_at, think_at) is distinct from ($3::timestamptz, $4::timestamptz)""",
        workspace_id,
        domain_id,
        look_at,
        think_at,
    )


async def look_now(db: Connection, workspace_id: UUID, domain_ids: list[UUID], now: datetime) -> None:
    """A hint: a reading begun from now on is wanted. The caller wakes the domains as well."""
    await db.execute(
        """update domains set look_at = $3 where workspace_id = $1 and id in (
             select id from domains where workspace_id = $1 and id = any($2) order by id for update)""",
        workspace_id,
        domain_ids,
        now,
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
