"""What may be asked of the audit log: to read it, to check its chain, to take it away as a signed file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lockstep.kit import signing
from lockstep.kit.sealing import derive
from lockstep.model import audit
from lockstep.model.audit import AuditEntry, ChainBroken, SignedHead
from lockstep.model.permissions import Actor, Scope, require, require_whole_workspace
from lockstep.operations.gate import Tx
from lockstep.storage import events, workspaces
from lockstep.storage.events import PositionedRow

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class AuditLine:
    """An event with its place in the chain; `hash` is SHA-256 over the one before and all that stands here."""

    position: int
    event_id: str
    type: str
    actor: str
    occurred_at: datetime
    subjects: Mapping[str, str]
    payload: Mapping[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What following the chain showed; `broken_at` is the first position that does not fit."""

    is_whole: bool
    positions: int
    broken_at: int | None = None
    cause: str | None = None


async def read(tx: Tx, actor: Actor, after: int, most: int) -> list[AuditLine]:
    """Up to `most` entries behind the position `after`, in order."""
    _require(actor)
    return [_line(row) for row in await events.after(tx.db, tx.workspace_id, after, most)]


async def check(tx: Tx, actor: Actor) -> Checked:
    """Follow the whole chain up to its head."""
    _require(actor)
    head = await events.head(tx.db, tx.workspace_id)
    try:
        await _follow(tx, head)
    except ChainBroken as broken:
        return Checked(False, head.position, broken.position, broken.what)
    return Checked(True, head.position)


async def signed_head(tx: Tx, actor: Actor) -> SignedHead:
    """Where the chain ends now, signed: keep it elsewhere, and a chain made anew is found by it."""
    _require(actor)
    return await _signed(tx, await events.head(tx.db, tx.workspace_id))


async def export(tx: Tx, actor: Actor) -> AsyncIterator[str]:
    """The whole log as JSON lines, the signed head last; model.audit.verify_export checks it offline."""
    _require(actor)
    head = await events.head(tx.db, tx.workspace_id)
    position = 0
    while position < head.position:
        rows = await events.after(tx.db, tx.workspace_id, position, _AT_ONCE)
        for row in rows:
            if row.position <= head.position:
                yield audit.entry_line(entry_of(row), row.hash) + "\n"
        if not rows:
            break
        position = rows[-1].position
    yield audit.head_line(await _signed(tx, head)) + "\n"


def public_key_of(tx: Tx) -> bytes:
    """By which this workspace's heads are checked; stays the same when the master key rotates."""
    return signing.public_key(_seed(tx))


def entry_of(row: PositionedRow) -> AuditEntry:
    """What of an event its hash covers."""
    e = row.event
    return AuditEntry(row.position, e.public_id, e.kind, e.actor, e.occurred_at, e.subjects, e.payload)


async def _follow(tx: Tx, head: events.Head) -> None:
    hash_, position = audit.NOTHING, 0
    while position < head.position:
        rows = await events.after(tx.db, tx.workspace_id, position, _AT_ONCE)
        rows = [row for row in rows if row.position <= head.position]
        if not rows:
            raise ChainBroken(position + 1, "nothing stands here, and the head lies further on")
        hash_ = audit.check(((entry_of(row), row.hash) for row in rows), hash_, position)
        position += len(rows)
    if hash_ != head.hash:
        raise ChainBroken(position, "the head has another hash")


def _require(actor: Actor) -> None:
    require(actor, Scope.AUDIT_READ)
    require_whole_workspace(actor)


async def _signed(tx: Tx, head: events.Head) -> SignedHead:
    workspace = await workspaces.get(tx.db, tx.workspace_id)
    assert workspace is not None
    return audit.sign_head(_seed(tx), workspace.public_id, head.position, head.hash, tx.now)


def _seed(tx: Tx) -> bytes:
    return derive(tx.sealer.fingerprint_key, f"audit of {tx.workspace_id}")


def _line(row: PositionedRow) -> AuditLine:
    e = row.event
    return AuditLine(
        row.position, e.public_id, e.kind, e.actor, e.occurred_at, e.subjects, e.payload, row.hash.hex()
    )
