"""What may be asked of client sessions: what a person's app may reach, shown by a token that is the app's own.

A session reaches the connected accounts, webviews and guest that it was given, and all that is the customer's whose it
is; nothing else of the workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from lockstep.kit import bearer
from lockstep.kit.ids import new_id, public_id
from lockstep.model import events, permissions
from lockstep.model.permissions import Actor, ActorKind, require_sessions
from lockstep.operations import events as recorded
from lockstep.operations.errors import Conflict, Invalid, NotFound
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.guests import known_guest, refuse_erased
from lockstep.operations.words import words_or_none
from lockstep.storage import accounts, client_sessions, connect_webviews, workspaces
from lockstep.storage.client_sessions import ClientSessionRow, SessionFilter, Surroundings

LASTS = timedelta(days=7)
"""Unless somebody says otherwise."""
LONGEST = timedelta(days=366)
_MOST = 1000


@dataclass(frozen=True, slots=True)
class ClientSession:
    """A client session, with its token: whoever may make sessions may see it again."""

    client_session_id: str
    token: str = field(repr=False)
    session_key: str | None = field(repr=False)
    """The caller's own id of the person."""
    customer_key: str | None = field(repr=False)
    connected_account_ids: tuple[str, ...]
    connect_webview_ids: tuple[str, ...]
    guest_id: str | None
    device_count: int
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AskedSession:
    """What a session is to be given: public ids; what is left out is not asked for."""

    session_key: str | None = field(default=None, repr=False)
    customer_key: str | None = field(default=None, repr=False)
    connected_account_ids: Sequence[str] = ()
    connect_webview_ids: Sequence[str] = ()
    guest_id: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KnownSession:
    """What a seeded session is called elsewhere."""

    client_session_id: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ListSessions:
    """None: all."""

    client_session_id: str | None = None
    session_key: str | None = field(default=None, repr=False)
    without_session_key: bool = False
    guest_id: str | None = None
    connect_webview_id: str | None = None


async def authenticate(gate: Gate, token: str) -> Actor | None:
    """Whoever this token is; None where it is not known, revoked or expired."""
    if not bearer.may_be_secret(token):
        return None
    async with gate.database.reading(None) as db:
        found = await client_sessions.find_in_every_workspace(db, bearer.hash_of(token))
    if found is None:
        return None
    row = found.session
    if row.revoked_at is not None or row.expires_at <= gate.clock.now():
        return None
    return permissions.client_session(
        row.workspace_id,
        row.public_id,
        account_ids=[*row.account_ids, *found.account_ids],
        device_ids=found.device_ids,
        webview_ids=[*row.webview_ids, *found.webview_ids],
        guest_ids=[*([row.guest_id] if row.guest_id else []), *found.guest_ids],
        customer_key=row.customer_key,
        property_ids=found.property_ids,
    )


async def publisher(gate: Gate, publishable_key: str) -> Actor | None:
    """Whoever shows a workspace's publishable key: may get an empty session, and nothing else; None where it is not
    known, or the workspace does not allow it."""
    async with gate.database.reading(None) as db:
        row = await workspaces.by_publishable_key(db, publishable_key)
    if row is None or not row.is_publishable_key_enabled:
        return None
    return permissions.publisher(row.id, row.public_id)


async def create(
    tx: Tx, actor: Actor, asked: AskedSession, known: KnownSession | None = None
) -> ClientSession:
    """A session that may do no more than what it is given. `known`: for a sandbox that is seeded, and nothing else.

    Raises NotFound, Invalid, Conflict where a living session has this key."""
    _require_to_make(actor, asked)
    row = await _made(tx, await _of(tx, actor, asked), known)
    if row is None:
        raise _key_taken()
    await recorded.append(tx, actor, events.ClientSessionCreated(client_session_id=row.public_id))
    return await _shown_one(tx, row)


async def get_or_create(tx: Tx, actor: Actor, asked: AskedSession) -> ClientSession:
    """The living session of this key, or without a key one that was given exactly this; else a new one. What is asked
    for and was not given yet, is given."""
    _require_to_make(actor, asked)
    wanted = await _of(tx, actor, asked)
    before = await _living_like(tx, wanted)
    if before is None:
        row = await _made(tx, wanted, None)
        if row is not None:
            await recorded.append(tx, actor, events.ClientSessionCreated(client_session_id=row.public_id))
            return await _shown_one(tx, row)
        # Somebody made it at the same time.
        before = await _living_like(tx, wanted)
        assert before is not None
    if actor.kind is ActorKind.PUBLISHABLE_KEY and before.customer_key is not None:
        # The key stands in public pages, and whoever reads it there may guess a person's: it would open every door of
        # the customer's.
        raise permissions.NotAllowed(
            "This person's session is a customer's.", "Get it on your server, with an API key."
        )
    # Whoever has the key that everybody has neither ends somebody's session nor keeps it alive.
    expires_at = None if actor.kind is ActorKind.PUBLISHABLE_KEY else asked.expires_at
    return await _shown_one(tx, await _give(tx, actor, before, wanted, expires_at))


async def grant_access(
    tx: Tx, actor: Actor, client_session_id: str | None, asked: AskedSession
) -> ClientSession:
    """Give a session more; by its id or, without one, by its key. Raises NotFound, Conflict where it is over."""
    _require_to_make(actor, asked)
    if client_session_id is not None:
        before = await _found(tx, client_session_id, to_change=True)
    else:
        before = await _of_key(tx, asked.session_key)
    _refuse_over(tx, before)
    wanted = await _of(tx, actor, asked)
    return await _shown_one(tx, await _give(tx, actor, before, wanted, asked.expires_at))


async def get(
    tx: Tx, actor: Actor, client_session_id: str | None = None, session_key: str | None = None
) -> ClientSession:
    """By id or by key; a session that asks gets itself. Raises NotFound."""
    if actor.kind is ActorKind.CLIENT_SESSION:
        if client_session_id not in (None, actor.public_id):
            raise NotFound("client session", client_session_id or "")
        return await _shown_one(tx, await _found(tx, actor.public_id))
    require_sessions(actor)
    if client_session_id is not None:
        row = await _found(tx, client_session_id)
    else:
        row = await _of_key(tx, session_key)
    return await _shown_one(tx, row)


async def listed(tx: Tx, actor: Actor, command: ListSessions) -> list[ClientSession]:
    """Living ones, newest first. Raises NotFound where the guest is not there."""
    require_sessions(actor)
    guest = await known_guest(tx, actor, command.guest_id) if command.guest_id else None
    one = await _found(tx, command.client_session_id) if command.client_session_id else None
    wanted = SessionFilter(
        one.id if one else None,
        command.session_key,
        command.without_session_key,
        guest.id if guest else None,
        (await _webviews(tx, [command.connect_webview_id]))[0] if command.connect_webview_id else None,
    )
    rows = await client_sessions.listed(tx.db, tx.workspace_id, wanted, tx.now, _MOST)
    return await _shown(tx, rows)


async def revoke(tx: Tx, actor: Actor, client_session_id: str) -> None:
    """Refuse its token from now on. A session may revoke itself; doing so again changes nothing."""
    if actor.public_id != client_session_id or actor.kind is not ActorKind.CLIENT_SESSION:
        require_sessions(actor)
    row = await _found(tx, client_session_id, to_change=True)
    if row.revoked_at is None:
        await client_sessions.revoke(tx.db, tx.workspace_id, row.id, tx.now)
        await recorded.append(tx, actor, events.ClientSessionRevoked(client_session_id=row.public_id))


async def delete(tx: Tx, actor: Actor, client_session_id: str) -> None:
    """As `revoke`, and it is not found any more."""
    require_sessions(actor)
    row = await _found(tx, client_session_id, to_change=True)
    await client_sessions.remove(tx.db, tx.workspace_id, row.id)
    await recorded.append(tx, actor, events.ClientSessionDeleted(client_session_id=row.public_id))


async def give_webview(tx: Tx, actor: Actor, webview_id: UUID) -> None:
    """For other operations: the session that asks made this webview, and has the account that is connected on it."""
    row = await _found(tx, actor.public_id, to_change=True)
    after = replace(row, webview_ids=[*row.webview_ids, webview_id])
    await client_sessions.change(tx.db, tx.workspace_id, after)
    await recorded.append(tx, actor, events.ClientSessionChanged(client_session_id=row.public_id))


def _require_to_make(actor: Actor, asked: AskedSession) -> None:
    """Whoever shows a publishable key gets an empty session for a person whom it names."""
    if actor.kind is not ActorKind.PUBLISHABLE_KEY:
        require_sessions(actor)
        return
    if not asked.session_key:
        raise Invalid(
            "A publishable key gets sessions for a person.",
            code="session_key_needed",
            next_step="Say whose session it is.",
            field="session_key",
        )
    given = asked.connected_account_ids, asked.connect_webview_ids, asked.guest_id, asked.customer_key
    if any(given):
        raise permissions.NotAllowed(
            "With a publishable key a session is empty.", "Make it on your server, with an API key."
        )


async def _of(tx: Tx, actor: Actor, asked: AskedSession) -> ClientSessionRow:
    """As it is asked for, with a fresh id, without a token."""
    id = new_id()
    account_ids = []
    for account_id in dict.fromkeys(asked.connected_account_ids):
        account = await accounts.by_public_id(tx.db, tx.workspace_id, account_id)
        if account is None:
            raise NotFound("connected account", account_id)
        account_ids.append(account.id)
    guest_id = None
    if asked.guest_id is not None:
        guest = await known_guest(tx, actor, asked.guest_id)
        refuse_erased(guest)
        guest_id = guest.id
    return ClientSessionRow(
        tx.workspace_id,
        id,
        public_id("session", id),
        b"",
        words_or_none(asked.session_key, "session_key"),
        words_or_none(asked.customer_key, "customer_key"),
        account_ids,
        await _webviews(tx, asked.connect_webview_ids),
        guest_id,
        tx.now,
        _checked_end(tx, asked.expires_at) or tx.now + LASTS,
    )


async def _webviews(tx: Tx, public_ids: Sequence[str]) -> list[UUID]:
    known = await connect_webviews.ids(tx.db, tx.workspace_id, public_ids)
    for webview_id in public_ids:
        if webview_id not in known:
            raise NotFound("connect webview", webview_id)
    return [known[webview_id] for webview_id in public_ids]


async def _made(tx: Tx, row: ClientSessionRow, known: KnownSession | None) -> ClientSessionRow | None:
    if row.session_key is not None:
        await _is_taken(tx, row.session_key)
    token = known.token if known else bearer.new_secret(bearer.CLIENT_SESSION)
    row = replace(
        row,
        public_id=known.client_session_id if known else row.public_id,
        token=tx.seal(token, "client_sessions", "token", row.id),
    )
    is_new = await client_sessions.insert(tx.db, tx.workspace_id, row, bearer.hash_of(token))
    return row if is_new else None


async def _is_taken(tx: Tx, session_key: str) -> bool:
    """Whether a living session has this key; one that is over gives it up."""
    row = await client_sessions.of_key(tx.db, tx.workspace_id, session_key)
    if row is not None and row.expires_at <= tx.now:
        await client_sessions.revoke(tx.db, tx.workspace_id, row.id, tx.now)
        return False
    return row is not None


async def _living_like(tx: Tx, wanted: ClientSessionRow) -> ClientSessionRow | None:
    if wanted.session_key is None:
        return await client_sessions.like(tx.db, tx.workspace_id, wanted, tx.now)
    row = await client_sessions.of_key(tx.db, tx.workspace_id, wanted.session_key)
    return row if row is not None and row.expires_at > tx.now else None


async def _give(
    tx: Tx, actor: Actor, before: ClientSessionRow, wanted: ClientSessionRow, expires_at: datetime | None
) -> ClientSessionRow:
    is_new_key = wanted.session_key is not None and wanted.session_key != before.session_key
    if is_new_key and await _is_taken(tx, wanted.session_key or ""):
        raise _key_taken()
    after = replace(
        before,
        session_key=wanted.session_key or before.session_key,
        customer_key=wanted.customer_key or before.customer_key,
        account_ids=list(dict.fromkeys([*before.account_ids, *wanted.account_ids])),
        webview_ids=list(dict.fromkeys([*before.webview_ids, *wanted.webview_ids])),
        guest_id=wanted.guest_id or before.guest_id,
        expires_at=wanted.expires_at if expires_at is not None else before.expires_at,
    )
    if after != before:
        await client_sessions.change(tx.db, tx.workspace_id, after)
        await recorded.append(tx, actor, events.ClientSessionChanged(client_session_id=after.public_id))
    return after


def _key_taken() -> Conflict:
    return Conflict(
        "A client session has this key already.",
        code="client_session_exists",
        next_step="Get that one, or revoke it first.",
    )


def _checked_end(tx: Tx, expires_at: datetime | None) -> datetime | None:
    if expires_at is None:
        return None
    if not tx.now < expires_at <= tx.now + LONGEST:
        raise Invalid(
            f"A session ends later than now, and within {LONGEST.days} days.",
            code="expiry_out_of_range",
            field="expires_at",
        )
    return expires_at


def _refuse_over(tx: Tx, row: ClientSessionRow) -> None:
    if row.revoked_at is not None or row.expires_at <= tx.now:
        raise Conflict(
            f"The client session {row.public_id} is over.",
            code="client_session_over",
            next_step="Make a new one.",
        )


async def _of_key(tx: Tx, session_key: str | None) -> ClientSessionRow:
    row = await client_sessions.of_key(tx.db, tx.workspace_id, session_key) if session_key else None
    if row is None:
        # The key is the caller's own id of a person, and is not repeated.
        raise NotFound("client session", "with this key")
    return row


async def _found(tx: Tx, client_session_id: str, *, to_change: bool = False) -> ClientSessionRow:
    row = await client_sessions.find(tx.db, tx.workspace_id, client_session_id, to_change=to_change)
    if row is None:
        raise NotFound("client session", client_session_id)
    return row


async def _shown_one(tx: Tx, row: ClientSessionRow) -> ClientSession:
    return (await _shown(tx, [row]))[0]


async def _shown(tx: Tx, rows: Sequence[ClientSessionRow]) -> list[ClientSession]:
    around = await client_sessions.surroundings(tx.db, tx.workspace_id, [r.id for r in rows])
    return [_view(tx, row, around[row.id]) for row in rows]


def _view(tx: Tx, row: ClientSessionRow, around: Surroundings) -> ClientSession:
    return ClientSession(
        row.public_id,
        tx.open(row.token, "client_sessions", "token", row.id),
        row.session_key,
        row.customer_key,
        around.account_public_ids,
        around.webview_public_ids,
        around.guest_public_id,
        around.device_count,
        row.created_at,
        row.expires_at,
    )
