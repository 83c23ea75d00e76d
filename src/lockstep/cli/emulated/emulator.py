"""The virtual vendor's emulator as sandboxes have it: worlds that are kept as documents and do everything at once.

Its application is read in when it is first asked for: most processes have no sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import httpx2

from lockstep.kit.clock import Clock
from lockstep.operations.emulator import Call, CodeAtLock, EmulatedDevice, EmulatedWorld, Reply

if TYPE_CHECKING:
    from lockstep.vendors.virtual.emulator.world import VirtualWorld

ORIGIN = "http://sandbox.invalid"
"""A name that by its top-level domain belongs to nobody (RFC 6761): what is sent there never leaves the process."""
FEATURES: dict[str, Any] = {
    "code_lengths": [4, 5, 6, 7, 8],
    "schedule": {"refuses_past_starts": False},
    "settling_seconds": 0.1,
    "late_seconds": 0.1,
    "pushes": False,
}
"""Besides those of the plainest model. What is written is on the lock at once."""
TIME_ZONE = "America/Los_Angeles"


class VirtualEmulator:
    """Satisfies `lockstep.operations.emulator.Emulator`."""

    vendor = "virtual"

    def credentials(self, token: str) -> dict[str, str]:
        return {"endpoint": ORIGIN, "token": token}

    def new_world(
        self, clock: Clock, account: str, token: str, devices: Sequence[EmulatedDevice]
    ) -> EmulatedWorld:
        from lockstep.vendors.virtual.emulator.world import VirtualWorld

        world = VirtualWorld(clock)
        world.change_settings({"account": account, "tokens": [token]})
        for device in devices:
            world.add_lock(
                {
                    "id": device.reference,
                    "name": device.name,
                    "kind": device.kind,
                    "maker": device.maker,
                    "features": FEATURES,
                    "nature": {"takes_seconds": 0},
                    "time_zone": TIME_ZONE,
                }
            )
        return _World(world)

    def world(self, clock: Clock, snapshot: bytes) -> EmulatedWorld:
        from lockstep.vendors.virtual.emulator.snapshot import restored

        return _World(restored(clock, snapshot))


class _World:
    """Satisfies `lockstep.operations.emulator.EmulatedWorld`."""

    def __init__(self, world: VirtualWorld) -> None:
        self._world = world

    def snapshot(self) -> bytes:
        from lockstep.vendors.virtual.emulator.snapshot import saved

        return saved(self._world)

    async def answer(self, call: Call) -> Reply:
        from lockstep.vendors.virtual.emulator.app import create_app

        transport = httpx2.ASGITransport(create_app(self._world))
        async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as http:
            answered = await http.request(call.method, call.path, headers=call.headers, content=call.body)
        return Reply(answered.status_code, dict(answered.headers), answered.content)

    def connect(self, reference: str, *, is_connected: bool) -> None:
        (self._world.bring_online if is_connected else self._world.take_offline)(reference)

    def connect_hub(self, reference: str, *, is_connected: bool) -> None:
        (self._world.connect_hub if is_connected else self._world.disconnect_hub)(reference)

    def pay(self, reference: str, *, is_paid: bool) -> None:
        self._world.set_subscription(reference, is_paid=is_paid)

    def remove(self, reference: str) -> None:
        self._world.remove_lock(reference)

    def enter(self, reference: str, digits: str) -> bool:
        return self._world.enter(reference, digits).opened

    def lock_at_keypad(self, reference: str) -> None:
        self._world.lock_at_keypad(reference)

    def put_code(self, reference: str, code: CodeAtLock) -> str:
        fields = {"name": code.name, "digits": code.digits}
        for name, at in (("starts_at", code.starts_at), ("ends_at", code.ends_at)):
            if at is not None:
                fields[name] = at.isoformat()
        return self._world.put_code_in_app(reference, None, fields)

    def refuse_credentials(self) -> None:
        self._world.change_settings({"tokens": []})
