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
from lockstep.storage.devices import is_door, is_kept
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
    account_failure: dict[str, Any] | None
    account_label: str
    disconnected_at: datetime | None
    """Of its account: then it is no lock of this page, but doors of stays may be missing because of it."""
    domain_failure: dict[str, Any] | None
    due_at: datetime | None
    unlisted_since: datetime | None


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
class ComingRow:
    """Somebody who is inside or arrives: a grant, or a booking that has none. `spaces` and `devices` are those that it
    names."""

    grant_id: UUID | None
    grant_public_id: str | None
    booking_id: UUID | None
    starts_at: datetime
    ends_at: datetime | None
    space_ids: tuple[UUID, ...]
    device_ids: tuple[UUID, ...]
    is_awaiting: bool
    held: dict[str, Any] | None

    @property
    def id(self) -> UUID:
        """Of the grant, where there is one."""
        id = self.grant_id or self.booking_id
        assert id is not None
        return id


@dataclass(frozen=True, slots=True)
class AheadRow:
    """A space with stays ahead: how many, and when the first begins."""

    space_id: UUID
    space_name: str
    property_name: str
    time_zone: str | None
    first_at: datetime
    stays: int


@dataclass(frozen=True, slots=True)
class StayRow:
    """Who is let in and where: the first space that the grant names. `id` is the grant's, or else the booking's."""

    id: UUID
    grant_public_id: str | None
    booking_public_id: str | None
    name: str = field(repr=False)
    starts_at: datetime
    ends_at: datetime | None
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
    """All that people are shown, and those of disconnected accounts, by property and name; only those that stand in one
    of these properties."""
    rows = await db.fetch(
        f"""select d.id, d.public_id, d.name, d.model, d.capabilities::text as capabilities, d.state, d.is_online,
             coalesce(place.time_zone, d.time_zone) as time_zone, place.name as property_name,
             ac.state as account_state, ac.failure as account_failure,
             ac.label as account_label, ac.disconnected_at, dom.failure as domain_failure, dom.due_at,
             d.missed_since as unlisted_since
           from devices d
             join accounts ac on ac.workspace_id = d.workspace_id and ac.id = d.account_id
             join domains dom on dom.workspace_id = d.workspace_id and dom.id = d.domain_id
             left join lateral (select p.name, p.time_zone from space_devices sd
                 join spaces s on s.workspace_id = sd.workspace_id and s.id = sd.space_id
                 join spaces p on p.workspace_id = s.workspace_id and p.id = s.property_id
               where sd.workspace_id = d.workspace_id and sd.device_id = d.id
                 and ($2::uuid[] is null or p.id = any($2)) order by p.id limit 1) place on true
           where d.workspace_id = $1 and d.is_managed and {is_kept("d")} and {is_door("d")}
             and ($2::uuid[] is null or place.name is not null)
           order by place.name nulls last, d.name, d.id""",  # noqa: S608
        workspace_id,
        property_ids,
    )
    # Locks of one kind can all do the same: each distinct document is read once.
    known = {
        text: from_document(json.loads(text), Capabilities) for text in {r["capabilities"] for r in rows}
    }
    return [LockRow(**{**dict(r), "capabilities": known[r["capabilities"]]}) for r in rows]


async def coming(
    db: Connection,
    workspace_id: UUID,
    now: datetime,
    until: datetime,
    awaiting_until: datetime,
    property_ids: list[UUID] | None,
) -> list[ComingRow]:
    """Who is inside or arrives before `until`, soonest first. Entries that wait for an operator: before
    `awaiting_until`."""
    of_grants = f" and {reaches_only('$5::uuid[]')}" if property_ids is not None else ""
    of_bookings = (
        " and b.space_id in (select id from spaces where workspace_id = $1 and property_id = any($5))"
        if property_ids is not None
        else ""
    )
    # Not `not exists`: a set that is made once is right with statistics and, in the minute after many rows came,
    # without them.
    rows = await db.fetch(
        f"""select g.id as grant_id, g.public_id as grant_public_id, g.booking_id, g.starts_at, g.ends_at,
              array(select t.space_id from grant_targets t
                where t.workspace_id = $1 and t.grant_id = g.id and t.space_id is not null) as space_ids,
              array(select t.device_id from grant_targets t
                where t.workspace_id = $1 and t.grant_id = g.id and t.device_id is not null) as device_ids,
              false as is_awaiting, null::jsonb as held
            from grants g
            where g.workspace_id = $1 and g.cancelled_at is null and g.starts_at < $3
              and (g.ends_at is null or g.ends_at > $2){of_grants}
            union all
            select null, null, b.id, b.starts_at, b.ends_at, array[b.space_id], '{{}}', b.state = 'awaiting', b.held
            from bookings b
            where b.workspace_id = $1 and b.state <> 'cancelled' and b.ends_at > $2
              and b.starts_at < case when b.state = 'awaiting' then $4::timestamptz else $3 end
              and (b.state = 'awaiting' or b.kind = 'stay') and b.id not in (select g.booking_id from grants g
                where g.workspace_id = $1 and g.cancelled_at is null and g.booking_id is not null
                  and (g.ends_at is null or g.ends_at > $2)){of_bookings}
            order by starts_at, grant_id, booking_id""",  # noqa: S608
        workspace_id,
        now,
        until,
        awaiting_until,
        *([property_ids] if property_ids is not None else []),
    )
    return [
        ComingRow(**{**dict(r), "space_ids": tuple(r["space_ids"]), "device_ids": tuple(r["device_ids"])})
        for r in rows
    ]


async def ahead(
    db: Connection, workspace_id: UUID, since: datetime, until: datetime, property_ids: list[UUID] | None
) -> list[AheadRow]:
    """Spaces that grants which begin in this span name, the soonest first."""
    rows = await db.fetch(
        """select s.id as space_id, s.name as space_name, p.name as property_name, p.time_zone, of_space.first_at,
             of_space.stays
           from (select t.space_id, min(g.starts_at) as first_at, count(*)::int as stays
               from grants g join grant_targets t on t.workspace_id = $1 and t.grant_id = g.id
               where g.workspace_id = $1 and g.cancelled_at is null and g.starts_at >= $2 and g.starts_at < $3
                 and (g.ends_at is null or g.ends_at > $2) and t.space_id is not null
               group by t.space_id) of_space
             join spaces s on s.workspace_id = $1 and s.id = of_space.space_id
             join spaces p on p.workspace_id = $1 and p.id = s.property_id
           where $4::uuid[] is null or p.id = any($4)
           order by of_space.first_at, s.id""",
        workspace_id,
        since,
        until,
        property_ids,
    )
    return [AheadRow(**dict(r)) for r in rows]


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
        """select g.id, g.public_id as grant_public_id, g.name, g.starts_at, g.ends_at,
             (select b.public_id from bookings b
               where b.workspace_id = $1 and b.id = g.booking_id) as booking_public_id,
             exists (select from access_methods m where m.workspace_id = g.workspace_id and m.grant_id = g.id
               and m.kind = 'code' and m.withdrawn_at is null and m.digits is not null) as has_digits,
             place.space_name, place.property_name, place.time_zone
           from grants g left join lateral (
             select case when s.parent_id is not null and t.device_id is null then s.name end as space_name,
               p.name as property_name, p.time_zone
             from (select n.device_id, coalesce(n.space_id, (select sd.space_id from space_devices sd
                   where sd.workspace_id = $1 and sd.device_id = n.device_id order by sd.space_id limit 1)) as space_id
                 from grant_targets n where n.workspace_id = $1 and n.grant_id = g.id) t
               join spaces s on s.workspace_id = $1 and s.id = t.space_id
               join spaces p on p.workspace_id = $1 and p.id = s.property_id
             order by t.device_id is not null, s.id limit 1) place on true
           where g.workspace_id = $1 and g.id = any($2)""",
        workspace_id,
        grant_ids,
    )
    return {r["id"]: StayRow(**dict(r)) for r in rows}


async def stays_without_grant(
    db: Connection, workspace_id: UUID, booking_ids: list[UUID]
) -> dict[UUID, StayRow]:
    """These bookings, by id."""
    rows = await db.fetch(
        """select b.id, null as grant_public_id, b.public_id as booking_public_id,
             coalesce(g.name, b.reservation_code, '') as name, b.starts_at, b.ends_at, false as has_digits,
             case when s.parent_id is not null then s.name end as space_name, p.name as property_name, p.time_zone
           from bookings b
             join spaces s on s.workspace_id = b.workspace_id and s.id = b.space_id
             join spaces p on p.workspace_id = b.workspace_id and p.id = s.property_id
             left join guests g on g.workspace_id = b.workspace_id and g.id = b.guest_id
           where b.workspace_id = $1 and b.id = any($2)""",
        workspace_id,
        booking_ids,
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
