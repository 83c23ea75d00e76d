"""A request that comes twice is done once: its answer is kept in the transaction that did it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from lockstep.model.permissions import Actor
from lockstep.operations.errors import Conflict
from lockstep.operations.gate import Tx
from lockstep.storage import idempotency as stored

KEPT_FOR = timedelta(hours=24)


class IdempotencyKeyReused(Conflict):
    """Another request came under this key before."""

    code = "idempotency_key_reused"
    next_step = "Use a fresh key for each thing you want done; the same key only to send the same again."


@dataclass(frozen=True, slots=True)
class Kept:
    """What was answered; `body` may hold digits."""

    status: int
    body: str = field(repr=False)


async def begin(tx: Tx, actor: Actor, key: str, request_hash: bytes) -> Kept | None:
    """Reserve `key` for this transaction, or find what was answered before.

    Of many at once one performs the request; the others wait for it to end here. Raises IdempotencyKeyReused.
    """
    request = tx.keyed_digest(request_hash)
    reserved = await stored.reserve(tx.db, tx.workspace_id, actor.name, _hash(tx, key), request, tx.now)
    return None if reserved else await look_up(tx, actor, key, request_hash)


async def look_up(tx: Tx, actor: Actor, key: str, request_hash: bytes) -> Kept | None:
    """What was answered under `key`. Raises IdempotencyKeyReused."""
    row = await stored.kept(tx.db, tx.workspace_id, actor.name, _hash(tx, key))
    if row is None:
        return None
    if row.request_hash != tx.keyed_digest(request_hash):
        raise IdempotencyKeyReused("Another request came under this Idempotency-Key before.")
    return Kept(row.status, tx.open(row.body, *_place(actor, key)))


async def keep(tx: Tx, actor: Actor, key: str, status: int, body: str) -> None:
    """Remember the answer to what `begin` reserved."""
    sealed = tx.seal(body, *_place(actor, key))
    await stored.keep(tx.db, tx.workspace_id, actor.name, _hash(tx, key), status, sealed)


def _hash(tx: Tx, key: str) -> bytes:
    return tx.keyed_digest(key.encode())


def _place(actor: Actor, key: str) -> tuple[str, str, UUID]:
    """The row has no id of its own; this stands for it."""
    digest = hashlib.sha256(f"{actor.name}\x00{key}".encode()).digest()
    return "idempotency_keys", "body", UUID(bytes=digest[:16])
