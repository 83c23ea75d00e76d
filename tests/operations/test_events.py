"""Events are appended with their cause, and read in the order of positions."""

import asyncio
from datetime import timedelta

import pytest

from lockstep.emulation.clock import VirtualClock
from lockstep.model import events as facts
from lockstep.model.permissions import Actor, ActorKind, NotAllowed, Scope
from lockstep.operations import events
from lockstep.operations.errors import Invalid, NotFound
from lockstep.operations.events import FindEvents
from lockstep.operations.gate import Gate
from lockstep.workers.sweeps.sequencer import sequence, sequence_all


async def tell(gate: Gate, actor: Actor, *names: str) -> None:
    async with gate.transaction(actor.workspace_id) as tx:
        await events.append(tx, actor, *(facts.BookingCreated(booking_id=name) for name in names))


async def read(gate: Gate, actor: Actor, after: int = 0, most: int = 100) -> list[events.RecordedEvent]:
    async with gate.reading(actor.workspace_id) as tx:
        return await events.read(tx, actor, after, most)


async def test_an_event_is_read_once_it_has_its_position(gate: Gate, owner: Actor) -> None:
    await tell(gate, owner, "booking_1")
    assert await read(gate, owner) == []
    await sequence_all(gate)
    created, booked = await read(gate, owner)
    assert created.type == "workspace.created"
    assert (booked.position, booked.type, booked.subjects) == (
        2,
        "booking.created",
        {"booking_id": "booking_1"},
    )
    assert booked.actor == "system:test"


async def test_a_transaction_that_fails_tells_nothing(gate: Gate, owner: Actor) -> None:
    async def fail() -> None:
        async with gate.transaction(owner.workspace_id) as tx:
            await events.append(tx, owner, facts.BookingCreated(booking_id="booking_1"))
            raise RuntimeError("the operation failed after its event")

    with pytest.raises(RuntimeError):
        await fail()
    await sequence_all(gate)
    assert [e.type for e in await read(gate, owner)] == ["workspace.created"]


async def test_an_event_that_commits_late_is_not_skipped_by_a_cursor(gate: Gate, owner: Actor) -> None:
    async with gate.transaction(owner.workspace_id) as slow:
        await events.append(slow, owner, facts.BookingCreated(booking_id="booking_slow"))
        await tell(gate, owner, "booking_fast")
        await sequence_all(gate)
        seen = await read(gate, owner)
        assert [e.subjects.get("booking_id") for e in seen] == [None, "booking_fast"]
    await sequence_all(gate)
    later = await read(gate, owner, after=seen[-1].position)
    assert [e.subjects["booking_id"] for e in later] == ["booking_slow"]


async def test_many_writers_and_sequencers_at_once_leave_positions_without_gaps(
    gate: Gate, owner: Actor
) -> None:
    writers = (tell(gate, owner, f"booking_{n}") for n in range(60))
    sequencers = (sequence(gate, owner.workspace_id) for _ in range(20))
    await asyncio.gather(*writers, *sequencers)
    await sequence_all(gate)
    found = await read(gate, owner)
    assert [e.position for e in found] == list(range(1, 62))
    assert len({e.event_id for e in found}) == 61


async def test_a_workspace_with_nothing_to_tell_is_not_touched(
    gate: Gate, owner: Actor, neighbour: Actor
) -> None:
    assert await sequence_all(gate) == 2
    assert await sequence_all(gate) == 0
    await tell(gate, neighbour, "booking_1")
    assert await sequence_all(gate) == 1


async def test_a_neighbours_events_are_never_seen(gate: Gate, owner: Actor, neighbour: Actor) -> None:
    await tell(gate, neighbour, "booking_of_neighbour")
    await sequence_all(gate)
    assert [e.type for e in await read(gate, owner)] == ["workspace.created"]
    theirs = (await read(gate, neighbour))[-1]
    async with gate.reading(owner.workspace_id) as tx:
        with pytest.raises(NotFound):
            await events.get(tx, owner, theirs.event_id)


async def test_a_search_finds_a_neighbours_events_by_nothing(
    gate: Gate, owner: Actor, neighbour: Actor
) -> None:
    await tell(gate, neighbour, "booking_1")
    await sequence_all(gate)
    (theirs,) = [e for e in await read(gate, neighbour) if e.type == "booking.created"]
    asked = (
        {"event_ids": [theirs.event_id]},
        {"about": {"booking_id": ["booking_1"]}},
        {"since": gate.clock.now()},
    )
    for wanted in asked:
        command = FindEvents(10, types=["booking.created"], **wanted)
        async with gate.reading(owner.workspace_id) as tx:
            assert await events.find(tx, owner, command) == []
        async with gate.reading(neighbour.workspace_id) as tx:
            assert await events.find(tx, neighbour, command) == [theirs]


async def test_what_is_listed_is_never_listed_before_what_was_there_already(
    gate: Gate, owner: Actor, clock: VirtualClock
) -> None:
    """Not even where the clock is set back."""
    await tell(gate, owner, "booking_1")
    await sequence_all(gate)
    clock.jump(clock.now() - timedelta(hours=1))
    await tell(gate, owner, "booking_2")
    await sequence_all(gate)
    first, second = (e for e in await read(gate, owner) if e.type == "booking.created")
    assert second.occurred_at < first.occurred_at
    assert second.listed_at == first.listed_at
    async with gate.reading(owner.workspace_id) as tx:
        found = await events.find(tx, owner, FindEvents(10, since=first.listed_at, types=["booking.created"]))
    assert found == [first, second]


async def test_events_are_found_by_type_and_an_unknown_type_is_refused(gate: Gate, owner: Actor) -> None:
    await tell(gate, owner, "booking_1")
    await sequence_all(gate)
    async with gate.reading(owner.workspace_id) as tx:
        found = await events.read(tx, owner, 0, 10, ["booking.created", "guest.erased"])
        assert [e.type for e in found] == ["booking.created"]
        with pytest.raises(Invalid, match=r"booking\.invented"):
            await events.read(tx, owner, 0, 10, ["booking.invented"])


@pytest.mark.parametrize(
    "actor_without",
    [
        pytest.param({"scopes": frozenset[Scope]()}, id="no scope"),
        pytest.param({"property_ids": frozenset[object]()}, id="confined to properties"),
    ],
)
async def test_events_are_for_keys_of_the_whole_workspace(
    gate: Gate, owner: Actor, actor_without: dict[str, frozenset[object]]
) -> None:
    fields = {"scopes": owner.scopes, "property_ids": None} | actor_without
    actor = Actor(ActorKind.API_KEY, owner.workspace_id, "key_1", **fields)  # type: ignore[arg-type]
    with pytest.raises(NotAllowed):
        await read(gate, actor)
