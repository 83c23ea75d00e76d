"""What the first page is made of, each part for the whole workspace in one statement. Knows no rule."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.model.capabilities import Capabilities
from lockstep.storage.access_events import last_use
from lockstep.storage.database import Connection
from lockstep.storage.encoding import from_document
from lockstep.storage.entries import EntryRow, entry_columns, entry_row
from lockstep.storage.grants import reaches_only


@dataclass(frozen=True, slots=True)
class LockRow:
    """A device with its account, its write domain and the first property in which it stands."""

    id: UUID
    public_id: str
    name: str
    model: str
    capabilities: Capabilities
    state: dict[str, Any]
    is_online: bool | None
    time_zone: str | None
    """The property's, else the lock's own."""
    property_name: str | None
    account_state: str
    domain_failure: dict[str, Any] | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A code on one lock, with the entry that its standing is derived from."""

    public_id: str
    device_id: UUID
    grant_id: UUID
    actual_starts_at: datetime | None
    actual_ends_at: datetime | None
    used_at: datetime | None
    """When it last opened this door, as far as the vendor's log tells."""
    entry: EntryRow


@dataclass(frozen=True, slots=True)
class StayRow:
    """A grant, who it lets in and where: the first space that it names."""

    id: UUID
    public_id: str
    name: str = field(repr=False)
    starts_at: datetime
    ends_at: datetime | None
    has_booking: bool
    has_digits: bool
    space_name: str | None
    property_name: str | None
    time_zone: str | None


@dataclass(frozen=True, slots=True)
class Furnishing:
    """What a workspace has at all: so that a new host can be told what comes next."""

    accounts: int
    devices: int
    spaces_with_devices: int
    calendars: int


async def locks(db: Connection, workspace_id: UUID, property_ids: list[UUID] | None) -> list[LockRow]:
    """All that the vendors list, by property and name; only those that stand in one of these properties."""
    rows = await db.fetch(
        """select d.id, d.public_id, d.name, d.model, d.capabilities::text as capabilities, d.state, d.is_online,
             coalesce(place.time_zone, d.time_zone) as time_zone, place.name as property_name,
             ac.state as account_state, dom.failure as domain_failure, dom.due_at
           from devices d
             join accounts ac on ac.workspace_id = d.workspace_id and ac.id = d.account_id
             join domains dom on dom.workspace_id = d.workspace_id and dom.id = d.domain_id
             left join lateral (select p.name, p.time_zone from space_devices sd
                 join spaces s on s.workspace_id = sd.workspace_id and s.id = sd.space_id
                 join spaces p on p.workspace_id = s.workspace_id and p.id = s.property_id
               where sd.workspace_id = d.workspace_id and sd.device_id = d.id
                 and ($2::uuid[] is null or p.id = any($2)) order by p.id limit 1) place on true
           where d.workspace_id = $1 and d.removed_at is null and ac.state <> 'disconnected'
             and ($2::uuid[] is null or place.name is not null)
           order by place.name nulls last, d.name, d.id""",
        workspace_id,
        property_ids,
    )
    # Locks of one kind can all do the same: each distinct document is read once.
    known = {
        text: from_document(json.loads(text), Capabilities) for text in {r["capabilities"] for r in rows}
    }
    return [LockRow(**{**dict(r), "capabilities": known[r["capabilities"]]}) for r in rows]


async def codes(
    db: Connection, workspace_id: UUID, now: datetime, until: datetime, property_ids: list[UUID] | None
) -> list[CodeRow]:
    """Codes of those who are inside or arrive before `until`, soonest first; and those that should be gone and are
    not proven gone."""
    confined = f" and {reaches_only('$4::uuid[]')}" if property_ids is not None else ""
    rows = await db.fetch(
        f"""select a.public_id as code_public_id, a.device_id, a.grant_id, e.actual_starts_at, e.actual_ends_at,
              {last_use("e", "a")} as used_at, {entry_columns()}
            from entries e
              join access_codes a on a.workspace_id = e.workspace_id and a.entry_id = e.id
              join grants g on g.workspace_id = a.workspace_id and g.id = a.grant_id
            where e.workspace_id = $1 and e.settled_at is null
              and (e.starts_at < $3 or e.withdrawn_at is not null or e.ends_at <= $2){confined}
            order by e.starts_at, a.grant_id, a.id""",  # noqa: S608
        workspace_id,
        now,
        until,
        *([property_ids] if property_ids is not None else []),
    )
    return [
        CodeRow(
            r["code_public_id"],
            r["device_id"],
            r["grant_id"],
            r["actual_starts_at"],
            r["actual_ends_at"],
            r["used_at"],
            entry_row(r),
        )
        for r in rows
    ]


async def stays(db: Connection, workspace_id: UUID, grant_ids: list[UUID]) -> dict[UUID, StayRow]:
    """These grants, by id. The zone is that of the property, or of one in which a lock of the grant stands."""
    rows = await db.fetch(
        """select g.id, g.public_id, g.name, g.starts_at, g.ends_at, g.booking_id is not null as has_booking,
             exists (select from access_methods m where m.workspace_id = g.workspace_id and m.grant_id = g.id
               and m.kind = 'code' and m.withdrawn_at is null and m.digits is not null) as has_digits,
             place.space_name, place.property_name, place.time_zone
           from grants g left join lateral (
             select case when s.parent_id is not null and t.device_id is null then s.name end as space_name,
               p.name as property_name, p.time_zone
             from grant_targets t
               join spaces s on s.workspace_id = t.workspace_id and (s.id = t.space_id or s.id in (
                 select sd.space_id from space_devices sd
                 where sd.workspace_id = t.workspace_id and sd.device_id = t.device_id))
               join spaces p on p.workspace_id = s.workspace_id and p.id = s.property_id
             where t.workspace_id = g.workspace_id and t.grant_id = g.id
             order by t.device_id is not null, s.id limit 1) place on true
           where g.workspace_id = $1 and g.id = any($2)""",
        workspace_id,
        grant_ids,
    )
    return {r["id"]: StayRow(**dict(r)) for r in rows}


async def next_stay(
    db: Connection, workspace_id: UUID, since: datetime, property_ids: list[UUID] | None
) -> UUID | None:
    """The grant that starts first from `since` on."""
    confined = f" and {reaches_only('$3::uuid[]')}" if property_ids is not None else ""
    id: UUID | None = await db.fetchval(
        f"""select g.id from grants g where g.workspace_id = $1 and g.cancelled_at is null
              and g.starts_at >= $2{confined} order by g.starts_at, g.id limit 1""",  # noqa: S608
        workspace_id,
        since,
        *([property_ids] if property_ids is not None else []),
    )
    return id


async def last_readings(db: Connection, workspace_id: UUID, device_ids: list[UUID]) -> dict[UUID, datetime]:
    """When the newest reading that covers each of these devices began; one that was never read is missing."""
    rows = await db.fetch(
        """select d.id, max(r.begun_at) as begun_at from devices d
             join readings r on r.workspace_id = d.workspace_id and r.account_id = d.account_id
               and d.reference = any(r.covers)
           where d.workspace_id = $1 and d.id = any($2) group by d.id""",
        workspace_id,
        device_ids,
    )
    return {r["id"]: r["begun_at"] for r in rows}


async def furnishing(db: Connection, workspace_id: UUID) -> Furnishing:
    row = await db.fetchrow(
        """select
             (select count(*) from accounts where workspace_id = $1 and state <> 'disconnected') as accounts,
             (select count(*) from devices where workspace_id = $1 and removed_at is null) as devices,
             (select count(distinct sd.space_id) from space_devices sd where sd.workspace_id = $1)
               as spaces_with_devices,
             (select count(*) from calendars where workspace_id = $1 and removed_at is null) as calendars""",
        workspace_id,
    )
    assert row is not None  # counts are always told
    return Furnishing(**dict(row))
