"""Who opened, or tried to: keeps the lines of a reading's log and tells of each once, with code, grant and guest where
the vendor says which code it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from lockstep.driver.contract import LogEntry
from lockstep.model import events
from lockstep.operations import events as recorded
from lockstep.operations.gate import Tx
from lockstep.storage import access_codes, access_events, entries
from lockstep.storage.access_events import AccessEventRow
from lockstep.storage.accounts import AccountRow
from lockstep.storage.database import Connection
from lockstep.storage.devices import DeviceRow
from lockstep.workers.reconciler.actor import RECONCILER

_OVERLAP = timedelta(hours=1)
"""Vendors' logs are not always in the order of time."""
_OVERLAP_OFFLINE = timedelta(hours=72)
"""A lock that was offline tells what happened meanwhile only when it is back."""


async def log_since(
    db: Connection, workspace_id: UUID, account: AccountRow, known: Sequence[DeviceRow]
) -> datetime | None:
    """From when on the log is wanted; None where no lock of the account has one."""
    if not any(d.capabilities.has_log and d.removed_at is None for d in known):
        return None
    latest = await access_events.latest_at(db, workspace_id, account.id)
    was_offline = any(d.is_online is False for d in known)
    since = (latest or account.created_at) - (_OVERLAP_OFFLINE if was_offline else _OVERLAP)
    return max(since, account.created_at)


async def store_visits(tx: Tx, account_id: UUID, known: Sequence[DeviceRow], log: Sequence[LogEntry]) -> None:
    """Keep what is new and tell of it."""
    if not log:
        return
    devices = {d.reference: d for d in known}
    unknown = await access_events.unknown_of(
        tx.db, tx.workspace_id, account_id, [line.log_reference for line in log]
    )
    news = [line for line in log if line.log_reference in unknown and line.target in devices]
    if not news:
        return
    references = sorted({line.reference for line in news if line.reference is not None})
    ours = await entries.by_references(tx.db, tx.workspace_id, account_id, references)
    rows = [
        AccessEventRow(
            devices[line.target].id,
            line.log_reference,
            line.at,
            line.opened,
            line.how,
            ours.get((line.target, line.reference or "")),
        )
        for line in news
    ]
    kept = await access_events.insert(tx.db, tx.workspace_id, account_id, rows)
    await _tell(tx, {d.id: d for d in known}, [r for r in rows if r.log_reference in kept])


async def _tell(tx: Tx, known: Mapping[UUID, DeviceRow], rows: Sequence[AccessEventRow]) -> None:
    entry_ids = sorted({r.entry_id for r in rows if r.entry_id is not None})
    codes = await access_codes.of_entries(tx.db, tx.workspace_id, entry_ids) if entry_ids else []
    by_place = {(c.entry.id, c.device_id): c for c in codes}
    guests = await access_codes.guests_of_grants(tx.db, tx.workspace_id, [c.grant_id for c in codes])
    for row in sorted(rows, key=lambda r: (r.at, r.log_reference)):
        code = by_place.get((row.entry_id, row.device_id)) if row.entry_id else None
        kind = events.LockUnlocked if row.opened else events.LockAccessDenied
        await recorded.append(
            tx,
            RECONCILER,
            kind(
                device_id=known[row.device_id].public_id,
                access_code_id=code.public_id if code else None,
                access_grant_id=code.grant_public_id if code else None,
                guest_id=guests.get(code.grant_id) if code else None,
                at=row.at,
                how=row.how,
            ),
        )
