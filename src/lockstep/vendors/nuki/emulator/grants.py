"""Authorizations: what the lock stores (a grant) and what the cloud keeps of it (an auth). Knows no queue."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lockstep.emulation.door import EVERY_DAY, Entry

APP, FOB, KEYPAD_CODE = 0, 2, 13
"""The values of `type` that can be created."""

OWN_NAME = "Nuki Web"
"""The service's own access: an app authorization of this name without an account user."""


@dataclass(frozen=True, slots=True)
class Grant:
    """An authorization as the lock stores it. Dates are instants, times minutes in the lock's local time."""

    type: int
    name: str
    code: str | None = field(default=None, repr=False)
    is_enabled: bool = True
    remote_allowed: bool = False
    account_user_id: int | None = None
    allowed_from: datetime | None = None
    allowed_until: datetime | None = None
    week_days: int | None = None
    from_time: int | None = None
    until_time: int | None = None

    @property
    def is_own(self) -> bool:
        """Whether this is the service's own access."""
        return self.type == APP and self.name == OWN_NAME and self.account_user_id is None

    def entry(self, device_id: int) -> Entry | None:
        """What it makes the keypad do; None for what is no keypad code."""
        if self.type != KEYPAD_CODE or self.code is None:
            return None
        # 0 and 0 mean the whole day in every example of the vendor; so does leaving them out.
        all_day = not self.from_time and not self.until_time
        return Entry(
            reference=str(device_id),
            code=self.code,
            name=self.name,
            starts_at=self.allowed_from,
            ends_at=self.allowed_until,
            weekdays=weekdays(self.week_days),
            from_minute=None if all_day else self.from_time or 0,
            until_minute=None if all_day else self.until_time or 24 * 60,
            is_enabled=self.is_enabled,
        )


@dataclass(frozen=True, slots=True)
class Auth:
    """The cloud's record of an authorization. `device_id` (`authId`) is None until the device has it."""

    id: str
    lock_id: int
    grant: Grant
    created_at: datetime
    updated_at: datetime
    device_id: int | None = None
    lock_count: int = 0
    last_active_at: datetime | None = None
    operation_id: str | None = None
    error: str | None = None
    is_ghost: bool = False

    def json(self, *, returns_digits: bool) -> dict[str, Any]:
        """A `SmartlockAuth`; what is not set is left out."""
        grant = self.grant
        fields = {
            "id": self.id,
            "smartlockId": self.lock_id,
            "accountUserId": grant.account_user_id,
            "authId": self.device_id,
            "code": int(grant.code) if grant.code and returns_digits else None,
            "type": grant.type,
            "name": grant.name,
            "enabled": grant.is_enabled,
            "remoteAllowed": grant.remote_allowed,
            "lockCount": self.lock_count,
            "allowedFromDate": instant(grant.allowed_from),
            "allowedUntilDate": instant(grant.allowed_until),
            "allowedWeekDays": grant.week_days,
            "allowedFromTime": grant.from_time,
            "allowedUntilTime": grant.until_time,
            "lastActiveDate": instant(self.last_active_at),
            "creationDate": instant(self.created_at),
            "updateDate": instant(self.updated_at),
            "operationId": self.operation_id,
            "error": self.error,
        }
        return {name: value for name, value in fields.items() if value is not None}


def weekdays(mask: int | None) -> frozenset[int]:
    """The vendor's mask (64 Monday to 1 Sunday) as weekdays from 0. None and 0 limit nothing."""
    if not mask:
        return EVERY_DAY
    return frozenset(day for day in range(7) if mask & 64 >> day)


def instant(at: datetime | None) -> str | None:
    """An instant as the vendor writes it: milliseconds, Z."""
    return (
        None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
