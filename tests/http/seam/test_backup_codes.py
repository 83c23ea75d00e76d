"""Backup codes through the official SDK: the pool of a lock, and one that is pulled in place of a failed code."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from seam import SeamHttpApiError
from tests.http.seam.parts import Home

from lockstep.workers.sweeps.backup_pools import fill_all
from lockstep.workers.sweeps.sequencer import sequence_all

STAY = {"starts_at": "2026-06-01T00:00:00.000Z", "ends_at": "2026-06-20T10:00:00.000Z"}

_TOLD = ["access_code.created", "access_code.backup_access_code_pulled", "access_code.deleted"]


async def fill(home: Home) -> None:
    """The sweep, and time for what follows."""
    await fill_all(home.house.gate)
    await home.house.advance(home.house.clock.now() + timedelta(minutes=3))


async def pool_of(home: Home, lock: str) -> tuple[bool, list[str]]:
    """Whether it is on, and what is told of it."""
    shown = await home.ask(home.seam.devices.get, device_id=lock)
    assert shown.properties is not None
    assert shown.properties.supports_backup_access_code_pool
    told: list[str] = [*(w.warning_code for w in shown.warnings), *(e.error_code for e in shown.errors)]
    return bool(shown.properties.backup_access_code_pool_enabled), told


async def test_a_backup_code_is_pulled_through_the_sdk_and_opens_the_door(home: Home) -> None:
    codes = home.seam.access_codes
    lock = await home.lock()
    assert await pool_of(home, lock) == (False, [])
    given: dict[str, Any] = {**STAY, "name": "Anna Smith", "use_backup_access_code_pool": True}
    made = await home.ask(codes.create, device_id=lock, **given)
    assert not made.is_backup_access_code_available
    assert await pool_of(home, lock) == (True, ["empty_backup_access_code_pool"])
    await fill(home)
    assert await pool_of(home, lock) == (True, [])
    assert (await home.ask(codes.get, access_code_id=made.access_code_id)).is_backup_access_code_available
    (listed,) = await home.ask(codes.list, device_id=lock)
    assert listed.access_code_id == made.access_code_id, "those that wait are nobody's"

    backup = await home.ask(codes.pull_backup_access_code, access_code_id=made.access_code_id)
    again = await home.ask(codes.pull_backup_access_code, access_code_id=made.access_code_id)
    assert again.access_code_id == backup.access_code_id != made.access_code_id
    assert (backup.is_backup, backup.name, backup.ends_at) == (True, "Anna Smith", made.ends_at)
    assert backup.status == "set", "it opens now, while its name and its end are on their way"
    assert {m.mutation_code for m in backup.pending_mutations} == {"updating_name", "updating_time_frame"}
    await fill(home)

    assert backup.code is not None
    assert made.code is not None
    (nuki,) = [str(id) for id, it in home.world.locks.items() if it.name == "Door 1"]
    assert home.world.enter(nuki, backup.code).opened
    assert not home.world.enter(nuki, made.code).opened
    assert (await home.ask(codes.get, access_code_id=backup.access_code_id)).status == "set"
    old = await home.ask(codes.get, access_code_id=made.access_code_id)
    assert old.pulled_backup_access_code_id == backup.access_code_id
    assert [w.warning_code for w in old.warnings] == ["using_backup_access_code"]
    await sequence_all(home.house.gate)
    wanted = {"event_types": _TOLD, "device_id": lock, "since": "2026-05-01T00:00:00.000Z"}
    found = (await home.raw("/events/list", wanted)).json()["events"]
    events = [(event["event_type"], event["access_code_id"]) for event in found]
    assert events == [
        ("access_code.created", made.access_code_id),
        ("access_code.created", backup.access_code_id),
        ("access_code.backup_access_code_pulled", made.access_code_id),
    ]
    await home.ask(codes.delete, access_code_id=made.access_code_id)
    assert [c.access_code_id for c in await home.ask(codes.list, device_id=lock)] == [backup.access_code_id]
    assert home.world.enter(nuki, backup.code).opened, "only the code that was replaced is put away"
    await home.ask(codes.delete, access_code_id=backup.access_code_id)
    await fill(home)
    assert not home.world.enter(nuki, backup.code).opened
    assert await home.ask(codes.list, device_id=lock) == []


async def test_a_pool_is_switched_by_the_device_and_what_cannot_be_pulled_is_told(home: Home) -> None:
    codes = home.seam.access_codes
    lock = await home.lock()
    stay = await home.ask(codes.create, device_id=lock, **STAY)
    lasting = await home.ask(codes.create, device_id=lock)
    for code, status, type in (
        (stay, 404, "backup_access_code_not_found"),
        (lasting, 400, "access_code_not_time_bound"),
    ):
        with pytest.raises(SeamHttpApiError) as refused:
            await home.ask(codes.pull_backup_access_code, access_code_id=code.access_code_id)
        assert (refused.value.status_code, refused.value.code) == (status, type)
    await home.ask(home.seam.devices.update, device_id=lock, backup_access_code_pool_enabled=True)
    await fill(home)
    assert await pool_of(home, lock) == (True, [])
    await home.ask(home.seam.devices.update, device_id=lock, backup_access_code_pool_enabled=False)
    await fill(home)
    assert await pool_of(home, lock) == (False, [])
    assert not (await home.ask(codes.get, access_code_id=stay.access_code_id)).is_backup_access_code_available


async def test_a_grant_tells_on_which_of_its_doors_a_backup_code_stands(home: Home) -> None:
    lock = await home.lock()
    await home.ask(home.seam.devices.update, device_id=lock, backup_access_code_pool_enabled=True)
    await fill(home)
    made = await home.ask(
        home.seam.access_grants.create,
        device_ids=[lock],
        requested_access_methods=[{"mode": "code"}],
        user_identity={"full_name": "Anna Smith"},
        **STAY,
    )
    await fill(home)
    (code,) = await home.ask(home.seam.access_codes.list, access_grant_id=made.access_grant_id)
    backup = await home.ask(
        home.seam.access_codes.pull_backup_access_code, access_code_id=code.access_code_id
    )
    await fill(home)
    (method,) = await home.ask(home.seam.access_methods.list, access_grant_id=made.access_grant_id)
    assert (method.is_issued, method.code) == (True, backup.code)
    assert [w.warning_code for w in method.warnings] == ["pulled_backup_access_code"]
