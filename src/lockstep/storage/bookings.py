"""Bookings: stays, entered by hand or read from a feed, each with its window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from lockstep.model.feed import FeedStay, StayKind
from lockstep.storage.database import Connection
from lockstep.storage.encoding import from_document, to_document

BookingState = Literal["confirmed", "awaiting", "cancelled"]
"""`awaiting`: an entry of a feed that an operator has to confirm as a stay; it opens nothing before."""


@dataclass(frozen=True, slots=True)
class BookingRow:
    id: UUID
    public_id: str
    booking_key: str | None
    space_id: UUID
    guest_id: UUID | None
    calendar_id: UUID | None
    uid: str | None
    instance: str | None
    kind: StayKind
    state: BookingState
    arrives: date | None
    departs: date | None
    starts_at: datetime
    ends_at: datetime
    reservation_code: str | None = field(repr=False)
    phone_last4: str | None = field(repr=False)
    said: FeedStay | None
    created_at: datetime
    changed_at: datetime
    missed_readings: int = 0
    missed_since: datetime | None = None
    cancelled_at: datetime | None = None
    cancelled_by: Literal["feed", "hand"] | None = None
    held: dict[str, Any] | None = None
    """Why it could not be declared. Not written by `insert` and `change`, as are those below."""
    declare_at: datetime | None = None
    """When that is tried again."""
    space_public_id: str | None = None
    """Read alone, as are those below."""
    guest_public_id: str | None = None
    calendar_public_id: str | None = None
    property_id: UUID | None = None
    property_public_id: str | None = None
    time_zone: str | None = None
    guest_name: str | None = field(default=None, repr=False)
    is_guest_erased: bool = False


@dataclass(frozen=True, slots=True)
class BookingFilter:
    """Which bookings to list; None: all. `until` and `since` bound the instants at which a window is open."""

    space_ids: tuple[UUID, ...] | None = None
    property_ids: tuple[UUID, ...] | None = None
    guest_id: UUID | None = None
    calendar_id: UUID | None = None
    state: BookingState | None = None
    since: datetime | None = None
    until: datetime | None = None
    is_held: bool = False
    """True: only those that could not be declared."""


_SELECT = """select b.id, b.public_id, b.booking_key, b.space_id, b.guest_id, b.calendar_id, b.uid, b.instance,
    b.kind, b.state, b.arrives, b.departs, b.starts_at, b.ends_at, b.reservation_code, b.phone_last4, b.said,
    b.missed_readings, b.missed_since, b.created_at, b.changed_at, b.cancelled_at, b.cancelled_by,
    b.held, b.declare_at, s.public_id as space_public_id, g.public_id as guest_public_id,
    c.public_id as calendar_public_id, g.erased_at is not null as is_guest_erased, g.name as guest_name, s.property_id,
    p.public_id as property_public_id, p.time_zone
  from bookings b
    join spaces s on s.workspace_id = b.workspace_id and s.id = b.space_id
    join spaces p on p.workspace_id = s.workspace_id and p.id = s.property_id
    left join guests g on g.workspace_id = b.workspace_id and g.id = b.guest_id
    left join calendars c on c.workspace_id = b.workspace_id and c.id = b.calendar_id
  where b.workspace_id = $1"""


async def insert(db: Connection, workspace_id: UUID, row: BookingRow) -> bool:
    """False where this booking key is in use."""
    result = await db.execute(
        """insert into bookings (workspace_id, id, public_id, booking_key, created_at, space_id, guest_id,
             calendar_id, uid, instance, kind, state, arrives, departs, starts_at, ends_at, reservation_code,
             phone_last4, said, missed_readings, missed_since, changed_at, cancelled_at, cancelled_by)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
             $21, $22, $23, $24)
           on conflict (workspace_id, booking_key) do nothing""",
        workspace_id,
        row.id,
        row.public_id,
        row.booking_key,
        row.created_at,
        *_mutable(row),
    )
    return result == "INSERT 0 1"


async def change(db: Connection, workspace_id: UUID, row: BookingRow) -> None:
    await db.execute(
        """update bookings set space_id = $3, guest_id = $4, calendar_id = $5, uid = $6, instance = $7,
             kind = $8, state = $9, arrives = $10, departs = $11, starts_at = $12, ends_at = $13,
             reservation_code = $14, phone_last4 = $15, said = $16, missed_readings = $17, missed_since = $18,
             changed_at = $19, cancelled_at = $20, cancelled_by = $21
           where workspace_id = $1 and id = $2""",
        workspace_id,
        row.id,
        *_mutable(row),
    )


async def get(db: Connection, workspace_id: UUID, booking_id: UUID) -> BookingRow | None:
    return _row(await db.fetchrow(f"{_SELECT} and b.id = $2", workspace_id, booking_id))


async def get_many(
    db: Connection, workspace_id: UUID, booking_ids: list[UUID], *, locked: bool = False
) -> list[BookingRow]:
    """`locked`: nobody else changes them before this transaction ends."""
    ending = " for no key update of b" if locked else ""
    rows = await db.fetch(f"{_SELECT} and b.id = any($2) order by b.id{ending}", workspace_id, booking_ids)
    return [_filled(r) for r in rows]


async def by_public_id(
    db: Connection, workspace_id: UUID, public_id: str, *, locked: bool = False
) -> BookingRow | None:
    """`locked`: nobody else changes it before this transaction ends."""
    ending = " for no key update of b" if locked else ""
    return _row(await db.fetchrow(f"{_SELECT} and b.public_id = $2{ending}", workspace_id, public_id))


async def by_key(db: Connection, workspace_id: UUID, booking_key: str) -> BookingRow | None:
    return _row(await db.fetchrow(f"{_SELECT} and b.booking_key = $2", workspace_id, booking_key))


async def listed(
    db: Connection,
    workspace_id: UUID,
    wanted: BookingFilter,
    after: tuple[datetime, str] | None,
    most: int,
) -> list[BookingRow]:
    """In the order of their starts, behind the start and public id `after`."""
    after_at, after_id = after or (None, None)
    rows = await db.fetch(
        f"""{_SELECT}
              and ($2::timestamptz is null or (b.starts_at, b.public_id) > ($2, $3::text))
              and ($5::uuid[] is null or b.space_id = any($5))
              and ($6::uuid is null or b.guest_id = $6)
              and ($7::uuid is null or b.calendar_id = $7)
              and ($8::text is null or b.state = $8)
              and ($9::timestamptz is null or b.ends_at > $9)
              and ($10::timestamptz is null or b.starts_at < $10)
              and ($11::uuid[] is null or s.property_id = any($11))
              and (not $12 or b.held is not null)
            order by b.starts_at, b.public_id limit $4""",
        workspace_id,
        after_at,
        after_id,
        most,
        None if wanted.space_ids is None else list(wanted.space_ids),
        wanted.guest_id,
        wanted.calendar_id,
        wanted.state,
        wanted.since,
        wanted.until,
        None if wanted.property_ids is None else list(wanted.property_ids),
        wanted.is_held,
    )
    return [_filled(r) for r in rows]


async def of_calendar(
    db: Connection, workspace_id: UUID, calendar_id: UUID, since: datetime
) -> list[BookingRow]:
    """All from this feed, cancelled ones too, but those that were over by `since`, and by the feed's own dates."""
    rows = await db.fetch(
        f"{_SELECT} and b.calendar_id = $2 and (b.ends_at > $3 or b.departs >= $4) order by b.id",
        workspace_id,
        calendar_id,
        since,
        since.date(),
    )
    return [_filled(r) for r in rows]


async def living(
    db: Connection, workspace_id: UUID, space_ids: list[UUID], now: datetime
) -> list[BookingRow]:
    """Confirmed bookings of these spaces that are not over."""
    rows = await db.fetch(
        f"""{_SELECT} and b.space_id = any($2) and b.state = 'confirmed' and b.ends_at > $3 order by b.id""",
        workspace_id,
        space_ids,
        now,
    )
    return [_filled(r) for r in rows]


async def open_of_property(
    db: Connection, workspace_id: UUID, property_id: UUID, now: datetime
) -> list[BookingRow]:
    """Bookings anywhere in a property that are neither cancelled nor over; nobody else changes them before this
    transaction ends."""
    rows = await db.fetch(
        f"""{_SELECT} and s.property_id = $2 and b.state <> 'cancelled' and b.ends_at > $3 order by b.id
            for no key update of b""",
        workspace_id,
        property_id,
        now,
    )
    return [_filled(r) for r in rows]


async def open_of_guest(
    db: Connection, workspace_id: UUID, guest_id: UUID, now: datetime
) -> list[BookingRow]:
    """A guest's bookings that are neither cancelled nor over."""
    rows = await db.fetch(
        f"""{_SELECT} and b.guest_id = $2 and b.state <> 'cancelled' and b.ends_at > $3 order by b.id""",
        workspace_id,
        guest_id,
        now,
    )
    return [_filled(r) for r in rows]


async def set_misses(
    db: Connection, workspace_id: UUID, missed: Sequence[tuple[UUID, int, datetime | None]]
) -> None:
    """Per booking: good readings in a row without it, and since when; 0 and None for one that is back."""
    await db.execute(
        """update bookings b set missed_readings = m.misses, missed_since = m.since
           from unnest($2::uuid[], $3::integer[], $4::timestamptz[]) m (id, misses, since)
           where b.workspace_id = $1 and b.id = m.id""",
        workspace_id,
        [id for id, _, _ in missed],
        [misses for _, misses, _ in missed],
        [since for _, _, since in missed],
    )


async def hold(
    db: Connection,
    workspace_id: UUID,
    booking_id: UUID,
    held: dict[str, Any] | None,
    declare_at: datetime | None,
) -> None:
    """It could not be declared, and when to try again; None: it is declared as it is."""
    await db.execute(
        "update bookings set held = $3, declare_at = $4 where workspace_id = $1 and id = $2",
        workspace_id,
        booking_id,
        held,
        declare_at,
    )


async def put_off(db: Connection, workspace_id: UUID, booking_id: UUID, until: datetime) -> None:
    """Try it again then, where it is still held."""
    await db.execute(
        """update bookings set declare_at = $3 where workspace_id = $1 and id = $2 and declare_at is not null""",
        workspace_id,
        booking_id,
        until,
    )


async def every_to_declare(db: Connection, now: datetime, most: int) -> list[tuple[UUID, UUID]]:
    """Workspace and id of bookings that are due to be tried again, the longest due first."""
    rows = await db.fetch(
        "select workspace_id, id from bookings where declare_at <= $1 order by declare_at, id limit $2",
        now,
        most,
    )
    return [(r["workspace_id"], r["id"]) for r in rows]


async def next_to_declare(db: Connection) -> datetime | None:
    """When the first booking of any workspace is due to be tried again."""
    at: datetime | None = await db.fetchval("select min(declare_at) from bookings")
    return at


def _mutable(row: BookingRow) -> tuple[Any, ...]:
    return (
        row.space_id,
        row.guest_id,
        row.calendar_id,
        row.uid,
        row.instance,
        row.kind,
        row.state,
        row.arrives,
        row.departs,
        row.starts_at,
        row.ends_at,
        row.reservation_code,
        row.phone_last4,
        None if row.said is None else to_document(row.said),
        row.missed_readings,
        row.missed_since,
        row.changed_at,
        row.cancelled_at,
        row.cancelled_by,
    )


def _row(record: Any) -> BookingRow | None:
    return _filled(record) if record else None


def _filled(record: Any) -> BookingRow:
    values = dict(record)
    values["said"] = None if values["said"] is None else from_document(values["said"], FeedStay)
    return BookingRow(**values)
