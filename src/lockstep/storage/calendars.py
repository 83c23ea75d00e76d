"""Calendars: booking feeds of a space, how far each is believed, and what decides about its next reading."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.model.feed import Echo, FeedPolicy, FeedWarning, Hold
from lockstep.storage.database import Connection
from lockstep.storage.encoding import from_document, to_document


@dataclass(frozen=True, slots=True)
class FeedMemory:
    """What is remembered of a feed besides its bookings and its hold."""

    confirmed_losses: frozenset[str] = frozenset()
    """Ids of bookings that an operator agreed to lose."""
    echoes: tuple[Echo, ...] = ()
    """In the order of their UIDs."""
    warnings: tuple[FeedWarning, ...] = ()
    """Those of the last reading, so that each is told once."""


@dataclass(frozen=True, slots=True)
class FeedFailure:
    """Why the feed could not be read; shown to the host."""

    code: str
    cause: str
    next_step: str
    since: datetime


@dataclass(frozen=True, slots=True)
class CalendarRow:
    id: UUID
    public_id: str
    space_id: UUID
    name: str
    url: bytes | None = field(repr=False)
    """Sealed; None once it is removed."""
    url_host: str
    url_fingerprint: UUID
    platform: str | None
    policy: FeedPolicy
    state: str
    failure: FeedFailure | None
    failures: int
    held: Hold | None
    memory: FeedMemory
    etag: str | None
    last_modified: str | None
    good_at: datetime | None
    whole_at: datetime | None
    """When it was last read whole, known to the hour; never later than it was."""
    created_at: datetime
    removed_at: datetime | None = None
    due_at: datetime | None = None
    space_public_id: str | None = None
    """Read, not written, as is the next one."""
    property_id: UUID | None = None


_SELECT = """select c.id, c.public_id, c.space_id, c.name, c.url, c.url_host, c.url_fingerprint, c.platform,
    c.policy, c.state, c.failure, c.failures, c.held, c.memory, c.etag, c.last_modified, c.good_at,
    c.whole_at, c.created_at, c.removed_at, c.due_at, s.public_id as space_public_id, s.property_id
  from calendars c join spaces s on s.workspace_id = c.workspace_id and s.id = c.space_id
  where c.workspace_id = $1"""


async def put(db: Connection, workspace_id: UUID, row: CalendarRow) -> bool:
    """A new calendar, or one that was removed and is added again. False where the space has this address now."""
    result = await db.execute(
        """insert into calendars (workspace_id, id, public_id, space_id, name, url, url_host, url_fingerprint,
             policy, created_at, due_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
           on conflict (workspace_id, space_id, url_fingerprint) do update set
             name = excluded.name, url = excluded.url, policy = excluded.policy, state = 'new', failures = 0,
             due_at = excluded.due_at, removed_at = null
           where calendars.removed_at is not null""",
        workspace_id,
        row.id,
        row.public_id,
        row.space_id,
        row.name,
        row.url,
        row.url_host,
        row.url_fingerprint,
        to_document(row.policy),
        row.created_at,
    )
    return result == "INSERT 0 1"


async def change(db: Connection, workspace_id: UUID, row: CalendarRow) -> None:
    """All but the space and the claim."""
    await db.execute(
        """update calendars set name = $3, policy = $4, platform = $5, state = $6, failure = $7, failures = $8,
             held = $9, memory = $10, etag = $11, last_modified = $12, good_at = $13, whole_at = $14,
             url = $15, url_host = $16, url_fingerprint = $17
           where workspace_id = $1 and id = $2""",
        workspace_id,
        row.id,
        row.name,
        to_document(row.policy),
        row.platform,
        row.state,
        None if row.failure is None else to_document(row.failure),
        row.failures,
        None if row.held is None else to_document(row.held),
        to_document(row.memory),
        row.etag,
        row.last_modified,
        row.good_at,
        row.whole_at,
        row.url,
        row.url_host,
        row.url_fingerprint,
    )


async def remove(db: Connection, workspace_id: UUID, calendar_id: UUID, at: datetime) -> None:
    """It is not read again, and its address is forgotten."""
    await db.execute(
        """update calendars set removed_at = $3, state = 'removed', url = null, due_at = null, failure = null,
             held = null, memory = '{}', etag = null, last_modified = null, whole_at = null
           where workspace_id = $1 and id = $2""",
        workspace_id,
        calendar_id,
        at,
    )


async def get(
    db: Connection, workspace_id: UUID, calendar_id: UUID, *, locked: bool = False
) -> CalendarRow | None:
    """Removed ones too. `locked`: nobody else changes it before this transaction ends."""
    ending = " for no key update of c" if locked else ""
    return _row(await db.fetchrow(f"{_SELECT} and c.id = $2{ending}", workspace_id, calendar_id))


async def by_url(
    db: Connection, workspace_id: UUID, space_id: UUID, url_fingerprint: UUID
) -> CalendarRow | None:
    """Removed ones too."""
    return _row(
        await db.fetchrow(
            f"{_SELECT} and c.space_id = $2 and c.url_fingerprint = $3",
            workspace_id,
            space_id,
            url_fingerprint,
        )
    )


async def by_public_id(
    db: Connection, workspace_id: UUID, public_id: str, *, locked: bool = False
) -> CalendarRow | None:
    """`locked`: nobody else changes it before this transaction ends."""
    ending = " for no key update of c" if locked else ""
    return _row(
        await db.fetchrow(
            f"{_SELECT} and c.public_id = $2 and c.removed_at is null{ending}", workspace_id, public_id
        )
    )


async def listed(
    db: Connection,
    workspace_id: UUID,
    after: str | None,
    most: int,
    *,
    space_ids: list[UUID] | None = None,
    property_ids: list[UUID] | None = None,
) -> list[CalendarRow]:
    """In the order of creation, behind the one with the public id `after`; `space_ids` None: of all spaces."""
    rows = await db.fetch(
        f"""{_SELECT} and c.removed_at is null and ($2::text is null
              or c.id > (select id from calendars where workspace_id = $1 and public_id = $2))
              and ($4::uuid[] is null or c.space_id = any($4))
              and ($5::uuid[] is null or s.property_id = any($5)) order by c.id limit $3""",  # noqa: S608
        workspace_id,
        after,
        most,
        space_ids,
        property_ids,
    )
    return [_filled(r) for r in rows]


async def of_property(db: Connection, workspace_id: UUID, property_id: UUID) -> list[UUID]:
    """The calendars of a property and of what lies in it."""
    rows = await db.fetch(
        """select c.id from calendars c join spaces s on s.workspace_id = c.workspace_id and s.id = c.space_id
           where c.workspace_id = $1 and s.property_id = $2 and c.removed_at is null order by c.id""",
        workspace_id,
        property_id,
    )
    return [r["id"] for r in rows]


async def lock_of_property(db: Connection, workspace_id: UUID, property_id: UUID) -> None:
    """Nobody else changes or reads them before this transaction ends."""
    await db.execute(
        """select 1 from calendars where workspace_id = $1 and space_id in (
             select id from spaces where workspace_id = $1 and property_id = $2) order by id for no key update""",
        workspace_id,
        property_id,
    )


async def forget_versions(db: Connection, workspace_id: UUID, calendar_ids: list[UUID]) -> None:
    """The next pull of each gets the whole feed, never "not modified"."""
    await db.execute(
        """update calendars set etag = null, last_modified = null
           where workspace_id = $1 and id in (
             select id from calendars where workspace_id = $1 and id = any($2) order by id for no key update)""",
        workspace_id,
        calendar_ids,
    )


def _row(record: Any) -> CalendarRow | None:
    return _filled(record) if record else None


def _filled(record: Any) -> CalendarRow:
    values = dict(record)
    values["policy"] = from_document(values["policy"], FeedPolicy)
    values["memory"] = from_document(values["memory"], FeedMemory)
    values["held"] = None if values["held"] is None else from_document(values["held"], Hold)
    values["failure"] = None if values["failure"] is None else from_document(values["failure"], FeedFailure)
    return CalendarRow(**values)
