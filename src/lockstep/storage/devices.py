"""Devices: locks, doors and sites under a connected account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from lockstep.kit.frozen import dataclass
from lockstep.model.capabilities import Capabilities
from lockstep.storage import changes
from lockstep.storage.accounts import LEAVING
from lockstep.storage.customers import standing_at
from lockstep.storage.database import Connection
from lockstep.storage.encoding import from_document, to_document


@dataclass(frozen=True, slots=True)
class DeviceRow:
    id: UUID
    public_id: str
    account_id: UUID
    domain_id: UUID
    reference: str
    kind: str
    name: str
    model: str
    capabilities: Capabilities
    time_zone: str | None
    state: dict[str, Any]
    is_online: bool | None
    created_at: datetime
    removed_at: datetime | None
    """When it was taken as no longer under its account: after several descriptions without it."""
    missed_since: datetime | None = None
    """Since when the vendor does not list it."""
    missed: int = 0
    """In how many descriptions in a row."""
    given_up_at: datetime | None = None
    """When an operator said that it is gone for good."""
    maker: str | None = None
    """Who made it, where the vendor tells."""
    nickname: str | None = None
    """A name that callers gave it."""
    custom_metadata: dict[str, str | bool] = field(default_factory=dict)
    """Values that only callers understand."""
    is_managed: bool = True
    """False: Lockstep neither looks at it nor writes to it."""
    backup_pool_size: int | None = None
    """How many backup codes are to stand on it; None: it has no pool of these."""
    backups_without_schedule: bool = False
    """An operator wants backup codes although the lock has no schedule, and opens for them at any time."""
    reported_code_lengths: list[int] | None = None
    """Lengths of codes that callers found out it takes; `capabilities` go by them already."""
    outages: list[datetime] = field(default_factory=list)
    """When it went offline lately, as far as it counts towards being flaky."""


class Given(NamedTuple):
    """What a confined actor reaches besides its properties."""

    account_ids: list[UUID]
    device_ids: list[UUID]


NOTHING = Given([], [])


def numbered(first: int) -> tuple[str, tuple[str, str]]:
    """The parameters of a confined actor's properties and of what it was given besides, as statements have them."""
    return f"${first}::uuid[]", (f"${first + 1}::uuid[]", f"${first + 2}::uuid[]")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What belongs to a device and stands elsewhere: its account, its write domain, where it stands, its readings."""

    account_public_id: str
    vendor: str
    account_state: str
    account_failure: dict[str, Any] | None
    domain_failure: dict[str, Any] | None
    domain_due_at: datetime | None
    space_public_ids: tuple[str, ...]
    property_ids: frozenset[UUID]
    read_at: datetime | None


class Surrounded(NamedTuple):
    """A device, and what belongs to it."""

    row: DeviceRow
    around: Surroundings


_COLUMNS = (
    "id, public_id, account_id, domain_id, reference, kind, name, model, capabilities, time_zone, state, "
    "is_online, created_at, removed_at, missed_since, missed, given_up_at, maker, nickname, custom_metadata, "
    "is_managed, backup_pool_size, backups_without_schedule, reported_code_lengths, outages"
)
_WIDTH = len(_COLUMNS.split(", "))


def is_kept(alias: str) -> str:
    """Condition: people are shown this device. One that was removed is, as long as it stands somewhere or a code of
    ours may be on it."""
    return f"""({alias}.removed_at is null or ({alias}.given_up_at is null and (
      exists (select from space_devices k where k.workspace_id = {alias}.workspace_id and k.device_id = {alias}.id)
      or exists (select from access_codes k join entries o on o.workspace_id = k.workspace_id and o.id = k.entry_id
        where k.workspace_id = {alias}.workspace_id and k.device_id = {alias}.id and o.settled_at is null))))"""  # noqa: S608


def is_door(alias: str) -> str:
    """Condition: it can hold somebody out, unlike the thermostats and sensors that stand beside locks."""
    return f"{alias}.kind not in ('thermostat', 'noise_sensor')"


def device_columns(alias: str) -> str:
    """For statements elsewhere in storage that join devices under this name; `device_row` reads them."""
    return ", ".join(f"{alias}.{column}" for column in _COLUMNS.split(", "))


def device_row(record: Any) -> DeviceRow:
    """A DeviceRow from a record that begins with the columns of `device_columns`."""
    id, public_id, account_id, domain_id, reference, kind, name, model, capabilities, *rest = record[:_WIDTH]
    known = from_document(capabilities, Capabilities)
    row = DeviceRow(id, public_id, account_id, domain_id, reference, kind, name, model, known, *rest)
    if not row.reported_code_lengths:
        return row
    lengths = frozenset(row.reported_code_lengths)
    return replace(row, capabilities=replace(known, code_lengths=lengths))


async def upsert(
    db: Connection,
    workspace_id: UUID,
    row: DeviceRow,
) -> bool:
    """Store a described target under its account and reference; id and public id of an existing one stay, and it is
    listed again. A new one is managed if its account says so.

    True where it is new. Writes nothing where nothing differs.
    """
    is_new: bool | None = await db.fetchval(
        """insert into devices (workspace_id, id, public_id, account_id, domain_id, reference, kind, name, model,
             capabilities, time_zone, state, is_online, created_at, maker, is_managed)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
             (select manages_new_devices from accounts where workspace_id = $1 and id = $4))
           on conflict (workspace_id, account_id, reference) do update set
             domain_id = excluded.domain_id, kind = excluded.kind, name = excluded.name, model = excluded.model,
             capabilities = excluded.capabilities, time_zone = excluded.time_zone, state = excluded.state,
             is_online = excluded.is_online, maker = excluded.maker,
             missed_since = null, missed = 0, removed_at = null, given_up_at = null
           where (devices.domain_id, devices.kind, devices.name, devices.model, devices.capabilities,
                  devices.time_zone, devices.state, devices.is_online, devices.maker, devices.missed_since,
                  devices.removed_at)
             is distinct from (excluded.domain_id, excluded.kind, excluded.name, excluded.model,
                  excluded.capabilities, excluded.time_zone, excluded.state, excluded.is_online, excluded.maker, null,
                  null)
           returning xmax = 0""",
        workspace_id,
        row.id,
        row.public_id,
        row.account_id,
        row.domain_id,
        row.reference,
        row.kind,
        row.name,
        row.model,
        to_document(row.capabilities),
        row.time_zone,
        row.state,
        row.is_online,
        row.created_at,
        row.maker,
    )
    return bool(is_new)


async def get_many(db: Connection, workspace_id: UUID, device_ids: list[UUID]) -> list[DeviceRow]:
    rows = await db.fetch(
        f"select {_COLUMNS} from devices where workspace_id = $1 and id = any($2) order by id",  # noqa: S608
        workspace_id,
        device_ids,
    )
    return [device_row(r) for r in rows]


async def of_connected(db: Connection, workspace_id: UUID, device_ids: list[UUID]) -> list[DeviceRow]:
    """Those of accounts that are connected, and not about to be disconnected."""
    rows = await db.fetch(
        f"""select {device_columns("d")} from devices d
              join accounts a on a.workspace_id = d.workspace_id and a.id = d.account_id
            where d.workspace_id = $1 and d.id = any($2) and a.state <> all($3) order by d.id""",  # noqa: S608
        workspace_id,
        device_ids,
        list(LEAVING),
    )
    return [device_row(r) for r in rows]


async def by_public_ids(db: Connection, workspace_id: UUID, public_ids: list[str]) -> list[DeviceRow]:
    rows = await db.fetch(_BY_PUBLIC_IDS, workspace_id, public_ids)
    return [device_row(r) for r in rows]


# Here and below: what is asked for stands in a table of its own. A planner that saw an array would plan anew each time,
# which takes several times as long as to find a device.
_BY_PUBLIC_IDS = f"""
  with asked as materialized (select $2::text[] as ids)
  select d.* from asked, lateral (select distinct unnest(asked.ids) as id) one,
    lateral (select {_COLUMNS} from devices where workspace_id = $1 and public_id = one.id offset 0) d
  order by d.id"""  # noqa: S608


async def of_account(db: Connection, workspace_id: UUID, account_id: UUID) -> list[DeviceRow]:
    rows = await db.fetch(
        f"select {_COLUMNS} from devices where workspace_id = $1 and account_id = $2 order by id",  # noqa: S608
        workspace_id,
        account_id,
    )
    return [device_row(r) for r in rows]


@dataclass(frozen=True, slots=True)
class DeviceFilter:
    """None: all."""

    account_ids: list[UUID] | None = None
    space_ids: list[UUID] | None = None
    """Only those that stand in one of these spaces themselves."""
    property_ids: list[UUID] | None = None
    """Only those that stand anywhere in one of these properties."""
    public_ids: list[str] | None = None
    name_contains: str | None = None
    created_before: datetime | None = None
    besides: Given = NOTHING
    """With those of `property_ids`: what an actor who is confined to these was given besides."""
    is_managed: bool | None = None
    kind: str | None = None
    customer_key: str | None = None
    """Of the customer's accounts, or standing in the customer's spaces."""
    webview_public_id: str | None = None
    """Of the account that was connected by this link."""
    guest_key: str | None = field(default=None, repr=False)
    """Given to this guest."""


async def listed(
    db: Connection, workspace_id: UUID, wanted: DeviceFilter, after: UUID | None, most: int
) -> list[Surrounded]:
    """In the order of ids, behind the id `after`."""
    values: list[object] = []
    conditions = ""
    for condition, value in (
        ("id > {}", after),
        ("account_id = any({}::uuid[])", wanted.account_ids),
        (_STANDS_IN.format("sd.space_id = any({}::uuid[])"), wanted.space_ids),
        ("public_id = any({}::text[])", wanted.public_ids),
        ("strpos(lower(coalesce(nickname, name)), lower({})) > 0", wanted.name_contains),
        ("created_at < {}", wanted.created_before),
        ("kind = {}", wanted.kind),
        (_OF_CUSTOMER, wanted.customer_key),
        (_OF_WEBVIEW, wanted.webview_public_id),
        (_OF_GUEST, wanted.guest_key),
        ("is_managed = {}", wanted.is_managed),
    ):
        if value is not None:
            values.append(value)
            conditions += " and " + condition.format(f"${len(values) + 1}")
    if wanted.property_ids is not None:
        properties, (accounts, given) = numbered(len(values) + 2)
        stands = _STANDS_IN.format(f"s.property_id = any({properties})")
        conditions += f" and ({stands} or account_id = any({accounts}) or id = any({given}))"
        values += [wanted.property_ids, *wanted.besides]
    rows = await db.fetch(
        f"""select {device_columns("d")}, {_AROUND} from (
              select * from devices where workspace_id = $1 and {is_kept("devices")}{conditions}
              order by id limit {most:d}) d, {_BESIDE} order by d.id""",  # noqa: S608
        workspace_id,
        *values,
    )
    return [_surrounded(r) for r in rows]


async def surrounded(db: Connection, workspace_id: UUID, public_ids: Sequence[str]) -> list[Surrounded]:
    """Those of these ids that there are, with what belongs to them."""
    rows = await db.fetch(_SURROUNDED, workspace_id, public_ids)
    return [_surrounded(r) for r in rows]


# One by one and by whole keys, as above.
_AROUND = """ac.public_id as account_public_id, ac.vendor, ac.state as account_state, ac.failure as account_failure,
  dom.failure as domain_failure, dom.due_at as domain_due_at,
  array(select s.public_id from space_devices sd
      join spaces s on s.workspace_id = sd.workspace_id and s.id = sd.space_id
    where sd.workspace_id = $1 and sd.device_id = d.id order by s.id) as space_public_ids,
  array(select distinct s.property_id from space_devices sd
      join spaces s on s.workspace_id = sd.workspace_id and s.id = sd.space_id
    where sd.workspace_id = $1 and sd.device_id = d.id) as property_ids,
  (select max(r.begun_at) from readings r
    where r.workspace_id = $1 and r.account_id = d.account_id and d.reference = any(r.covers)) as read_at"""
_BESIDE = """lateral (select public_id, vendor, state, failure from accounts
    where workspace_id = $1 and id = d.account_id offset 0) ac,
  lateral (select failure, due_at from domains where workspace_id = $1 and id = d.domain_id offset 0) dom"""
_SURROUNDED = f"""
  with asked as materialized (select $2::text[] as ids)
  select {device_columns("d")}, {_AROUND} from asked, lateral (select distinct unnest(asked.ids) as id) one,
    lateral (select * from devices where workspace_id = $1 and public_id = one.id offset 0) d,
    {_BESIDE} order by d.id"""  # noqa: S608


def _surrounded(record: Any) -> Surrounded:
    public_id, vendor, state, failure, domain_failure, due_at, spaces, properties, read_at = record[_WIDTH:]
    around = Surroundings(
        public_id,
        vendor,
        state,
        failure,
        domain_failure,
        due_at,
        tuple(spaces),
        frozenset(properties),
        read_at,
    )
    return Surrounded(device_row(record), around)


async def code_lengths_of_vendor(db: Connection, workspace_id: UUID, device_id: UUID) -> frozenset[int]:
    """Which it takes by its vendor's word, whatever callers have reported."""
    document = await db.fetchval(
        "select capabilities from devices where workspace_id = $1 and id = $2", workspace_id, device_id
    )
    return from_document(document, Capabilities).code_lengths


async def report_code_lengths(
    db: Connection, workspace_id: UUID, device_id: UUID, lengths: list[int]
) -> None:
    await db.execute(
        "update devices set reported_code_lengths = $3 where workspace_id = $1 and id = $2",
        workspace_id,
        device_id,
        lengths,
    )


_OF_CUSTOMER = f"""(account_id in (select id from accounts where workspace_id = $1 and customer_key = {{0}})
  or id in {standing_at("$1", "{0}")})"""  # noqa: S608
_OF_WEBVIEW = (
    "account_id = (select account_id from connect_webviews where workspace_id = $1 and public_id = {})"
)
_OF_GUEST = """id in (select g.device_id from guest_devices g join guests u on u.workspace_id = $1 and u.id = g.guest_id
  where g.workspace_id = $1 and u.guest_key = {})"""
_STANDS_IN = """exists (select from space_devices sd
  join spaces s on s.workspace_id = sd.workspace_id and s.id = sd.space_id
  where sd.workspace_id = $1 and sd.device_id = devices.id and {})"""


async def describe(
    db: Connection,
    workspace_id: UUID,
    device_id: UUID,
    nickname: str | None,
    custom_metadata: dict[str, str | bool],
) -> None:
    """What callers give it."""
    await db.execute(
        "update devices set nickname = $3, custom_metadata = $4 where workspace_id = $1 and id = $2",
        workspace_id,
        device_id,
        nickname,
        custom_metadata,
    )
    await changes.tell(db, workspace_id)


async def given_among(db: Connection, workspace_id: UUID, device_ids: list[UUID], given: Given) -> set[UUID]:
    """Those of these devices that are given, or whose account is."""
    rows = await db.fetch(
        """select id from devices where workspace_id = $1 and id = any($2)
             and (account_id = any($3) or id = any($4))""",
        workspace_id,
        device_ids,
        *given,
    )
    return {r["id"] for r in rows}


async def set_state(
    db: Connection, workspace_id: UUID, device_id: UUID, state: dict[str, Any], is_online: bool | None
) -> None:
    """Writes nothing where nothing differs."""
    result = await db.execute(
        """update devices set state = $3, is_online = $4 where workspace_id = $1 and id = $2
             and (state, is_online) is distinct from ($3, $4)""",
        workspace_id,
        device_id,
        state,
        is_online,
    )
    if result != "UPDATE 0":
        await changes.tell(db, workspace_id)


async def set_outages(db: Connection, workspace_id: UUID, device_id: UUID, outages: list[datetime]) -> None:
    await db.execute(
        "update devices set outages = $3 where workspace_id = $1 and id = $2",
        workspace_id,
        device_id,
        list(outages),
    )


async def set_missed(
    db: Connection,
    workspace_id: UUID,
    device_id: UUID,
    since: datetime,
    times: int,
    removed_at: datetime | None,
) -> None:
    """A description lacks it. `removed_at`: it is taken as removed."""
    await db.execute(
        """update devices set missed_since = $3, missed = $4, removed_at = coalesce(removed_at, $5)
           where workspace_id = $1 and id = $2""",
        workspace_id,
        device_id,
        since,
        times,
        removed_at,
    )
    await changes.tell(db, workspace_id)


async def set_listed(db: Connection, workspace_id: UUID, device_ids: list[UUID]) -> None:
    """The vendor shows them after all. Those that were taken as removed wait for a description."""
    await db.execute(
        """update devices set missed_since = null, missed = 0
           where workspace_id = $1 and id = any($2) and removed_at is null""",
        workspace_id,
        device_ids,
    )
    await changes.tell(db, workspace_id)


async def set_managed(db: Connection, workspace_id: UUID, device_id: UUID, *, is_managed: bool) -> None:
    await db.execute(
        "update devices set is_managed = $3 where workspace_id = $1 and id = $2",
        workspace_id,
        device_id,
        is_managed,
    )


async def give_up(db: Connection, workspace_id: UUID, device_id: UUID, at: datetime) -> None:
    """It is gone for good, and stands nowhere any more."""
    await db.execute(
        """with stood as (delete from space_devices where workspace_id = $1 and device_id = $2)
           update devices set given_up_at = $3, removed_at = coalesce(removed_at, $3)
           where workspace_id = $1 and id = $2""",
        workspace_id,
        device_id,
        at,
    )
    await changes.tell(db, workspace_id)
