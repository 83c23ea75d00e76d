"""Spaces: places that hold devices and nest; a property is one at the top."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

import asyncpg

from lockstep.model.capabilities import CredentialKind
from lockstep.storage.database import Connection
from lockstep.storage.devices import is_door


@dataclass(frozen=True, slots=True)
class SpaceRow:
    """`time_zone`, `check_in` and `check_out` are set on properties alone."""

    id: UUID
    public_id: str
    space_key: str | None
    parent_id: UUID | None
    property_id: UUID
    name: str
    address: str | None
    time_zone: str | None
    check_in: time | None
    check_out: time | None
    created_at: datetime
    removed_at: datetime | None = None
    customer_key: str | None = None
    """Whose it is, by the caller's own key."""
    parent_public_id: str | None = None
    """Read, not written, as is the next one."""
    property_public_id: str | None = None


_SELECT = """select s.id, s.public_id, s.space_key, s.parent_id, s.property_id, s.name, s.address,
    s.time_zone, s.check_in, s.check_out, s.created_at, s.removed_at, s.customer_key,
    parent.public_id as parent_public_id, property.public_id as property_public_id
  from spaces s
    join spaces property on property.workspace_id = s.workspace_id and property.id = s.property_id
    left join spaces parent on parent.workspace_id = s.workspace_id and parent.id = s.parent_id
  where s.workspace_id = $1 and s.removed_at is null"""

# The space, what it lies in and what lies in it; the siblings of neither.
FAMILY = """with recursive upward (id, parent_id) as (
    select id, parent_id from spaces where workspace_id = $1 and id = $2
    union all
    select s.id, s.parent_id from spaces s join upward on s.id = upward.parent_id where s.workspace_id = $1
  ), downward (id) as (
    select id from spaces where workspace_id = $1 and id = $2
    union all
    select s.id from spaces s join downward on s.parent_id = downward.id
      where s.workspace_id = $1 and s.removed_at is null
  ), family (id) as (select id from upward union select id from downward)"""
# Behind FAMILY: the locks that a booking of the space opens.
OPENED = """select distinct d.device_id from space_devices d
      join family on family.id = d.space_id
      join devices on devices.workspace_id = $1 and devices.id = d.device_id
    where d.workspace_id = $1 and devices.given_up_at is null order by d.device_id"""


async def insert(db: Connection, workspace_id: UUID, row: SpaceRow) -> bool:
    """False where this space key is in use."""
    result = await db.execute(
        """with made as (
             insert into spaces (workspace_id, id, public_id, space_key, parent_id, property_id, name, address,
               time_zone, check_in, check_out, created_at, customer_key)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
             on conflict (workspace_id, space_key) do nothing returning id, parent_id
           ), furnished as (
             insert into furnishings (workspace_id, property_id) select $1, id from made where parent_id is null
           )
           select from made""",
        workspace_id,
        row.id,
        row.public_id,
        row.space_key,
        row.parent_id,
        row.property_id,
        row.name,
        row.address,
        row.time_zone,
        row.check_in,
        row.check_out,
        row.created_at,
        row.customer_key,
    )
    return bool(result == "SELECT 1")


async def change(db: Connection, workspace_id: UUID, row: SpaceRow) -> bool:
    """Its place in the tree stays. False where this space key is in use; then the transaction can only be given up."""
    try:
        await db.execute(
            """update spaces set name = $3, address = $4, time_zone = $5, check_in = $6, check_out = $7,
                 space_key = $8, customer_key = $9
               where workspace_id = $1 and id = $2""",
            workspace_id,
            row.id,
            row.name,
            row.address,
            row.time_zone,
            row.check_in,
            row.check_out,
            row.space_key,
            row.customer_key,
        )
    except asyncpg.UniqueViolationError:
        return False
    return True


async def remove(db: Connection, workspace_id: UUID, space_id: UUID, at: datetime) -> None:
    """Its key may be used again, its devices stand in no space of this name any more."""
    await db.execute(
        "update spaces set removed_at = $3, space_key = null where workspace_id = $1 and id = $2",
        workspace_id,
        space_id,
        at,
    )
    await db.execute(
        "delete from space_devices where workspace_id = $1 and space_id = $2", workspace_id, space_id
    )


async def get(db: Connection, workspace_id: UUID, space_id: UUID) -> SpaceRow | None:
    return _row(await db.fetchrow(f"{_SELECT} and s.id = $2", workspace_id, space_id))


async def by_public_id(
    db: Connection, workspace_id: UUID, public_id: str, *, locked: bool = False
) -> SpaceRow | None:
    """`locked`: nobody else changes it before this transaction ends."""
    ending = " for no key update of s" if locked else ""
    return _row(await db.fetchrow(f"{_SELECT} and s.public_id = $2{ending}", workspace_id, public_id))


async def by_key(db: Connection, workspace_id: UUID, space_key: str) -> SpaceRow | None:
    return _row(await db.fetchrow(f"{_SELECT} and s.space_key = $2", workspace_id, space_key))


async def property_of(db: Connection, workspace_id: UUID, space_id: UUID) -> SpaceRow:
    """The property that a space lies in, or is. Raises LookupError."""
    row = _row(
        await db.fetchrow(
            f"""{_SELECT} and s.id = (select property_id from spaces where workspace_id = $1 and id = $2)""",  # noqa: S608
            workspace_id,
            space_id,
        )
    )
    if row is None:
        raise LookupError(f"no space {space_id}")
    return row


async def lock(db: Connection, workspace_id: UUID, space_id: UUID) -> None:
    """Nobody else changes it before this transaction ends."""
    await db.execute(
        "select 1 from spaces where workspace_id = $1 and id = $2 for no key update", workspace_id, space_id
    )


@dataclass(frozen=True, slots=True)
class SpaceFilter:
    """None: all."""

    parent_id: UUID | None = None
    property_ids: list[UUID] | None = None
    only_properties: bool = False
    public_ids: list[str] | None = None
    space_keys: list[str] | None = None
    customer_key: str | None = None
    name_contains: str | None = None
    account_id: UUID | None = None
    """Only those with which this account is kept."""


async def listed(
    db: Connection, workspace_id: UUID, wanted: SpaceFilter, after: str | None, most: int
) -> list[SpaceRow]:
    """In the order of creation, behind the one with the public id `after`."""
    values: list[object] = []
    conditions = " and s.parent_id is null" if wanted.only_properties else ""
    for condition, value in (
        ("s.id > (select id from spaces where workspace_id = $1 and public_id = {})", after),
        ("s.parent_id = {}", wanted.parent_id),
        ("s.property_id = any({}::uuid[])", wanted.property_ids),
        ("s.public_id = any({}::text[])", wanted.public_ids),
        ("s.space_key = any({}::text[])", wanted.space_keys),
        ("s.customer_key = {}", wanted.customer_key),
        ("strpos(lower(s.name), lower({})) > 0", wanted.name_contains),
        (_KEPT_WITH, wanted.account_id),
    ):
        if value is not None:
            values.append(value)
            conditions += " and " + condition.format(f"${len(values) + 1}")
    rows = await db.fetch(f"{_SELECT}{conditions} order by s.id limit {most:d}", workspace_id, *values)
    return [SpaceRow(**dict(r)) for r in rows]


_KEPT_WITH = """exists (select from space_accounts k
  where k.workspace_id = $1 and k.space_id = s.id and k.account_id = {})"""


async def keep_account(db: Connection, workspace_id: UUID, space_id: UUID, account_id: UUID) -> bool:
    """False where it is kept with it already."""
    result = await db.execute(
        "insert into space_accounts (workspace_id, space_id, account_id) values ($1, $2, $3) on conflict do nothing",
        workspace_id,
        space_id,
        account_id,
    )
    return bool(result == "INSERT 0 1")


async def leave_account(db: Connection, workspace_id: UUID, space_id: UUID, account_id: UUID) -> None:
    """It is kept with this space no more."""
    await db.execute(
        "delete from space_accounts where workspace_id = $1 and space_id = $2 and account_id = $3",
        workspace_id,
        space_id,
        account_id,
    )


async def family_of(db: Connection, workspace_id: UUID, space_id: UUID) -> list[UUID]:
    """The space itself, all that it lies in and all that lies in it: whose bookings open its devices."""
    rows = await db.fetch(f"{FAMILY} select id from family order by id", workspace_id, space_id)  # noqa: S608
    return [r["id"] for r in rows]


async def within(db: Connection, workspace_id: UUID, space_id: UUID) -> list[UUID]:
    """The space itself and all that lies in it."""
    rows = await db.fetch(f"{FAMILY} select id from downward order by id", workspace_id, space_id)  # noqa: S608
    return [r["id"] for r in rows]


async def of_account(db: Connection, workspace_id: UUID, account_id: UUID) -> list[UUID]:
    """The spaces in which devices of this account stand."""
    rows = await db.fetch(
        """select distinct sd.space_id from space_devices sd
             join devices d on d.workspace_id = sd.workspace_id and d.id = sd.device_id
           where sd.workspace_id = $1 and d.account_id = $2 order by sd.space_id""",
        workspace_id,
        account_id,
    )
    return [r["space_id"] for r in rows]


async def domains_of_property(db: Connection, workspace_id: UUID, property_id: UUID) -> list[UUID]:
    """The write domains of all devices that stand in a property."""
    rows = await db.fetch(
        """select distinct d.domain_id from devices d
             join space_devices sd on sd.workspace_id = d.workspace_id and sd.device_id = d.id
             join spaces s on s.workspace_id = d.workspace_id and s.id = sd.space_id
           where d.workspace_id = $1 and s.property_id = $2 order by d.domain_id""",
        workspace_id,
        property_id,
    )
    return [r["domain_id"] for r in rows]


async def devices_of(db: Connection, workspace_id: UUID, space_id: UUID) -> list[UUID]:
    """What a booking of the space opens: its devices, those of every space around it (the front door that all
    share) and those of every space within it."""
    rows = await db.fetch(
        f"{FAMILY} {OPENED}",
        workspace_id,
        space_id,
    )
    return [r["device_id"] for r in rows]


# As `FAMILY`, for many spaces at once: whose family each of them is of.
_FAMILIES = """with recursive upward (start_id, id, parent_id) as (
             select id, id, parent_id from spaces where workspace_id = $1 and id = any($2)
             union all
             select u.start_id, s.id, s.parent_id from upward u
               join spaces s on s.workspace_id = $1 and s.id = u.parent_id
           ), downward (start_id, id) as (
             select id, id from spaces where workspace_id = $1 and id = any($2)
             union all
             select d.start_id, s.id from downward d
               join spaces s on s.workspace_id = $1 and s.parent_id = d.id and s.removed_at is null
           ), family (start_id, id) as (select start_id, id from upward union select start_id, id from downward)"""


async def doors_of(db: Connection, workspace_id: UUID, space_ids: list[UUID]) -> dict[UUID, list[UUID]]:
    """What a booking of each of these spaces should open: as `devices_of`, for many at once, and whether the vendor
    still lists the device or not."""
    rows = await db.fetch(
        f"""{_FAMILIES} select f.start_id, array_agg(distinct sd.device_id) as device_ids
            from family f join space_devices sd on sd.workspace_id = $1 and sd.space_id = f.id
            group by f.start_id""",  # noqa: S608
        workspace_id,
        space_ids,
    )
    return {id: [] for id in space_ids} | {r["start_id"]: r["device_ids"] for r in rows}


@dataclass(frozen=True, slots=True)
class DoorInBrief:
    """A device behind a space: its name, its account, and whether it holds codes at all."""

    name: str
    account: str
    account_state: str
    takes_codes: bool


async def doors_in_brief(
    db: Connection, workspace_id: UUID, space_ids: list[UUID]
) -> dict[UUID, list[DoorInBrief]]:
    """The same devices, with what decides whether a stay gets a code there."""
    rows = await db.fetch(
        f"""{_FAMILIES} select distinct f.start_id, d.id, d.name, a.label as account, a.state as account_state,
              d.capabilities -> 'credential_kinds' ? $3 as takes_codes
            from family f join space_devices sd on sd.workspace_id = $1 and sd.space_id = f.id
              join devices d on d.workspace_id = $1 and d.id = sd.device_id and d.given_up_at is null
                and d.is_managed
                and {is_door("d")}
              join accounts a on a.workspace_id = $1 and a.id = d.account_id
            order by f.start_id, d.name, d.id""",  # noqa: S608
        workspace_id,
        space_ids,
        CredentialKind.CODE.value,
    )
    found: dict[UUID, list[DoorInBrief]] = {id: [] for id in space_ids}
    for r in rows:
        door = DoorInBrief(r["name"], r["account"], r["account_state"], r["takes_codes"])
        found[r["start_id"]].append(door)
    return found


async def spaces_of_device(db: Connection, workspace_id: UUID, device_id: UUID) -> list[UUID]:
    """The spaces in which a device stands itself."""
    rows = await db.fetch(
        "select space_id from space_devices where workspace_id = $1 and device_id = $2 order by space_id",
        workspace_id,
        device_id,
    )
    return [r["space_id"] for r in rows]


async def properties_of_devices(
    db: Connection, workspace_id: UUID, device_ids: list[UUID]
) -> dict[UUID, frozenset[UUID]]:
    """Device -> the properties in which it stands; one that stands nowhere is missing."""
    rows = await db.fetch(
        """select sd.device_id, array_agg(distinct s.property_id) as property_ids from space_devices sd
             join spaces s on s.workspace_id = sd.workspace_id and s.id = sd.space_id
           where sd.workspace_id = $1 and sd.device_id = any($2) group by sd.device_id""",
        workspace_id,
        device_ids,
    )
    return {r["device_id"]: frozenset(r["property_ids"]) for r in rows}


async def zones_of_devices(db: Connection, workspace_id: UUID, device_ids: list[UUID]) -> dict[UUID, str]:
    """Device -> the time zone of its property; one that stands nowhere is missing."""
    rows = await db.fetch(
        """select sd.device_id, min(p.time_zone) as time_zone from space_devices sd
             join spaces s on s.workspace_id = sd.workspace_id and s.id = sd.space_id
             join spaces p on p.workspace_id = s.workspace_id and p.id = s.property_id
           where sd.workspace_id = $1 and sd.device_id = any($2) and p.time_zone is not null group by sd.device_id""",
        workspace_id,
        device_ids,
    )
    return {r["device_id"]: r["time_zone"] for r in rows}


async def own_devices(db: Connection, workspace_id: UUID, space_ids: list[UUID]) -> dict[UUID, list[str]]:
    """The public ids of the devices that stand in each of these spaces themselves."""
    rows = await db.fetch(
        """select s.space_id, d.public_id from space_devices s
             join devices d on d.workspace_id = s.workspace_id and d.id = s.device_id
           where s.workspace_id = $1 and s.space_id = any($2) and d.given_up_at is null order by d.id""",
        workspace_id,
        space_ids,
    )
    found: dict[UUID, list[str]] = {id: [] for id in space_ids}
    for row in rows:
        found[row["space_id"]].append(row["public_id"])
    return found


async def add_devices(db: Connection, workspace_id: UUID, space_id: UUID, device_ids: list[UUID]) -> bool:
    """False where all of them stood there already."""
    result = await db.execute(
        """insert into space_devices (workspace_id, space_id, device_id)
           select $1, $2, id from unnest($3::uuid[]) id on conflict do nothing""",
        workspace_id,
        space_id,
        device_ids,
    )
    return result != "INSERT 0 0"


async def remove_devices(db: Connection, workspace_id: UUID, space_id: UUID, device_ids: list[UUID]) -> bool:
    """False where none of them stood there."""
    result = await db.execute(
        "delete from space_devices where workspace_id = $1 and space_id = $2 and device_id = any($3)",
        workspace_id,
        space_id,
        device_ids,
    )
    return result != "DELETE 0"


async def what_stands_in_the_way(
    db: Connection, workspace_id: UUID, space_id: UUID, now: datetime
) -> dict[str, int]:
    """What has to go before the space can: counts of nested spaces, calendars, and bookings
    and grants that are not over."""
    row = await db.fetchrow(
        """select
             (select count(*) from spaces where workspace_id = $1 and parent_id = $2 and removed_at is null)
               as spaces,
             (select count(*) from calendars where workspace_id = $1 and space_id = $2 and removed_at is null)
               as calendars,
             (select count(*) from bookings where workspace_id = $1 and space_id = $2
                and state <> 'cancelled' and ends_at > $3) as bookings,
             (select count(*) from grant_targets t join grants g
                on g.workspace_id = t.workspace_id and g.id = t.grant_id
              where t.workspace_id = $1 and t.space_id = $2 and g.booking_id is null and g.cancelled_at is null
                and (g.ends_at is null or g.ends_at > $3)) as grants""",
        workspace_id,
        space_id,
        now,
    )
    return {} if row is None else {noun: count for noun, count in row.items() if count}


def _row(record: Any) -> SpaceRow | None:
    return SpaceRow(**dict(record)) if record else None
