"""Codes and devices that Lockstep does not look after, through the official SDK, down to the emulated lock."""

from __future__ import annotations

from datetime import timedelta

import pytest
from seam import SeamHttpApiError
from tests.http.seam.parts import Home

HOUR = timedelta(hours=1)


async def put(home: Home, name: str, digits: str) -> str:
    """Somebody puts a code on the first lock in the vendor's app; the lock's id."""
    lock = await home.lock()
    home.world.put_code_in_app(home.world.lock_ids()[0], None, {"name": name, "code": digits})
    await home.look(lock)
    return lock


def held(home: Home) -> list[str]:
    lock = home.world.locks[int(home.world.lock_ids()[0])]
    return sorted(entry.code for entry in lock.door)


async def test_a_code_that_is_not_ours_is_shown_converted_changed_and_deleted_through_the_sdk(
    home: Home,
) -> None:
    codes = home.seam.access_codes
    lock = await put(home, "Grandma", "734512")
    (seen,) = await home.ask(codes.unmanaged.list, device_id=lock)
    assert (seen.name, seen.code, seen.status, seen.type) == ("Grandma", "734512", "set", "ongoing")
    assert (seen.is_managed, seen.cannot_be_managed, seen.errors) == (False, None, [])
    got = await home.ask(codes.unmanaged.get, device_id=lock, code="734512")
    assert got.access_code_id == seen.access_code_id
    assert await home.ask(codes.unmanaged.list, device_id=lock, search="nobody") == []

    convert = codes.unmanaged.convert_to_managed
    await home.ask(convert, access_code_id=seen.access_code_id, allow_external_modification=True)
    ours = await home.ask(codes.get, access_code_id=seen.access_code_id)
    assert (ours.code, ours.name, ours.status, ours.is_managed) == ("734512", "Grandma", "set", True)
    assert ours.is_external_modification_allowed
    assert await home.ask(codes.unmanaged.list, device_id=lock) == []

    await home.ask(codes.update, access_code_id=seen.access_code_id, code="821963")
    await home.settle()
    assert held(home) == ["821963"]
    await home.ask(codes.delete, access_code_id=seen.access_code_id)
    await home.settle()
    assert held(home) == []


async def test_a_strangers_code_is_taken_off_when_asked_and_a_code_of_ours_can_be_left_to_others(
    home: Home,
) -> None:
    codes = home.seam.access_codes
    lock = await put(home, "Old tenant", "734512")
    made = await home.ask(codes.create, device_id=lock, name="Anna", code="472931")
    await home.settle()
    (stranger,) = await home.ask(codes.unmanaged.list, device_id=lock)
    await home.ask(codes.unmanaged.delete, access_code_id=stranger.access_code_id)
    await home.settle()
    assert held(home) == ["472931"]
    with pytest.raises(SeamHttpApiError) as gone:
        await home.ask(codes.unmanaged.get, access_code_id=stranger.access_code_id)
    assert (gone.value.status_code, gone.value.code) == (404, "access_code_not_found")

    await home.ask(codes.update, access_code_id=made.access_code_id, is_managed=False)
    left = await home.ask(codes.unmanaged.get, access_code_id=made.access_code_id)
    assert (left.code, left.is_managed) == ("472931", False)
    with pytest.raises(SeamHttpApiError):
        await home.ask(codes.get, access_code_id=made.access_code_id)
    await home.house.advance(home.house.clock.now() + HOUR)
    assert held(home) == ["472931"]
    await home.ask(codes.unmanaged.update, access_code_id=made.access_code_id, is_managed=True)
    assert (await home.ask(codes.get, access_code_id=made.access_code_id)).status == "set"


async def test_a_device_that_is_let_go_stands_among_the_unmanaged_ones_until_it_is_managed_again(
    home: Home,
) -> None:
    devices = home.seam.devices
    lock = await home.lock()
    made = await home.ask(home.seam.access_codes.create, device_id=lock, name="Anna", code="472931")
    await home.settle()
    await home.ask(devices.update, device_id=lock, is_managed=False)
    assert lock not in {d.device_id for d in await home.ask(devices.list)}
    (unmanaged,) = await home.ask(devices.unmanaged.list)
    assert (unmanaged.device_id, unmanaged.is_managed) == (lock, False)
    (left,) = await home.ask(home.seam.access_codes.unmanaged.list, device_id=lock)
    assert (left.access_code_id, left.cannot_be_managed) == (made.access_code_id, True)
    with pytest.raises(SeamHttpApiError):
        await home.ask(home.seam.locks.unlock_door, device_id=lock)
    generated = await home.raw("/access_codes/generate_code", {"device_id": lock})
    assert (generated.status_code, "holds no codes" in generated.text) == (400, True)
    await home.house.advance(home.house.clock.now() + HOUR)
    assert held(home) == ["472931"]
    await home.ask(devices.unmanaged.update, device_id=lock, is_managed=True)
    assert (await home.ask(devices.get, device_id=lock)).is_managed
    assert await home.ask(devices.unmanaged.list) == []
