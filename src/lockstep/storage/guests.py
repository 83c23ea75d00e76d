"""Guests: who is let in. All that is personal about them stands here or can be found from here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class GuestRow:
    id: UUID
    public_id: str
    guest_key: str | None = field(repr=False)
    name: str | None = field(repr=False)
    email: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    language: str | None
    created_at: datetime
    erased_at: datetime | None = None
    is_managed: bool = True
    merged_into: UUID | None = None
    seen_account_id: UUID | None = None
    seen_reference: str | None = None
    """Who the account's access system knows them as."""


@dataclass(frozen=True, slots=True)
class GuestFilter:
    """None: all."""

    public_ids: list[str] | None = None
    contains: str | None = field(default=None, repr=False)
    """In name, email, phone or key."""
    created_before: datetime | None = None
    is_managed: bool | None = None
    only_present: bool = False
    """Neither erased nor merged into others."""


@dataclass(frozen=True, slots=True)
class MergedRow:
    """A guest who turned out to be another one."""

    survivor_id: UUID
    public_id: str
    guest_key: str | None = field(repr=False)


_COLUMNS = (
    "id, public_id, guest_key, name, email, phone, language, created_at, erased_at, is_managed, merged_into, "
    "seen_account_id, seen_reference"
)
_ALONE = 281733612


async def insert(db: Connection, workspace_id: UUID, row: GuestRow) -> bool:
    """False where this guest key is in use, or the access system's person is known."""
    result = await db.execute(
        """insert into guests (workspace_id, id, public_id, guest_key, name, email, phone, language, created_at,
             is_managed, seen_account_id, seen_reference)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing""",
        workspace_id,
        row.id,
        row.public_id,
        row.guest_key,
        row.name,
        row.email,
        row.phone,
        row.language,
        row.created_at,
        row.is_managed,
        row.seen_account_id,
        row.seen_reference,
    )
    return result == "INSERT 0 1"


async def change(db: Connection, workspace_id: UUID, row: GuestRow) -> bool:
    """False where this guest key is in use; then the transaction can only be given up."""
    try:
        await db.execute(
            """update guests set name = $3, email = $4, phone = $5, language = $6, guest_key = $7, is_managed = $8
               where workspace_id = $1 and id = $2""",
            workspace_id,
            row.id,
            row.name,
            row.email,
            row.phone,
            row.language,
            row.guest_key,
            row.is_managed,
        )
    except asyncpg.UniqueViolationError:
        return False
    return True


async def get(db: Connection, workspace_id: UUID, guest_id: UUID) -> GuestRow | None:
    return _row(
        await db.fetchrow(
            f"select {_COLUMNS} from guests where workspace_id = $1 and id = $2",  # noqa: S608
            workspace_id,
            guest_id,
        )
    )


async def get_many(db: Connection, workspace_id: UUID, guest_ids: list[UUID]) -> list[GuestRow]:
    rows = await db.fetch(
        f"select {_COLUMNS} from guests where workspace_id = $1 and id = any($2) order by id",  # noqa: S608
        workspace_id,
        guest_ids,
    )
    return [GuestRow(**dict(r)) for r in rows]


async def by_public_id(
    db: Connection, workspace_id: UUID, public_id: str, *, locked: bool = False
) -> GuestRow | None:
    """`locked`: nobody else changes it before this transaction ends."""
    ending = " for no key update" if locked else ""
    return _row(
        await db.fetchrow(
            f"select {_COLUMNS} from guests where workspace_id = $1 and public_id = $2{ending}",  # noqa: S608
            workspace_id,
            public_id,
        )
    )


async def by_key(db: Connection, workspace_id: UUID, guest_key: str) -> GuestRow | None:
    return _row(
        await db.fetchrow(
            f"select {_COLUMNS} from guests where workspace_id = $1 and guest_key = $2",  # noqa: S608
            workspace_id,
            guest_key,
        )
    )


async def seen_in(db: Connection, workspace_id: UUID, account_id: UUID) -> list[GuestRow]:
    """Whom this account's access system has told of, managed, merged and erased ones too."""
    rows = await db.fetch(
        f"select {_COLUMNS} from guests where workspace_id = $1 and seen_account_id = $2 order by id",  # noqa: S608
        workspace_id,
        account_id,
    )
    return [GuestRow(**dict(r)) for r in rows]


async def lose_sight(db: Connection, workspace_id: UUID, guest_id: UUID) -> None:
    """The access system tells of them no more: whoever it calls so from now on is somebody else."""
    await db.execute(
        "update guests set seen_account_id = null, seen_reference = null where workspace_id = $1 and id = $2",
        workspace_id,
        guest_id,
    )


async def at_addresses(
    db: Connection, workspace_id: UUID, email: str | None, phone: str | None
) -> list[GuestRow]:
    """Whoever has this email address or this number now."""
    rows = await db.fetch(
        f"""select {_COLUMNS} from guests where workspace_id = $1 and is_managed
              and (lower(email) = lower($2) or phone = $3) order by id""",  # noqa: S608
        workspace_id,
        email,
        phone,
    )
    return [GuestRow(**dict(r)) for r in rows]


async def look_alone(db: Connection, workspace_id: UUID) -> None:
    """Let nobody else look at addresses for a new guest of this workspace until this transaction ends."""
    await db.execute("select pg_advisory_xact_lock($1, hashtext($2::text))", _ALONE, str(workspace_id))


async def merged_into(db: Connection, workspace_id: UUID, survivor_ids: list[UUID]) -> list[MergedRow]:
    """Whoever turned out to be one of these."""
    rows = await db.fetch(
        """select merged_into as survivor_id, public_id, guest_key from guests
           where workspace_id = $1 and merged_into = any($2) order by id""",
        workspace_id,
        survivor_ids,
    )
    return [MergedRow(**dict(r)) for r in rows]


async def merge(db: Connection, workspace_id: UUID, survivor_id: UUID, merged_ids: list[UUID]) -> None:
    """All that the merged had is the survivor's; they keep their keys, by which the survivor is found."""
    for table in ("bookings", "grants", "client_sessions", "instant_keys"):
        await db.execute(
            f"update {table} set guest_id = $2 where workspace_id = $1 and guest_id = any($3)",  # noqa: S608
            workspace_id,
            survivor_id,
            merged_ids,
        )
    await db.execute(
        """insert into guest_devices (workspace_id, guest_id, device_id, created_at)
           select workspace_id, $2, device_id, min(created_at) from guest_devices
           where workspace_id = $1 and guest_id = any($3) group by workspace_id, device_id
           on conflict do nothing""",
        workspace_id,
        survivor_id,
        merged_ids,
    )
    await db.execute(
        "delete from guest_devices where workspace_id = $1 and guest_id = any($2)", workspace_id, merged_ids
    )
    await db.execute(
        """update guests set merged_into = $2, name = null, email = null, phone = null, language = null
           where workspace_id = $1 and (id = any($3) or merged_into = any($3))""",
        workspace_id,
        survivor_id,
        merged_ids,
    )


async def listed(
    db: Connection, workspace_id: UUID, after: str | None, most: int, wanted: GuestFilter | None = None
) -> list[GuestRow]:
    """In the order of creation, behind the one with the public id `after`."""
    wanted = wanted or GuestFilter()
    values: list[object] = []
    conditions = ""
    for condition, value in (
        ("id > (select id from guests where workspace_id = $1 and public_id = {})", after),
        ("public_id = any({}::text[])", wanted.public_ids),
        ("strpos(lower(concat_ws(' ', name, email, phone, guest_key)), lower({})) > 0", wanted.contains),
        ("created_at < {}", wanted.created_before),
        ("is_managed = {}", wanted.is_managed),
    ):
        if value is not None:
            values.append(value)
            conditions += " and " + condition.format(f"${len(values) + 1}")
    if wanted.only_present:
        conditions += " and erased_at is null and merged_into is null"
    rows = await db.fetch(
        f"select {_COLUMNS} from guests where workspace_id = $1{conditions} order by id limit {most:d}",  # noqa: S608
        workspace_id,
        *values,
    )
    return [GuestRow(**dict(r)) for r in rows]


async def properties_of(db: Connection, workspace_id: UUID, guest_id: UUID) -> set[UUID]:
    """The properties that the guest has, or had, bookings of."""
    rows = await db.fetch(
        """select distinct s.property_id from bookings b
             join spaces s on s.workspace_id = b.workspace_id and s.id = b.space_id
           where b.workspace_id = $1 and b.guest_id = $2""",
        workspace_id,
        guest_id,
    )
    return {r["property_id"] for r in rows}


async def erase(db: Connection, workspace_id: UUID, guest_id: UUID, at: datetime) -> None:
    """Forget the person: here, in the bookings, in the names of grants and of what is settled on locks.

    Names of entries that still are or may be on a lock stay with the entry until it is redeclared or settled,
    since it is recognised by them.
    """
    await db.execute(
        """update guests set guest_key = null, name = null, email = null, phone = null, language = null,
             erased_at = coalesce(erased_at, $3) where workspace_id = $1 and (id = $2 or merged_into = $2)""",
        workspace_id,
        guest_id,
        at,
    )
    await db.execute(
        """update bookings set reservation_code = null, phone_last4 = null,
             said = said - array['guest_name', 'phone_last4', 'reservation_code']
           where workspace_id = $1 and guest_id = $2""",
        workspace_id,
        guest_id,
    )
    await _forget_names(db, workspace_id, guest_id)
    # What an app of theirs showed: its token is refused from now on, and so are links to it.
    await db.execute(
        "delete from client_sessions where workspace_id = $1 and guest_id = $2", workspace_id, guest_id
    )
    await db.execute(
        "delete from guest_devices where workspace_id = $1 and guest_id = $2", workspace_id, guest_id
    )


async def _forget_names(db: Connection, workspace_id: UUID, guest_id: UUID) -> None:
    await db.execute(
        "update grants set name = 'Guest' where workspace_id = $1 and guest_id = $2",
        workspace_id,
        guest_id,
    )
    settled = """select e.id from entries e
        join access_methods m on m.workspace_id = e.workspace_id and m.id = e.method_id
        join grants g on g.workspace_id = m.workspace_id and g.id = m.grant_id
      where e.workspace_id = $1 and g.guest_id = $2 and e.settled_at is not null"""
    await db.execute(
        f"update entries set name = tag, edit = null where workspace_id = $1 and id in ({settled})",  # noqa: S608
        workspace_id,
        guest_id,
    )
    await db.execute(
        f"""update entry_revisions r set name = e.tag from entries e
            where r.workspace_id = $1 and r.entry_id in ({settled})
              and e.workspace_id = r.workspace_id and e.id = r.entry_id""",  # noqa: S608
        workspace_id,
        guest_id,
    )


def _row(record: Any) -> GuestRow | None:
    return GuestRow(**dict(record)) if record else None
