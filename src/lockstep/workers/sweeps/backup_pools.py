"""Looks at pools of backup codes that are due, each in a transaction of its own."""

from __future__ import annotations

from uuid import UUID

import structlog

from lockstep.model.permissions import Actor, worker
from lockstep.operations import pool_keeping
from lockstep.operations.gate import Gate

log = structlog.get_logger()


async def fill_all(gate: Gate) -> int:
    """Those of all workspaces that are due; how many were looked at."""
    count = 0
    while due := await pool_keeping.due(gate):
        for workspace_id, device_id in due:
            await _fill(gate, worker(workspace_id, "pools"), device_id)
        count += len(due)
    return count


async def _fill(gate: Gate, actor: Actor, device_id: UUID) -> None:
    try:
        async with gate.transaction(actor.workspace_id) as tx:
            await pool_keeping.fill(tx, actor, device_id)
    except Exception:
        # A fault of ours: the others do not wait for it.
        log.exception("filling_pool_failed", device=str(device_id))
        async with gate.transaction(actor.workspace_id) as tx:
            await pool_keeping.put_off(tx, actor, device_id)
