"""Whom the vendor calls: registered once for each address, and every refusal told with its next step."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lockstep.driver.contract import CallbacksRefused
from lockstep.driver.outcomes import DriverError, VendorBusy, VendorUnreachable
from lockstep.emulation.faults import FaultKind
from lockstep.vendors.nuki.desk import PATH
from lockstep.vendors.nuki.tests.worlds import HOOK, TOKEN, NukiWorld, nuki_world


@pytest.fixture
async def world() -> AsyncIterator[NukiWorld]:
    async with nuki_world() as world:
        yield world


async def test_registering_again_replaces_the_webhook_of_this_address_and_no_other(world: NukiWorld) -> None:
    desk = world.driver().callbacks
    first = await desk.register(HOOK)
    await desk.register(f"{HOOK}/other")
    again = await desk.register(HOOK)
    assert again != first
    assert sorted(hook.url for hook in world.emulator.hooks) == [HOOK, f"{HOOK}/other"]


async def test_a_token_without_the_right_is_told_which_one_it_lacks(world: NukiWorld) -> None:
    world.emulator.allow(TOKEN, "smartlock", "smartlock.auth", "smartlock.log")
    desk = world.driver().callbacks
    with pytest.raises(CallbacksRefused) as refused:
        await desk.register("https://lockstep.test/callbacks/s3cret")
    assert "webhook.decentral" in refused.value.cause
    assert "generate a token" in refused.value.next_step
    for ask in (desk.is_registered, desk.withdraw):
        with pytest.raises(CallbacksRefused):
            await ask(HOOK)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "does not take"),
        (401, "webhook.decentral"),
        (402, "subscription"),
        (403, "webhook.decentral"),
        (404, "no webhooks"),
        (405, "no webhooks"),
        (426, "subscription"),
        (501, "no webhooks"),
    ],
)
async def test_a_refusal_says_why_and_what_to_do(world: NukiWorld, status: int, said: str) -> None:
    world.fault(FaultKind.ERROR_BEFORE, mutating=None, path=PATH, status=status)
    with pytest.raises(CallbacksRefused) as refused:
        await world.driver().callbacks.register(HOOK)
    assert said in refused.value.cause
    assert refused.value.next_step


@pytest.mark.parametrize(
    ("status", "error"),
    [(429, VendorBusy), (423, VendorBusy), (500, VendorUnreachable), (502, VendorUnreachable)],
)
async def test_what_may_pass_is_no_refusal(world: NukiWorld, status: int, error: type[DriverError]) -> None:
    world.fault(FaultKind.ERROR_BEFORE, mutating=None, path=PATH, status=status)
    with pytest.raises(error):
        await world.driver().callbacks.register(HOOK)


async def test_an_address_that_is_not_https_is_refused(world: NukiWorld) -> None:
    with pytest.raises(CallbacksRefused, match="does not take") as refused:
        await world.driver().callbacks.register("http://example.org/plain")
    assert "https" in refused.value.next_step
