"""Tries again to declare bookings that are held, each in a transaction of its own."""

from __future__ import annotations

from uuid import UUID

import structlog

from lockstep.model.permissions import Actor, worker
from lockstep.operations import held_bookings
from lockstep.operations.gate import Gate

log = structlog.get_logger()


async def try_all_again(gate: Gate) -> int:
    """Those of all workspaces that are due; how many were tried."""
    count = 0
    while due := await held_bookings.due(gate):
        for workspace_id, booking_id in due:
            await _try(gate, worker(workspace_id, "bookings"), booking_id)
        count += len(due)
    return count


async def _try(gate: Gate, actor: Actor, booking_id: UUID) -> None:
    try:
        async with gate.transaction(actor.workspace_id) as tx:
            await held_bookings.try_again(tx, actor, booking_id)
    except Exception:
        # A fault of ours: the others do not wait for it.
        log.exception("trying_again_failed", booking=str(booking_id))
        async with gate.transaction(actor.workspace_id) as tx:
            await held_bookings.put_off(tx, actor, booking_id)
