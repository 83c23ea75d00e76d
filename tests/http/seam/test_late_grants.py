"""What is told of grants whose code does not come through, and of those that open a door of an access system."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from tests.http.seam.parts import Home

from lockstep.emulation.faults import Fault, FaultKind
from lockstep.http.seam.present.instants import instant
from lockstep.workers.sweeps.sequencer import sequence_all

HOUR = timedelta(hours=1)
LATE, MISSED = "access_method.delay_in_issuing", "access_method.failed_to_issue"


async def granted(home: Home, **places: Any) -> str:
    """The id of a grant that begins in two hours."""
    now = home.house.clock.now()
    made = await home.ask(
        home.seam.access_grants.create,
        user_identity={"full_name": "Anna"},
        requested_access_methods=[{"mode": "code"}],
        starts_at=instant(now + 2 * HOUR),
        ends_at=instant(now + 48 * HOUR),
        **places,
    )
    return made.access_grant_id


async def told(home: Home, grant_id: str) -> list[Any]:
    await sequence_all(home.house.gate)
    return list(await home.ask(home.seam.events.list, access_grant_id=grant_id))


async def test_a_grant_that_does_not_come_through_is_told_once_as_late_and_once_as_failed(home: Home) -> None:
    locks = [await home.lock(0), await home.lock(1)]
    for lock in home.world.locks:
        home.world.take_offline(str(lock))
    start = home.house.clock.now() + 2 * HOUR
    grant_id = await granted(home, device_ids=locks)
    single = await home.ask(
        home.seam.access_codes.create,
        device_id=locks[0],
        code="472931",
        starts_at=instant(start),
        ends_at=instant(start + HOUR),
    )
    await home.house.advance(start - timedelta(minutes=50))
    assert [e.event_type for e in await told(home, grant_id)][-1:] == [LATE]
    await home.house.advance(start + timedelta(minutes=20))
    found = await told(home, grant_id)
    assert Counter(e.event_type for e in found if "issu" in e.event_type) == {LATE: 1, MISSED: 1}
    assert found[-1].access_grant_ids == [grant_id]
    of_code = await home.ask(home.seam.events.list, access_code_id=single.access_code_id)
    issued = [e.event_type for e in of_code if "issu" in e.event_type]
    assert issued == ["access_code.delay_in_issuing", "access_code.failed_to_issue"]


async def test_what_the_vendor_refuses_is_told_once_and_as_an_update_where_an_older_one_may_stand(
    home: Home,
) -> None:
    lock = await home.lock()
    code = await home.ask(home.seam.access_codes.create, device_id=lock, code="472931")
    await home.settle()
    refused = Fault(kind=FaultKind.ERROR_BEFORE, status=400, mutating=True, times=None)
    home.world.faults.add(refused)
    await home.ask(home.seam.access_codes.update, access_code_id=code.access_code_id, code="295175")
    new = await home.ask(home.seam.access_codes.create, device_id=lock, code="618243")
    for _ in range(8):
        await home.settle()
    of_update = await home.ask(home.seam.access_codes.get, access_code_id=code.access_code_id)
    assert [e.error_code for e in of_update.errors] == ["code_constraints_violated", "failed_to_update"]
    await sequence_all(home.house.gate)
    not_set = "access_code.failed_to_set_on_device"
    # The second of the update is told when its time has begun without it.
    for code_id, wanted in (
        (code.access_code_id, [not_set, "access_code.failed_to_update", "access_code.failed_to_update"]),
        (new.access_code_id, [not_set, "access_code.failed_to_issue"]),
    ):
        events = await home.ask(home.seam.events.list, access_code_id=code_id)
        failed = [e.event_type for e in events if ".failed" in e.event_type]
        assert failed == wanted


async def test_doors_of_access_systems_are_told_one_by_one_and_locks_are_not(home: Home) -> None:
    await home.has_access_system()
    (entrance,) = (await home.raw("/acs/entrances/list", {})).json()["acs_entrances"]
    door_id = entrance["acs_entrance_id"]
    grant_id = await granted(home, acs_entrance_ids=[door_id], device_ids=[await home.lock()])
    await home.settle()
    of_doors = [e for e in await told(home, grant_id) if e.event_type.endswith("_to_door")]
    assert [(e.event_type, e.acs_entrance_id) for e in of_doors] == [
        ("access_grant.access_granted_to_door", door_id)
    ]
    (code,) = home.doors.codes_on(home.doors.locks["gate"])
    home.doors.delete_code_in_app("gate", code.reference)
    await home.look(door_id)
    types = [e.event_type for e in await told(home, grant_id)]
    assert "access_grant.access_to_door_lost" in types
    await home.settle()
    types = [e.event_type for e in await told(home, grant_id)]
    assert types.count("access_grant.access_granted_to_door") == 2, "it was put back"
