"""Connected accounts: one set of credentials at a vendor, its state and its budget."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.storage import callbacks
from lockstep.storage.database import Connection

LEAVING = ("disconnecting", "disconnected")
"""States in which nothing new is declared on an account's locks."""


@dataclass(frozen=True, slots=True)
class AccountRow:
    id: UUID
    public_id: str
    vendor: str
    vendor_account: str
    label: str
    credentials: bytes | None = field(repr=False)
    """Sealed; None once it is disconnected."""
    state: str
    failure: dict[str, Any] | None
    failures: int
    created_at: datetime
    disconnected_at: datetime | None
    described_at: datetime | None
    blocked_until: datetime | None
    registered_url: bytes | None = field(repr=False)
    """Sealed: the address that Lockstep told the vendor."""
    registered_secret: bytes | None = field(repr=False)
    """Sealed: what signs the calls to it; None where the vendor has not told it."""
    callbacks_checked_at: datetime | None
    """When the vendor was last asked about it; None: it is to be told, or told anew."""
    no_callbacks: dict[str, Any] | None
    """Why the vendor does not call."""
    manages_new_devices: bool
    """Whether Lockstep looks after a device that appears under it."""
    accepted_kinds: list[str] | None
    """Of which kinds devices are taken in; None: of every kind."""
    customer_key: str | None
    """Whose it is, by the caller's own key."""
    custom_metadata: dict[str, str | bool]
    """Values that only callers understand."""


_COLUMNS = (
    "id, public_id, vendor, vendor_account, label, credentials, state, failure, failures, created_at, "
    "disconnected_at, described_at, blocked_until, registered_url, registered_secret, callbacks_checked_at, "
    "no_callbacks, manages_new_devices, accepted_kinds, customer_key, custom_metadata"
)


def account_columns(alias: str) -> str:
    """For statements elsewhere in storage that join accounts under this name; `account_row` reads them."""
    return ", ".join(f"{alias}.{column}" for column in _COLUMNS.split(", "))


def account_row(values: Iterable[Any]) -> AccountRow:
    """An AccountRow from the columns of `account_columns`."""
    return AccountRow(*values)


def _row(record: Any) -> AccountRow:
    return AccountRow(**dict(record))


async def insert(
    db: Connection,
    workspace_id: UUID,
    account_id: UUID,
    public_id: str,
    vendor: str,
    vendor_account: str,
    label: str,
    credentials: bytes,
    callback_token_hash: bytes,
    at: datetime,
) -> bool:
    """False where this vendor account is known, as connected or as disconnected; nothing is replaced."""
    result = await db.execute(
        """insert into accounts (workspace_id, id, public_id, vendor, vendor_account, label, credentials,
             callback_token_hash, created_at, due_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) on conflict do nothing""",
        workspace_id,
        account_id,
        public_id,
        vendor,
        vendor_account,
        label,
        credentials,
        callback_token_hash,
        at,
    )
    return bool(result == "INSERT 0 1")


async def get(db: Connection, workspace_id: UUID, account_id: UUID) -> AccountRow | None:
    row = await db.fetchrow(
        f"select {_COLUMNS} from accounts where workspace_id = $1 and id = $2",  # noqa: S608
        workspace_id,
        account_id,
    )
    return _row(row) if row else None


async def by_public_id(db: Connection, workspace_id: UUID, public_id: str) -> AccountRow | None:
    row = await db.fetchrow(
        f"select {_COLUMNS} from accounts where workspace_id = $1 and public_id = $2",  # noqa: S608
        workspace_id,
        public_id,
    )
    return _row(row) if row else None


async def by_vendor_account(
    db: Connection, workspace_id: UUID, vendor: str, vendor_account: str
) -> AccountRow | None:
    """Also where it was disconnected. Nobody else changes it before this transaction ends."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from accounts where workspace_id = $1 and vendor = $2 and vendor_account = $3 "  # noqa: S608
        "for no key update",
        workspace_id,
        vendor,
        vendor_account,
    )
    return _row(row) if row else None


async def listed(db: Connection, workspace_id: UUID) -> list[AccountRow]:
    rows = await db.fetch(
        f"select {_COLUMNS} from accounts where workspace_id = $1 order by id",  # noqa: S608
        workspace_id,
    )
    return [_row(r) for r in rows]


async def describe(db: Connection, workspace_id: UUID, row: AccountRow) -> None:
    """Store what callers gave it: label, customer, values of their own, and what is taken in and looked after."""
    await db.execute(
        """update accounts set label = $3, manages_new_devices = $4, accepted_kinds = $5, customer_key = $6,
             custom_metadata = $7
           where workspace_id = $1 and id = $2""",
        workspace_id,
        row.id,
        row.label,
        row.manages_new_devices,
        row.accepted_kinds,
        row.customer_key,
        row.custom_metadata,
    )


async def accepted_kinds(db: Connection, workspace_id: UUID, account_id: UUID) -> list[str] | None:
    """Of which kinds devices are taken in; None: of every kind."""
    found: list[str] | None = await db.fetchval(
        "select accepted_kinds from accounts where workspace_id = $1 and id = $2", workspace_id, account_id
    )
    return found


async def set_credentials(db: Connection, workspace_id: UUID, account_id: UUID, credentials: bytes) -> None:
    await db.execute(
        """update accounts set credentials = $3, state = case when state = 'credentials_refused' then 'active'
             else state end, failure = null, failures = 0, blocked_until = null, callbacks_checked_at = null
           where workspace_id = $1 and id = $2 and state <> 'disconnected'""",
        workspace_id,
        account_id,
        credentials,
    )


async def bring_back(
    db: Connection,
    workspace_id: UUID,
    account_id: UUID,
    credentials: bytes,
    label: str,
    callback_token_hash: bytes | None,
) -> None:
    """One that was disconnected, or is about to be, is connected again. No hash: the address for callbacks stays."""
    await db.execute(
        """update accounts set credentials = $3, label = $4, state = 'active', disconnected_at = null,
             failure = null, failures = 0, blocked_until = null,
             callback_token_hash = coalesce($5, callback_token_hash)
           where workspace_id = $1 and id = $2""",
        workspace_id,
        account_id,
        credentials,
        label,
        callback_token_hash,
    )


async def set_state(
    db: Connection,
    workspace_id: UUID,
    account_id: UUID,
    state: str,
    failure: dict[str, Any] | None,
    at: datetime,
    *,
    with_credentials: bytes | None = None,
) -> bool:
    """False where the account was in that state already (its failure is replaced all the same).

    `with_credentials`, sealed: those that brought it there; nothing happens where it has others by now. The
    credentials of a disconnected account are forgotten, and the address that its vendor was told.
    """
    before = await db.fetchval(
        """select state from accounts where workspace_id = $1 and id = $2
           and ($3::bytea is null or credentials = $3) for no key update""",
        workspace_id,
        account_id,
        with_credentials,
    )
    if before is None:
        return False
    if state == "disconnected":
        await callbacks.forget(db, workspace_id, account_id, None)
    await db.execute(
        """update accounts set state = $3, failure = $4,
             credentials = case when $3 = 'disconnected' then null else credentials end,
             disconnected_at = case when $3 = 'disconnected' then $5 else disconnected_at end
           where workspace_id = $1 and id = $2""",
        workspace_id,
        account_id,
        state,
        failure,
        at,
    )
    return bool(before != state)


async def set_described(db: Connection, workspace_id: UUID, account_id: UUID, at: datetime) -> None:
    await db.execute(
        "update accounts set described_at = $3, failures = 0 where workspace_id = $1 and id = $2",
        workspace_id,
        account_id,
        at,
    )


async def note_failure(
    db: Connection,
    workspace_id: UUID,
    account_id: UUID,
    failure: dict[str, Any],
    blocked_until: datetime | None,
) -> int:
    """One more failure in a row; returns how many there are."""
    count: int = await db.fetchval(
        """update accounts set failures = failures + 1, failure = $3,
             blocked_until = greatest(blocked_until, $4)
           where workspace_id = $1 and id = $2 returning failures""",
        workspace_id,
        account_id,
        failure,
        blocked_until,
    )
    return count


async def note_success(db: Connection, workspace_id: UUID, account_id: UUID) -> bool:
    """True where it had been failing: it has recovered."""
    result = await db.execute(
        """update accounts set failures = 0, failure = null, blocked_until = null
           where workspace_id = $1 and id = $2 and (failures > 0 or failure is not null)
             and state in ('active', 'disconnecting')""",
        workspace_id,
        account_id,
    )
    return bool(result == "UPDATE 1")
