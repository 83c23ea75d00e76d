"""Access codes: one code on one lock, as the ways in show it, together with the entry that carries it."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.kit.frozen import dataclass
from lockstep.model.capabilities import Capabilities
from lockstep.model.declared import Spec
from lockstep.storage.access_events import last_use
from lockstep.storage.database import Connection
from lockstep.storage.devices import NOTHING, Given, numbered
from lockstep.storage.encoding import from_document
from lockstep.storage.entries import EntryRow, entry_columns, entry_row, spec_columns, spec_of
from lockstep.storage.grants import reaches_only
from lockstep.storage.readings import newest_reading

_ALONE = 281733613


@dataclass(frozen=True, slots=True)
class AccessCodeRow:
    """A code with its entry, its lock and its grant: all that its status is derived from."""

    id: UUID
    public_id: str
    device_id: UUID
    device_public_id: str
    device_name: str
    device_state: dict[str, Any]
    device_is_online: bool | None
    unlisted_since: datetime | None
    account_public_id: str
    account_label: str
    account_state: str
    account_failure: dict[str, Any] | None
    disconnected_at: datetime | None
    """Of its account."""
    grant_id: UUID
    grant_public_id: str
    grant_name: str = field(repr=False)
    grant_form: str
    common_code_key: str | None
    cancelled_at: datetime | None
    """Of its grant."""
    created_at: datetime
    withdrawn_at: datetime | None
    left_off_at: datetime | None
    """Since when the grant goes on without it, because somebody took it off the lock."""
    capabilities: Capabilities
    actual_starts_at: datetime | None
    actual_ends_at: datetime | None
    domain_failure: dict[str, Any] | None
    domain_due_at: datetime | None
    last_intent_at: datetime | None
    last_intent_outcome: str | None
    used_at: datetime | None
    """When it last opened this door, as far as the vendor's log tells."""
    lock_read_at: datetime | None
    """When the newest reading of its lock began."""
    is_backup: bool
    """It was pulled from its lock's pool of backup codes."""
    pulled_backup_id: UUID | None
    """The code that was pulled in its place."""
    pulled_backup_public_id: str | None
    is_put_away: bool
    """It was replaced, and its caller wants to see it no more."""
    has_pool: bool
    """Its lock has a pool of backup codes."""
    entry: EntryRow
    carried: Spec | None
    """What the lock carries, or may still carry, of another revision than the declared one."""


@dataclass(frozen=True, slots=True)
class CodeFilter:
    """None: all."""

    device_id: UUID | None = None
    grant_id: UUID | None = None
    method_public_id: str | None = None
    grant_key: str | None = None
    customer_key: str | None = None
    """Of the customer's grants, bookings or accounts."""
    guest_key: str | None = field(default=None, repr=False)
    public_ids: list[str] | None = None
    common_code_key: str | None = None
    name_contains: str | None = field(default=None, repr=False)
    property_ids: list[UUID] | None = None
    """Only of grants that reach nothing outside of these properties, and of what is given besides."""
    forgotten: bool = True
    """Those too that were cancelled and are proven gone."""
    is_left: bool = True
    """Those too of accounts that were disconnected."""
    fingerprint: UUID | None = None
    besides: Given = NOTHING


async def insert(
    db: Connection,
    workspace_id: UUID,
    access_code_id: UUID,
    public_id: str,
    device_id: UUID,
    entry_id: UUID,
    grant_id: UUID,
    at: datetime,
) -> None:
    await db.execute(
        """insert into access_codes (workspace_id, id, public_id, device_id, entry_id, grant_id, created_at)
           values ($1, $2, $3, $4, $5, $6, $7)""",
        workspace_id,
        access_code_id,
        public_id,
        device_id,
        entry_id,
        grant_id,
        at,
    )


async def withdraw(db: Connection, workspace_id: UUID, access_code_ids: list[UUID], at: datetime) -> None:
    await db.execute(
        """update access_codes set withdrawn_at = coalesce(withdrawn_at, $3)
           where workspace_id = $1 and id = any($2)""",
        workspace_id,
        access_code_ids,
        at,
    )


async def drop(db: Connection, workspace_id: UUID, access_code_ids: list[UUID]) -> None:
    """These are no access codes any more."""
    await db.execute(
        "delete from access_codes where workspace_id = $1 and id = any($2)", workspace_id, access_code_ids
    )


async def leave_off(db: Connection, workspace_id: UUID, access_code_ids: list[UUID], at: datetime) -> None:
    """Withdrawn, since somebody took them off their locks: the grant goes on without these."""
    await db.execute(
        """update access_codes set withdrawn_at = coalesce(withdrawn_at, $3), left_off_at = $3
           where workspace_id = $1 and id = any($2)""",
        workspace_id,
        access_code_ids,
        at,
    )


async def want_again(db: Connection, workspace_id: UUID, grant_id: UUID) -> None:
    """Codes of a grant that were left off: a declaration may bring them back."""
    await db.execute(
        "update access_codes set left_off_at = null where workspace_id = $1 and grant_id = $2",
        workspace_id,
        grant_id,
    )


async def revive(db: Connection, workspace_id: UUID, access_code_ids: list[UUID]) -> None:
    """A code that was withdrawn is wanted again."""
    await db.execute(
        "update access_codes set withdrawn_at = null where workspace_id = $1 and id = any($2)",
        workspace_id,
        access_code_ids,
    )


_JOINED = f"""
  select a.id as code_id, a.public_id as code_public_id, a.device_id, d.public_id as device_public_id,
    d.name as device_name, d.state as device_state, d.is_online as device_is_online, d.capabilities,
    d.missed_since as unlisted_since,
    ac.public_id as account_public_id, ac.state as account_state, ac.failure as account_failure,
    ac.label as account_label, ac.disconnected_at, a.grant_id,
    g.public_id as grant_public_id,
    g.name as grant_name, g.form as grant_form, g.common_code_key,
    a.created_at as code_created_at, a.withdrawn_at as code_withdrawn_at, a.left_off_at,
    dom.failure as domain_failure, dom.due_at as domain_due_at, i.begun_at as last_intent_at,
    i.outcome as last_intent_outcome, {last_use("e", "a")} as used_at,
    {newest_reading("d")} as lock_read_at, a.is_backup, a.pulled_backup_id,
    case when a.pulled_backup_id is not null then (select b.public_id from access_codes b
      where b.workspace_id = $1 and b.id = a.pulled_backup_id) end as pulled_backup_public_id,
    a.is_put_away, g.cancelled_at, d.backup_pool_size is not null as has_pool, {entry_columns()}, {spec_columns("p")}
  from access_codes a
    join entries e on e.workspace_id = a.workspace_id and e.id = a.entry_id
    join devices d on d.workspace_id = a.workspace_id and d.id = a.device_id
    join accounts ac on ac.workspace_id = d.workspace_id and ac.id = d.account_id
    join grants g on g.workspace_id = a.workspace_id and g.id = a.grant_id
    join domains dom on dom.workspace_id = a.workspace_id and dom.id = e.domain_id
    left join lateral (
      select begun_at, outcome from intents where workspace_id = a.workspace_id and entry_id = e.id
      order by begun_at desc, id desc limit 1) i on true
    left join lateral (
      select * from entry_revisions r where r.workspace_id = $1 and r.entry_id = e.id and r.revision <> e.revision
        and array[r.revision::text, r.revision || '-'] && e.possible
      order by r.revision desc limit 1) p on true
  where a.workspace_id = $1"""  # noqa: S608


def _row(r: Any) -> AccessCodeRow:
    return AccessCodeRow(
        id=r["code_id"],
        public_id=r["code_public_id"],
        device_id=r["device_id"],
        device_public_id=r["device_public_id"],
        device_name=r["device_name"],
        device_state=r["device_state"],
        device_is_online=r["device_is_online"],
        unlisted_since=r["unlisted_since"],
        account_public_id=r["account_public_id"],
        account_label=r["account_label"],
        account_state=r["account_state"],
        account_failure=r["account_failure"],
        disconnected_at=r["disconnected_at"],
        grant_id=r["grant_id"],
        grant_public_id=r["grant_public_id"],
        grant_name=r["grant_name"],
        grant_form=r["grant_form"],
        common_code_key=r["common_code_key"],
        cancelled_at=r["cancelled_at"],
        created_at=r["code_created_at"],
        withdrawn_at=r["code_withdrawn_at"],
        left_off_at=r["left_off_at"],
        capabilities=from_document(r["capabilities"], Capabilities),
        actual_starts_at=r["actual_starts_at"],
        actual_ends_at=r["actual_ends_at"],
        domain_failure=r["domain_failure"],
        domain_due_at=r["domain_due_at"],
        last_intent_at=r["last_intent_at"],
        last_intent_outcome=r["last_intent_outcome"],
        used_at=r["used_at"],
        lock_read_at=r["lock_read_at"],
        is_backup=r["is_backup"],
        pulled_backup_id=r["pulled_backup_id"],
        pulled_backup_public_id=r["pulled_backup_public_id"],
        is_put_away=r["is_put_away"],
        has_pool=r["has_pool"],
        entry=entry_row(r),
        carried=spec_of(r)[1] if r["of_revision"] is not None else None,
    )


async def of_grants(db: Connection, workspace_id: UUID, grant_ids: list[UUID]) -> list[AccessCodeRow]:
    rows = await db.fetch(_JOINED + " and a.grant_id = any($2) order by a.id", workspace_id, grant_ids)
    return [_row(r) for r in rows]


async def by_public_id(db: Connection, workspace_id: UUID, public_id: str) -> AccessCodeRow | None:
    row = await db.fetchrow(_JOINED + " and a.public_id = $2", workspace_id, public_id)
    return _row(row) if row else None


async def of_entries(db: Connection, workspace_id: UUID, entry_ids: list[UUID]) -> list[AccessCodeRow]:
    rows = await db.fetch(_JOINED + " and a.entry_id = any($2) order by a.id", workspace_id, entry_ids)
    return [_row(r) for r in rows]


@dataclass(frozen=True, slots=True)
class ShownCode:
    """What an event says of a code."""

    entry_id: UUID
    public_id: str
    device_public_id: str
    grant_public_id: str
    is_replaced: bool
    """By a backup code."""
    is_at_door: bool
    """Granted, and its lock is a door of an access system."""


async def shown_of_entries(db: Connection, workspace_id: UUID, entry_ids: list[UUID]) -> list[ShownCode]:
    rows = await db.fetch(
        """select a.entry_id, a.public_id, d.public_id as device_public_id, g.public_id as grant_public_id,
             a.pulled_backup_id is not null as is_replaced,
             d.kind = 'door' and g.form = 'grant' as is_at_door
           from access_codes a
             join devices d on d.workspace_id = a.workspace_id and d.id = a.device_id
             join grants g on g.workspace_id = a.workspace_id and g.id = a.grant_id
           where a.workspace_id = $1 and a.entry_id = any($2) order by a.id""",
        workspace_id,
        entry_ids,
    )
    return [ShownCode(**dict(r)) for r in rows]


async def guests_of_grants(db: Connection, workspace_id: UUID, grant_ids: list[UUID]) -> dict[UUID, str]:
    """Grant -> its guest's public id, where it has one."""
    rows = await db.fetch(
        """select r.id, g.public_id from grants r
             join guests g on g.workspace_id = r.workspace_id and g.id = r.guest_id
           where r.workspace_id = $1 and r.id = any($2)""",
        workspace_id,
        grant_ids,
    )
    return {r["id"]: r["public_id"] for r in rows}


async def follow_key_alone(db: Connection, workspace_id: UUID, common_code_key: str) -> None:
    """Let nobody else look at codes of this key for a new one until this transaction ends."""
    await db.execute(
        "select pg_advisory_xact_lock($1, hashtext($2::text || ' ' || $3))",
        _ALONE,
        str(workspace_id),
        common_code_key,
    )


async def listed(
    db: Connection, workspace_id: UUID, wanted: CodeFilter, after: UUID | None, most: int
) -> list[AccessCodeRow]:
    """In the order of ids, behind the id `after`."""
    values: list[object] = []
    conditions = ""
    # Only what is asked for stands in the statement: a plan made for all filters at once serves none of them.
    for condition, value in (
        ("a.id > {}", after),
        ("a.device_id = {}", wanted.device_id),
        ("a.grant_id = {}", wanted.grant_id),
        ("a.public_id = any({}::text[])", wanted.public_ids),
        (_OF_METHOD, wanted.method_public_id),
        ("g.grant_key = {}", wanted.grant_key),
        (_OF_CUSTOMER, wanted.customer_key),
        (_OF_GUEST, wanted.guest_key),
        ("g.common_code_key = {}", wanted.common_code_key),
        ("strpos(lower(g.name), lower({})) > 0", wanted.name_contains),
        (_OF_DIGITS, wanted.fingerprint),
    ):
        if value is not None:
            values.append(value)
            conditions += " and " + condition.format(f"${len(values) + 1}")
    if wanted.property_ids is not None:
        conditions += " and " + reaches_only(*numbered(len(values) + 2))
        values += [wanted.property_ids, *wanted.besides]
    if not wanted.forgotten:
        conditions += f" and not {_IS_FORGOTTEN}"
    if not wanted.is_left:
        conditions += " and ac.state <> 'disconnected'"
    rows = await db.fetch(f"{_JOINED}{conditions} order by a.id limit {most:d}", workspace_id, *values)
    return [_row(r) for r in rows]


# Of all that a lock has had only these few are read.
_OF_DIGITS = """e.id in (select r.entry_id from entry_revisions r where r.workspace_id = $1 and r.fingerprint = {0})
  and e.fingerprint = {0}"""
_OF_METHOD = "e.method_id = (select id from access_methods where workspace_id = $1 and public_id = {})"
_OF_GUEST = "g.guest_id = (select id from guests where workspace_id = $1 and guest_key = {})"
_OF_CUSTOMER = """{0} in (g.customer_key, ac.customer_key,
  (select b.customer_key from bookings b where b.workspace_id = $1 and b.id = g.booking_id))"""
# Cancelled, and proven gone: nothing of it can appear any more. One that a backup code replaces is not cancelled.
_IS_FORGOTTEN = """(a.withdrawn_at is not null
  and (a.pulled_backup_id is null or a.is_put_away or g.cancelled_at is not null)
  and (e.settled_at is not null or (e.possible = '{absent}' and e.late_until is null)))"""
