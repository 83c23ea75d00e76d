"""The header Idempotency-Key: the same request again has no second effect and gets the first answer again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from lockstep.model.permissions import Actor
from lockstep.operations import idempotency
from lockstep.operations.errors import Invalid
from lockstep.operations.gate import Tx
from lockstep.operations.idempotency import Kept

HEADER = "idempotency-key"
_LONGEST = 255


@dataclass(frozen=True, slots=True)
class Once:
    """A request under way under its key; `kept` where it came before."""

    actor: Actor
    key: str
    kept: Kept | None

    async def keep(self, tx: Tx, response: Response) -> None:
        """Remember the answer, in the transaction that made it true."""
        await idempotency.keep(tx, self.actor, self.key, response.status_code, bytes(response.body).decode())


def key_of(request: Request) -> str | None:
    """The key, if the caller gave one. Raises Invalid."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not 1 <= len(key) <= _LONGEST or not key.isascii() or not key.isprintable():
        raise Invalid(
            f"An Idempotency-Key has 1 to {_LONGEST} printable ASCII characters.",
            code="idempotency_key_invalid",
            next_step="Use a fresh UUID for each thing you want done.",
            field="header.Idempotency-Key",
        )
    return key


def digest_of(request: Request, body: bytes) -> bytes:
    """What makes two requests the same: method, path, query and body."""
    parts = (request.method.encode(), request.url.path.encode(), request.url.query.encode(), body)
    return hashlib.sha256(b"\x00".join(parts)).digest()


async def begin(tx: Tx, actor: Actor, key: str, digest: bytes) -> Once:
    """Be the one who performs this request, or find its answer; waits for whoever is at it now."""
    return Once(actor, key, await idempotency.begin(tx, actor, key, digest))


async def look_up(tx: Tx, actor: Actor, key: str, digest: bytes) -> Kept | None:
    """The answer that was kept, if there is one."""
    return await idempotency.look_up(tx, actor, key, digest)


def replay(kept: Kept) -> Response:
    """The first answer again, marked as such."""
    media_type = "application/json" if kept.body else None
    return Response(kept.body, kept.status, {"idempotent-replayed": "true"}, media_type)
