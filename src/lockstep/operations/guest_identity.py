"""Who guests turn out to be: merged into one, taken in from an access system, or removed with what they were given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lockstep.model import events
from lockstep.model.permissions import Actor, Scope, require, require_whole_workspace
from lockstep.operations import declaring
from lockstep.operations import events as recorded
from lockstep.operations import guests as told
from lockstep.operations.errors import Conflict, Invalid, NotFound
from lockstep.operations.gate import Tx
from lockstep.operations.guests import ChangeGuest, EraseGuest, Guest, known_guest, refuse_erased
from lockstep.storage import grants, guests
from lockstep.storage.guests import GuestRow


async def merge(tx: Tx, actor: Actor, guest_id: str, merged_ids: Sequence[str]) -> Guest:
    """The merged are this guest from now on, who has their stays, grants, sessions and devices, and takes from them
    what was not known of it. Raises NotFound, Invalid, Conflict where one was erased."""
    require(actor, Scope.GUESTS_WRITE)
    require_whole_workspace(actor)
    # In one order, so that two who merge the same guests never wait for each other.
    for one in sorted({guest_id, *merged_ids}):
        refuse_erased(await known_guest(tx, actor, one, locked=True))
    survivor = await known_guest(tx, actor, guest_id)
    found = [await known_guest(tx, actor, one) for one in dict.fromkeys(merged_ids)]
    merged = [row for row in found if row.id != survivor.id]
    if len(merged) < len(found) and guest_id in merged_ids:
        raise Invalid(
            "A guest cannot be merged into itself.", code="merged_into_itself", field="merged_guest_ids"
        )
    after = _completed(survivor, merged)
    await guests.merge(tx.db, tx.workspace_id, survivor.id, [row.id for row in merged])
    await guests.change(tx.db, tx.workspace_id, after)
    facts = (events.GuestMerged(guest_id=after.public_id, merged_guest_id=row.public_id) for row in merged)
    await recorded.append(tx, actor, *facts)
    await told.redeclare(tx, actor, after)
    return await told.get(tx, actor, told.GetGuest(after.public_id))


async def remove(tx: Tx, actor: Actor, guest_id: str) -> None:
    """Forget the person and take back what they were given by hand: grants, sessions, devices. Codes of bookings go on
    without a name. Raises NotFound."""
    require(actor, Scope.GUESTS_WRITE)
    require(actor, Scope.GRANTS_WRITE)
    require_whole_workspace(actor)
    guest = await known_guest(tx, actor, guest_id, locked=True)
    if guest.erased_at is not None:
        raise NotFound("guest", guest_id)
    for grant in await grants.living_of_guest(tx.db, tx.workspace_id, guest.id, tx.now):
        if grant.booking_id is None:
            await declaring.withdraw_grant(tx, actor, grant)
    await told.erase(tx, actor, EraseGuest(guest.public_id))


async def take_in(tx: Tx, actor: Actor, guest_id: str, guest_key: str | None) -> Guest:
    """Somebody whom an access system knows is managed from now on. Raises NotFound, Conflict where they are, or where
    the key is in use."""
    require(actor, Scope.GUESTS_WRITE)
    require_whole_workspace(actor)
    row = await known_guest(tx, actor, guest_id, locked=True)
    if row.is_managed:
        raise Conflict(
            f"The guest {row.public_id} is managed already.",
            code="guest_managed",
            next_step="Change it as any other.",
        )
    await guests.change(tx.db, tx.workspace_id, replace(row, is_managed=True))
    await recorded.append(tx, actor, events.GuestChanged(guest_id=row.public_id))
    if guest_key is not None:
        return await told.change(tx, actor, ChangeGuest(row.public_id, guest_key=guest_key))
    return await told.get(tx, actor, told.GetGuest(row.public_id))


def _completed(survivor: GuestRow, merged: Sequence[GuestRow]) -> GuestRow:
    """With what is known of the merged alone, the first who has it."""
    for row in merged:
        survivor = replace(
            survivor,
            name=survivor.name or row.name,
            email=survivor.email or row.email,
            phone=survivor.phone or row.phone,
            language=survivor.language or row.language,
        )
    return survivor
