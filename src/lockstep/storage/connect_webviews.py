"""Links on which people connect accounts of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class WebviewRow:
    id: UUID
    public_id: str
    token_hash: bytes = field(repr=False)
    token: bytes = field(repr=False)
    """Sealed."""
    state: str
    accepted_vendors: list[str] | None
    accepted_kinds: list[str] | None
    manages_new_devices: bool
    customer_key: str | None
    custom_metadata: dict[str, str | bool]
    redirect_url: str | None
    failure_redirect_url: str | None
    asked: dict[str, Any]
    chosen_vendor: str | None
    account_id: UUID | None
    created_at: datetime
    expires_at: datetime
    authorized_at: datetime | None


@dataclass(frozen=True, slots=True)
class Whose:
    """Which webview a token is of."""

    workspace_id: UUID
    public_id: str


@dataclass(frozen=True, slots=True)
class WebviewFilter:
    """None: all."""

    customer_key: str | None = None
    custom_metadata: dict[str, str | bool | None] | None = None
    ids: list[UUID] | None = None


_COLUMNS = (
    "id, public_id, token_hash, token, state, accepted_vendors, accepted_kinds, manages_new_devices, customer_key, "
    "custom_metadata, redirect_url, failure_redirect_url, asked, chosen_vendor, account_id, created_at, expires_at, "
    "authorized_at"
)


async def insert(db: Connection, workspace_id: UUID, row: WebviewRow) -> None:
    await db.execute(
        f"""insert into connect_webviews (workspace_id, {_COLUMNS})
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)""",  # noqa: S608
        workspace_id,
        row.id,
        row.public_id,
        row.token_hash,
        row.token,
        row.state,
        row.accepted_vendors,
        row.accepted_kinds,
        row.manages_new_devices,
        row.customer_key,
        row.custom_metadata,
        row.redirect_url,
        row.failure_redirect_url,
        row.asked,
        row.chosen_vendor,
        row.account_id,
        row.created_at,
        row.expires_at,
        row.authorized_at,
    )


async def find_in_every_workspace(db: Connection, token_hash: bytes) -> Whose | None:
    """Whose token this is; for whoever follows the link."""
    row = await db.fetchrow(
        "select workspace_id, public_id from connect_webviews where token_hash = $1", token_hash
    )
    return Whose(**dict(row)) if row else None


async def get(
    db: Connection, workspace_id: UUID, public_id: str, *, to_change: bool = False
) -> WebviewRow | None:
    """`to_change`: nobody else changes it before this transaction ends."""
    lock = "for no key update" if to_change else ""
    row = await db.fetchrow(
        f"select {_COLUMNS} from connect_webviews where workspace_id = $1 and public_id = $2 {lock}",  # noqa: S608
        workspace_id,
        public_id,
    )
    return WebviewRow(**dict(row)) if row else None


async def listed(
    db: Connection, workspace_id: UUID, wanted: WebviewFilter, after: UUID | None, most: int
) -> list[WebviewRow]:
    """In the order of ids, behind the id `after`."""
    rows = await db.fetch(
        f"""select {_COLUMNS} from connect_webviews where workspace_id = $1 and ($2::uuid is null or id > $2)
              and ($3::text is null or customer_key = $3) and ($4::jsonb is null or custom_metadata @> $4)
              and ($5::uuid[] is null or id = any($5))
            order by id limit $6""",  # noqa: S608
        workspace_id,
        after,
        wanted.customer_key,
        wanted.custom_metadata,
        wanted.ids,
        most,
    )
    return [WebviewRow(**dict(row)) for row in rows]


async def ids(db: Connection, workspace_id: UUID, public_ids: Sequence[str]) -> dict[str, UUID]:
    """By public id; those that there are."""
    rows = await db.fetch(
        "select id, public_id from connect_webviews where workspace_id = $1 and public_id = any($2)",
        workspace_id,
        list(public_ids),
    )
    return {row["public_id"]: row["id"] for row in rows}


async def account_public_ids(db: Connection, workspace_id: UUID, account_ids: list[UUID]) -> dict[UUID, str]:
    """What callers know these accounts by."""
    rows = await db.fetch(
        "select id, public_id from accounts where workspace_id = $1 and id = any($2)",
        workspace_id,
        account_ids,
    )
    return {row["id"]: row["public_id"] for row in rows}


async def set_failed(db: Connection, workspace_id: UUID, webview_id: UUID, vendor: str) -> None:
    """The last attempt failed; another may follow."""
    await db.execute(
        """update connect_webviews set state = 'failed', chosen_vendor = $3
           where workspace_id = $1 and id = $2 and state <> 'authorized'""",
        workspace_id,
        webview_id,
        vendor,
    )


async def set_authorized(
    db: Connection, workspace_id: UUID, webview_id: UUID, vendor: str, account_id: UUID, at: datetime
) -> None:
    """The account is connected."""
    await db.execute(
        """update connect_webviews set state = 'authorized', chosen_vendor = $3, account_id = $4, authorized_at = $5
           where workspace_id = $1 and id = $2""",
        workspace_id,
        webview_id,
        vendor,
        account_id,
        at,
    )


async def delete(db: Connection, workspace_id: UUID, webview_id: UUID) -> None:
    await db.execute(
        "delete from connect_webviews where workspace_id = $1 and id = $2", workspace_id, webview_id
    )


async def forget(db: Connection, workspace_id: UUID, before: datetime, most: int) -> int:
    """Links that could be used no more before `before`; how many."""
    result = await db.execute(
        """delete from connect_webviews where workspace_id = $1 and id in (
             select id from connect_webviews where workspace_id = $1 and expires_at < $2
             order by id limit $3 for no key update skip locked)""",
        workspace_id,
        before,
        most,
    )
    return int(result.split()[-1])
