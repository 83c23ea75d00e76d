"""What is forgotten after its time, and the months that the tables of events and tries are split into."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class DepartedRow:
    id: UUID
    public_id: str


async def departed_guests(
    db: Connection, workspace_id: UUID, before: datetime, most: int
) -> list[DepartedRow]:
    """Guests whose every stay and grant was over before `before`, and of whom something personal is known."""
    rows = await db.fetch(
        """select g.id, g.public_id from guests g
           where g.workspace_id = $1 and g.erased_at is null and g.merged_into is null and g.created_at < $2
             and not exists (select from guest_devices d where d.workspace_id = $1 and d.guest_id = g.id)
             and not exists (select from client_sessions s where s.workspace_id = $1 and s.guest_id = g.id
                             and s.revoked_at is null and s.expires_at >= $2)
             and not exists (select from bookings b where b.workspace_id = $1 and b.guest_id = g.id
                             and b.ends_at >= $2)
             and not exists (select from grants a where a.workspace_id = $1 and a.guest_id = g.id
                             and coalesce(a.cancelled_at, a.ends_at, 'infinity') >= $2)
           order by g.id limit $3""",
        workspace_id,
        before,
        most,
    )
    return [DepartedRow(**dict(row)) for row in rows]


async def forget_bookings(db: Connection, workspace_id: UUID, before: datetime, most: int) -> int:
    """Reservation codes and telephone digits of stays that ended before `before`; how many stays."""
    result = await db.execute(
        """update bookings set reservation_code = null, phone_last4 = null,
             said = said - array['guest_name', 'phone_last4', 'reservation_code']
           where workspace_id = $1 and id in (
             select id from bookings where workspace_id = $1 and ends_at < $2
               and (reservation_code is not null or phone_last4 is not null)
             order by id limit $3 for no key update skip locked)""",
        workspace_id,
        before,
        most,
    )
    return int(result.split()[-1])


async def forget_entries(db: Connection, workspace_id: UUID, before: datetime, most: int) -> int:
    """Digits and names of entries that were settled before `before`; how many entries."""
    result = await db.execute(
        """with old as (
             select id from entries where workspace_id = $1 and settled_at < $2
               and (digits is not null or former_digits is not null or name <> tag)
             order by id limit $3 for no key update skip locked
           ), renamed as (
             update entry_revisions r set name = e.tag, fingerprint = null from entries e join old on old.id = e.id
             where r.workspace_id = $1 and e.workspace_id = $1 and r.entry_id = e.id
           )
           update entries set digits = null, fingerprint = null, former_digits = null, former_fingerprint = null,
             name = tag, edit = null
           where workspace_id = $1 and id in (select id from old)""",
        workspace_id,
        before,
        most,
    )
    return int(result.split()[-1])


async def forget_grants(db: Connection, workspace_id: UUID, before: datetime, most: int) -> int:
    """Digits and names of grants that were over before `before`, once nothing of them is on any lock."""
    result = await db.execute(
        """with old as (
             select a.id from grants a where a.workspace_id = $1
               and coalesce(a.cancelled_at, a.ends_at, 'infinity') < $2
               and (a.name <> 'Guest' or exists (
                 select from access_methods m where m.workspace_id = $1 and m.grant_id = a.id
                   and m.digits is not null))
               and not exists (
                 select from access_methods m
                   join entries e on e.workspace_id = m.workspace_id and e.method_id = m.id
                 where m.workspace_id = $1 and m.grant_id = a.id and e.settled_at is null)
             order by a.id limit $3 for no key update of a skip locked
           ), emptied as (
             update access_methods set digits = null, fingerprint = null, wanted = null
             where workspace_id = $1 and grant_id in (select id from old)
           )
           update grants set name = 'Guest' where workspace_id = $1 and id in (select id from old)""",
        workspace_id,
        before,
        most,
    )
    return int(result.split()[-1])


async def make_partitions(db: Connection, month: date) -> None:
    """The month that `month` lies in, for events and tries; one that is there stays."""
    await db.execute("select lockstep_make_partitions($1)", month)
