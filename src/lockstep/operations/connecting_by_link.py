"""What somebody who follows the link of a connect webview sees and does: their account, once, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec

from lockstep.kit import links
from lockstep.model import connecting_events, permissions
from lockstep.model.permissions import Actor
from lockstep.operations import account_details, accounts, emulated
from lockstep.operations import events as recorded
from lockstep.operations.account_details import Details
from lockstep.operations.accounts import Connect
from lockstep.operations.errors import Conflict, Invalid, LinkOver, Problem
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.offers import (
    Offer,
    checked_sandbox_login,
    devices_of,
    login_name,
    offers,
    played_by,
)
from lockstep.operations.vendors import Checked, label_of
from lockstep.storage import accounts as stored_accounts
from lockstep.storage import client_sessions, connect_webviews, devices, workspaces
from lockstep.storage.accounts import AccountRow
from lockstep.storage.connect_webviews import WebviewRow, Whose


@dataclass(frozen=True, slots=True)
class Joined:
    """The account that was connected, as its owner is told."""

    vendor: str
    devices: tuple[str, ...]
    """Their names."""
    goes_on_at: str | None = field(repr=False)
    """The caller's page."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the page shows."""

    partner: str
    """For whom the account is connected."""
    offers: tuple[Offer, ...]
    is_sandbox: bool
    joined: Joined | None
    """Set once an account was connected: nothing more can be done by the link then."""
    goes_on_at: str | None = field(repr=False)
    gives_up_at: str | None = field(repr=False)
    """Where to go for whoever does not want to; None: nowhere."""
    success_message: str | None
    """In the words of whoever runs the workspace."""
    button_color: str | None
    """Theirs too, as #rgb or #rrggbb; None: as Lockstep's own pages."""
    button_text_color: str | None


async def look(gate: Gate, token: str) -> Invitation:
    """Raises LinkOver."""
    whose = await _whose(gate, token)
    async with gate.reading(whose.workspace_id) as tx:
        row = _living(tx, await connect_webviews.get(tx.db, tx.workspace_id, whose.public_id))
        workspace = await workspaces.get(tx.db, tx.workspace_id)
        assert workspace is not None, "the link is of it"
        return Invitation(
            workspace.partner_name or workspace.name,
            await _offers(gate, tx, row),
            workspace.is_sandbox,
            await _joined(gate, tx, row) if row.state == "authorized" else None,
            row.redirect_url,
            row.failure_redirect_url or row.redirect_url,
            workspace.webview_look.get("success_message"),
            workspace.webview_look.get("primary_button_color"),
            workspace.webview_look.get("primary_button_text_color"),
        )


async def join(gate: Gate, token: str, vendor: str, credentials: Mapping[str, str]) -> Joined:
    """Connect the account that these credentials are of. One that is connected already gets these credentials.

    A refusal is told to whoever made the link, too. Raises LinkOver, Invalid, VendorFailed, Conflict."""
    whose = await _whose(gate, token)
    actor = permissions.webview(whose.workspace_id, whose.public_id)
    async with gate.reading(whose.workspace_id) as tx:
        row = _living(tx, await connect_webviews.get(tx.db, tx.workspace_id, whose.public_id))
        chosen = next((o for o in await _offers(gate, tx, row) if o.vendor == vendor), None)
    if chosen is None:
        raise Invalid(
            "This cannot be connected here.", code="vendor_unknown", next_step="Choose one of those shown."
        )
    _refuse_used(row)
    try:
        checked = await _checked(gate, actor, chosen, credentials)
    except Problem as problem:
        await _note_failure(gate, actor, row, vendor, problem)
        raise
    async with gate.transaction(whose.workspace_id) as tx:
        found = await connect_webviews.get(tx.db, tx.workspace_id, whose.public_id, to_change=True)
        row = _living(tx, found)
        _refuse_used(row)
        account = await _connected(tx, actor, row, chosen, checked)
        await connect_webviews.set_authorized(tx.db, tx.workspace_id, row.id, vendor, account.id, tx.now)
        await client_sessions.give_account(tx.db, tx.workspace_id, row.id, account.id)
        succeeded = connecting_events.ConnectWebviewLoginSucceeded(
            connect_webview_id=row.public_id, connected_account_id=account.public_id
        )
        await recorded.append(tx, actor, succeeded)
        return await _joined(gate, tx, replace(row, account_id=account.id))


async def _whose(gate: Gate, token: str) -> Whose:
    async with gate.database.reading(None) as db:
        whose = await connect_webviews.find_in_every_workspace(db, links.hash_of(token))
    if whose is None:
        raise LinkOver
    return whose


def _living(tx: Tx, row: WebviewRow | None) -> WebviewRow:
    if row is None or row.expires_at <= tx.now:
        raise LinkOver
    return row


def _refuse_used(row: WebviewRow) -> None:
    if row.state == "authorized":
        raise Conflict(
            "An account was connected by this link already.",
            code="link_used",
            next_step="To connect another, ask for another link.",
        )


async def _offers(gate: Gate, tx: Tx, row: WebviewRow) -> tuple[Offer, ...]:
    return await offers(gate, tx, None if row.accepted_vendors is None else tuple(row.accepted_vendors))


async def _checked(gate: Gate, actor: Actor, chosen: Offer, credentials: Mapping[str, str]) -> Checked:
    """Whether they work, and what is under them."""
    if not chosen.is_emulated:
        return await accounts.ask_vendor(gate, actor, Connect(chosen.vendor, credentials))
    assert gate.emulator is not None, "without one, nothing emulated is offered"
    name = login_name(chosen.vendor, checked_sandbox_login(credentials))
    async with gate.transaction(actor.workspace_id) as tx:
        given = await _emulated_credentials(gate, tx, name, chosen.vendor)
    return await accounts.ask_vendor(gate, actor, Connect(gate.emulator.vendor, given))


async def _emulated_credentials(gate: Gate, tx: Tx, name: str, maker: str) -> Mapping[str, str]:
    """Of the account of this name; its locks are made with it, and anew where it was connected no more."""
    assert gate.emulator is not None, "without one, nothing emulated is offered"
    known = await _known(tx, gate.emulator.vendor, name)
    if known is None or known.credentials is None or known.state != "active":
        return await emulated.create(gate, tx, name, devices_of(maker))
    sealed = tx.open(known.credentials, "accounts", "credentials", known.id)
    found: dict[str, str] = msgspec.json.decode(sealed)
    return found


async def _known(tx: Tx, vendor: str, vendor_account: str) -> AccountRow | None:
    for account in await stored_accounts.listed(tx.db, tx.workspace_id):
        if (account.vendor, account.vendor_account) == (vendor, vendor_account):
            return account
    return None


def _name_of(chosen: Offer, account: str) -> str:
    """Whoever follows a link gives their account no name: it is called as they log in or, where its vendor tells no
    address, by its vendor and its number there. Many owners may have accounts of one vendor."""
    played = played_by(account) if chosen.is_emulated else None
    login = played.email if played else account
    return login if "@" in login else f"{chosen.label} {login}"


async def _connected(tx: Tx, actor: Actor, row: WebviewRow, chosen: Offer, checked: Checked) -> AccountRow:
    # A name that it was given by whoever runs the workspace stays.
    known = await _known(tx, checked.vendor, checked.description.account)
    label = known.label if known else _name_of(chosen, checked.description.account)
    checked = replace(checked, label=label)
    given = Details(
        None,
        row.customer_key,
        row.custom_metadata,
        None if row.accepted_kinds is None else tuple(row.accepted_kinds),
        row.manages_new_devices,
        row.public_id,
    )
    try:
        async with tx.db.transaction():
            return (await accounts.add(tx, actor, checked, given=given)).account
    except Conflict as conflict:
        if conflict.code != "account_connected_already":
            raise
    assert known is not None, "it is connected already"
    # Whose it is, was said when it was connected first.
    kept = replace(given, customer_key=known.customer_key or given.customer_key)
    await account_details.give(tx, known, kept)
    return await accounts.replace_credentials(tx, actor, known.public_id, checked)


async def _note_failure(gate: Gate, actor: Actor, row: WebviewRow, vendor: str, problem: Problem) -> None:
    async with gate.transaction(actor.workspace_id) as tx:
        await connect_webviews.set_failed(tx.db, tx.workspace_id, row.id, vendor)
        failed = connecting_events.ConnectWebviewLoginFailed(
            connect_webview_id=row.public_id,
            code=problem.code,
            cause=problem.cause,
            next_step=problem.next_step,
        )
        await recorded.append(tx, actor, failed)


async def _joined(gate: Gate, tx: Tx, row: WebviewRow) -> Joined:
    account = row.account_id and await stored_accounts.get(tx.db, tx.workspace_id, row.account_id)
    if not account:
        return Joined("", (), row.redirect_url)
    found = await devices.of_account(tx.db, tx.workspace_id, account.id)
    names = tuple(sorted(d.nickname or d.name for d in found if d.removed_at is None))
    goes_on_at = row.redirect_url and _with(
        row.redirect_url, connect_webview_id=row.public_id, connected_account_id=account.public_id
    )
    played = played_by(account.vendor_account)
    is_played = played is not None and gate.emulator is not None and account.vendor == gate.emulator.vendor
    vendor = played.label if played and is_played else label_of(gate, account.vendor)
    return Joined(vendor, names, goes_on_at)


def _with(url: str, **values: str) -> str:
    """The address with these besides what its query says already."""
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(values)) if part)
    return urlunsplit(parts._replace(query=query))
