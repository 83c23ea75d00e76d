"""A Nuki account under test: the driver on the emulator, in one process, sharing a virtual clock.

Satisfies `lockstep.driver.conformance.world.World`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lockstep.driver.changes import Intent
from lockstep.driver.conformance.world import Calls, SignedCall, Traits, Trouble
from lockstep.driver.contract import Driver
from lockstep.emulation.clock import VirtualClock
from lockstep.emulation.faults import Fault, FaultKind
from lockstep.emulation.journal import Call
from lockstep.kit.ids import new_id
from lockstep.model.window import Window
from lockstep.vendors.nuki import NUKI, NukiVendor
from lockstep.vendors.nuki.convert import instant
from lockstep.vendors.nuki.driver import NukiDriver
from lockstep.vendors.nuki.emulator.app import create_app
from lockstep.vendors.nuki.emulator.settings import Settings
from lockstep.vendors.nuki.emulator.world import World
from lockstep.vendors.nuki.limits import SETTLING, LockType, capabilities_of

MIDDAY = datetime(2026, 6, 1, 12, tzinfo=UTC)
ENDPOINT = "http://nuki.test"
TOKEN = "tok-1"
HOOK = "http://127.0.0.1/callbacks/nuki"

# What the suite calls a trouble and the emulator has no fault of its own for.
_ANSWERED = {Trouble.BUSY: 423}


def settings_of(**switches: Any) -> Settings:
    """The emulator's settings: unless told otherwise, what the app changes shows in the cloud at once."""
    return Settings(**{"app_changes": "at_once", "keeps_digits_in_journal": True, **switches})


def traits_of(**switches: Any) -> Traits:
    """What a world with these switches is."""
    shows_digits = settings_of(**switches).returns_digits
    return Traits(
        capabilities_of(LockType.SMART_LOCK_3_OR_4, shows_digits=shows_digits),
        reads_live=True,
        tells_references=False,
        registers_callbacks=True,
    )


class NukiWorld:
    """Two locks to write to, empty of codes, and a third that holds somebody's code."""

    def __init__(self, **switches: Any) -> None:
        self.clock = VirtualClock(MIDDAY)
        self.emulator = World(self.clock, settings_of(**switches))
        self.emulator.allow(TOKEN)
        self.targets = tuple(self.emulator.add_lock({"name": name}) for name in ("Front door", "Flat 1"))
        self.traits = traits_of(**switches)
        self._received: list[SignedCall] = []
        self._secret = ""
        transport = httpx2.ASGITransport(create_app(self.emulator))
        self.http = httpx2.AsyncClient(transport=transport)
        self._add_a_code_elsewhere()

    @property
    def vendor(self) -> NukiVendor:
        return NUKI

    def driver(self, http: httpx2.AsyncClient | None = None) -> NukiDriver:
        return self._connected(TOKEN, http or self.http)

    def driver_with_wrong_credentials(self) -> Driver:
        return self._connected("tok-revoked", self.http)

    def enter(self, target: str, digits: str) -> bool:
        return self.emulator.enter(target, digits).opened

    def app_add(self, target: str, digits: str, window: Window | None, name: str) -> str:
        limits = {} if window is None else _limits(window)
        number = self.emulator.put_code_in_app(target, None, {"name": name, "code": digits, **limits})
        return self._reference(target, int(number))

    def app_edit(self, target: str, reference: str, digits: str) -> None:
        self.edit(target, reference, {"code": digits})

    def app_delete(self, target: str, reference: str) -> None:
        self.emulator.delete_code_in_app(target, reference)

    def offline(self, target: str, is_offline: bool) -> None:
        if is_offline:
            self.emulator.take_offline(target)
        else:
            self.emulator.bring_online(target)

    def trouble(self, kind: Trouble, on: Calls = Calls.WRITES, *, seconds: float = 0.0) -> None:
        of_vendor = FaultKind.ERROR_BEFORE if kind in _ANSWERED else FaultKind(kind)
        status = _ANSWERED.get(kind, 502)
        self.fault(of_vendor, mutating=on is Calls.WRITES, seconds=seconds, status=status)

    def calm(self) -> None:
        self.emulator.faults.clear()

    def mutating_calls(self) -> int:
        return len(self.writes())

    def settle(self) -> None:
        self.clock.advance(SETTLING)

    async def callbacks(self) -> list[SignedCall]:
        await self.emulator.deliver_webhooks()
        received, self._received = self._received, []
        return received

    # Beyond the suite's protocol, for the driver's own tests.

    @property
    def intent(self) -> Intent:
        """An intent with time enough."""
        return Intent(new_id(), 10.0)

    def edit(self, target: str, reference: str, changes: Mapping[str, Any]) -> None:
        """Somebody changes fields of a code in the vendor's app."""
        self.emulator.put_code_in_app(target, reference, changes)

    def fault(self, kind: FaultKind, **more: Any) -> None:
        """From now on calls go wrong in this way, writes unless told otherwise."""
        self.emulator.faults.add(Fault(kind=kind, times=None, **{"mutating": True, **more}))

    def writes(self) -> list[Call]:
        """The mutating calls that arrived."""
        return self.emulator.journal.mutating()

    async def listen(self) -> None:
        """Have the vendor call us, in this process."""
        self.emulator.outbox.client = lambda: httpx2.AsyncClient(transport=httpx2.ASGITransport(self._ear()))
        self._secret = await self.driver().callbacks.register(HOOK)
        self.emulator.journal.clear()

    def _connected(self, token: str, http: httpx2.AsyncClient) -> NukiDriver:
        driver = NUKI.connect({"token": token, "endpoint": ENDPOINT}, http=http, clock=self.clock)
        assert isinstance(driver, NukiDriver)
        return driver

    def _reference(self, target: str, number: int) -> str:
        found = (auth for auth in self.emulator.auths if str(auth.lock_id) == target)
        return next(auth.id for auth in found if auth.device_id == number)

    def _add_a_code_elsewhere(self) -> None:
        # Whether digits can be read back shows only where there is a code to read.
        third = self.emulator.add_lock({"name": "Shed"})
        self.app_add(third, "987654", None, "Gardener")

    def _ear(self) -> Starlette:
        async def hear(request: Request) -> Response:
            body = await request.body()
            self._received.append(SignedCall(dict(request.headers), body, self._secret))
            return Response()

        return Starlette(routes=[Route("/callbacks/nuki", hear, methods=["POST"])])


@asynccontextmanager
async def nuki_world(**switches: Any) -> AsyncIterator[NukiWorld]:
    """A world with these switches of the emulator."""
    world = NukiWorld(**switches)
    async with world.http:
        await world.listen()
        yield world


def _limits(window: Window) -> dict[str, Any]:
    ends_at = None if window.ends_at is None else instant(window.ends_at)
    return {"allowedFromDate": instant(window.starts_at), "allowedUntilDate": ends_at}
