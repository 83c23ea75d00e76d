"""/v1/audit: the same events as a hash chain that can be checked, here or offline."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from starlette.responses import Response, StreamingResponse

from lockstep.http.api.call import Asked, Call, answer
from lockstep.http.api.paging import Cursor, Limit, Page
from lockstep.http.api.routing import Router
from lockstep.operations import audit
from lockstep.operations.audit import AuditLine, Checked

router = Router(prefix="/v1/audit", tags=["Audit"])

_JSON_LINES = "application/jsonl"


@dataclass(frozen=True, slots=True)
class HeadOut:
    """Where the chain ends. Keep it elsewhere: a chain that was made anew does not lead to it."""

    workspace_id: str
    position: int
    hash: str
    signed_at: datetime
    public_key: str
    """Ed25519, base64."""
    signature: str


@router.get("", response_model=Page[AuditLine])
async def list_audit(call: Asked, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """List entries, oldest first, with their hashes."""
    after = call.place("audit", cursor) or 0
    found = await call.read(lambda tx: audit.read(tx, call.actor, after, limit + 1))
    return call.page("audit", found, limit, lambda line: line.position)


@router.get("/check", response_model=Checked)
async def check_audit(call: Asked) -> Response:
    """Check the whole chain, and say where it is broken."""
    return answer(await call.read(lambda tx: audit.check(tx, call.actor)))


@router.get("/head", response_model=HeadOut)
async def get_audit_head(call: Asked) -> Response:
    """Sign the end of the chain as it is now."""
    head = await call.read(lambda tx: audit.signed_head(tx, call.actor))
    return answer(
        HeadOut(
            head.workspace_id,
            head.position,
            head.hash.hex(),
            head.signed_at,
            b64encode(head.public_key).decode(),
            b64encode(head.signature).decode(),
        )
    )


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={
        200: {"content": {_JSON_LINES: {"schema": {"type": "string"}}}, "description": "One entry a line."}
    },
)
async def export_audit(call: Asked) -> Response:
    """Export the whole log as JSON lines, the signed head last; it can be checked without Lockstep running."""
    # Refused here, if at all: a stream that has begun can no longer be.
    await call.read(lambda tx: audit.signed_head(tx, call.actor))
    return StreamingResponse(
        _lines(call),
        media_type=_JSON_LINES,
        headers={"content-disposition": 'attachment; filename="lockstep-audit.jsonl"'},
    )


async def _lines(call: Call) -> AsyncIterator[str]:
    async with call.gate.reading(call.actor.workspace_id) as tx:
        async for line in audit.export(tx, call.actor):
            yield line
