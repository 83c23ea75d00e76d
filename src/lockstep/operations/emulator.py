"""What an emulated vendor is to operations: the wiring hands one in. Knows no row and no vendor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from lockstep.kit.clock import Clock


@dataclass(frozen=True, slots=True)
class EmulatedDevice:
    """A device to begin with. `reference`: its id at the emulated vendor."""

    reference: str
    name: str
    maker: str
    kind: Literal["lock", "thermostat", "noise_sensor"] = "lock"


@dataclass(frozen=True, slots=True)
class CodeAtLock:
    """A code that somebody puts on a lock in its vendor's app."""

    name: str = field(repr=False)
    digits: str = field(repr=False)
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the emulated vendor. `path` with its query."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class EmulatedWorld(Protocol):
    """One account with its locks. Raises LookupError for a lock that is not there."""

    def snapshot(self) -> bytes:
        """All of it; holds digits."""
        ...

    async def answer(self, call: Call) -> Reply:
        """What the vendor would answer."""
        ...

    def connect(self, reference: str, *, is_connected: bool) -> None: ...
    def connect_hub(self, reference: str, *, is_connected: bool) -> None: ...
    def pay(self, reference: str, *, is_paid: bool) -> None: ...
    def remove(self, reference: str) -> None: ...

    def enter(self, reference: str, digits: str) -> bool:
        """Somebody types the digits at the door; whether it opened."""
        ...

    def lock_at_keypad(self, reference: str) -> None: ...

    def put_code(self, reference: str, code: CodeAtLock) -> str:
        """In the vendor's app; the vendor's id of the code."""
        ...

    def refuse_credentials(self) -> None:
        """The vendor takes the account's credentials no more."""
        ...


class Emulator(Protocol):
    """The emulated vendor. `vendor`: its name in the roster."""

    @property
    def vendor(self) -> str: ...

    def credentials(self, token: str) -> dict[str, str]:
        """With which the account that has this token is connected."""
        ...

    def new_world(
        self, clock: Clock, account: str, token: str, devices: Sequence[EmulatedDevice]
    ) -> EmulatedWorld:
        """`account`: what the vendor calls it."""
        ...

    def world(self, clock: Clock, snapshot: bytes) -> EmulatedWorld:
        """The world of a snapshot."""
        ...
