"""A code that opened its door, as the vendor's log tells: the rank of evidence that the API and the first page show."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.whole.house import House, build_house

from lockstep.emulation.clock import VirtualClock
from lockstep.model.capabilities import Evidence
from lockstep.operations import arrivals, devices, grants
from lockstep.operations import today as page
from lockstep.operations.grants import ChangeGrant, CreateGrant
from lockstep.operations.today import AskToday
from lockstep.vendors.nuki.emulator.app import create_app
from lockstep.vendors.nuki.emulator.world import World

USED = "It opened this door."
CONFIRMED = "Confirmed by the lock itself."
HALF_AN_HOUR = timedelta(minutes=30)


async def test_a_used_code_shows_it_door_by_door_until_it_is_written_anew(
    database_url: str, clock: VirtualClock
) -> None:
    world = World(clock)
    world.allow("tok")
    doors = {name: world.add_lock({"name": name}) for name in ("Flat", "Front")}
    async with build_house(database_url, clock, {"nuki.test": create_app(world)}) as house:
        await house.connect("nuki", {"token": "tok", "endpoint": "http://nuki.test"})
        grant_id, digits = await granted(house)
        await house.advance(clock.now() + HALF_AN_HOUR)
        assert await shown(house, grant_id) == {
            "Flat": (Evidence.ACKNOWLEDGED, None, CONFIRMED),
            "Front": (Evidence.ACKNOWLEDGED, None, CONFIRMED),
        }
        entered_at = clock.now()
        assert world.enter(doors["Front"], digits).opened
        await house.advance(clock.now() + HALF_AN_HOUR)
        assert await shown(house, grant_id) == {
            "Flat": (Evidence.ACKNOWLEDGED, None, CONFIRMED),
            "Front": (Evidence.USED, entered_at, USED),
        }
        async with house.gate.transaction(house.actor.workspace_id) as tx:
            longer = ChangeGrant(ends_at=clock.now() + timedelta(days=5))
            await grants.change(tx, house.actor, grant_id, longer)
        await house.advance(clock.now() + HALF_AN_HOUR)
        assert (await shown(house, grant_id))["Front"] == (Evidence.ACKNOWLEDGED, entered_at, CONFIRMED)


async def granted(house: House) -> tuple[str, str]:
    """Its public id and its digits, on all locks, from now on."""
    now = house.clock.now()
    async with house.gate.transaction(house.actor.workspace_id) as tx:
        locks = await devices.listed(tx, house.actor, None, 10)
        command = CreateGrant(
            "Anna", now, now + timedelta(days=2), device_ids=tuple(d.public_id for d in locks)
        )
        made = await grants.create(tx, house.actor, command)
        digits = grants.digits_of(tx, house.actor, made.method)
    assert digits is not None
    return made.row.public_id, digits


async def shown(house: House, grant_id: str) -> dict[str, tuple[Evidence, datetime | None, str]]:
    """Of each door the rank and the last use as the API tells them, and the reason on the first page."""
    async with house.gate.reading(house.actor.workspace_id) as tx:
        (arrival,) = await arrivals.listed(tx, house.actor, timedelta(days=1))
        (stay,) = (await page.today(tx, house.actor, AskToday())).stays
    assert arrival.grant is not None
    assert arrival.grant.access_grant_id == stay.access_grant_id == grant_id
    reasons = {door.lock: door.reason.cause for door in stay.doors}
    assert {d.lock: d.evidence for d in stay.doors} == {c.row.device_name: c.evidence for c in arrival.codes}
    return {
        code.row.device_name: (code.evidence, code.row.used_at, reasons[code.row.device_name])
        for code in arrival.codes
    }
