"""The virtual vendor's worlds for the conformance suite: one for each model of its catalogue, in-process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lockstep.driver.conformance.world import Calls, SignedCall, Traits, Trouble
from lockstep.driver.contract import Driver, Vendor
from lockstep.emulation.clock import VirtualClock
from lockstep.emulation.faults import Fault, FaultKind
from lockstep.model.window import Window
from lockstep.vendors.virtual import VIRTUAL
from lockstep.vendors.virtual.emulator.app import create_app
from lockstep.vendors.virtual.emulator.features import models
from lockstep.vendors.virtual.emulator.world import VirtualWorld, create_world

BEGIN = datetime(2026, 6, 1, 10, tzinfo=UTC)
ENDPOINT = "http://virtual.test"
_HOOK = "http://127.0.0.1/hook"
_BUSY = 409


def traits_of(model: str) -> Traits:
    """What a world of this model is."""
    line = models()[model]
    capabilities = next(fleet.capabilities for fleet in VIRTUAL.fleet if fleet.name == model)
    without = {Trouble.WRITE_LATE, Trouble.WRITE_LOST} if line.features.offline_codes else set()
    return Traits(
        capabilities,
        troubles=frozenset(Trouble) - without,
        loses_or_refuses_offline=not line.features.offline_codes,
        reads_live=line.nature.reads_live,
        has_app=line.features.digits_by == "caller",
        registers_callbacks=True,
    )


class VirtualTestWorld:
    """Satisfies `lockstep.driver.conformance.world.World`."""

    vendor: Vendor = VIRTUAL

    def __init__(self, model: str, http: httpx2.AsyncClient, emulated: VirtualWorld) -> None:
        self.traits = traits_of(model)
        self.emulated = emulated
        self.targets = tuple(emulated.locks)
        self.received: list[SignedCall] = []
        self.endpoint = ENDPOINT
        self.http = http

    @property
    def clock(self) -> VirtualClock:
        assert isinstance(self.emulated.clock, VirtualClock)
        return self.emulated.clock

    def driver(self, http: httpx2.AsyncClient | None = None) -> Driver:
        return self._connect("virtual-token", http)

    def driver_with_wrong_credentials(self) -> Driver:
        return self._connect("another-token", None)

    def enter(self, target: str, digits: str) -> bool:
        return self.emulated.enter(target, digits).opened

    def app_add(self, target: str, digits: str, window: Window | None, name: str) -> str:
        times = (
            {} if window is None else {"starts_at": _text(window.starts_at), "ends_at": _text(window.ends_at)}
        )
        return self.emulated.put_code_in_app(target, None, {"digits": digits, "name": name, **times})

    def app_edit(self, target: str, reference: str, digits: str) -> None:
        self.emulated.put_code_in_app(target, reference, {"digits": digits})

    def app_delete(self, target: str, reference: str) -> None:
        self.emulated.delete_code_in_app(target, reference)

    def offline(self, target: str, is_offline: bool) -> None:
        (self.emulated.take_offline if is_offline else self.emulated.bring_online)(target)

    def trouble(self, kind: Trouble, on: Calls = Calls.WRITES, *, seconds: float = 0.0) -> None:
        is_busy = kind is Trouble.BUSY
        self.emulated.faults.add(
            Fault(
                kind=FaultKind.ERROR_BEFORE if is_busy else FaultKind(kind.value),
                mutating=on is Calls.WRITES,
                times=None,
                seconds=seconds,
                status=_BUSY if is_busy else 502,
            )
        )

    def calm(self) -> None:
        self.emulated.faults.clear()

    def mutating_calls(self) -> int:
        return len([call for call in self.emulated.journal.mutating() if call.path != "/v1/hooks"])

    def settle(self) -> None:
        self.clock.advance(self.traits.capabilities.settling)
        self.emulated.settle()

    async def callbacks(self) -> list[SignedCall]:
        if not self.emulated.hooks:
            await self._subscribe()
        self.received.clear()
        await self.emulated.deliver_webhooks()
        return list(self.received)

    def _connect(self, token: str, http: httpx2.AsyncClient | None) -> Driver:
        credentials = {"endpoint": self.endpoint, "token": token}
        return VIRTUAL.connect(credentials, http=http or self.http, clock=self.clock)

    async def _subscribe(self) -> None:
        reply = await self.http.post(
            f"{self.endpoint}/v1/hooks",
            json={"url": _HOOK},
            headers={"authorization": "Bearer virtual-token"},
        )
        secret = reply.json()["secret"]

        async def receive(request: Request) -> Response:
            self.received.append(SignedCall(dict(request.headers), await request.body(), secret))
            return Response(status_code=204)

        receiver = Starlette(routes=[Route("/hook", receive, methods=["POST"])])
        self.emulated.outbox.client = lambda: httpx2.AsyncClient(transport=httpx2.ASGITransport(receiver))


@asynccontextmanager
async def open_world(model: str, locks: int = 3) -> AsyncIterator[VirtualTestWorld]:
    """A fresh world of a model of the catalogue."""
    clock = VirtualClock(BEGIN)
    emulated = create_world(clock, model, locks=locks)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(create_app(emulated))) as http:
        yield VirtualTestWorld(model, http, emulated)


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
