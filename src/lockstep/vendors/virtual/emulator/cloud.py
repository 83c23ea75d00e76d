"""What the virtual vendor's servers hold, and the small things that every part of them needs. Holds no rule.

Every entry point settles what is due and takes the guard first (`settled`), so that an emulator may be served
by one thread and steered from another.
"""

import hmac
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import RLock
from typing import Any

import msgspec

from lockstep.emulation.effects import Effects
from lockstep.emulation.faults import Faults
from lockstep.emulation.history import History
from lockstep.emulation.journal import Journal
from lockstep.emulation.outbox import Delivery, Outbox
from lockstep.emulation.pace import Pace, RateLimit
from lockstep.kit.clock import Clock
from lockstep.vendors.virtual.emulator.records import Code, Job, Lock, Visit
from lockstep.vendors.virtual.emulator.replies import not_found

SIGNATURE = "X-Virtual-Signature"


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Somebody whom the access system knows."""

    id: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The emulator's switches, read and changed at `/_emulator/settings`."""

    account: str = "account_1"
    tokens: tuple[str, ...] = ("virtual-token",)
    has_subscription: bool = True
    people: tuple[Person, ...] = ()
    page_size: int = 20_000
    latency_seconds: float = 0.0
    rate_limit: RateLimit | None = None
    keeps_digits_in_journal: bool = False


@dataclass(frozen=True, slots=True)
class Hook:
    """Where callbacks go."""

    id: str
    url: str
    secret: str = field(repr=False)


class Cloud:
    """One account at the vendor."""

    def __init__(self, clock: Clock, settings: Settings | None = None, *, seed: int = 0) -> None:
        self.clock = clock
        self.switches = settings or Settings()
        self.journal = Journal(digit_fields=("digits", "code"))
        self.faults = Faults(seed)
        self.pace = Pace()
        self.effects = Effects()
        self.outbox = Outbox()
        self.locks: dict[str, Lock] = {}
        self.codes: History[str, Code] = History()
        self.jobs: dict[str, Job] = {}
        self.hooks: dict[str, Hook] = {}
        self.log: list[Visit] = []
        self.busy_until: dict[str, datetime] = {}
        """By gateway."""
        self._on_lock: dict[str, dict[str, None]] = {}
        """References by lock, so that a write to one lock costs the same however many there are."""
        self.last_number = 0
        self._guard = RLock()

    @contextmanager
    def settled(self) -> Iterator[datetime]:
        """Everything due has happened, and nobody else is at it; gives the present instant."""
        with self._guard:
            self.effects.settle(self.clock.now())
            yield self.clock.now()

    def settle(self) -> None:
        """Let everything due happen."""
        with self.settled():
            pass

    def after(self, seconds: float) -> datetime:
        """The instant so many seconds from now."""
        return self.clock.now() + timedelta(seconds=seconds)

    def new_number(self) -> int:
        """A number not given before."""
        self.last_number += 1
        return self.last_number

    def lock(self, id: str) -> Lock:
        """The lock with this id. Raises Refused."""
        if id not in self.locks:
            raise not_found(f"lock {id}")
        return self.locks[id]

    def locks_of(self, code: Code) -> list[Lock]:
        """The locks that a code is on."""
        return [self.locks[id] for id in code.locks if id in self.locks]

    def codes_on(self, lock: Lock) -> list[Code]:
        """The cloud's records for one lock."""
        found = (self.codes.get(reference) for reference in self._on_lock.get(lock.id, {}))
        return [code for code in found if code is not None]

    def keep(self, code: Code, at: datetime) -> None:
        """Record a code as it stands from `at` on."""
        self._forget_locks(code.reference)
        self.codes.put(code.reference, code, at)
        for lock in code.locks:
            self._on_lock.setdefault(lock, {})[code.reference] = None

    def strike_out(self, code: Code, at: datetime) -> None:
        """Record that a code is gone."""
        self._forget_locks(code.reference)
        self.codes.drop(code.reference, at)

    def open(self, lock: Lock, at: datetime) -> None:
        """The bolt is drawn; with auto lock it is thrown again later, unless the door stands open then."""
        lock.is_locked, lock.opened_at = False, at
        self.relock_later(lock)

    def relock_later(self, lock: Lock) -> None:
        """Where it is open and has auto lock."""
        opened_at = lock.opened_at
        if lock.is_locked or opened_at is None or not (lock.features.auto_locks and lock.has_auto_lock):
            return

        def relock(at: datetime) -> None:
            if lock.opened_at == opened_at and lock.has_auto_lock and not lock.is_door_open:
                lock.is_locked = True

        self.effects.at(opened_at + timedelta(seconds=lock.auto_lock_seconds), relock)

    def visit(self, lock: Lock, opened: bool, how: str, reference: str | None, at: datetime) -> None:
        """Write a line of the log, and tell of it."""
        if lock.features.log:
            self.log.append(Visit(self.new_number(), lock.id, at, opened, how, reference))
            self.tell("visit", [lock], at)

    def tell(self, event: str, locks: Iterable[Lock], at: datetime, job: Job | None = None) -> None:
        """Queue a callback to every hook, about locks that push."""
        pushing = [lock.id for lock in locks if lock.features.pushes]
        if not pushing:
            return
        payload: dict[str, Any] = {"event": event, "at": at, "locks": pushing}
        if job is not None:
            payload["job"] = job.json(0)
        body = msgspec.json.encode(payload)
        for hook in self.hooks.values():
            headers = {"content-type": "application/json", SIGNATURE: sign(hook.secret, body)}
            self.outbox.put(Delivery(hook.url, headers, body, hook.id))

    def _forget_locks(self, reference: str) -> None:
        held = self.codes.get(reference)
        for lock in held.locks if held is not None else ():
            self._on_lock.get(lock, {}).pop(reference, None)


def sign(secret: str, body: bytes) -> str:
    """Hexadecimal HMAC-SHA256 over the raw body, after its name."""
    return f"sha256={hmac.new(secret.encode(), body, 'sha256').hexdigest()}"
