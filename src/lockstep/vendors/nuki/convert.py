"""Between the vendor's JSON and the contract's values. Pure.

Shapes: OpenAPI 3.9.0, of which only what is used here is read. A field that decides something and is missing
or of another type makes the whole reply unexpected."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec

from lockstep.driver.changes import EnsurePresent
from lockstep.driver.contract import LogEntry, ObservedEntry, Target, TargetKind, TargetState
from lockstep.model.capabilities import Evidence
from lockstep.model.window import Window
from lockstep.vendors.nuki.acts import AutoLock
from lockstep.vendors.nuki.limits import CODE_LENGTH, SCHEDULE, LockType, capabilities_of, model_of
from lockstep.vendors.nuki.zones import zone_name

Instant = Annotated[datetime, msgspec.Meta(tz=True)]

KEYPAD_CODE = 13
"""`type` of an authorization that is a keypad code."""

ALL_WEEK = "127/0-0"
"""The version of an entry whose days and hours are not limited, as all that Lockstep writes."""

SUBSCRIPTION_REQUIRED = "subscription_required"
"""Problem of a lock that the API does not serve."""

_ALL_DAYS = 127
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""The start of an entry without one: it opens already."""
_ONE_SECOND = timedelta(seconds=1)
_DAY_MINUTES = 24 * 60
_OK, _OFFLINE = 0, 4


class _State(msgspec.Struct, rename="camel"):
    state: int | None = None
    battery_critical: bool | None = None
    battery_charge: int | None = None
    keypad_battery_critical: bool | None = None
    door_state: int | None = None


class _Config(msgspec.Struct, rename="camel"):
    keypad_paired: bool | None = None
    keypad2_paired: bool | None = None
    timezone_id: int | None = None


class _Subscription(msgspec.Struct, rename="camel"):
    state: str | None = None
    expiration_date: Instant | None = None
    is_in_grace_period: bool | None = None


class Lock(msgspec.Struct, rename="camel"):
    """A `Smartlock`."""

    smartlock_id: int
    account_id: int
    type: int
    name: str
    server_state: int | None = None
    admin_pin_state: int | None = None
    config: _Config | None = None
    state: _State | None = None
    advanced_config: AutoLock | None = None
    smartdoor_advanced_config: AutoLock | None = None
    current_subscription: _Subscription | None = None
    update_date: Instant | None = None

    @property
    def reference(self) -> str:
        return str(self.smartlock_id)

    @property
    def is_reachable(self) -> bool:
        """Whether the vendor is in touch with the lock, so that its listing can be what is on the lock."""
        return self.server_state in (None, _OK)


class Auth(msgspec.Struct, rename="camel"):
    """A `SmartlockAuth`."""

    id: str
    smartlock_id: int
    type: int
    enabled: bool
    name: str | None = None
    auth_id: int | None = None
    code: int | str | None = None
    allowed_from_date: Instant | None = None
    allowed_until_date: Instant | None = None
    allowed_week_days: int | None = None
    allowed_from_time: int | None = None
    allowed_until_time: int | None = None
    operation_id: Any = None
    """The specification says an object; clients have seen text."""
    error: str | None = None

    @property
    def lock(self) -> str:
        return str(self.smartlock_id)

    @property
    def is_code(self) -> bool:
        return self.type == KEYPAD_CODE

    @property
    def digits(self) -> str | None:
        """None where the listing does not carry them."""
        shown = "" if self.code is None else str(self.code)
        return shown if re.fullmatch(rf"[0-9]{{{CODE_LENGTH}}}", shown) else None


class Log(msgspec.Struct, rename="camel"):
    """A `SmartlockLog`."""

    id: str
    smartlock_id: int
    action: int
    trigger: int
    state: int
    date: Instant
    auth_id: str | None = None
    source: int | None = None


class Account(msgspec.Struct, rename="camel"):
    """A `MyAccount`."""

    account_id: int


def target_of(lock: Lock, state: TargetState, *, shows_digits: bool) -> Target:
    """A lock as the contract's target; each lock is a write domain of its own."""
    return Target(
        reference=lock.reference,
        kind=TargetKind.LOCK,
        name=lock.name,
        domain=lock.reference,
        capabilities=capabilities_of(lock.type, shows_digits=shows_digits),
        model=model_of(lock.type),
        time_zone=zone_name(lock.config.timezone_id) if lock.config else None,
        state=state,
        maker="nuki",
    )


def state_of(lock: Lock, now: datetime) -> TargetState:
    """A lock's health; the battery is critical where the lock's own or its keypad's is."""
    state = lock.state or _State()
    is_online = None if lock.server_state is None else lock.is_reachable
    auto_lock = lock.advanced_config or lock.smartdoor_advanced_config or AutoLock()
    critical = [b for b in (state.battery_critical, state.keypad_battery_critical) if b is not None]
    return TargetState(
        is_online=is_online,
        is_locked=None if lock.type == LockType.OPENER else _LOCKED.get(state.state or 0),
        is_door_open=_DOOR_OPEN.get(state.door_state or 0),
        is_auto_lock_enabled=auto_lock.is_enabled,
        auto_lock_delay_seconds=auto_lock.auto_lock_timeout,
        battery_level=None if state.battery_charge is None else state.battery_charge / 100,
        is_battery_critical=any(critical) if critical else None,
        seen_at=now if is_online else lock.update_date,
        problems=tuple(_problems(lock, now)),
    )


def entry_of(auth: Auth) -> ObservedEntry:
    """An authorization as the contract's entry. Its version tells the weekly limits, as no window can."""
    return ObservedEntry(
        reference=auth.id,
        targets=frozenset({auth.lock}),
        evidence=_evidence(auth),
        name=auth.name,
        digits=auth.digits if auth.is_code else None,
        version=_weekly_limits(auth) if auth.is_code else None,
        window=_window(auth),
        is_enabled=auth.enabled,
        is_code=auth.is_code,
    )


def log_entry_of(log: Log) -> LogEntry | None:
    """Somebody opened or tried to; None for everything else that a log tells."""
    if log.action not in _OPENING:
        return None
    return LogEntry(
        target=str(log.smartlock_id),
        at=log.date.astimezone(UTC),
        opened=log.state == 0,
        log_reference=log.id,
        reference=log.auth_id,
        how=_how(log),
    )


def creation(change: EnsurePresent) -> dict[str, Any]:
    """A `SmartlockAuthCreate` with all five restrictions: leaving one out can drop the others (t/22356)."""
    return {"type": KEYPAD_CODE, **_full_state(change)}


def update(change: EnsurePresent) -> dict[str, Any]:
    """A `SmartlockAuthUpdate`, which replaces every restriction: what it leaves out is gone (t/40095)."""
    return {"enabled": change.is_enabled, **_full_state(change)}


def given_window(window: Window) -> Window:
    """The window as it is really written: whole seconds, outward."""
    return window.widened_to(SCHEDULE.granularity)


def can_be_sent(digits: str) -> bool:
    """Whether digits survive being a JSON number, as the vendor wants them."""
    return digits.isascii() and digits.isdigit() and not digits.startswith("0")


def _full_state(change: EnsurePresent) -> dict[str, Any]:
    window = given_window(change.window)
    # A code that an update leaves out stays (OpenAPI 3.9.0, SmartlockAuthUpdate: only the name is required).
    digits = {} if change.digits is None else {"code": int(change.digits)}
    return {
        "name": change.name,
        **digits,
        "remoteAllowed": False,
        "allowedFromDate": instant(window.starts_at),
        # Null is how a limit is taken away (developer.nuki.io/t/86).
        "allowedUntilDate": None if window.ends_at is None else instant(window.ends_at),
        "allowedWeekDays": _ALL_DAYS,
        "allowedFromTime": 0,
        "allowedUntilTime": 0,
    }


def instant(at: datetime) -> str:
    """An instant as the vendor writes it: UTC, milliseconds, Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _how(log: Log) -> str:
    if log.trigger in _KEYPAD_TRIGGERS:
        return _BY_KEYPAD.get(log.source or 0, "keypad")
    return _HOW.get(log.trigger, "unknown")


def _evidence(auth: Auth) -> Evidence:
    # `authId` is the number that the device itself gave; `operationId` stands while something is still on
    # its way.
    is_on_device = auth.auth_id is not None and not auth.operation_id and not auth.error
    return Evidence.ACKNOWLEDGED if is_on_device else Evidence.LISTED


def _window(auth: Auth) -> Window:
    starts_at = auth.allowed_from_date or _ALWAYS
    ends_at = auth.allowed_until_date
    if ends_at is not None and ends_at <= starts_at:
        # It never opens: an instant that is over says so in the contract's words.
        starts_at = ends_at - _ONE_SECOND
    return Window(starts_at, ends_at)


def _weekly_limits(auth: Auth) -> str:
    days = auth.allowed_week_days or _ALL_DAYS
    begins, ends = auth.allowed_from_time or 0, (auth.allowed_until_time or 0) % _DAY_MINUTES
    return f"{days}/{begins}-{ends}"


def _problems(lock: Lock, now: datetime) -> list[str]:
    found = []
    if lock.config and lock.config.keypad_paired is False and not lock.config.keypad2_paired:
        found.append("keypad_missing")
    if lock.current_subscription is not None and not _serves(lock.current_subscription, now):
        found.append(SUBSCRIPTION_REQUIRED)
    # 1 unregistered, 2 and 3 the service's own authorization is not valid (OpenAPI 3.9.0).
    if lock.server_state not in (None, _OK, _OFFLINE):
        found.append("lock_unregistered" if lock.server_state == 1 else "lock_authorization_invalid")
    # The lock takes keypad codes only together with its admin code (Bluetooth API, command 0x0041).
    if lock.admin_pin_state in _ADMIN_CODE:
        found.append(_ADMIN_CODE[lock.admin_pin_state])
    return found


def _serves(subscription: _Subscription, now: datetime) -> bool:
    """Whether the API works: a cancelled one does until its end, any does in its grace period."""
    if subscription.is_in_grace_period or subscription.state in (None, "ACTIVE", "PENDING_CANCEL"):
        return True
    ends_at = subscription.expiration_date
    return subscription.state == "CANCELLED" and ends_at is not None and now < ends_at


_LOCKED = {1: True, 3: False, 5: False, 6: False}
# 2 closed, 3 opened; every other value tells nothing of the door.
_DOOR_OPEN = {2: False, 3: True}
_ADMIN_CODE = {1: "admin_code_missing", 2: "admin_code_invalid"}
# Unlock, unlatch, lock'n'go, the same with unlatch.
_OPENING = {1, 3, 4, 5}
_HOW = {
    0: "system",
    1: "manual",
    2: "button",
    3: "automatic",
    4: "remote",
    5: "app",
    6: "auto_lock",
    7: "accessory",
}
# 253 is a keypad's error, in later specifications.
_KEYPAD_TRIGGERS = {253, 255}
_BY_KEYPAD = {1: "code", 2: "fingerprint"}
