"""Connected accounts: connect, reconnect, describe, disconnect. Of these only connecting touches a driver, before it
opens a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

import msgspec

from lockstep.driver.contract import Description, Target
from lockstep.kit.ids import new_id, public_id
from lockstep.model import events
from lockstep.model.listing import Missed, taken_as_removed
from lockstep.model.permissions import (
    Actor,
    Scope,
    require,
    require_account,
    require_accounts,
    require_own_or_whole,
    require_whole_workspace,
)
from lockstep.operations import account_details, callbacks, people, reconnecting
from lockstep.operations import events as recorded
from lockstep.operations.account_details import Details
from lockstep.operations.errors import (
    CONNECT_AGAIN,
    AccountInError,
    Conflict,
    Invalid,
    NotFound,
)
from lockstep.operations.failures import Failed, failed
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.leaving import told_of_leaving
from lockstep.operations.vendors import Checked, checked_credentials, described
from lockstep.operations.words import words_or_none
from lockstep.storage import access_codes, accounts, claims, devices, domains, entries, unread
from lockstep.storage.accounts import LEAVING, AccountRow
from lockstep.storage.devices import DeviceRow
from lockstep.storage.encoding import to_document

WhatBecomesOfCodes = Literal["remove", "leave"]
"""On disconnecting: take our codes off the locks first, or leave them as they are."""


class Named(Protocol):
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class ConnectedAccount:
    """A connected account as the ways in show it; its credentials are never shown."""

    connected_account_id: str
    vendor: str
    vendor_account: str
    """What the vendor calls it."""
    label: str
    state: str
    """`active`, `credentials_refused`, `parked`, `disconnecting` or `disconnected`."""
    failure: Failed | None
    """Why the vendor could not be asked, as long as that lasts."""
    waits_until: datetime | None
    """No call before: the vendor asks for patience, or could not be reached."""
    described_at: datetime | None
    """When it was last asked which devices there are."""
    created_at: datetime
    disconnected_at: datetime | None
    has_callbacks: bool
    """Whether the vendor was told, and still knew when it was last asked, to call Lockstep when something happens."""
    no_callbacks: Failed | None
    """Why not, where that is known. No failure of the account: everything goes on by the clock."""
    customer_key: str | None
    """Whose it is, by your own key."""
    custom_metadata: Mapping[str, str | bool]
    """Values that only you understand."""
    accepted_kinds: tuple[str, ...] | None
    """Of which kinds devices are taken in; null: of every kind."""
    manages_new_devices: bool
    """Whether Lockstep looks after a device that appears under it."""


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


def shown(row: AccountRow) -> ConnectedAccount:
    """As the ways in show it."""
    return ConnectedAccount(
        row.public_id,
        row.vendor,
        row.vendor_account,
        row.label,
        row.state,
        failed(row.failure),
        row.blocked_until,
        row.described_at,
        row.created_at,
        row.disconnected_at,
        row.registered_secret is not None and row.no_callbacks is None,
        failed(row.no_callbacks),
        row.customer_key,
        row.custom_metadata,
        None if row.accepted_kinds is None else tuple(row.accepted_kinds),
        row.manages_new_devices,
    )


async def connect(gate: Gate, actor: Actor, command: Connect) -> Connected:
    """Check the credentials with the vendor, then remember them sealed, with everything under the account.

    A vendor account that is connected already is a conflict, and nothing is replaced. One that was disconnected, or
    whose credentials are refused, is connected again: the same account, with its devices and their places.
    """
    checked = await ask_vendor(gate, actor, command)
    async with gate.transaction(actor.workspace_id) as tx:
        return await add(tx, actor, checked)


async def reconnect(
    gate: Gate, actor: Actor, account_public_id: str, credentials: Mapping[str, str]
) -> AccountRow:
    """New credentials for the same vendor account; those of another account are refused.

    One that was disconnected, or is about to be, is connected again."""
    checked = await ask_vendor_again(gate, actor, account_public_id, credentials)
    async with gate.transaction(actor.workspace_id) as tx:
        return await replace_credentials(tx, actor, account_public_id, checked)


async def ask_vendor(gate: Gate, actor: Actor, command: Connect) -> Checked:
    """The first half of connecting: nothing is stored. Raises Invalid, VendorFailed."""
    require(actor, Scope.ACCOUNTS_WRITE)
    require_whole_workspace(actor)
    credentials = checked_credentials(gate, command.vendor, command.credentials)
    description = await described(gate, command.vendor, credentials)
    label = words_or_none(command.label, "label") or gate.vendors[command.vendor].label
    return Checked(command.vendor, credentials, label, description)


async def ask_vendor_again(
    gate: Gate, actor: Actor, account_public_id: str, credentials: Mapping[str, str]
) -> Checked:
    """The same for new credentials of a known account. Raises NotFound besides."""
    require(actor, Scope.ACCOUNTS_WRITE)
    require_whole_workspace(actor)
    async with gate.reading(actor.workspace_id) as tx:
        account = await _get(tx, account_public_id)
    checked = checked_credentials(gate, account.vendor, credentials)
    return Checked(account.vendor, checked, account.label, await described(gate, account.vendor, checked))


async def add(
    tx: Tx, actor: Actor, checked: Checked, known_id: str | None = None, given: Details | None = None
) -> Connected:
    """The second half of connecting. `known_id`: what a seeded account is called; its devices are called as their
    vendor calls them. Raises Conflict where the account is connected already."""
    require(actor, Scope.ACCOUNTS_WRITE)
    account_id = new_id()
    row_id = known_id or public_id("account", account_id)
    token = callbacks.new_token()
    vendor, description = checked.vendor, checked.description
    is_new = await accounts.insert(
        tx.db,
        tx.workspace_id,
        account_id,
        row_id,
        vendor,
        description.account,
        checked.label,
        _sealed(tx, checked.credentials, account_id),
        callbacks.hash_of(token),
        tx.now,
    )
    if not is_new:
        return await _add_again(tx, actor, checked, token, given)
    found = await accounts.get(tx.db, tx.workspace_id, account_id)
    assert found is not None
    # Before its devices are taken in: it says which.
    await account_details.give(tx, found, given or Details())
    connected = events.ConnectedAccountConnected(
        connected_account_id=row_id, connect_webview_id=given.connect_webview_id if given else None
    )
    await recorded.append(tx, actor, connected)
    await take_description(tx, actor, account_id, description, with_known_ids=known_id is not None)
    await claims.wake(tx.db, tx.workspace_id, "accounts", [account_id], tx.now)
    return Connected(await _get(tx, row_id), token)


async def replace_credentials(tx: Tx, actor: Actor, account_public_id: str, checked: Checked) -> AccountRow:
    """The second half of reconnecting. Raises Conflict where the credentials are of another account."""
    require(actor, Scope.ACCOUNTS_WRITE)
    account = await _get(tx, account_public_id)
    if checked.description.account != account.vendor_account:
        raise Conflict(
            "These credentials belong to another account of the vendor.",
            code="other_vendor_account",
            next_step="Give credentials of the same account, or connect the other one as an account of its own.",
        )
    if account.state in LEAVING:
        await _bring_back(tx, actor, account, checked, None)
        return await _get(tx, account_public_id)
    # Domains before their account, as in every pass, so that the two never wait for each other.
    rows = await domains.of_account(tx.db, tx.workspace_id, account.id)
    await domains.lock(tx.db, tx.workspace_id, [r.id for r in rows])
    sealed = _sealed(tx, checked.credentials, account.id)
    await accounts.set_credentials(tx.db, tx.workspace_id, account.id, sealed)
    await recorded.append(
        tx,
        actor,
        events.ConnectedAccountRecovered(connected_account_id=account.public_id, has_new_credentials=True),
    )
    await take_description(tx, actor, account.id, checked.description)
    rows = await domains.of_account(tx.db, tx.workspace_id, account.id)
    await claims.wake(tx.db, tx.workspace_id, "domains", [r.id for r in rows], tx.now)
    await claims.wake(tx.db, tx.workspace_id, "accounts", [account.id], tx.now)
    return await _get(tx, account_public_id)


async def get(tx: Tx, actor: Actor, account_public_id: str) -> AccountRow:
    require(actor, Scope.ACCOUNTS_READ)
    require_accounts(actor)
    account = await _get(tx, account_public_id)
    require_account(actor, account.id)
    return account


async def listed(tx: Tx, actor: Actor) -> list[AccountRow]:
    require(actor, Scope.ACCOUNTS_READ)
    require_accounts(actor)
    return [a for a in await accounts.listed(tx.db, tx.workspace_id) if actor.may_reach_account(a.id)]


async def look_now(tx: Tx, actor: Actor, account_public_id: str) -> AccountRow:
    """Ask the vendor soon what is under the account, such as a lock that was just added there."""
    require(actor, Scope.ACCOUNTS_WRITE)
    require_whole_workspace(actor)
    account = await _get(tx, account_public_id)
    _refuse_disconnected(account)
    await claims.wake(tx.db, tx.workspace_id, "accounts", [account.id], tx.now)
    return account


async def disconnect(
    tx: Tx, actor: Actor, account_public_id: str, codes: WhatBecomesOfCodes | None
) -> AccountRow:
    """End an account. `codes` must say what becomes of our codes on its locks."""
    require(actor, Scope.ACCOUNTS_WRITE)
    account = await _get(tx, account_public_id)
    require_own_or_whole(actor, account.customer_key)
    if codes not in ("remove", "leave"):
        raise Invalid(
            "Our codes may be on this account's locks; say what becomes of them.",
            code="codes_undecided",
            next_step='Send codes "remove" to take them off first, or "leave" to leave them as they are.',
            field="codes",
        )
    if account.state == "disconnected":
        return account
    if codes == "remove" and account.state not in ("active", "disconnecting"):
        raise AccountInError(
            f"The account {account.public_id} is {account.state}, so our codes cannot be taken off its locks.",
            next_step='Change its credentials first, or send codes "leave" and take the codes off by hand.',
        )
    rows = await domains.of_account(tx.db, tx.workspace_id, account.id)
    await domains.lock(tx.db, tx.workspace_id, [r.id for r in rows])
    subject = account.public_id
    if codes == "leave":
        await _end(tx, actor, account)
    else:
        for row in rows:
            await _withdraw_all(tx, actor, row.id)
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
    if account is not None and account.state == "disconnecting":
        await _end(tx, actor, account)
    return True


async def take_description(
    tx: Tx, actor: Named, account_id: UUID, description: Description, *, with_known_ids: bool = False
) -> list[datetime]:
    """Make devices and write domains equal to what the vendor describes; wakes what is new or changed. A device that is
    not described is unread, and taken as removed only after several descriptions without it (`model/listing.py`).

    Returns since when those are missing that are not taken as removed yet."""
    known = {d.reference: d for d in await devices.of_account(tx.db, tx.workspace_id, account_id)}
    changed: set[UUID] = set()
    kinds = await accounts.accepted_kinds(tx.db, tx.workspace_id, account_id)
    for target in sorted(description.targets, key=lambda t: t.reference):
        before = known.get(target.reference)
        if before is None and kinds is not None and target.kind not in kinds:
            continue
        domain_id = await domains.ensure(tx.db, tx.workspace_id, account_id, target.domain, new_id(), tx.now)
        row = _device(tx, account_id, domain_id, target, before, is_known=with_known_ids)
        is_new = await devices.upsert(tx.db, tx.workspace_id, row)
        if is_new or (before is not None and before.removed_at is not None):
            await recorded.append(
                tx, actor, events.DeviceAdded(device_id=row.public_id, is_online=row.is_online)
            )
        elif before is not None and before.name != row.name:
            await recorded.append(tx, actor, events.DeviceRenamed(device_id=row.public_id))
        if before is not None and before.missed_since is not None:
            await _find_again(tx, before, domain_id)
        if is_new or before is None or before.missed_since or before.capabilities != row.capabilities:
            changed.add(domain_id)
    here = {t.reference for t in description.targets}
    there = [d for d in known.values() if d.removed_at is None]
    missing = [d for d in there if d.reference not in here]
    # Each time: alarms have to go on while nothing else happens on these.
    changed |= {d.domain_id for d in missing}
    undecided = await _miss(tx, actor, missing, len(there))
    await people.take(tx, actor, account_id, description.people)
    await accounts.set_described(tx.db, tx.workspace_id, account_id, tx.now)
    await claims.wake(tx.db, tx.workspace_id, "domains", sorted(changed), tx.now)
    return undecided


async def _get(tx: Tx, account_public_id: str) -> AccountRow:
    account = await accounts.by_public_id(tx.db, tx.workspace_id, account_public_id)
    if account is None:
        raise NotFound("connected account", account_public_id)
    return account


async def _add_again(tx: Tx, actor: Actor, checked: Checked, token: str, given: Details | None) -> Connected:
    """The account is known here. Raises Conflict unless it waits for credentials."""
    account = await accounts.by_vendor_account(
        tx.db, tx.workspace_id, checked.vendor, checked.description.account
    )
    if account is None or account.state not in (*LEAVING, "credentials_refused"):
        raise Conflict(
            f"This account is connected already as {account.public_id if account else 'another'}.",
            code="account_connected_already",
            next_step="Use that account; to give it other credentials, change its credentials.",
        )
    await account_details.give(tx, account, given or Details())
    await _bring_back(tx, actor, account, checked, callbacks.hash_of(token))
    return Connected(await _get(tx, account.public_id), token)


async def _bring_back(
    tx: Tx, actor: Actor, account: AccountRow, checked: Checked, callback_token_hash: bytes | None
) -> None:
    """Connected again. What was read of its locks before may be long out of date, so it counts for nothing."""
    rows = await domains.of_account(tx.db, tx.workspace_id, account.id)
    domain_ids = [r.id for r in rows]
    await domains.lock(tx.db, tx.workspace_id, domain_ids)
    await accounts.bring_back(
        tx.db,
        tx.workspace_id,
        account.id,
        _sealed(tx, checked.credentials, account.id),
        checked.label,
        callback_token_hash,
    )
    await unread.forget_what_was_read(tx.db, tx.workspace_id, tx.now, account.id)
    connected = events.ConnectedAccountConnected(connected_account_id=account.public_id, is_again=True)
    await recorded.append(tx, actor, connected)
    await take_description(tx, actor, account.id, checked.description)
    await reconnecting.declare_again(tx, actor, account.id)
    await claims.wake(tx.db, tx.workspace_id, "domains", domain_ids, tx.now)
    await claims.wake(tx.db, tx.workspace_id, "accounts", [account.id], tx.now)


async def _withdraw_all(tx: Tx, actor: Actor, domain_id: UUID) -> None:
    """Nothing of ours may stay on this domain's locks."""
    living = await entries.open_of_domain(tx.db, tx.workspace_id, domain_id)
    entry_ids = [e.id for e in living]
    codes = await access_codes.of_entries(tx.db, tx.workspace_id, entry_ids)
    shown = [c for c in codes if c.withdrawn_at is None]
    await entries.withdraw(tx.db, tx.workspace_id, entry_ids, tx.now)
    await access_codes.withdraw(tx.db, tx.workspace_id, [c.id for c in shown], tx.now)
    told = (
        events.AccessCodeDeleted(
            access_code_id=c.public_id, device_id=c.device_public_id, access_grant_id=c.grant_public_id
        )
        for c in shown
    )
    await recorded.append(tx, actor, *told)


async def _end(tx: Tx, actor: Named, account: AccountRow) -> None:
    """Disconnected: nobody looks at its locks any more, and nothing on them is an alarm."""
    await accounts.set_state(tx.db, tx.workspace_id, account.id, "disconnected", None, tx.now)
    await domains.rest(tx.db, tx.workspace_id, account.id)
    await people.take(tx, actor, account.id, ())
    await recorded.append(tx, actor, *await told_of_leaving(tx, account.public_id, account.id))


async def _miss(tx: Tx, actor: Named, missing: Sequence[DeviceRow], listed_before: int) -> list[datetime]:
    """These are not described, out of so many that were there. Returns since when those are missing that stay."""
    counted = {d.id: Missed(d.missed_since or tx.now, d.missed + 1) for d in missing}
    removed = taken_as_removed(counted, listed_before, tx.now)
    for device in missing:
        count, is_removed = counted[device.id], device.id in removed
        await devices.set_missed(
            tx.db, tx.workspace_id, device.id, count.since, count.times, tx.now if is_removed else None
        )
        if is_removed:
            await recorded.append(tx, actor, events.DeviceRemoved(device_id=device.public_id))
    return [count.since for id, count in counted.items() if id not in removed]


async def _find_again(tx: Tx, before: DeviceRow, domain_id: UUID) -> None:
    """Listed again: what it carries is read at once. Codes for which nobody looked any more are ours to remove."""
    if before.given_up_at is not None:
        await entries.reopen(tx.db, tx.workspace_id, before.domain_id)
    await domains.look_now(tx.db, tx.workspace_id, [domain_id], tx.now)


def _refuse_disconnected(account: AccountRow) -> None:
    if account.state in LEAVING:
        raise Conflict(
            f"The connected account {account.public_id} is {account.state}.",
            code="account_disconnected",
            next_step=CONNECT_AGAIN,
        )


def _sealed(tx: Tx, credentials: Mapping[str, str], account_id: UUID) -> bytes:
    return tx.seal(msgspec.json.encode(credentials).decode(), "accounts", "credentials", account_id)


def _device(
    tx: Tx, account_id: UUID, domain_id: UUID, target: Target, before: DeviceRow | None, *, is_known: bool
) -> DeviceRow:
    row_id = before.id if before else new_id()
    fresh_id = target.reference if is_known else public_id("lock", row_id)
    return DeviceRow(
        row_id,
        before.public_id if before else fresh_id,
        account_id,
        domain_id,
        target.reference,
        target.kind.value,
        target.name,
        target.model,
        target.capabilities,
        target.time_zone,
        # Of a lock that is known, readings tell how it is, and what changed since the last one.
        before.state if before else to_document(target.state),
        before.is_online if before else target.state.is_online,
        tx.now,
        None,
        maker=target.maker,
    )
