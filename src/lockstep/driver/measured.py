"""A vendor whose calls are counted and timed, by what was asked for and what came of it. Changes nothing about them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import httpx2

from lockstep.driver.changes import Action, Change, EnsureAbsent, EnsurePresent, Intent, ObserveScope
from lockstep.driver.contract import (
    Callback,
    CallbackDesk,
    CallbacksRefused,
    CredentialField,
    Description,
    Driver,
    Fleet,
    Reading,
    Vendor,
)
from lockstep.driver.outcomes import DriverError, Outcome
from lockstep.kit.clock import Clock
from lockstep.kit.metrics import VENDOR_CALLS, VENDOR_SECONDS

T = TypeVar("T")


def measured(vendor: Vendor) -> Vendor:
    """The same vendor; its drivers' calls show in `lockstep_vendor_calls_total`."""
    return _Measured(vendor)


@dataclass(frozen=True, slots=True)
class _Measured:
    _vendor: Vendor

    @property
    def name(self) -> str:
        return self._vendor.name

    @property
    def label(self) -> str:
        return self._vendor.label

    @property
    def credential_fields(self) -> tuple[CredentialField, ...]:
        return self._vendor.credential_fields

    @property
    def fleet(self) -> tuple[Fleet, ...]:
        return self._vendor.fleet

    def connect(self, credentials: Mapping[str, str], *, http: httpx2.AsyncClient, clock: Clock) -> Driver:
        return _MeasuredDriver(self._vendor.connect(credentials, http=http, clock=clock), self.name)

    def read_callback(self, headers: Mapping[str, str], body: bytes, secret: str) -> Callback:
        return self._vendor.read_callback(headers, body, secret)


@dataclass(frozen=True, slots=True)
class _MeasuredDriver:
    _driver: Driver
    _vendor: str

    @property
    def callbacks(self) -> CallbackDesk | None:
        desk = self._driver.callbacks
        return None if desk is None else _MeasuredDesk(desk, self._vendor)

    async def describe(self) -> Description:
        return await self._counted("describe", self._driver.describe())

    async def observe(self, scope: ObserveScope) -> Reading:
        return await self._counted("observe", self._driver.observe(scope))

    def place(self, targets: frozenset[str], taken: frozenset[str], most: int | None) -> str | None:
        return self._driver.place(targets, taken, most)

    async def apply(self, intent: Intent, change: Change) -> Outcome:
        return await self._counted(_kind(change), self._driver.apply(intent, change))

    async def follow(self, token: str) -> Outcome:
        return await self._counted("follow", self._driver.follow(token))

    async def act(self, intent: Intent, action: Action) -> Outcome:
        return await self._counted(type(action).__name__.lower(), self._driver.act(intent, action))

    async def _counted(self, kind: str, call: Awaitable[T]) -> T:
        return await _counted(self._vendor, kind, call)


@dataclass(frozen=True, slots=True)
class _MeasuredDesk:
    _desk: CallbackDesk
    _vendor: str

    async def is_registered(self, url: str) -> bool:
        return await _counted(self._vendor, "callback_check", self._desk.is_registered(url))

    async def register(self, url: str) -> str:
        return await _counted(self._vendor, "callback_register", self._desk.register(url))

    async def withdraw(self, url: str) -> None:
        await _counted(self._vendor, "callback_withdraw", self._desk.withdraw(url))


async def _counted(vendor: str, kind: str, call: Awaitable[T]) -> T:
    begun = time.perf_counter()
    # A call that is cut off, as by its deadline, ends without a clear answer.
    outcome = "unknown"
    try:
        answer = await call
        outcome = type(answer).__name__.lower() if isinstance(answer, Outcome) else "done"
        return answer
    except (DriverError, CallbacksRefused) as error:
        outcome = error.code
        raise
    finally:
        VENDOR_CALLS.labels(vendor, kind, outcome).inc()
        VENDOR_SECONDS.labels(vendor, kind).observe(time.perf_counter() - begun)


def _kind(change: Change) -> str:
    match change:
        case EnsurePresent():
            return "set"
        case EnsureAbsent():
            return "remove"
        case _:
            return "issue"
