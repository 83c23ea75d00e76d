"""Whom an account's access system knows: guests that are not managed, until somebody takes them in. They follow what
the vendor tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from lockstep.driver.contract import Person
from lockstep.kit.ids import new_id, public_id
from lockstep.model import events
from lockstep.operations import events as recorded
from lockstep.operations.events import Named
from lockstep.operations.gate import Tx
from lockstep.storage import guests
from lockstep.storage.guests import GuestRow

_LONGEST = 200
"""Of what a vendor tells; what is longer is cut."""


async def take(tx: Tx, actor: Named, account_id: UUID, people: Sequence[Person]) -> None:
    """Make the guests that are known from this account alone equal to what its vendor tells. Whoever was taken in or
    forgotten is left alone; whoever is told of no more is forgotten."""
    known = {row.seen_reference: row for row in await guests.seen_in(tx.db, tx.workspace_id, account_id)}
    for person in {it.reference: it for it in people}.values():
        before = known.pop(person.reference, None)
        if before is None:
            await _note(tx, actor, account_id, person)
        elif not before.is_managed and before.erased_at is None and before.merged_into is None:
            await _follow(tx, actor, before, person)
    for row in known.values():
        if not row.is_managed and row.merged_into is None:
            await guests.lose_sight(tx.db, tx.workspace_id, row.id)
            if row.erased_at is None:
                await guests.erase(tx.db, tx.workspace_id, row.id, tx.now)
                await recorded.append(tx, actor, events.GuestErased(guest_id=row.public_id))


async def _note(tx: Tx, actor: Named, account_id: UUID, person: Person) -> None:
    id = new_id()
    row = GuestRow(
        id,
        public_id("guest", id),
        None,
        _cut(person.name),
        _cut(person.email),
        _cut(person.phone),
        None,
        tx.now,
        is_managed=False,
        seen_account_id=account_id,
        seen_reference=person.reference,
    )
    await guests.insert(tx.db, tx.workspace_id, row)
    await recorded.append(tx, actor, events.GuestCreated(guest_id=row.public_id))


async def _follow(tx: Tx, actor: Named, before: GuestRow, person: Person) -> None:
    after = replace(before, name=_cut(person.name), email=_cut(person.email), phone=_cut(person.phone))
    if after != before:
        await guests.change(tx.db, tx.workspace_id, after)
        await recorded.append(tx, actor, events.GuestChanged(guest_id=after.public_id))


def _cut(told: str | None) -> str | None:
    """As it may be kept: no control characters, nothing empty."""
    kept = "".join(it for it in told or "" if it.isprintable()).strip()[:_LONGEST]
    return kept or None
