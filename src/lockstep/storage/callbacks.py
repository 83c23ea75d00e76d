"""Whom vendors call: each account's own addresses, known by hashes, and what a vendor was told of one. Of the table
accounts, one row each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Called:
    """Whose address it is. `is_registered`: the one that Lockstep told the vendor, else the one shown to people."""

    workspace_id: UUID
    account_id: UUID
    is_registered: bool


async def every_by_token(db: Connection, token_hash: bytes) -> Called | None:
    """Across workspaces, since a vendor's call names none."""
    row = await db.fetchrow(
        """select workspace_id, id, registered_token_hash is not distinct from $1 as is_registered from accounts
           where callback_token_hash = $1 or registered_token_hash = $1""",
        token_hash,
    )
    return Called(*row) if row else None


async def begin(
    db: Connection,
    workspace_id: UUID,
    account_id: UUID,
    url: bytes | None = None,
    token_hash: bytes | None = None,
) -> None:
    """The vendor is about to be told an address: this new one, or once more the one that is there."""
    await db.execute(
        """update accounts set callbacks_checked_at = null, registered_url = coalesce($3, registered_url),
             registered_token_hash = coalesce($4, registered_token_hash),
             registered_secret = case when $3::bytea is null then registered_secret end
           where workspace_id = $1 and id = $2 and state = 'active'""",
        workspace_id,
        account_id,
        url,
        token_hash,
    )


async def keep(
    db: Connection,
    workspace_id: UUID,
    account_id: UUID,
    credentials: bytes,
    token_hash: bytes,
    secret: bytes | None,
    at: datetime,
) -> bool:
    """The vendor calls this address. No `secret`: it is the one that is there. `credentials`, sealed: those with which
    it was told; False where the account has others by now, or another address, or is active no more."""
    result = await db.execute(
        """update accounts set callbacks_checked_at = $6, no_callbacks = null,
             registered_secret = coalesce($5, registered_secret)
           where workspace_id = $1 and id = $2 and state = 'active' and credentials = $3
             and registered_token_hash = $4""",
        workspace_id,
        account_id,
        credentials,
        token_hash,
        secret,
        at,
    )
    return bool(result == "UPDATE 1")


async def note(
    db: Connection,
    workspace_id: UUID,
    account_id: UUID,
    credentials: bytes,
    why: dict[str, Any],
    checked_at: datetime | None,
) -> None:
    """Why the vendor does not call. `checked_at` None: that is not known, so a registration that is known stays one.

    Nothing where the account has other credentials by now."""
    # Where a registration was begun, the secret from before is not the vendor's any more, as far as is known.
    await db.execute(
        """update accounts set no_callbacks = $4, callbacks_checked_at = $5,
             registered_secret = case when callbacks_checked_at is not null then registered_secret end
           where workspace_id = $1 and id = $2 and credentials = $3
             and ($5::timestamptz is not null or callbacks_checked_at is null)""",
        workspace_id,
        account_id,
        credentials,
        why,
        checked_at,
    )


async def forget(db: Connection, workspace_id: UUID, account_id: UUID, why: dict[str, Any] | None) -> None:
    """No address is the vendor's any more. `why` none is: kept for people."""
    await db.execute(
        """update accounts set registered_url = null, registered_token_hash = null, registered_secret = null,
             callbacks_checked_at = null, no_callbacks = $3
           where workspace_id = $1 and id = $2""",
        workspace_id,
        account_id,
        why,
    )
