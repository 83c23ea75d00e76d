"""Connect webviews: links to a page on which somebody connects an account of theirs, such as a customer of whoever runs
the workspace. The token in the link is all that its visitor needs; `connecting_by_link` does what they ask."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from lockstep.kit import links
from lockstep.kit.ids import new_id, public_id
from lockstep.model import connecting_events
from lockstep.model.permissions import Actor, ActorKind, Scope, customer_of, require, require_whole_workspace
from lockstep.operations import client_sessions
from lockstep.operations import events as recorded
from lockstep.operations.custom_metadata import laid_over
from lockstep.operations.errors import Invalid, NotFound
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.offers import offers
from lockstep.operations.words import words_or_none
from lockstep.storage import connect_webviews
from lockstep.storage.connect_webviews import WebviewFilter, WebviewRow

LASTS = timedelta(days=7)
"""After that the link lets nobody in."""
PAGE = "/connect"
_LONGEST_URL = 2000
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
"""With its port; a name of other letters as its DNS has it (`xn--...`)."""


@dataclass(frozen=True, slots=True)
class ConnectWebview:
    """A link, with its path: whoever may make links may see it again."""

    connect_webview_id: str
    path: str = field(repr=False)
    """Below this installation's address; holds the token."""
    state: str
    """`pending`, `failed` (the last attempt; more may follow) or `authorized`."""
    accepted_vendors: tuple[str, ...] | None
    accepted_kinds: tuple[str, ...] | None
    manages_new_devices: bool
    customer_key: str | None
    custom_metadata: Mapping[str, str | bool]
    redirect_url: str | None
    failure_redirect_url: str | None
    asked: Mapping[str, Any]
    chosen_vendor: str | None
    connected_account_id: str | None
    created_at: datetime
    expires_at: datetime
    authorized_at: datetime | None


@dataclass(frozen=True, slots=True)
class CreateWebview:
    accepted_vendors: tuple[str, ...] | None = None
    """Names of vendors, or of makers whose locks a sandbox emulates; None: all."""
    accepted_kinds: tuple[str, ...] | None = None
    """Of devices that are taken in."""
    manages_new_devices: bool = True
    customer_key: str | None = field(default=None, repr=False)
    custom_metadata: Mapping[str, str | bool | None] = field(default_factory=dict)
    redirect_url: str | None = None
    """Where to go afterwards; http or https."""
    failure_redirect_url: str | None = None
    """Where to go for whoever gives up; without it, `redirect_url`."""
    asked: Mapping[str, Any] = field(default_factory=dict)
    """Told again as it is; nothing follows from it."""


@dataclass(frozen=True, slots=True)
class ListWebviews:
    """In the order of creation, behind the webview `after`. None: all."""

    most: int = 50
    after: str | None = None
    customer_key: str | None = field(default=None, repr=False)
    custom_metadata: Mapping[str, str | bool | None] | None = None


async def create(gate: Gate, tx: Tx, actor: Actor, command: CreateWebview) -> ConnectWebview:
    """One that a client session makes is that session's, and so is the account that is connected on it. Raises Invalid,
    also where nothing of what is accepted can be connected here."""
    is_of_session = actor.kind is ActorKind.CLIENT_SESSION
    if is_of_session:
        command = replace(command, customer_key=customer_of(actor, command.customer_key))
    else:
        _require_whole(actor)
    await _require_offers(gate, tx, command)
    id, token = new_id(), links.new_token()
    row = WebviewRow(
        id=id,
        public_id=public_id("webview", id),
        token_hash=links.hash_of(token),
        token=tx.seal(token, "connect_webviews", "token", id),
        state="pending",
        accepted_vendors=None if command.accepted_vendors is None else list(command.accepted_vendors),
        accepted_kinds=None if command.accepted_kinds is None else list(command.accepted_kinds),
        manages_new_devices=command.manages_new_devices,
        customer_key=words_or_none(command.customer_key, "customer_key"),
        custom_metadata=laid_over({}, command.custom_metadata),
        redirect_url=_redirect(command.redirect_url, "redirect_url"),
        failure_redirect_url=_redirect(command.failure_redirect_url, "failure_redirect_url"),
        asked=dict(command.asked),
        chosen_vendor=None,
        account_id=None,
        created_at=tx.now,
        expires_at=tx.now + LASTS,
        authorized_at=None,
    )
    await connect_webviews.insert(tx.db, tx.workspace_id, row)
    created = connecting_events.ConnectWebviewCreated(connect_webview_id=row.public_id)
    await recorded.append(tx, actor, created)
    if is_of_session:
        await client_sessions.give_webview(tx, actor, row.id)
    return (await _shown(tx, [row]))[0]


async def get(tx: Tx, actor: Actor, webview_public_id: str) -> ConnectWebview:
    """Raises NotFound, also for a client session that was not given it."""
    row = await known_webview(tx, webview_public_id)
    if actor.kind is not ActorKind.CLIENT_SESSION:
        _require_whole(actor)
    elif row.id not in actor.webview_ids:
        raise NotFound("connect webview", webview_public_id)
    return (await _shown(tx, [row]))[0]


async def listed(tx: Tx, actor: Actor, command: ListWebviews) -> list[ConnectWebview]:
    """Of a client session its own. Raises NotFound where the one to begin behind is not there."""
    own = sorted(actor.webview_ids) if actor.kind is ActorKind.CLIENT_SESSION else None
    if own is None:
        _require_whole(actor)
    after = None if command.after is None else await known_webview(tx, command.after)
    metadata = None if command.custom_metadata is None else dict(command.custom_metadata)
    wanted = WebviewFilter(command.customer_key, metadata, own)
    rows = await connect_webviews.listed(
        tx.db, tx.workspace_id, wanted, after.id if after else None, command.most
    )
    return await _shown(tx, rows)


async def delete(tx: Tx, actor: Actor, webview_public_id: str) -> None:
    """The link lets nobody in any more; an account that was connected by it stays. Raises NotFound."""
    _require_whole(actor)
    row = await known_webview(tx, webview_public_id, to_change=True)
    await connect_webviews.delete(tx.db, tx.workspace_id, row.id)
    deleted = connecting_events.ConnectWebviewDeleted(connect_webview_id=row.public_id)
    await recorded.append(tx, actor, deleted)


async def known_webview(tx: Tx, webview_public_id: str, *, to_change: bool = False) -> WebviewRow:
    """For other operations. Raises NotFound."""
    row = await connect_webviews.get(tx.db, tx.workspace_id, webview_public_id, to_change=to_change)
    if row is None:
        raise NotFound("connect webview", webview_public_id)
    return row


async def _shown(tx: Tx, rows: list[WebviewRow]) -> list[ConnectWebview]:
    accounts = await connect_webviews.account_public_ids(
        tx.db, tx.workspace_id, [row.account_id for row in rows if row.account_id]
    )
    return [
        ConnectWebview(
            row.public_id,
            f"{PAGE}/{tx.open(row.token, 'connect_webviews', 'token', row.id)}",
            row.state,
            None if row.accepted_vendors is None else tuple(row.accepted_vendors),
            None if row.accepted_kinds is None else tuple(row.accepted_kinds),
            row.manages_new_devices,
            row.customer_key,
            row.custom_metadata,
            row.redirect_url,
            row.failure_redirect_url,
            row.asked,
            row.chosen_vendor,
            accounts.get(row.account_id) if row.account_id else None,
            row.created_at,
            row.expires_at,
            row.authorized_at,
        )
        for row in rows
    ]


async def _require_offers(gate: Gate, tx: Tx, command: CreateWebview) -> None:
    if command.accepted_vendors is not None and not await offers(gate, tx, command.accepted_vendors):
        names = ", ".join(offer.vendor for offer in await offers(gate, tx, None))
        raise Invalid(
            "Nothing of what is accepted can be connected here.",
            code="vendor_unknown",
            next_step=f"There are: {names}.",
            field="accepted_vendors",
        )


def _require_whole(actor: Actor) -> None:
    """The links let people in, so that only whoever may make them sees them. Raises NotAllowed."""
    require(actor, Scope.ACCOUNTS_WRITE)
    require_whole_workspace(actor)


def _redirect(url: str | None, field: str) -> str | None:
    """Raises Invalid unless a browser goes there as to any page: nothing that runs in ours, nor changes its policy, in
    which the host stands."""
    cleaned = words_or_none(url, field, _LONGEST_URL)
    if cleaned is None:
        return None
    try:
        parts = urlsplit(cleaned)
        is_page = parts.scheme in ("http", "https") and _HOST.fullmatch(parts.netloc) is not None
    except ValueError:
        is_page = False
    if not is_page:
        raise Invalid(
            f"The {field} is no address of a page.",
            code="redirect_invalid",
            next_step="Give one that begins with https://, or http:// where you try things out.",
            field=field,
        )
    return cleaned
