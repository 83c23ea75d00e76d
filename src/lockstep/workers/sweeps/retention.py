"""Forgets, once a day, what has been kept long enough: personal data, digits, kept answers, old deliveries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from lockstep.model.permissions import worker
from lockstep.operations import guests
from lockstep.operations.gate import Gate
from lockstep.operations.idempotency import KEPT_FOR
from lockstep.storage import (
    client_sessions,
    connect_webviews,
    customer_portals,
    deliveries,
    idempotency,
    retention,
    unmanaged_codes,
    workspaces,
)
from lockstep.storage.database import Connection
from lockstep.storage.workspaces import WorkspaceRow

log = structlog.get_logger()

EVERY = timedelta(days=1)
DELIVERIES_KEPT_FOR = timedelta(days=30)
_AT_ONCE = 200

Forget = Callable[[Connection, UUID, datetime, int], Awaitable[int]]


async def next_sweep_at(gate: Gate) -> datetime:
    """When the first workspace is due for its sweep."""
    async with gate.database.reading(None) as db:
        last = await workspaces.swept_first(db)
    return gate.clock.now() if last is None else last + EVERY


async def sweep_all(gate: Gate) -> int:
    """Sweep every workspace that was not swept for a day; how many were."""
    now = gate.clock.now()
    count = 0
    async with gate.database.transaction(None) as db:
        await retention.make_partitions(db, now.date())
        await retention.make_partitions(db, (now.replace(day=1) + timedelta(days=32)).date())
        every = await workspaces.every(db)
    for workspace in every:
        async with gate.database.transaction(workspace.id) as db:
            is_ours = await workspaces.take_sweep(db, workspace.id, now, now - EVERY)
        if is_ours:
            await sweep(gate, workspace)
            count += 1
    return count


async def sweep(gate: Gate, workspace: WorkspaceRow) -> None:
    """Forget in small transactions, so that nobody waits for it. Killed halfway, it goes on the next day."""
    now = gate.clock.now()
    before = now - timedelta(days=workspace.retention_days)
    await _erase_guests(gate, workspace, before)
    todo: list[tuple[str, Forget, datetime]] = [
        ("bookings", retention.forget_bookings, before),
        ("entries", retention.forget_entries, before),
        ("grants", retention.forget_grants, before),
        ("unmanaged_codes", unmanaged_codes.forget, before),
        ("client_sessions", client_sessions.forget, before),
        ("connect_webviews", connect_webviews.forget, before),
        ("customer_portals", customer_portals.forget, now),
        ("idempotency_keys", idempotency.forget, now - KEPT_FOR),
        ("deliveries", deliveries.forget, now - DELIVERIES_KEPT_FOR),
    ]
    for what, forget, at in todo:
        total = 0
        while True:
            async with gate.database.transaction(workspace.id) as db:
                count = await forget(db, workspace.id, at, _AT_ONCE)
            total += count
            if count < _AT_ONCE:
                break
        if total:
            log.info("forgotten", what=what, count=total, workspace_id=workspace.public_id)


async def _erase_guests(gate: Gate, workspace: WorkspaceRow, before: datetime) -> None:
    sweeper = worker(workspace.id, "retention")
    while True:
        async with gate.reading(workspace.id) as tx:
            departed = await retention.departed_guests(tx.db, workspace.id, before, _AT_ONCE)
        for guest in departed:
            async with gate.transaction(workspace.id) as tx:
                await guests.erase(tx, sweeper, guests.EraseGuest(guest.public_id))
        if len(departed) < _AT_ONCE:
            return
