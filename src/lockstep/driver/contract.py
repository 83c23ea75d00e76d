"""The driver contract: small protocols, no class to inherit from. Knows no vendor by name and no storage.

Errors that any call may raise: see `outcomes`. Reads raise them; writes raise them only where it is certain that
nothing was changed, else they return Unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import httpx2

from lockstep.driver.changes import Action, Change, Intent, ObserveScope
from lockstep.driver.outcomes import Outcome
from lockstep.kit.clock import Clock
from lockstep.model.capabilities import Capabilities, Evidence
from lockstep.model.window import Window


class TargetKind(StrEnum):
    LOCK = "lock"
    DOOR = "door"
    SITE = "site"
    THERMOSTAT = "thermostat"
    NOISE_SENSOR = "noise_sensor"


@dataclass(frozen=True, slots=True)
class TargetState:
    """What the vendor tells of a target's health; None: it does not tell."""

    is_online: bool | None = None
    is_locked: bool | None = None
    is_door_open: bool | None = None
    """Where a door sensor tells."""
    is_auto_lock_enabled: bool | None = None
    """Whether it locks by itself some time after it was opened."""
    auto_lock_delay_seconds: float | None = None
    battery_level: float | None = None
    """0 to 1."""
    is_battery_critical: bool | None = None
    seen_at: datetime | None = None
    problems: tuple[str, ...] = ()
    """Codes such as `keypad_missing`, `subscription_required`, `hub_disconnected`, each a reason why codes cannot be
    set."""


@dataclass(frozen=True, slots=True)
class Target:
    """A lock, door or site of the account, or what else stands there and holds no codes. `domain` is the write domain
    it belongs to: what must be written by one at a time."""

    reference: str
    kind: TargetKind
    name: str
    domain: str
    capabilities: Capabilities
    model: str = ""
    time_zone: str | None = None
    """IANA name, where the vendor tells the lock's own."""
    state: TargetState = field(default_factory=TargetState)
    maker: str | None = None
    """Who made it, as one lower-case word such as `nuki`; None: the vendor does not tell."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the account's access system knows. None: it does not tell."""

    reference: str
    name: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Description:
    """Everything under the account. `account` identifies the vendor's account (the same for two tokens of it)."""

    account: str
    targets: tuple[Target, ...]
    people: tuple[Person, ...] = ()
    """Of an access system; other vendors know nobody."""


@dataclass(frozen=True, slots=True)
class ObservedEntry:
    """One entry as the vendor shows it. None: the vendor does not show this field."""

    reference: str
    targets: frozenset[str]
    evidence: Evidence
    name: str | None = field(default=None, repr=False)
    digits: str | None = field(default=None, repr=False)
    version: str | None = None
    window: Window | None = None
    is_enabled: bool | None = None
    is_code: bool = True
    """False for other credentials, which take part in nothing but the count of places."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """Somebody opened or tried to. `reference`: the entry that was used, where the vendor tells."""

    target: str
    at: datetime
    opened: bool
    log_reference: str
    reference: str | None = None
    how: str = "unknown"


@dataclass(frozen=True, slots=True)
class Reading:
    """An observation. It says nothing of targets that are not in `complete_for`: they are unread, not empty."""

    begun_at: datetime
    complete_for: frozenset[str]
    entries: tuple[ObservedEntry, ...]
    states: Mapping[str, TargetState] = field(default_factory=dict)
    log: tuple[LogEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Callback:
    """What a vendor's call to us means: targets to look at (None: the whole account), and outcomes by token."""

    look_at: frozenset[str] | None = frozenset()
    results: Mapping[str, Outcome] = field(default_factory=dict)


class CallbackRefused(Exception):
    """The signature of the vendor's call does not fit. Register the callback anew if the secret was changed."""

    code = "callback_signature_invalid"


class CallbacksRefused(Exception):
    """The vendor does not let this account say whom to call; everything else goes on. `cause` and `next_step` are for
    people, and show no secret."""

    code = "callbacks_refused"

    def __init__(self, cause: str, next_step: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.next_step = next_step


class CallbackDesk(Protocol):
    """Where a vendor is told which address to call. An address holds a secret: it is in no word of any error.

    Every method raises CallbacksRefused, and every DriverError but DeviceOffline and CredentialsRefused."""

    async def is_registered(self, url: str) -> bool:
        """Whether the vendor has this address. Changes nothing."""
        ...

    async def register(self, url: str) -> str:
        """Have the vendor call this address, in place of earlier registrations of the same. Returns the secret that
        signs its calls, which is told this once."""
        ...

    async def withdraw(self, url: str) -> None:
        """It calls this address no more; nothing where it did not."""
        ...


class Driver(Protocol):
    """One connected account of one vendor. Holds no state that decides anything; may be made anew at any time."""

    @property
    def callbacks(self) -> CallbackDesk | None:
        """None where the vendor cannot be told by us whom to call."""
        ...

    async def describe(self) -> Description:
        """All targets with their capabilities. Also proves that the credentials work."""
        ...

    async def observe(self, scope: ObserveScope) -> Reading:
        """Read entries. Never returns a partial answer as complete."""
        ...

    def place(self, targets: frozenset[str], taken: frozenset[str], most: int | None) -> str | None:
        """The place (slot) that a new entry shall get, given the references that are or may be taken; None where the
        vendor gives the reference itself, or no place is free. Asked only where addressing is by slot. Pure."""
        ...

    async def apply(self, intent: Intent, change: Change) -> Outcome:
        """Make one change. At most one mutating call for each target leaves us; it is never repeated blindly."""
        ...

    async def follow(self, token: str) -> Outcome:
        """Ask what came of a job."""
        ...

    async def act(self, intent: Intent, action: Action) -> Outcome:
        """Do an asked-for act, such as unlocking now; at most one mutating call. `Done.evidence` tells whether the
        device itself confirmed it."""
        ...


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One thing to give when an account is connected. Secret ones are sealed and never shown again."""

    name: str
    label: str
    is_secret: bool = True
    is_required: bool = True
    default: str | None = None
    help: str = ""


@dataclass(frozen=True, slots=True)
class Fleet:
    """One line of the capability table: a kind of lock of this vendor."""

    name: str
    capabilities: Capabilities


class Vendor(Protocol):
    """One line of the roster."""

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def credential_fields(self) -> tuple[CredentialField, ...]: ...

    @property
    def fleet(self) -> tuple[Fleet, ...]:
        """For the documentation's capability table."""
        ...

    def connect(self, credentials: Mapping[str, str], *, http: httpx2.AsyncClient, clock: Clock) -> Driver:
        """A driver for one account. `http` has time limits, TLS checks and address rules set by the wiring."""
        ...

    def read_callback(self, headers: Mapping[str, str], body: bytes, secret: str) -> Callback:
        """Pure. Raises CallbackRefused."""
        ...
