"""Instant keys: a link that opens a guest's own session on their device, so many times. The token in the link is all
that its visitor needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lockstep.kit import links
from lockstep.kit.ids import new_id, public_id
from lockstep.model import events
from lockstep.model.permissions import Actor, Scope, require, require_sessions, system
from lockstep.operations import client_sessions
from lockstep.operations import events as recorded
from lockstep.operations.client_sessions import AskedSession
from lockstep.operations.errors import Invalid, LinkOver, NotFound
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.guests import known_guest, refuse_erased
from lockstep.storage import client_sessions as stored_sessions
from lockstep.storage import instant_keys
from lockstep.storage.instant_keys import InstantKeyRow

LASTS = client_sessions.LASTS
"""As long as its session."""
PAGE = "/instant-key"
MOST_USES = 1000
_MOST = 1000


@dataclass(frozen=True, slots=True)
class InstantKey:
    """A link, with its path: whoever may make links may see it again."""

    instant_key_id: str
    path: str = field(repr=False)
    """Below this installation's address; holds the token."""
    guest_id: str
    client_session_id: str
    most_uses: int
    uses: int
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class CreateInstantKey:
    guest_id: str
    most_uses: int = 1
    lasts: timedelta = LASTS


@dataclass(frozen=True, slots=True)
class Opened:
    """What whoever opened the link shows from now on."""

    client_session_token: str = field(repr=False)
    expires_at: datetime


async def create(tx: Tx, actor: Actor, command: CreateInstantKey) -> InstantKey:
    """With a fresh session of the guest. Raises NotFound, Invalid, Conflict where the guest was erased."""
    _require(actor)
    if not 1 <= command.most_uses <= MOST_USES:
        raise Invalid(f"A link is used 1 to {MOST_USES} times.", code="uses_out_of_range", field="most_uses")
    guest = await known_guest(tx, actor, command.guest_id)
    refuse_erased(guest)
    expires_at = tx.now + command.lasts
    asked = AskedSession(guest_id=guest.public_id, expires_at=expires_at)
    session = await client_sessions.create(tx, actor, asked)
    session_row = await stored_sessions.find(tx.db, tx.workspace_id, session.client_session_id)
    assert session_row is not None, "it was made just now"
    id, token = new_id(), links.new_token()
    row = InstantKeyRow(
        tx.workspace_id,
        id,
        public_id("instant", id),
        tx.seal(token, "instant_keys", "token", id),
        guest.id,
        session_row.id,
        tx.now,
        expires_at,
        command.most_uses,
        0,
        guest.public_id,
        session.client_session_id,
    )
    await instant_keys.insert(tx.db, tx.workspace_id, row, links.hash_of(token))
    made = events.InstantKeyCreated(instant_key_id=row.public_id, guest_id=guest.public_id)
    await recorded.append(tx, actor, made)
    return _shown(tx, row)


async def get(tx: Tx, actor: Actor, instant_key_id: str) -> InstantKey:
    """Raises NotFound."""
    _require(actor)
    return _shown(tx, await _known(tx, instant_key_id))


async def of_path(tx: Tx, actor: Actor, path: str) -> InstantKey:
    """By its path, or an address that ends with it. Raises NotFound."""
    _require(actor)
    row = await instant_keys.by_token(tx.db, tx.workspace_id, links.hash_of(path.rpartition("/")[2]))
    if row is None:
        # An address may hold a secret, and is not repeated.
        raise NotFound("instant key", "with this address")
    return _shown(tx, row)


async def listed(tx: Tx, actor: Actor, guest_id: str | None = None) -> list[InstantKey]:
    """Newest first. Raises NotFound where the guest is not there."""
    _require(actor)
    guest = await known_guest(tx, actor, guest_id) if guest_id is not None else None
    rows = await instant_keys.listed(tx.db, tx.workspace_id, guest.id if guest else None, _MOST)
    return [_shown(tx, row) for row in rows]


async def delete(tx: Tx, actor: Actor, instant_key_id: str) -> None:
    """The link lets nobody in any more, and whoever came by it is out at once. Raises NotFound."""
    _require(actor)
    row = await _known(tx, instant_key_id)
    # The key goes with its session.
    await client_sessions.delete(tx, actor, row.session_public_id)
    deleted = events.InstantKeyDeleted(instant_key_id=row.public_id, guest_id=row.guest_public_id)
    await recorded.append(tx, actor, deleted)


async def open_link(gate: Gate, token: str) -> Opened:
    """Somebody opens it: one use more. Raises LinkOver, also where it is used up."""
    async with gate.database.reading(None) as db:
        row = await instant_keys.find_in_every_workspace(db, links.hash_of(token))
    if row is None or row.expires_at <= gate.clock.now():
        raise LinkOver
    async with gate.transaction(row.workspace_id) as tx:
        session = await stored_sessions.find(tx.db, tx.workspace_id, row.session_public_id)
        if session is None or session.revoked_at is not None or session.expires_at <= tx.now:
            raise LinkOver
        if not await instant_keys.use(tx.db, tx.workspace_id, row.id):
            raise LinkOver
        used = events.InstantKeyUsed(instant_key_id=row.public_id, guest_id=row.guest_public_id)
        await recorded.append(tx, system(row.workspace_id, "instant_key"), used)
        return Opened(tx.open(session.token, "client_sessions", "token", session.id), session.expires_at)


def _require(actor: Actor) -> None:
    require(actor, Scope.GUESTS_WRITE)
    require_sessions(actor)


async def _known(tx: Tx, instant_key_id: str) -> InstantKeyRow:
    row = await instant_keys.by_public_id(tx.db, tx.workspace_id, instant_key_id)
    if row is None:
        raise NotFound("instant key", instant_key_id)
    return row


def _shown(tx: Tx, row: InstantKeyRow) -> InstantKey:
    return InstantKey(
        row.public_id,
        f"{PAGE}/{tx.open(row.token, 'instant_keys', 'token', row.id)}",
        row.guest_public_id,
        row.session_public_id,
        row.most_uses,
        row.uses,
        row.created_at,
        row.expires_at,
    )
