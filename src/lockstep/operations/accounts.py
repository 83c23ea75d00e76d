"""Connected accounts: connect, reconnect, describe, disconnect. Only connecting touches a driver, before it opens a
transaction."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol
from uuid import UUID

import msgspec

from lockstep.driver.contract import Callback, Description, Target
from lockstep.driver.outcomes import CredentialsRefused, DriverError
from lockstep.kit.ids import new_id, public_id
from lockstep.model import events
from lockstep.model.permissions import Actor, Scope, require
from lockstep.operations import events as recorded
from lockstep.operations.errors import Conflict, Invalid, NotFound, VendorFailed
from lockstep.operations.gate import Gate, Tx
from lockstep.storage import accounts, claims, devices, domains, entries
from lockstep.storage.accounts import AccountRow
from lockstep.storage.devices import DeviceRow
from lockstep.storage.encoding import to_document

WhatBecomesOfCodes = Literal["remove", "leave"]
"""On disconnecting: take our codes off the locks first, or leave them as they are."""


class Named(Protocol):
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Connect:
    vendor: str
    credentials: Mapping[str, str] = field(repr=False)
    label: str = ""


@dataclass(frozen=True, slots=True)
class Connected:
    """The account, and the secret end of the address at which the vendor may call us; shown once."""

    account: AccountRow
    callback_token: str = field(repr=False)


async def connect(gate: Gate, actor: Actor, command: Connect) -> Connected:
    """Check the credentials with the vendor, then remember them sealed, with everything under the account.

    A vendor account that is connected already is a conflict, and nothing is replaced.
    """
    require(actor, Scope.ACCOUNTS_WRITE)
    credentials = _checked(gate, command)
    description = await _described(gate, command.vendor, credentials)
    async with gate.transaction(actor.workspace_id) as tx:
        account_id = new_id()
        row_id = public_id("account", account_id)
        token = secrets.token_urlsafe(24)
        is_new = await accounts.insert(
            tx.db,
            tx.workspace_id,
            account_id,
            row_id,
            command.vendor,
            description.account,
            command.label or gate.vendors[command.vendor].label,
            tx.seal(msgspec.json.encode(credentials).decode(), "accounts", "credentials", account_id),
            _hash(token),
            tx.now,
        )
        if not is_new:
            known = await accounts.by_vendor_account(
                tx.db, tx.workspace_id, command.vendor, description.account
            )
            raise Conflict(
                f"This account is connected already as {known.public_id if known else 'another'}.",
                code="account_connected_already",
                next_step="Use that account; to give it other credentials, change its credentials.",
            )
        await recorded.append(tx, actor, events.ConnectedAccountConnected(connected_account_id=row_id))
        await take_description(tx, actor, account_id, description)
        await claims.wake(tx.db, tx.workspace_id, "accounts", [account_id], tx.now)
        found = await accounts.get(tx.db, tx.workspace_id, account_id)
    assert found is not None
    return Connected(found, token)


async def reconnect(
    gate: Gate, actor: Actor, account_public_id: str, credentials: Mapping[str, str]
) -> AccountRow:
    """New credentials for the same vendor account; those of another account are refused."""
    require(actor, Scope.ACCOUNTS_WRITE)
    async with gate.reading(actor.workspace_id) as tx:
        account = await _get(tx, account_public_id)
    checked = _checked(gate, Connect(account.vendor, credentials))
    description = await _described(gate, account.vendor, checked)
    if description.account != account.vendor_account:
        raise Conflict(
            "These credentials belong to another account of the vendor.",
            code="other_vendor_account",
            next_step="Give credentials of the same account, or connect the other one as an account of its own.",
        )
    async with gate.transaction(actor.workspace_id) as tx:
        sealed = tx.seal(msgspec.json.encode(checked).decode(), "accounts", "credentials", account.id)
        await accounts.set_credentials(tx.db, tx.workspace_id, account.id, sealed)
        await recorded.append(
            tx, actor, events.ConnectedAccountRecovered(connected_account_id=account.public_id)
        )
        await take_description(tx, actor, account.id, description)
        rows = await domains.of_account(tx.db, tx.workspace_id, account.id)
        await claims.wake(tx.db, tx.workspace_id, "domains", [r.id for r in rows], tx.now)
        await claims.wake(tx.db, tx.workspace_id, "accounts", [account.id], tx.now)
        return await _get(tx, account_public_id)


async def get(tx: Tx, actor: Actor, account_public_id: str) -> AccountRow:
    require(actor, Scope.ACCOUNTS_READ)
    return await _get(tx, account_public_id)


async def listed(tx: Tx, actor: Actor) -> list[AccountRow]:
    require(actor, Scope.ACCOUNTS_READ)
    return await accounts.listed(tx.db, tx.workspace_id)


async def disconnect(
    tx: Tx, actor: Actor, account_public_id: str, codes: WhatBecomesOfCodes | None
) -> AccountRow:
    """End an account. `codes` must say what becomes of our codes on its locks."""
    require(actor, Scope.ACCOUNTS_WRITE)
    account = await _get(tx, account_public_id)
    if codes not in ("remove", "leave"):
        raise Invalid(
            "Our codes may be on this account's locks; say what becomes of them.",
            code="codes_undecided",
            next_step='Send codes "remove" to take them off first, or "leave" to leave them as they are.',
            field="codes",
        )
    if account.state == "disconnected":
        return account
    rows = await domains.of_account(tx.db, tx.workspace_id, account.id)
    await domains.lock(tx.db, tx.workspace_id, [r.id for r in rows])
    subject = account.public_id
    if codes == "leave":
        await accounts.set_state(tx.db, tx.workspace_id, account.id, "disconnected", None, tx.now)
        await recorded.append(tx, actor, events.ConnectedAccountDisconnected(connected_account_id=subject))
    else:
        for row in rows:
            living = await entries.open_of_domain(tx.db, tx.workspace_id, row.id)
            await entries.withdraw(tx.db, tx.workspace_id, [e.id for e in living], tx.now)
        await accounts.set_state(tx.db, tx.workspace_id, account.id, "disconnecting", None, tx.now)
        await recorded.append(tx, actor, events.ConnectedAccountDisconnecting(connected_account_id=subject))
        await claims.wake(tx.db, tx.workspace_id, "domains", [r.id for r in rows], tx.now)
        await claims.wake(tx.db, tx.workspace_id, "accounts", [account.id], tx.now)
    return await _get(tx, account_public_id)


async def finish_disconnection(tx: Tx, actor: Named, account_id: UUID) -> bool:
    """True once nothing of ours can be on the account's locks any more: then it is disconnected."""
    for row in await domains.of_account(tx.db, tx.workspace_id, account_id):
        if await entries.open_of_domain(tx.db, tx.workspace_id, row.id):
            return False
    account = await accounts.get(tx.db, tx.workspace_id, account_id)
    if account is None or account.state != "disconnecting":
        return True
    await accounts.set_state(tx.db, tx.workspace_id, account_id, "disconnected", None, tx.now)
    await recorded.append(
        tx, actor, events.ConnectedAccountDisconnected(connected_account_id=account.public_id)
    )
    return True


async def take_description(tx: Tx, actor: Named, account_id: UUID, description: Description) -> None:
    """Make devices and write domains equal to what the vendor describes; wakes what is new or changed."""
    known = {d.reference: d for d in await devices.of_account(tx.db, tx.workspace_id, account_id)}
    changed: set[UUID] = set()
    for target in sorted(description.targets, key=lambda t: t.reference):
        domain_id = await domains.ensure(tx.db, tx.workspace_id, account_id, target.domain, new_id(), tx.now)
        before = known.get(target.reference)
        row = _device(tx, account_id, domain_id, target, before)
        if await devices.upsert(tx.db, tx.workspace_id, row):
            changed.add(domain_id)
            await recorded.append(tx, actor, events.DeviceAdded(device_id=row.public_id))
        elif before is None or before.capabilities != row.capabilities or before.removed_at is not None:
            changed.add(domain_id)
    here = {t.reference for t in description.targets}
    for reference, device in known.items():
        if reference not in here and device.removed_at is None:
            await devices.set_removed(tx.db, tx.workspace_id, device.id, tx.now)
            await recorded.append(tx, actor, events.DeviceRemoved(device_id=device.public_id))
            changed.add(device.domain_id)
    await accounts.set_described(tx.db, tx.workspace_id, account_id, tx.now)
    await claims.wake(tx.db, tx.workspace_id, "domains", sorted(changed), tx.now)


async def take_callback(gate: Gate, token: str, headers: Mapping[str, str], body: bytes) -> None:
    """A vendor's call: ask the driver's pure `read_callback` whom to wake. It is told where to look, never what is."""
    async with gate.database.reading(None) as db:
        found = await accounts.every_by_callback_token(db, _hash(token))
    if found is None:
        raise NotFound("callback", "address")
    async with gate.transaction(found[0]) as tx:
        account = await accounts.get(tx.db, tx.workspace_id, found[1])
        assert account is not None
        opened = tx.open(account.credentials, "accounts", "credentials", account.id)
        credentials = msgspec.json.decode(opened, type=dict[str, str])
        secret = credentials.get("webhook_secret", "")
        hints: Callback = gate.vendors[account.vendor].read_callback(headers, body, secret)
        known = await devices.of_account(tx.db, tx.workspace_id, account.id)
        wanted = {d.domain_id for d in known if hints.look_at is None or d.reference in hints.look_at}
        await domains.look_now(tx.db, tx.workspace_id, sorted(wanted), tx.now)
        await claims.wake(tx.db, tx.workspace_id, "domains", sorted(wanted), tx.now)


async def _get(tx: Tx, account_public_id: str) -> AccountRow:
    account = await accounts.by_public_id(tx.db, tx.workspace_id, account_public_id)
    if account is None:
        raise NotFound("connected account", account_public_id)
    return account


def _checked(gate: Gate, command: Connect) -> dict[str, str]:
    vendor = gate.vendors.get(command.vendor)
    if vendor is None:
        names = ", ".join(sorted(gate.vendors))
        raise Invalid(
            f"There is no vendor {command.vendor[:40]!r} here.",
            code="vendor_unknown",
            next_step=f"Give one of: {names}.",
            field="vendor",
        )
    given = dict(command.credentials)
    for wanted in vendor.credential_fields:
        if not given.get(wanted.name):
            if wanted.default is not None:
                given[wanted.name] = wanted.default
            elif wanted.is_required:
                raise Invalid(
                    f"The credential {wanted.name} is missing ({wanted.label}).",
                    code="credential_missing",
                    next_step=wanted.help or f"Give {wanted.name}.",
                    field=f"credentials.{wanted.name}",
                )
    unknown = set(given) - {f.name for f in vendor.credential_fields}
    if unknown:
        raise Invalid(
            f"The vendor {command.vendor} knows no credential {min(unknown)[:40]!r}.",
            code="credential_unknown",
            next_step="Give only: " + ", ".join(f.name for f in vendor.credential_fields) + ".",
            field="credentials",
        )
    return given


async def _described(gate: Gate, vendor: str, credentials: Mapping[str, str]) -> Description:
    driver = gate.vendors[vendor].connect(credentials, http=gate.vendor_http, clock=gate.clock)
    try:
        return await driver.describe()
    except CredentialsRefused as refused:
        raise Invalid(
            "The vendor refuses these credentials.",
            code="credentials_refused",
            next_step="Make new ones at the vendor and give these.",
            field="credentials",
        ) from refused
    except DriverError as error:
        raise VendorFailed(
            f"The vendor {vendor} could not be asked.",
            code=error.code,
            next_step="Try again in some minutes; nothing was stored.",
        ) from error


def _device(tx: Tx, account_id: UUID, domain_id: UUID, target: Target, before: DeviceRow | None) -> DeviceRow:
    row_id = before.id if before else new_id()
    return DeviceRow(
        row_id,
        before.public_id if before else public_id("lock", row_id),
        account_id,
        domain_id,
        target.reference,
        target.kind.value,
        target.name,
        target.model,
        target.capabilities,
        target.time_zone,
        to_document(target.state),
        target.state.is_online,
        tx.now,
        None,
    )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
