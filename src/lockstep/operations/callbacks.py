"""Vendors that call us: at which address, signed with which secret, and whom a call wakes.

An account has two addresses. One is shown once when it is connected, for somebody who registers it by hand and gives
the secret as the credential `webhook_secret`. The other one Lockstep tells the vendor itself, which tells a secret."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec

from lockstep.driver.contract import Callback, CallbackRefused, CallbacksRefused
from lockstep.driver.outcomes import DriverError
from lockstep.kit.sealing import Place
from lockstep.model.permissions import Actor, Scope, require, require_own_or_whole
from lockstep.operations.errors import NotFound, NotSignedIn
from lockstep.operations.gate import Gate, Tx
from lockstep.storage import accounts, claims, devices, domains, workspaces
from lockstep.storage import callbacks as stored
from lockstep.storage.accounts import AccountRow

_PATH = "/callbacks/"
_BY_HAND = "webhook_secret"
_WITHDRAWN_WITHIN_SECONDS = 5.0
_NO_CALLBACK = (
    "Call the path that was shown when the account was connected; it ends when the account is disconnected."
)


@dataclass(frozen=True, slots=True)
class Told:
    """What the vendor was told. An `url` without a secret: it was about to be told, and did not answer."""

    url: str | None = field(repr=False)
    has_secret: bool
    is_by_hand: bool
    """Somebody gave the secret of a registration of their own."""

    def is_below(self, origin: str) -> bool:
        """Whether the vendor was told an address at this public address."""
        return self.url is not None and self.url.startswith(f"{origin}{_PATH}")


def new_token() -> str:
    """The secret end of an address."""
    return secrets.token_urlsafe(24)


def hash_of(token: str) -> bytes:
    """By which an address is known."""
    return hashlib.sha256(token.encode()).digest()


def path_of(token: str) -> str:
    """Below this installation's public address."""
    return f"{_PATH}{token}"


async def take(gate: Gate, token: str, headers: Mapping[str, str], body: bytes) -> None:
    """A vendor's call: ask the driver's pure `read_callback` whom to wake. It is told where to look, never what is."""
    async with gate.database.reading(None) as db:
        found = await stored.every_by_token(db, hash_of(token))
    if found is None:
        raise NotFound("callback", "address", next_step=_NO_CALLBACK)
    async with gate.transaction(found.workspace_id) as tx:
        account = await accounts.get(tx.db, tx.workspace_id, found.account_id)
        if account is None or account.credentials is None:
            raise NotFound("callback", "address", next_step=_NO_CALLBACK)
        if found.is_registered:
            secret = _opened(gate, tx.workspace_id, account, "registered_secret") or ""
        else:
            secret = _credentials(gate, tx.workspace_id, account).get(_BY_HAND, "")
        hints = _hints(gate, account.vendor, headers, body, secret)
        known = await devices.of_account(tx.db, tx.workspace_id, account.id)
        wanted = {d.domain_id for d in known if hints.look_at is None or d.reference in hints.look_at}
        await domains.look_now(tx.db, tx.workspace_id, sorted(wanted), tx.now)
        await claims.wake(tx.db, tx.workspace_id, "domains", sorted(wanted), tx.now)


def told(gate: Gate, workspace_id: UUID, account: AccountRow) -> Told:
    """Of an account that is not disconnected. Asks nobody."""
    return Told(
        _opened(gate, workspace_id, account, "registered_url"),
        account.registered_secret is not None,
        bool(_credentials(gate, workspace_id, account).get(_BY_HAND)),
    )


async def begin(tx: Tx, account: AccountRow, told: Told, origin: str) -> str:
    """The address that the vendor is about to be told: that of before, or a new one where the public address is
    another. Stored first, so that a call can never come to one that nobody knows."""
    if told.url is not None and told.is_below(origin):
        await stored.begin(tx.db, tx.workspace_id, account.id)
        return told.url
    token = new_token()
    url = f"{origin}{path_of(token)}"
    sealed = tx.seal(url, "accounts", "registered_url", account.id)
    await stored.begin(tx.db, tx.workspace_id, account.id, sealed, hash_of(token))
    return url


async def keep(tx: Tx, account: AccountRow, url: str, secret: str | None) -> bool:
    """The vendor calls this address, and signs with this secret; None: with the one that is known.

    False where that is of no use any more, such as after other credentials were given meanwhile."""
    assert account.credentials is not None, "with these it was told"
    sealed = None if secret is None else tx.seal(secret, "accounts", "registered_secret", account.id)
    token_hash = hash_of(url.rsplit("/", 1)[1])
    return await stored.keep(
        tx.db, tx.workspace_id, account.id, account.credentials, token_hash, sealed, tx.now
    )


async def withdraw(gate: Gate, actor: Actor, account_public_id: str, codes: str | None) -> None:
    """The first half of disconnecting: the vendor is told to call no more, as far as it can be asked at once.

    It never stands in the way. A disconnection that then fails has it registered anew in time."""
    require(actor, Scope.ACCOUNTS_WRITE)
    async with gate.transaction(actor.workspace_id) as tx:
        account = await accounts.by_public_id(tx.db, tx.workspace_id, account_public_id)
        require_own_or_whole(actor, account.customer_key if account else None)
        if codes is None:
            return
        if account is None or account.registered_url is None or not await is_ruling(tx):
            return
        url = _opened(gate, tx.workspace_id, account, "registered_url")
        credentials = _credentials(gate, tx.workspace_id, account)
        await stored.forget(tx.db, tx.workspace_id, account.id, None)
    with suppress(CallbacksRefused, DriverError, TimeoutError):
        async with asyncio.timeout(_WITHDRAWN_WITHIN_SECONDS):
            driver = gate.vendors[account.vendor].connect(
                credentials, http=gate.vendor_http, clock=gate.clock
            )
            if url is not None and driver.callbacks is not None:
                await driver.callbacks.withdraw(url)


async def is_ruling(tx: Tx) -> bool:
    """A copy leaves the vendor alone: it calls the database that rules."""
    workspace = await workspaces.get(tx.db, tx.workspace_id)
    return workspace is not None and workspace.is_ruling


def _hints(gate: Gate, vendor: str, headers: Mapping[str, str], body: bytes, secret: str) -> Callback:
    try:
        return gate.vendors[vendor].read_callback(headers, body, secret)
    except CallbackRefused as refused:
        raise NotSignedIn(
            "The signature of this call does not fit.",
            code=refused.code,
            next_step="Register the callback anew at the vendor, and give its secret to the connected account.",
        ) from None
    except DriverError:
        # Signed, so it is the vendor's, though not understood: something happened somewhere.
        return Callback(look_at=None)


def _credentials(gate: Gate, workspace_id: UUID, account: AccountRow) -> dict[str, str]:
    opened = _opened(gate, workspace_id, account, "credentials")
    found: dict[str, str] = msgspec.json.decode(opened or "{}", type=dict[str, str])
    return found


def _opened(gate: Gate, workspace_id: UUID, account: AccountRow, column: str) -> str | None:
    sealed: Any = getattr(account, column)
    if sealed is None:
        return None
    return gate.sealer.open(sealed, Place(workspace_id, "accounts", column, account.id))
