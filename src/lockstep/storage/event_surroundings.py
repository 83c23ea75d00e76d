"""What stands around the things that events tell of: read when an event is shown, since it may change and the event
does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.storage.customers import standing_at
from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class DeviceAround:
    """A device's account, its name, and what callers keep with it."""

    public_id: str
    account_public_id: str
    name: str
    custom_metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AccountAround:
    """Whose a connected account is, and what callers keep with it."""

    public_id: str
    customer_key: str | None
    custom_metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CodeAround:
    """The name of a code's grant, and its digits, sealed for the entry. `revisions`: those that had the same."""

    public_id: str
    entry_id: UUID
    name: str = field(repr=False)
    digits: bytes | None = field(repr=False)
    revisions: list[int]


@dataclass(frozen=True, slots=True)
class GrantAround:
    """A grant's key and the ids of its access methods."""

    public_id: str
    grant_key: str | None
    method_public_ids: list[str]
    code_public_id: str | None = None
    """Of its codes that are to stand: one that has the digits given to the guest, if any is no backup code."""
    is_backup: bool | None = None
    declared_at: datetime | None = None
    """When that code was declared as it is now."""


@dataclass(frozen=True, slots=True)
class SpaceAround:
    """A space's key and the devices that stand in it now."""

    public_id: str
    space_key: str | None
    device_public_ids: list[str]


async def devices(db: Connection, workspace_id: UUID, public_ids: Sequence[str]) -> list[DeviceAround]:
    rows = await db.fetch(
        """select d.public_id, a.public_id as account_public_id, coalesce(d.nickname, d.name) as name,
             d.custom_metadata
           from devices d join accounts a on a.workspace_id = d.workspace_id and a.id = d.account_id
           where d.workspace_id = $1 and d.public_id = any($2)""",
        workspace_id,
        list(public_ids),
    )
    return [DeviceAround(**dict(row)) for row in rows]


async def accounts(db: Connection, workspace_id: UUID, public_ids: Sequence[str]) -> list[AccountAround]:
    rows = await db.fetch(
        """select public_id, customer_key, custom_metadata from accounts
           where workspace_id = $1 and public_id = any($2)""",
        workspace_id,
        list(public_ids),
    )
    return [AccountAround(**dict(row)) for row in rows]


async def codes(db: Connection, workspace_id: UUID, public_ids: Sequence[str]) -> list[CodeAround]:
    rows = await db.fetch(
        """select c.public_id, e.id as entry_id, g.name, e.digits, array(
             select r.revision from entry_revisions r
             where r.workspace_id = e.workspace_id and r.entry_id = e.id and r.fingerprint = e.fingerprint
           ) as revisions
           from access_codes c
             join entries e on e.workspace_id = c.workspace_id and e.id = c.entry_id
             join grants g on g.workspace_id = c.workspace_id and g.id = c.grant_id
           where c.workspace_id = $1 and c.public_id = any($2)""",
        workspace_id,
        list(public_ids),
    )
    return [CodeAround(**dict(row)) for row in rows]


async def grants(db: Connection, workspace_id: UUID, public_ids: Sequence[str]) -> list[GrantAround]:
    rows = await db.fetch(
        """select g.public_id, g.grant_key, array(
             select m.public_id from access_methods m
             where m.workspace_id = g.workspace_id and m.grant_id = g.id order by m.id
           ) as method_public_ids, c.code_public_id, c.is_backup, c.declared_at
           from grants g left join lateral (
             select c.public_id as code_public_id, c.is_backup, e.declared_at from access_codes c
               join entries e on e.workspace_id = c.workspace_id and e.id = c.entry_id
             where c.workspace_id = g.workspace_id and c.grant_id = g.id and c.withdrawn_at is null
             order by c.is_backup, c.id limit 1
           ) c on true
           where g.workspace_id = $1 and g.public_id = any($2)""",
        workspace_id,
        list(public_ids),
    )
    return [GrantAround(**dict(row)) for row in rows]


async def spaces(db: Connection, workspace_id: UUID, public_ids: Sequence[str]) -> list[SpaceAround]:
    rows = await db.fetch(
        """select s.public_id, s.space_key, array(
             select d.public_id from space_devices k
               join devices d on d.workspace_id = k.workspace_id and d.id = k.device_id
             where k.workspace_id = s.workspace_id and k.space_id = s.id order by d.id
           ) as device_public_ids
           from spaces s where s.workspace_id = $1 and s.public_id = any($2)""",
        workspace_id,
        list(public_ids),
    )
    return [SpaceAround(**dict(row)) for row in rows]


async def grants_of_methods(
    db: Connection, workspace_id: UUID, method_public_ids: Sequence[str]
) -> list[str]:
    """Public ids of the grants that these methods belong to."""
    rows = await db.fetch(
        """select distinct g.public_id from access_methods m
             join grants g on g.workspace_id = m.workspace_id and g.id = m.grant_id
           where m.workspace_id = $1 and m.public_id = any($2)""",
        workspace_id,
        list(method_public_ids),
    )
    return [row["public_id"] for row in rows]


async def devices_of_accounts(
    db: Connection, workspace_id: UUID, account_public_ids: Sequence[str]
) -> list[str]:
    """Public ids of all devices that are or were under these accounts."""
    rows = await db.fetch(
        """select d.public_id from devices d
             join accounts a on a.workspace_id = d.workspace_id and a.id = d.account_id
           where d.workspace_id = $1 and a.public_id = any($2)""",
        workspace_id,
        list(account_public_ids),
    )
    return [row["public_id"] for row in rows]


async def of_given(
    db: Connection, workspace_id: UUID, account_ids: list[UUID], webview_ids: list[UUID]
) -> dict[str, list[str]]:
    """Name of a subject -> public ids: these accounts, their devices and these webviews."""
    row = await db.fetchrow(
        """select
             array(select public_id from accounts where workspace_id = $1 and id = any($2))
               as connected_account_id,
             array(select public_id from devices where workspace_id = $1 and account_id = any($2)) as device_id,
             array(select public_id from connect_webviews where workspace_id = $1 and id = any($3))
               as connect_webview_id""",
        workspace_id,
        account_ids,
        webview_ids,
    )
    return {} if row is None else dict(row)


async def of_customer(db: Connection, workspace_id: UUID, customer_key: str) -> dict[str, list[str]]:
    """Name of a subject -> public ids of all that is a customer's: accounts, spaces, the devices of both, grants."""
    row = await db.fetchrow(
        f"""select
             array(select public_id from accounts where workspace_id = $1 and customer_key = $2)
               as connected_account_id,
             array(select d.public_id from devices d where d.workspace_id = $1
               and (d.account_id in (select id from accounts where workspace_id = $1 and customer_key = $2)
                 or d.id in {standing_at("$1", "$2")})) as device_id,
             array(select public_id from spaces where workspace_id = $1 and customer_key = $2) as space_id,
             array(select public_id from grants where workspace_id = $1 and customer_key = $2)
               as access_grant_id""",  # noqa: S608
        workspace_id,
        customer_key,
    )
    return {} if row is None else {**dict(row), "property_id": row["space_id"]}
