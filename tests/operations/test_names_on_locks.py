"""How codes are called on their locks, and that a name which stands there is not rewritten without need."""

from __future__ import annotations

from tests.operations.places import a_property, a_stay, ask, codes_of, some_locks

from lockstep.model.capabilities import Capabilities, NameRules
from lockstep.model.permissions import Actor
from lockstep.operations import declaring
from lockstep.operations.bookings import Booking
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.guests import CreateGuest
from lockstep.operations.spaces import known_space
from lockstep.storage.entries import EntryRow

ASCII_ALONE = Capabilities(name=NameRules(longest=20, pattern="[ -~]"))


async def a_guest_on_two_locks(gate: Gate, owner: Actor) -> Booking:
    """One lock holds ASCII alone, the other anything."""
    plain = await some_locks(gate, owner, "plain", capabilities=ASCII_ALONE)
    other = await some_locks(gate, owner, "other")
    place = await a_property(gate, owner, device_ids=(*plain, *other))
    return await a_stay(gate, owner, place.space_id, 5, 8, guest=CreateGuest("Jörg Weiß"))


async def entries_of(gate: Gate, owner: Actor, booking: Booking) -> dict[str, EntryRow]:
    return {code.device_name: code.entry for code in await codes_of(gate, owner, booking.booking_id)}


async def declared_again(gate: Gate, owner: Actor, booking: Booking) -> None:
    """As after a change of the property's devices that changes nothing here."""

    async def redeclare(tx: Tx, actor: Actor, space_id: str) -> None:
        await declaring.redeclare_space(tx, actor, (await known_space(tx, actor, space_id)).id)

    await ask(gate, owner, redeclare, booking.space_id)


async def test_a_lock_that_holds_no_umlauts_gets_the_name_spelt_without(gate: Gate, owner: Actor) -> None:
    entries = await entries_of(gate, owner, await a_guest_on_two_locks(gate, owner))
    assert entries["plain"].declared.spec.name == f"Jorg Weiss {entries['plain'].declared.tag}"
    assert entries["other"].declared.spec.name == f"Jörg Weiß {entries['other'].declared.tag}"


async def test_a_name_that_was_spelt_otherwise_on_its_lock_is_rewritten_once(
    gate: Gate, owner: Actor
) -> None:
    booking = await a_guest_on_two_locks(gate, owner)
    plain = (await entries_of(gate, owner, booking))["plain"]
    async with gate.transaction(owner.workspace_id) as tx:
        for table, id in (("entries", "id"), ("entry_revisions", "entry_id")):
            name = f"Jrg Wei {plain.declared.tag}"
            await tx.db.execute(f"update {table} set name = $2 where {id} = $1", plain.id, name)
    revisions = []
    for _ in range(3):
        await declared_again(gate, owner, booking)
        entries = await entries_of(gate, owner, booking)
        revisions.append({name: entry.declared.revision for name, entry in entries.items()})
        assert entries["plain"].declared.spec == plain.declared.spec
    assert revisions == [{"plain": 2, "other": 1}] * 3
