"""An account is connected again: whatever its locks should carry is declared on them anew."""

from __future__ import annotations

from uuid import UUID

from lockstep.model.permissions import Actor
from lockstep.operations import declaring
from lockstep.operations.chosen_digits import Wish
from lockstep.operations.errors import Problem
from lockstep.operations.gate import Tx
from lockstep.operations.held_bookings import declare_or_hold
from lockstep.storage import grants, spaces


async def declare_again(tx: Tx, actor: Actor, account_id: UUID) -> None:
    """Every living grant that reaches a lock of this account. The caller holds its domains.

    One that cannot be declared, such as for want of free digits, does not keep the others from it.
    """
    family: set[UUID] = set()
    for space_id in await spaces.of_account(tx.db, tx.workspace_id, account_id):
        if space_id not in family:
            family.update(await spaces.family_of(tx.db, tx.workspace_id, space_id))
    for grant in await grants.living_of_account(tx.db, tx.workspace_id, account_id, sorted(family), tx.now):
        if grant.booking_id is not None:
            await declare_or_hold(tx, actor, grant.booking_id)
            continue
        try:
            async with tx.db.transaction():
                await declaring.declare_grant(tx, actor, grant, None, Wish())
        except Problem:
            # It has no code on these locks, and is told as such wherever stays are shown.
            continue
