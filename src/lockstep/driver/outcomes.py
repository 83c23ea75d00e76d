"""What came of a call. A write is confirmed, refused or unknown; errors speak only of account, device and pace."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from lockstep.kit.outbound import AddressRefused
from lockstep.model.capabilities import Evidence
from lockstep.model.window import Window


class Reason(StrEnum):
    """Why a vendor refused: a closed list."""

    DUPLICATE_DIGITS = "duplicate_digits"
    FULL = "full"
    RULE_BROKEN = "rule_broken"
    NOT_REVOCABLE = "not_revocable"
    SUBSCRIPTION_REQUIRED = "subscription_required"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Done:
    """The vendor said yes; `evidence` is how much that proves. `material` are digits that the vendor computed."""

    evidence: Evidence
    reference: str | None = None
    version: str | None = None
    material: str | None = field(default=None, repr=False)
    window: Window | None = None
    """The window as it was really given, where it differs from the one that was asked for."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A job was begun; `token` is stored before it is followed. Times are the driver's clock, UTC."""

    token: str
    look_at: datetime
    give_up_at: datetime
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """An explicit no: nothing was changed. `said` is the vendor's own word with secrets and digits removed."""

    reason: Reason
    said: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A byte of the call may have left us and no clear answer came: neither done nor undone.

    `horizon`: how much later than usual the write may still appear; None: the capability's late-apply horizon.
    """

    said: str = ""
    horizon: timedelta | None = None


Outcome = Done | Accepted | Refused | Unknown


class DriverError(Exception):
    """The vendor could not be asked."""

    code = "driver_error"

    def __init__(self, said: str = "") -> None:
        self.said = said
        super().__init__(f"{(self.__doc__ or '').strip()} ({said})" if said else (self.__doc__ or "").strip())


class VendorUnreachable(DriverError):
    """The vendor cannot be reached; nothing was sent. Lockstep tries again by itself, less and less often."""

    code = "vendor_unreachable"


class VendorAddressRefused(VendorUnreachable):
    """The vendor's address is private or local, and this installation calls public addresses only; nothing was sent.
    Set LOCKSTEP_ALLOW_PRIVATE_ADDRESSES=1 where it is meant, such as an emulator's, and start Lockstep again; else give
    the account the vendor's public endpoint."""

    code = AddressRefused.code


def not_sent(error: Exception, said: str) -> VendorUnreachable:
    """What it means that no connection came about: nothing has left us. `said` is for people, without secrets."""
    return VendorAddressRefused() if isinstance(error.__cause__, AddressRefused) else VendorUnreachable(said)


class VendorBusy(DriverError):
    """The vendor asks us to slow down or is busy with this lock; nothing was changed. Lockstep waits and goes on."""

    code = "vendor_busy"

    def __init__(
        self, said: str = "", retry_after: timedelta | None = None, *, is_account_wide: bool = True
    ) -> None:
        super().__init__(said)
        self.retry_after = retry_after
        self.is_account_wide = is_account_wide
        """False: only the target that was written is busy."""


class CredentialsRefused(DriverError):
    """The vendor refuses the account's credentials. Make new ones at the vendor and give them to the account."""

    code = "credentials_refused"


class DeviceOffline(DriverError):
    """The lock cannot be reached by its vendor; nothing was changed. Check its power, its bridge or its Wi-Fi."""

    code = "device_offline"

    def __init__(self, said: str = "", target: str | None = None) -> None:
        super().__init__(said)
        self.target = target


class UnexpectedReply(DriverError):
    """The vendor answered in a way that Lockstep does not know. Please report it; the reply is kept without secrets."""

    code = "unexpected_reply"


def words_of(error: DriverError) -> tuple[str, str]:
    """For people: what is wrong, and what to do."""
    cause, _, next_step = " ".join((type(error).__doc__ or "").split()).partition(". ")
    return f"{cause.rstrip('.')}.", next_step or "Lockstep tries again by itself."
