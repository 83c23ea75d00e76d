"""Replies of the virtual vendor as it documents them, defaults included. Unknown fields are let pass."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class Names(msgspec.Struct, frozen=True):
    """`features.names`."""

    shortest: int = 0
    longest: int = 64
    characters: str | None = None
    unique: bool = False
    truncated: bool = False
    kept: bool = True
    split: bool = False


class Schedule(msgspec.Struct, frozen=True):
    """`features.schedule`."""

    kind: str = "window"
    step_seconds: int = 1
    zone: str = "utc"
    expires: bool = True
    use_within_seconds: int | None = None
    holds_disabled: bool = False
    refuses_past_starts: bool = False


class Duplicates(msgspec.Struct, frozen=True):
    """`features.duplicates`."""

    answer: str = "error"
    compared_by: str = "presence"
    scope: str = "lock"


class Features(msgspec.Struct, frozen=True):
    """`locks[].features`."""

    credentials: tuple[str, ...] = ("code",)
    digits_by: str = "caller"
    issuing_again: str = "same"
    code_lengths: tuple[int, ...] = (6,)
    code_rules: tuple[str, ...] = ()
    names: Names = Names()
    addressing: str = "id"
    places: int | None = None
    schedule: Schedule = Schedule()
    shows: str = "digits"
    answers: str = "sync"
    duplicates: Duplicates = Duplicates()
    deleting: str = "idempotent"
    updates: bool = True
    locks_per_code: int = 1
    settling_seconds: float = 10
    late_seconds: float = 120
    proof: str = "device"
    calls_per_minute: int = 600
    calls_at_once: int = 4
    lists_account: bool = False
    converges: bool = False
    offline_codes: bool = False
    pushes: bool = False
    unlocks: bool = False
    locks: bool = False
    auto_locks: bool = False
    door_sensor: bool = False
    log: bool = False
    battery: bool = False


class AutoLock(msgspec.Struct, frozen=True):
    """`locks[].auto_lock`."""

    enabled: bool
    delay_seconds: float


class Lock(msgspec.Struct, frozen=True):
    """One of `locks[]`."""

    id: str
    name: str
    site: str
    time_zone: str
    features: Features
    model: str = ""
    gateway: str | None = None
    online: bool | None = None
    locked: bool | None = None
    door_open: bool | None = None
    auto_lock: AutoLock | None = None
    seen_at: datetime | None = None
    battery: float | None = None
    kind: str = "lock"
    maker: str | None = None
    problems: tuple[str, ...] = ()


class Person(msgspec.Struct, frozen=True):
    """One of `people[]`."""

    id: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None


class Account(msgspec.Struct, frozen=True):
    """`GET /v1/account`."""

    account: str
    locks: tuple[Lock, ...]
    subscription: bool = True
    people: tuple[Person, ...] = ()


class Code(msgspec.Struct, frozen=True):
    """One of `codes[]`, or the `code` of a write's reply. Exactly one of `id`, `slot`, `person` is told."""

    locks: tuple[str, ...]
    id: str | None = None
    slot: int | None = None
    person: str | None = None
    kind: str = "code"
    state: str | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    digits: str | None = None
    version: int | None = None
    enabled: bool | None = None
    starts_at: str | None = None
    ends_at: str | None = None

    def __repr__(self) -> str:
        return f"Code(id={self.id}, slot={self.slot}, person={self.person}, locks={self.locks})"


class Listing(msgspec.Struct, frozen=True):
    """`GET /v1/codes` and `GET /v1/locks/{lock}/codes`."""

    codes: tuple[Code, ...]
    locks: tuple[Lock, ...] = ()
    unread: tuple[str, ...] = ()
    next: str | None = None


class Written(msgspec.Struct, frozen=True):
    """The reply to a write: the code, or the job."""

    code: Code | None = None
    job: dict[str, Any] | None = None


class Job(msgspec.Struct, frozen=True):
    """`GET /v1/jobs/{job}`, and the `job` of a callback."""

    id: str
    locks: tuple[str, ...]
    state: str
    started_at: datetime
    give_up_at: datetime
    look_after_seconds: float = 5
    code: Code | None = None
    error: str | None = None


class Visit(msgspec.Struct, frozen=True):
    """One of `visits[]` of `GET /v1/log`."""

    id: str
    lock: str
    at: datetime
    opened: bool
    how: str = "unknown"
    code: str | None = None


class Log(msgspec.Struct, frozen=True):
    """`GET /v1/log`."""

    visits: tuple[Visit, ...]
    more: bool = False


class Hook(msgspec.Struct, frozen=True):
    """One of `hooks[]` of `GET /v1/hooks`."""

    id: str
    url: str


class Event(msgspec.Struct, frozen=True):
    """The body of a callback."""

    event: str
    locks: tuple[str, ...] = ()
    job: Job | None = None
