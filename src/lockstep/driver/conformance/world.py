"""What the suite needs of a vendor under test: its driver, its doors, its app, its troubles and the time.

A world is written beside each driver, in its tests, on its emulator; the suite sees this protocol alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

import httpx2

from lockstep.driver.contract import Driver, Vendor
from lockstep.model.capabilities import Capabilities
from lockstep.model.window import Window


class Trouble(StrEnum):
    """What a world can let go wrong. A world that cannot make one happen leaves it out of its traits."""

    REPLY_LOST_BEFORE = "reply_lost_before"
    """The call arrives, the connection is cut, nothing was done."""
    REPLY_LOST_AFTER = "reply_lost_after"
    """Everything was done, then the connection is cut."""
    ERROR_BEFORE = "error_before"
    """Nothing was done, a 5xx is answered."""
    ERROR_AFTER = "error_after"
    """Everything was done, a 5xx is answered."""
    TRUNCATED = "truncated"
    """Everything was done, half of the body is answered as if it were all."""
    RATE_LIMITED = "rate_limited"
    """Nothing was done; the vendor's own answer to too many calls."""
    BUSY = "busy"
    """Nothing was done; the vendor's own answer while it is still at an earlier write of the same thing."""
    WRITE_LOST = "write_lost"
    """The vendor says yes, and the write never reaches the lock."""
    WRITE_LATE = "write_late"
    """The vendor says yes, and the write reaches the lock (and a listing) only `seconds` later."""
    STALE = "stale"
    """A read is answered with what was true `seconds` before."""


class Calls(StrEnum):
    """Which calls a trouble strikes."""

    READS = "reads"
    WRITES = "writes"


class MovableClock(Protocol):
    """A `lockstep.kit.clock.Clock` that also moves when told. Driver and vendor share it."""

    def now(self) -> datetime: ...
    async def wait_until(self, at: datetime) -> None: ...
    def advance(self, by: timedelta) -> None: ...
    def set(self, at: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class Traits:
    """What a world is, told before it is made: cases are chosen by it, so that no test is skipped."""

    capabilities: Capabilities
    """Exactly those that `describe` tells of every target in `World.targets`."""
    troubles: frozenset[Trouble] = frozenset(Trouble)
    has_app: bool = True
    """Codes can be added, edited and deleted behind the driver's back."""
    loses_or_refuses_offline: bool = True
    """A write to an offline lock does not reach the door until the lock is back (it may then, or never)."""
    reads_live: bool = False
    """A lock that is offline cannot be read: it has to be missing from `Reading.complete_for`."""
    tells_references: bool = True
    """`Done.reference` names the new entry; False: only a later reading does."""
    registers_callbacks: bool = False
    """The vendor can be told by the driver whom to call."""


@dataclass(frozen=True, slots=True)
class SignedCall:
    """A call that the vendor made to us, as it arrived, and the secret that it was signed with."""

    headers: Mapping[str, str]
    body: bytes
    secret: str = field(repr=False)


class World(Protocol):
    """One vendor's account with at least two targets (locks or doors), empty of codes, online, at a quiet hour.

    Digits and names that the suite gives obey the capabilities unless a case is about breaking them.
    References are those of the driver, as its readings show them.
    """

    @property
    def vendor(self) -> Vendor: ...

    @property
    def traits(self) -> Traits: ...

    @property
    def clock(self) -> MovableClock: ...

    @property
    def targets(self) -> tuple[str, ...]:
        """Targets with the capabilities of the traits; where an entry has several, those of one write domain."""
        ...

    def driver(self, http: httpx2.AsyncClient | None = None) -> Driver:
        """A driver made anew, with the account's credentials; over `http` where given, else to the vendor."""
        ...

    def driver_with_wrong_credentials(self) -> Driver:
        """A driver whose credentials the vendor does not know (any more)."""
        ...

    def enter(self, target: str, digits: str) -> bool:
        """Somebody types `digits` at the door now: whether it opened, from the lock's own state."""
        ...

    def app_add(self, target: str, digits: str, window: Window | None, name: str) -> str:
        """Somebody adds a code in the vendor's app; it is on the lock at once. Returns its reference."""
        ...

    def app_edit(self, target: str, reference: str, digits: str) -> None:
        """Somebody changes a code's digits in the vendor's app; on the lock at once."""
        ...

    def app_delete(self, target: str, reference: str) -> None:
        """Somebody deletes a code in the vendor's app; off the lock at once."""
        ...

    def offline(self, target: str, is_offline: bool) -> None:
        """The lock loses or regains its connection to the vendor; its keypad works on."""
        ...

    def trouble(self, kind: Trouble, on: Calls = Calls.WRITES, *, seconds: float = 0.0) -> None:
        """From now on every such call goes wrong in this way, until `calm`."""
        ...

    def calm(self) -> None:
        """No more troubles; what they did stays done."""
        ...

    def mutating_calls(self) -> int:
        """How many calls that could change something have arrived at the vendor so far."""
        ...

    def settle(self) -> None:
        """Let the settling time of the capabilities pass."""
        ...

    async def callbacks(self) -> list[SignedCall]:
        """Calls that the vendor has made to us since this was last asked; empty where it makes none."""
        ...
