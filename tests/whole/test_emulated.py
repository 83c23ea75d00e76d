"""Accounts of the emulated vendor: locks that exist nowhere but in rows, written and read as any others."""

from __future__ import annotations

from datetime import timedelta

from tests.whole.house import build_house

from lockstep.emulation.clock import VirtualClock
from lockstep.model.access_code import Status
from lockstep.operations import access_codes, devices, emulated, grants, sandboxes
from lockstep.operations.emulator import EmulatedDevice
from lockstep.operations.grants import CreateGrant
from lockstep.operations.sandboxes import EmulatedAccount

FRONT = EmulatedDevice("august_device_1", "Front Door", "august")
WARM = EmulatedDevice("ecobee_device_1", "Thermostat", "ecobee", "thermostat")
JOHN = EmulatedAccount("john@example.com", "John", (FRONT, WARM), "john_connected_account_id")


async def test_a_code_reaches_a_lock_that_is_a_row_and_opens_its_door(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_house(database_url, clock, {}, is_sandbox=True) as house:
        await sandboxes.connect(house.gate, house.actor, JOHN)
        await house.work()
        async with house.gate.transaction(house.actor.workspace_id) as tx:
            found = await devices.list_shown(tx, house.actor, devices.ListDevices())
            assert [(d.device_id, d.kind, d.maker) for d in found] == [
                ("august_device_1", "lock", "august"),
                ("ecobee_device_1", "thermostat", "ecobee"),
            ]
            until = clock.now() + timedelta(hours=1)
            await grants.create(
                tx,
                house.actor,
                CreateGrant("Anna", clock.now(), until, device_ids=("august_device_1",), code="4711"),
            )
        await house.advance(clock.now() + timedelta(seconds=1))
        async with house.gate.transaction(house.actor.workspace_id) as tx:
            (code,) = await access_codes.listed(tx, house.actor, None, 5)
            assert code.status is Status.SET
            async with emulated.opened(house.gate, tx, JOHN.account) as world:
                assert world.enter("august_device_1", "4711")
                assert not world.enter("august_device_1", "4712")
        house.restart()
        await house.advance(until + timedelta(minutes=1))
        async with (
            house.gate.transaction(house.actor.workspace_id) as tx,
            emulated.opened(house.gate, tx, JOHN.account) as world,
        ):
            assert not world.enter("august_device_1", "4711")
