"""Acts at the door through the official SDK, on emulated locks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from seam import SeamActionAttemptFailedError, SeamHttpApiError
from tests.http.seam.parts import Home

from lockstep.emulation.faults import Fault, FaultKind


async def told(home: Home, call: Callable[..., Any], **given: Any) -> Any:
    """What the SDK makes of the answer, which is of one type of many."""
    return await home.ask(call, **given)


async def test_a_door_is_unlocked_and_locked_and_the_sdk_waits_for_it(home: Home) -> None:
    locks = home.seam.locks
    device_id = await home.lock()
    acts: tuple[tuple[Callable[..., Any], str, bool], ...] = (
        (locks.unlock_door, "UNLOCK_DOOR", False),
        (locks.lock_door, "LOCK_DOOR", True),
    )
    for ask, type_, is_locked in acts:
        attempt = await told(home, ask, device_id=device_id, wait_for_action_attempt=True)
        assert (attempt.action_type, attempt.status) == (type_, "success")
        # Nuki only passes it on.
        assert attempt.result.was_confirmed_by_device is False
        await home.house.advance(home.house.clock.now() + timedelta(minutes=1))
        shown = await told(home, locks.get, device_id=device_id)
        assert (shown.properties.locked, shown.properties.door_open) == (is_locked, False)
        assert (shown.can_remotely_lock, shown.can_remotely_unlock) == (True, True)


async def test_the_auto_lock_is_configured_and_shown(home: Home) -> None:
    device_id = await home.lock()
    for wanted in ((True, 45.0), (False, 45.0)):
        attempt = await told(
            home,
            home.seam.locks.configure_auto_lock,
            device_id=device_id,
            auto_lock_enabled=wanted[0],
            auto_lock_delay_seconds=45 if wanted[0] else None,
            wait_for_action_attempt=True,
        )
        assert (attempt.action_type, attempt.status) == ("CONFIGURE_AUTO_LOCK", "success")
        assert attempt.result is not None
        await home.house.advance(home.house.clock.now() + timedelta(minutes=1))
        shown = await told(home, home.seam.devices.get, device_id=device_id)
        assert shown.can_configure_auto_lock
        properties = shown.properties
        assert (properties.auto_lock_enabled, properties.auto_lock_delay_seconds) == wanted


async def test_a_lock_that_cannot_or_does_not_is_told_with_its_reason(home: Home) -> None:
    device_id = await home.lock()
    home.world.faults.add(Fault(kind=FaultKind.ERROR_BEFORE, mutating=True, status=403, times=1))
    with pytest.raises(SeamActionAttemptFailedError) as failed:
        await told(home, home.seam.locks.lock_door, device_id=device_id, wait_for_action_attempt=True)
    attempt: Any = failed.value.action_attempt
    assert attempt.error.type == "other"
    with pytest.raises(SeamHttpApiError) as refused:
        await told(home, home.seam.locks.lock_door, device_id="00000000-0000-4000-8000-000000000000")
    assert refused.value.code == "device_not_found"


async def test_an_answer_with_sync_waits_until_it_ended(home: Home) -> None:
    device_id = await home.lock()
    answering = asyncio.create_task(home.raw("/locks/lock_door", {"device_id": device_id, "sync": True}))
    while not answering.done():
        await home.house.work()
        await asyncio.wait({answering}, timeout=0.02)
    assert answering.result().json()["action_attempt"]["status"] == "success"
