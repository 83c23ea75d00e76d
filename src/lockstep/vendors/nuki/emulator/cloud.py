"""What the vendor's servers hold, and the small things every part of them needs. Holds no rule.

Every entry point settles what is due and takes the guard first (`settled`), so that an emulator may be served
by one thread and steered from another.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from threading import RLock
from typing import Any

from lockstep.emulation.effects import Effects
from lockstep.emulation.faults import Faults
from lockstep.emulation.history import History
from lockstep.emulation.journal import Journal
from lockstep.emulation.outbox import Outbox
from lockstep.emulation.pace import Pace
from lockstep.kit.clock import Clock
from lockstep.vendors.nuki.emulator.grants import Auth
from lockstep.vendors.nuki.emulator.hooks import Hooks
from lockstep.vendors.nuki.emulator.locks import Lock
from lockstep.vendors.nuki.emulator.log import LogEntry
from lockstep.vendors.nuki.emulator.replies import bad_parameter, no_subscription, not_found
from lockstep.vendors.nuki.emulator.settings import Settings

ACCOUNT_ID = 100_001
_MASTER_FIELDS = (
    "smartlockId",
    "accountId",
    "type",
    "authId",
    "name",
    "favorite",
    "firmwareVersion",
    "hardwareVersion",
    "serverState",
    "adminPinState",
    "creationDate",
    "updateDate",
)


class Cloud:
    """One account at the vendor."""

    def __init__(self, clock: Clock, settings: Settings | None = None, *, seed: int = 0) -> None:
        self.clock = clock
        self.switches = settings or Settings()
        self.journal = Journal(digit_fields=("code", "adminPin"))
        self.faults = Faults(seed)
        self.pace = Pace()
        self.effects = Effects()
        self.outbox = Outbox()
        self.hooks = Hooks(self.outbox)
        self.locks: dict[int, Lock] = {}
        self.lock_views: History[int, dict[str, Any]] = History()
        self.auths: History[str, Auth] = History()
        self.log: list[LogEntry] = []
        self.users: dict[int, dict[str, Any]] = {}
        self.notifications: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, frozenset[str] | None] = {}
        """Scopes by token; None: all of them."""
        self._numbers = count(1)
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
        """A number not given before, for whatever has numbers."""
        return next(self._numbers)

    def new_object_id(self) -> str:
        """An id as the vendor's database makes them: 24 hexadecimal digits, time first."""
        return f"{int(self.clock.now().timestamp()):08x}{ACCOUNT_ID:010x}{self.new_number():06x}"

    def lock(self, id: str | int, *, needs_subscription: bool = False) -> Lock:
        """The lock with this id. Raises Refused: 400, 404, or the subscription wall."""
        text = str(id)
        if not text.isascii() or not text.isdigit():
            raise bad_parameter("smartlockId", id)
        lock = self.locks.get(int(text))
        if lock is None:
            raise not_found()
        if needs_subscription and not self.is_served(lock):
            raise no_subscription(self.switches.subscription_status)
        return lock

    def is_served(self, lock: Lock) -> bool:
        """Whether the lock's subscription lets the API work."""
        return lock.subscription is not None and lock.subscription.serves(self.clock.now())

    def auths_on(self, lock: Lock) -> list[Auth]:
        """The cloud's records for one lock."""
        return [auth for auth in self.auths if auth.lock_id == lock.id]

    def keep(self, auth: Auth, at: datetime) -> None:
        """Record an authorization and tell the subscribers."""
        self.auths.put(auth.id, auth, at)
        self._announce_auth(auth, at, deleted=False)

    def strike_out(self, auth: Auth, at: datetime) -> None:
        """Remove a record and tell the subscribers."""
        self.auths.drop(auth.id, at)
        self._announce_auth(auth, at, deleted=True)

    def touch(self, lock: Lock, at: datetime) -> None:
        """The cloud's view of a lock has changed."""
        lock.updated_at = at
        view = lock.json(at)
        if lock.id not in self.locks:
            return
        self.lock_views.put(lock.id, view, at)
        states = {name: view[name] for name in ("state", "serverState", "adminPinState")}
        self.hooks.announce("DEVICE_STATUS", {"smartlockId": lock.id, **states}, at)

    def announce_lock(self, lock: Lock, at: datetime, *, deleted: bool) -> None:
        """Tell the subscribers that a lock came, went or got another name."""
        view = lock.json(at)
        told = {name: view[name] for name in _MASTER_FIELDS}
        self.hooks.announce("DEVICE_MASTERDATA", {"deleted": deleted, **told}, at)

    def _announce_auth(self, auth: Auth, at: datetime, *, deleted: bool) -> None:
        body = auth.json(returns_digits=self.switches.returns_digits)
        self.hooks.announce("DEVICE_AUTHS", {"deleted": deleted, "smartlockAuth": body}, at)
