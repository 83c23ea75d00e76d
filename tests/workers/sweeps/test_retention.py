"""What was kept long enough is forgotten, and what is needed is not."""

from datetime import datetime, timedelta

import pytest
from tests.operations.places import a_property, a_stay, ask, some_locks

from lockstep.emulation.clock import VirtualClock
from lockstep.kit.ids import new_id, public_id
from lockstep.model.permissions import Actor
from lockstep.operations import guests, idempotency, webhooks, workspaces
from lockstep.operations.bookings import Booking
from lockstep.operations.gate import Gate
from lockstep.operations.guests import CreateGuest
from lockstep.storage import devices, unmanaged_codes
from lockstep.storage.unmanaged_codes import Sighting
from lockstep.workers.deliveries.deliver import Deliverer
from lockstep.workers.loop import drain
from lockstep.workers.sweeps.retention import next_sweep_at, sweep_all
from lockstep.workers.sweeps.sequencer import sequence_all

ANNA = CreateGuest(name="Anna Berg", email="anna@example.com", phone="+351 912 345 678")


@pytest.fixture
async def stay(gate: Gate, owner: Actor) -> Booking:
    """Anna's stay, from the 10th to the 12th of June, with a code on one lock."""
    locks = await some_locks(gate, owner, "front")
    house = await a_property(gate, owner, device_ids=tuple(locks))
    return await a_stay(gate, owner, house.space_id, 10, 12, guest=ANNA, reservation_code="HMABC123")


async def settle(gate: Gate, owner: Actor, at: datetime) -> None:
    """As the reconciler does when an entry is over and proven gone."""
    async with gate.database.transaction(owner.workspace_id) as db:
        await db.execute("update entries set settled_at = $1, withdrawn_at = $1", at)


async def everything_stored(gate: Gate, owner: Actor) -> str:
    tables = ("guests", "bookings", "grants", "access_methods", "entries", "entry_revisions", "events")
    async with gate.database.reading(owner.workspace_id) as db:
        rows = [dict(row) for table in tables for row in await db.fetch(f"select * from {table}")]
    return repr(rows)


async def digits_kept(gate: Gate, owner: Actor) -> int:
    async with gate.database.reading(owner.workspace_id) as db:
        count: int = await db.fetchval(
            """select (select count(digits) + count(fingerprint) from access_methods)
                    + (select count(digits) + count(fingerprint) from entries)
                    + (select count(fingerprint) from entry_revisions)"""
        )
    return count


async def test_person_and_digits_are_forgotten_after_the_retention_and_not_before(
    gate: Gate, owner: Actor, clock: VirtualClock, stay: Booking
) -> None:
    await settle(gate, owner, stay.ends_at)
    clock.set(stay.ends_at + timedelta(days=364))
    await sweep_all(gate)
    kept = await everything_stored(gate, owner)
    assert "Anna" in kept
    assert await digits_kept(gate, owner) > 0

    clock.advance(timedelta(days=2))
    await sweep_all(gate)
    kept = await everything_stored(gate, owner)
    for personal in ("Anna", "anna@", "912345678", "HMABC123"):
        assert personal not in kept
    assert await digits_kept(gate, owner) == 0
    assert "guest.erased" in kept


async def test_a_workspace_may_keep_less(
    gate: Gate, owner: Actor, clock: VirtualClock, stay: Booking
) -> None:
    async with gate.transaction(owner.workspace_id) as tx:
        await workspaces.change(tx, owner, workspaces.ChangeWorkspace(retention_days=7))
    await settle(gate, owner, stay.ends_at)
    clock.set(stay.ends_at + timedelta(days=8))
    await sweep_all(gate)
    assert "Anna" not in await everything_stored(gate, owner)


async def test_a_guest_who_comes_again_is_remembered(
    gate: Gate, owner: Actor, clock: VirtualClock, stay: Booking
) -> None:
    assert stay.guest_id is not None
    clock.set(stay.ends_at + timedelta(days=366))
    async with gate.database.transaction(owner.workspace_id) as db:
        await db.execute("update bookings set ends_at = $1", clock.now() + timedelta(days=1))
    await sweep_all(gate)
    guest = await ask(gate, owner, guests.get, guests.GetGuest(stay.guest_id))
    assert guest.name == "Anna Berg"


async def test_digits_that_may_still_open_a_door_are_kept(
    gate: Gate, owner: Actor, clock: VirtualClock, stay: Booking
) -> None:
    before = await digits_kept(gate, owner)
    clock.set(stay.ends_at + timedelta(days=366))
    await sweep_all(gate)
    assert await digits_kept(gate, owner) == before


async def test_kept_answers_are_forgotten_after_a_day(gate: Gate, owner: Actor, clock: VirtualClock) -> None:
    async with gate.transaction(owner.workspace_id) as tx:
        await idempotency.begin(tx, owner, "once", b"request")
        await idempotency.keep(tx, owner, "once", 200, "{}")
    for hours, is_kept in ((23, True), (2, False)):
        clock.advance(timedelta(hours=hours))
        async with gate.database.transaction(owner.workspace_id) as db:
            await db.execute("update workspaces set swept_at = null")
        await sweep_all(gate)
        async with gate.reading(owner.workspace_id) as tx:
            assert (await idempotency.look_up(tx, owner, "once", b"request") is not None) == is_kept


async def test_old_deliveries_go_with_their_tries_and_pending_ones_stay(
    gate: Gate, owner: Actor, clock: VirtualClock
) -> None:
    await sequence_all(gate)
    async with gate.transaction(owner.workspace_id) as tx:
        await webhooks.create(tx, owner, webhooks.CreateWebhook("http://127.0.0.1:9/hook"))
    await sequence_all(gate)
    await drain(gate, {"deliveries": Deliverer(gate, lambda: 0.0).process})

    async def counts() -> tuple[int, int]:
        async with gate.database.reading(owner.workspace_id) as db:
            return await db.fetchval("select count(*) from deliveries"), await db.fetchval(
                "select count(*) from tries"
            )

    assert await counts() == (1, 1)
    clock.advance(timedelta(days=31))
    await sweep_all(gate)
    assert await counts() == (1, 1)
    async with gate.database.transaction(owner.workspace_id) as db:
        await db.execute("update deliveries set state = 'failed'")
    clock.advance(timedelta(days=1))
    await sweep_all(gate)
    assert await counts() == (0, 0)


async def test_each_workspace_is_swept_once_a_day(
    gate: Gate, owner: Actor, neighbour: Actor, clock: VirtualClock
) -> None:
    assert await next_sweep_at(gate) == clock.now()
    assert [await sweep_all(gate), await sweep_all(gate)] == [2, 0]
    assert await next_sweep_at(gate) == clock.now() + timedelta(days=1)
    clock.advance(timedelta(days=1))
    assert await sweep_all(gate) == 2


async def test_the_next_months_of_events_and_tries_are_made_ahead(
    gate: Gate, owner: Actor, clock: VirtualClock
) -> None:
    clock.jump(datetime.fromisoformat("2031-12-31T23:00:00+00:00"))
    await sweep_all(gate)
    await sweep_all(gate)
    clock.advance(timedelta(hours=2))
    async with gate.transaction(owner.workspace_id) as tx:
        await workspaces.change(tx, owner, workspaces.ChangeWorkspace(name="Quay flats"))
        found = await tx.db.fetch("select tableoid::regclass::text as name from events order by id")
    assert [row["name"] for row in found] == ["events_rest", "events_2032_01"]


async def test_a_strangers_code_that_has_gone_is_forgotten_and_one_that_stands_is_not(
    gate: Gate, owner: Actor, clock: VirtualClock
) -> None:
    (lock_id,) = await some_locks(gate, owner, "front")

    async def standing_and_gone() -> list[str]:
        async with gate.database.reading(owner.workspace_id) as db:
            return [
                r["reference"] for r in await db.fetch("select reference from unmanaged_codes order by 1")
            ]

    async with gate.transaction(owner.workspace_id) as tx:
        (lock,) = await devices.by_public_ids(tx.db, tx.workspace_id, [lock_id])
        ids = [new_id(), new_id()]
        seen = [
            Sighting(id, public_id("code", id), lock.id, name)
            for id, name in zip(ids, ("gone", "standing"), strict=True)
        ]
        await unmanaged_codes.appear(tx.db, tx.workspace_id, seen, tx.now, may_return=True)
        await unmanaged_codes.vanish(tx.db, tx.workspace_id, [(lock.id, "gone")], tx.now)
    clock.advance(timedelta(days=364))
    await sweep_all(gate)
    assert await standing_and_gone() == ["gone", "standing"]
    clock.advance(timedelta(days=2))
    await sweep_all(gate)
    assert await standing_and_gone() == ["standing"]
