"""Client sessions: what a person's app reaches, and until when. Of their tokens a hash, and the token sealed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.storage.customers import standing_at
from lockstep.storage.database import Connection
from lockstep.storage.devices import is_kept


@dataclass(frozen=True, slots=True)
class ClientSessionRow:
    workspace_id: UUID
    id: UUID
    public_id: str
    token: bytes = field(repr=False)
    """Sealed."""
    session_key: str | None = field(repr=False)
    customer_key: str | None = field(repr=False)
    account_ids: list[UUID]
    webview_ids: list[UUID]
    guest_id: UUID | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reaching:
    """A session, the devices that its guest was given, and what is the customer's whose it is: accounts, webviews,
    guests, properties, and devices in other spaces of theirs."""

    session: ClientSessionRow
    device_ids: list[UUID]
    account_ids: list[UUID]
    webview_ids: list[UUID]
    guest_ids: list[UUID]
    property_ids: list[UUID]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What belongs to a session and stands elsewhere, in public ids."""

    account_public_ids: tuple[str, ...]
    webview_public_ids: tuple[str, ...]
    guest_public_id: str | None
    device_count: int


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """None: all."""

    session_id: UUID | None = None
    session_key: str | None = None
    without_key: bool = False
    guest_id: UUID | None = None
    webview_id: UUID | None = None


_COLUMNS = (
    "workspace_id, id, public_id, token, session_key, customer_key, account_ids, webview_ids, guest_id, created_at, "
    "expires_at, revoked_at"
)
_STANDING = f"array{standing_at('s.workspace_id', 's.customer_key')}"
_OF_CUSTOMER = """array(select o.id from {table} o
    where o.workspace_id = s.workspace_id and o.customer_key = s.customer_key{but})"""
_ACCOUNTS = _OF_CUSTOMER.format(table="accounts", but="")
_WEBVIEWS = _OF_CUSTOMER.format(table="connect_webviews", but="")
_GUESTS = _OF_CUSTOMER.format(table="guests", but=" and o.erased_at is null")
_PROPERTIES = _OF_CUSTOMER.format(table="spaces", but=" and o.parent_id is null and o.removed_at is null")
_GIVEN = """array(select gd.device_id from guest_devices gd
    where gd.workspace_id = s.workspace_id and gd.guest_id = s.guest_id)"""
_REACHED = f"""(d.account_id = any(s.account_ids || of_customer.accounts) or d.id = any(of_customer.devices)
  or d.id = any({_GIVEN}))"""


async def insert(db: Connection, workspace_id: UUID, row: ClientSessionRow, token_hash: bytes) -> bool:
    """False where a session has this key already."""
    result = await db.execute(
        """insert into client_sessions (workspace_id, id, public_id, token_hash, token, session_key, customer_key,
             account_ids, webview_ids, guest_id, created_at, expires_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
           on conflict (workspace_id, session_key) where session_key is not null and revoked_at is null do nothing""",
        workspace_id,
        row.id,
        row.public_id,
        token_hash,
        row.token,
        row.session_key,
        row.customer_key,
        row.account_ids,
        row.webview_ids,
        row.guest_id,
        row.created_at,
        row.expires_at,
    )
    return bool(result == "INSERT 0 1")


async def find_in_every_workspace(db: Connection, token_hash: bytes) -> Reaching | None:
    """Whose token this is, revoked and expired ones too, and what it reaches; for authentication alone."""
    row = await db.fetchrow(
        f"""select {_COLUMNS}, case when guest_id is null then '{{}}' else {_GIVEN} end as given,
              case when customer_key is null then '{{}}' else {_STANDING} end as standing,
              case when customer_key is null then '{{}}' else {_ACCOUNTS} end as accounts,
              case when customer_key is null then '{{}}' else {_WEBVIEWS} end as webviews,
              case when customer_key is null then '{{}}' else {_GUESTS} end as guests,
              case when customer_key is null then '{{}}' else {_PROPERTIES} end as properties
            from client_sessions s where token_hash = $1""",  # noqa: S608
        token_hash,
    )
    if row is None:
        return None
    *values, given, standing, accounts, webviews, guests, properties = row.values()
    return Reaching(ClientSessionRow(*values), [*given, *standing], accounts, webviews, guests, properties)


async def find(
    db: Connection, workspace_id: UUID, public_id: str, *, to_change: bool = False
) -> ClientSessionRow | None:
    lock = "for no key update" if to_change else ""
    return _row(
        await db.fetchrow(
            f"select {_COLUMNS} from client_sessions where workspace_id = $1 and public_id = $2 {lock}",  # noqa: S608
            workspace_id,
            public_id,
        )
    )


async def of_key(db: Connection, workspace_id: UUID, session_key: str) -> ClientSessionRow | None:
    """The one that was not revoked; perhaps it is over. Nobody else changes it before this transaction ends."""
    return _row(
        await db.fetchrow(
            f"""select {_COLUMNS} from client_sessions
                where workspace_id = $1 and session_key = $2 and revoked_at is null for no key update""",  # noqa: S608
            workspace_id,
            session_key,
        )
    )


async def like(
    db: Connection, workspace_id: UUID, wanted: ClientSessionRow, now: datetime
) -> ClientSessionRow | None:
    """The newest living one without a key that was given exactly this, and is the same customer's."""
    return _row(
        await db.fetchrow(
            f"""select {_COLUMNS} from client_sessions
                where workspace_id = $1 and session_key is null and revoked_at is null and expires_at > $5
                  and account_ids @> $2 and account_ids <@ $2 and webview_ids @> $3 and webview_ids <@ $3
                  and guest_id is not distinct from $4 and customer_key is not distinct from $6
                order by id desc limit 1 for no key update""",  # noqa: S608
            workspace_id,
            wanted.account_ids,
            wanted.webview_ids,
            wanted.guest_id,
            now,
            wanted.customer_key,
        )
    )


async def listed(
    db: Connection, workspace_id: UUID, wanted: SessionFilter, now: datetime, most: int
) -> list[ClientSessionRow]:
    """Living ones, newest first."""
    rows = await db.fetch(
        f"""select {_COLUMNS} from client_sessions
            where workspace_id = $1 and revoked_at is null and expires_at > $2
              and ($4::uuid is null or id = $4) and ($5::text is null or session_key = $5)
              and (not $6::boolean or session_key is null) and ($7::uuid is null or guest_id = $7)
              and ($8::uuid is null or $8 = any(webview_ids))
            order by id desc limit $3""",  # noqa: S608
        workspace_id,
        now,
        most,
        wanted.session_id,
        wanted.session_key,
        wanted.without_key,
        wanted.guest_id,
        wanted.webview_id,
    )
    return [ClientSessionRow(**dict(r)) for r in rows]


async def change(db: Connection, workspace_id: UUID, row: ClientSessionRow) -> None:
    """What it reaches, its keys and its end."""
    await db.execute(
        """update client_sessions set session_key = $3, customer_key = $4, account_ids = $5, webview_ids = $6,
             guest_id = $7, expires_at = $8 where workspace_id = $1 and id = $2""",
        workspace_id,
        row.id,
        row.session_key,
        row.customer_key,
        row.account_ids,
        row.webview_ids,
        row.guest_id,
        row.expires_at,
    )


async def give_account(db: Connection, workspace_id: UUID, webview_id: UUID, account_id: UUID) -> None:
    """To the sessions that have this webview: the account was connected on it."""
    await db.execute(
        """update client_sessions set account_ids = array_append(account_ids, $3)
           where workspace_id = $1 and $2 = any(webview_ids) and not $3 = any(account_ids)""",
        workspace_id,
        webview_id,
        account_id,
    )


async def revoke(db: Connection, workspace_id: UUID, session_id: UUID, at: datetime) -> None:
    await db.execute(
        "update client_sessions set revoked_at = $3 where workspace_id = $1 and id = $2 and revoked_at is null",
        workspace_id,
        session_id,
        at,
    )


async def remove(db: Connection, workspace_id: UUID, session_id: UUID) -> None:
    await db.execute(
        "delete from client_sessions where workspace_id = $1 and id = $2", workspace_id, session_id
    )


async def surroundings(
    db: Connection, workspace_id: UUID, session_ids: list[UUID]
) -> dict[UUID, Surroundings]:
    """Of each of these sessions, what belongs to it elsewhere."""
    rows = await db.fetch(
        f"""select s.id, g.public_id as guest_public_id,
              array(select a.public_id from accounts a
                where a.workspace_id = $1 and a.id = any(s.account_ids || of_customer.accounts) order by a.id)
                as account_public_ids,
              array(select w.public_id from connect_webviews w
                where w.workspace_id = $1 and w.id = any(s.webview_ids) order by w.id) as webview_public_ids,
              (select count(*) from devices d
                where d.workspace_id = $1 and {is_kept("d")} and {_REACHED}) as device_count
            from client_sessions s left join guests g on g.workspace_id = s.workspace_id and g.id = s.guest_id,
              lateral (select {_ACCOUNTS} as accounts, {_STANDING} as devices offset 0) of_customer
            where s.workspace_id = $1 and s.id = any($2)""",  # noqa: S608
        workspace_id,
        session_ids,
    )
    return {
        r["id"]: Surroundings(
            tuple(r["account_public_ids"]),
            tuple(r["webview_public_ids"]),
            r["guest_public_id"],
            r["device_count"],
        )
        for r in rows
    }


async def of_guest(db: Connection, workspace_id: UUID, guest_id: UUID) -> list[ClientSessionRow]:
    rows = await db.fetch(
        f"select {_COLUMNS} from client_sessions where workspace_id = $1 and guest_id = $2 order by id",  # noqa: S608
        workspace_id,
        guest_id,
    )
    return [ClientSessionRow(**dict(r)) for r in rows]


async def forget(db: Connection, workspace_id: UUID, before: datetime, most: int) -> int:
    """Sessions that were over before `before`; how many."""
    result = await db.execute(
        """delete from client_sessions where workspace_id = $1 and id in (
             select id from client_sessions where workspace_id = $1 and least(expires_at, revoked_at) < $2
             order by id limit $3 for no key update skip locked)""",
        workspace_id,
        before,
        most,
    )
    return int(result.split()[-1])


def _row(record: Any) -> ClientSessionRow | None:
    return ClientSessionRow(**dict(record)) if record else None
