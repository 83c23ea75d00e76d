"""What a guest asks for on the page behind the link of their instant key."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from lockstep.kit import links
from lockstep.model import permissions
from lockstep.operations import guest_doors, instant_keys
from lockstep.operations.attempts import ActionAttempt
from lockstep.operations.errors import LinkOver, NotFound
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.guest_doors import Door
from lockstep.operations.instant_keys import PAGE as PAGE
from lockstep.storage import client_sessions, guests, workspaces
from lockstep.storage import instant_keys as stored
from lockstep.storage.instant_keys import InstantKeyRow


@dataclass(frozen=True, slots=True)
class Visit:
    """Before the key is opened: nothing that it opens."""

    partner: str
    """Whose guest it is."""
    guest_name: str | None = field(repr=False)
    uses_left: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    at: datetime
    visit: Visit
    doors: tuple[Door, ...]
    attempt: ActionAttempt | None
    """What came of a door that was asked to open."""


async def look(gate: Gate, token: str) -> Visit:
    """Raises LinkOver."""
    row = await _living(gate, token)
    async with gate.reading(row.workspace_id) as tx:
        return await _visit(tx, row)


async def enter(gate: Gate, token: str) -> Visit:
    """Open the key on one more device. Raises LinkOver, also where it was opened on as many as it may be."""
    await instant_keys.open_link(gate, token)
    return await look(gate, token)


async def open_page(gate: Gate, token: str, attempt_id: str | None) -> Opened:
    """For a device on which it was opened. `attempt_id`: of a door that was asked to open. Raises LinkOver."""
    row = await _living(gate, token)
    async with gate.reading(row.workspace_id) as tx:
        attempt = None
        if attempt_id is not None:
            try:
                attempt = await guest_doors.attempt(tx, row.public_id, row.guest_id, attempt_id)
            except (NotFound, permissions.NotAllowed):
                attempt = None
        doors = await guest_doors.doors(tx, row.public_id, row.guest_id)
        return Opened(tx.now, await _visit(tx, row), doors, attempt)


async def unlock(gate: Gate, token: str, device_id: str) -> ActionAttempt:
    """For a device on which it was opened. Raises LinkOver, NotFound, Invalid, AccountInError."""
    row = await _living(gate, token)
    async with gate.transaction(row.workspace_id) as tx:
        return await guest_doors.unlock(tx, row.public_id, row.guest_id, device_id)


async def _living(gate: Gate, token: str) -> InstantKeyRow:
    async with gate.database.reading(None) as db:
        row = await stored.find_in_every_workspace(db, links.hash_of(token))
    if row is None or row.expires_at <= gate.clock.now():
        raise LinkOver
    async with gate.reading(row.workspace_id) as tx:
        session = await client_sessions.find(tx.db, tx.workspace_id, row.session_public_id)
    if session is None or session.revoked_at is not None or session.expires_at <= gate.clock.now():
        raise LinkOver
    return row


async def _visit(tx: Tx, row: InstantKeyRow) -> Visit:
    workspace = await workspaces.get(tx.db, tx.workspace_id)
    guest = await guests.get(tx.db, tx.workspace_id, row.guest_id)
    assert workspace is not None, "the link is of it"
    return Visit(
        workspace.partner_name or workspace.name,
        guest.name if guest else None,
        row.most_uses - row.uses,
        row.expires_at,
    )
