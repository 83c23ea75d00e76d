"""An emulated account with one lock, in-process and on a virtual clock, for the emulator's own tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from lockstep.emulation.clock import VirtualClock
from lockstep.emulation.faults import Fault, FaultKind
from lockstep.vendors.nuki.emulator.app import create_app
from lockstep.vendors.nuki.emulator.world import World

TOKEN = "a-token"
# A Friday, 13:00 in Berlin.
START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DIGITS = "345678"


class Account:
    """`lock` is the id of the first lock; `call` speaks HTTP, everything else steers the world."""

    def __init__(self, **switches: Any) -> None:
        self.clock = VirtualClock(START)
        self.world = World(self.clock)
        self.world.change_settings(switches)
        self.world.allow(TOKEN)
        self.lock = self.world.add_lock({"name": "Front door"})
        self.app = create_app(self.world)
        self.http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.app),
            base_url="http://nuki.test",
            headers={"Authorization": f"Bearer {TOKEN}"},
        )

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        """One request; `{lock}` in the path is the first lock's id."""
        return await self.http.request(method, path.replace("{lock}", self.lock), json=body, headers=headers)

    async def create(self, code: Any = DIGITS, name: str = "Guest", **fields: Any) -> httpx2.Response:
        """PUT a keypad code on the first lock."""
        body = {"name": name, "type": 13, "code": code, **fields}
        return await self.call("PUT", "/smartlock/{lock}/auth", body)

    async def codes(self) -> list[dict[str, Any]]:
        """The keypad codes that the cloud lists for the first lock."""
        listed: list[dict[str, Any]] = (await self.call("GET", "/smartlock/{lock}/auth?types=13")).json()
        return listed

    async def created(self, code: Any = DIGITS, name: str = "Guest", **fields: Any) -> dict[str, Any]:
        """A keypad code that the device has; as the cloud lists it."""
        assert (await self.create(code, name, **fields)).status_code == 204
        self.wait()
        return next(listed for listed in await self.codes() if listed["name"] == name)

    def wait(self, **by: float) -> None:
        """Let time pass, ten seconds unless told otherwise, and what is due happen."""
        self.clock.advance(timedelta(**by) if by else timedelta(seconds=10))
        self.world.settle()

    def opens(self, code: str = DIGITS) -> bool:
        """Somebody types the digits at the first lock."""
        return self.world.enter(self.lock, code).opened

    def strike(self, kind: FaultKind, **rule: Any) -> None:
        """Put a fault in force, for one call unless told otherwise."""
        self.world.faults.add(Fault(kind=kind, **rule))

    def on_lock(self) -> list[str]:
        """The digits in the first lock's memory."""
        return [entry.code for entry in self.world.locks[int(self.lock)].door]
