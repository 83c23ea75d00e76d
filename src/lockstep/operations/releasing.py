"""Lets go of codes: Lockstep looks after them no more, and what stands on the locks stays there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lockstep.kit.ids import new_id, public_id
from lockstep.model import events
from lockstep.model.permissions import Actor, Scope, require
from lockstep.operations import events as recorded
from lockstep.operations.errors import Conflict, NotFound
from lockstep.operations.gate import Tx
from lockstep.operations.grants import OF_ONE_LOCK, known_grant
from lockstep.operations.observed import sealed_digits
from lockstep.storage import (
    access_codes,
    claims,
    devices,
    domains,
    entries,
    grants,
    intents,
    occupancies,
    readings,
    unmanaged_codes,
)
from lockstep.storage.access_codes import AccessCodeRow
from lockstep.storage.devices import DeviceRow
from lockstep.storage.entries import EntryRow
from lockstep.storage.unmanaged_codes import Sighting


async def release(tx: Tx, actor: Actor, access_code_id: str) -> None:
    """An access code becomes an unmanaged code of the same id, if it is seen on its lock; else nothing is left of it.

    Raises NotFound, and Conflict where it follows a grant that reaches more than this lock, or is being taken off."""
    require(actor, Scope.GRANTS_WRITE)
    # In the order of all who change these: the grant, then the domain.
    row = await _known(tx, actor, access_code_id)
    await domains.lock(tx.db, tx.workspace_id, [row.entry.domain_id])
    # Whoever held the domain until now may have deleted or replaced it.
    row = await _known(tx, actor, access_code_id)
    if row.pulled_backup_id is not None:
        raise Conflict(
            f"A backup code stands in place of the access code {access_code_id}.",
            code="access_code_replaced",
            next_step="Let go of the backup code instead.",
        )
    if row.grant_form != OF_ONE_LOCK:
        raise Conflict(
            f"The access code {access_code_id} follows the access grant {row.grant_public_id}.",
            code="code_of_grant",
            next_step="Cancel the access grant instead, or take the lock out of what it reaches.",
        )
    if row.withdrawn_at is not None:
        # Let go of, it would stay on the lock after all.
        raise Conflict(
            f"The access code {access_code_id} was deleted, and is being taken off its lock.",
            code="access_code_deleted",
            next_step="Wait until it is gone.",
        )
    await let_go(tx, actor, [row.entry])
    await claims.wake(tx.db, tx.workspace_id, "domains", [row.entry.domain_id], tx.now)


async def _known(tx: Tx, actor: Actor, access_code_id: str) -> AccessCodeRow:
    row = await access_codes.by_public_id(tx.db, tx.workspace_id, access_code_id)
    if row is None or row.entry.settled_at is not None:
        raise NotFound("access code", access_code_id)
    await known_grant(tx, actor, row.grant_public_id, locked=True)
    return row


async def let_go(
    tx: Tx, actor: recorded.Named, rows: Sequence[EntryRow], *, are_left_off: bool = False
) -> None:
    """For other operations, which hold the domains of these entries, and wake them.

    `are_left_off`: somebody else looks after them from now on, so grants that go on do so without these locks; else the
    next declaration of such a grant takes its code back."""
    ids = [row.id for row in rows]
    codes = await access_codes.of_entries(tx.db, tx.workspace_id, ids)
    by_id = {row.id: row for row in rows}
    told: list[events.Event] = []
    for code in codes:
        entry = by_id[code.entry.id]
        told.append(
            events.AccessCodeReleased(
                access_code_id=code.public_id,
                device_id=code.device_public_id,
                access_grant_id=code.grant_public_id,
            )
        )
        if await _keep(tx, code, entry):
            told.append(
                events.UnmanagedCodeCreated(unmanaged_code_id=code.public_id, device_id=code.device_public_id)
            )
    await access_codes.drop(tx.db, tx.workspace_id, [code.id for code in codes])
    await entries.let_go(tx.db, tx.workspace_id, ids, tx.now)
    await intents.end_all_of(tx.db, tx.workspace_id, ids, tx.now)
    for id in ids:
        await occupancies.keep_only(tx.db, tx.workspace_id, id, [])
    if are_left_off:
        await _leave_off(tx, codes)
    told += await _end_grants(tx, codes)
    await recorded.append(tx, actor, *told)


async def _leave_off(tx: Tx, codes: Iterable[AccessCodeRow]) -> None:
    """In place of each code that was a part of a grant stands one that is over: the grant goes on without the lock."""
    for code in codes:
        if code.grant_form != OF_ONE_LOCK:
            id = new_id()
            await access_codes.insert(
                tx.db,
                tx.workspace_id,
                id,
                public_id("code", id),
                code.device_id,
                code.entry.id,
                code.grant_id,
                code.created_at,
            )
            await access_codes.leave_off(tx.db, tx.workspace_id, [id], tx.now)


async def _keep(tx: Tx, code: AccessCodeRow, entry: EntryRow) -> bool:
    """Whether it is seen on its lock: then it is kept as somebody else's."""
    (lock,) = await devices.get_many(tx.db, tx.workspace_id, [code.device_id])
    seen = await _seen(tx, lock, entry)
    if seen is None:
        return False
    reference = seen["reference"]
    sighting = Sighting(code.id, code.public_id, lock.id, reference)
    await unmanaged_codes.keep(tx.db, tx.workspace_id, sighting, code.created_at)
    if entry.digits is not None and seen.get("fingerprint") == str(entry.declared.spec.fingerprint):
        # Of ours an observation carries no digits.
        digits = tx.open(entry.digits, "entries", "digits", entry.id)
        sealed = sealed_digits(tx, lock.account_id, digits)
        await readings.keep_digits(tx.db, tx.workspace_id, lock.account_id, lock.reference, reference, sealed)
    return True


async def _seen(tx: Tx, lock: DeviceRow, entry: EntryRow) -> Mapping[str, Any] | None:
    """What the newest reading shows of it."""
    for observation in await readings.of_targets(tx.db, tx.workspace_id, lock.account_id, [lock.reference]):
        for content in observation.content:
            if content["reference"] in entry.belief.references:
                return content
    return None


async def _end_grants(tx: Tx, codes: Iterable[AccessCodeRow]) -> list[events.Event]:
    """What was asked for as a code of one lock is over with it."""
    told: list[events.Event] = []
    for grant_id in sorted({code.grant_id for code in codes if code.grant_form == OF_ONE_LOCK}):
        grant = await grants.get(tx.db, tx.workspace_id, grant_id)
        if grant is None or grant.cancelled_at is not None:
            continue
        await grants.change(tx.db, tx.workspace_id, replace(grant, cancelled_at=tx.now, changed_at=tx.now))
        await grants.withdraw_methods(tx.db, tx.workspace_id, grant_id, tx.now)
        told.append(events.AccessGrantCancelled(access_grant_id=grant.public_id, form=grant.form))
    return told
