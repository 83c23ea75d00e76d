"""Events about codes on locks: what was declared of them, what was proven, and what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from lockstep.kit.frozen import dataclass
from lockstep.model.event import Event, Failed


@dataclass(frozen=True, kw_only=True)
class AccessCodeEvent(Event):
    access_code_id: str
    device_id: str
    access_grant_id: str | None = None
    is_at_door: bool = False
    """Its lock is a door of an access system, and it was granted, not asked for as a single code. Said where true."""

    def payload(self) -> dict[str, object]:
        said = super().payload()
        return said if self.is_at_door else {k: v for k, v in said.items() if k != "is_at_door"}


@dataclass(frozen=True, kw_only=True)
class AccessCodeFailed(AccessCodeEvent, Failed):
    pass


class AccessCodeCreated(AccessCodeEvent):
    """A code was declared for a lock."""

    kind = "access_code.created"


@dataclass(frozen=True, kw_only=True)
class AccessCodeChanged(AccessCodeEvent):
    """Its digits, window or name were declared anew. `changed`: which of `code`, `window`, `name` and `places`."""

    kind = "access_code.changed"
    changed: tuple[str, ...] = ()
    starts_at: datetime | None = None
    """These four only where the window changed."""
    ends_at: datetime | None = None
    starts_at_before: datetime | None = None
    ends_at_before: datetime | None = None


class AccessCodeDeleted(AccessCodeEvent):
    """It was withdrawn: from now on nothing of it may stay on the lock."""

    kind = "access_code.deleted"


@dataclass(frozen=True, kw_only=True)
class AccessCodeGone(AccessCodeEvent):
    """It was withdrawn, and nothing of it is on the lock, nor can appear there any more. `is_replaced`: a backup code
    stands in its place."""

    kind = "access_code.gone"
    is_replaced: bool = False


@dataclass(frozen=True, kw_only=True)
class AccessCodeBackupPulled(AccessCodeEvent):
    """A backup code of its lock took its place: from now on nothing of it may stay on the lock."""

    kind = "access_code.backup_pulled"
    backup_access_code_id: str


@dataclass(frozen=True, kw_only=True)
class AccessCodeSetOnDevice(AccessCodeEvent):
    """It was proven on the lock as declared. `evidence`: listed or acknowledged, or accepted where no better is."""

    kind = "access_code.set_on_device"
    evidence: str
    is_enabled: bool = True
    """False: it stands on the lock and opens only from the start of its window."""
    is_ahead: bool = False
    """It was written before its window begins, and opens only then: `access_code.started` follows."""
    revision: int = 1
    """Of what was declared."""


@dataclass(frozen=True, kw_only=True)
class AccessCodeStarted(AccessCodeEvent):
    """Its window has begun, and what was written ahead is proven on the lock: it opens the door now."""

    kind = "access_code.started"
    revision: int = 1


@dataclass(frozen=True, kw_only=True)
class AccessCodeRemovedFromDevice(AccessCodeEvent):
    """It was proven gone from the lock."""

    kind = "access_code.removed_from_device"
    is_for_good: bool = True
    """False: it is to come back, for it left its place or its digits to a more urgent code."""


@dataclass(frozen=True, kw_only=True)
class AccessCodeEditedOutside(AccessCodeEvent):
    """Somebody else edited it, most often in the vendor's app. `modified_fields`: `field` (`name`, `code`, `starts_at`,
    `ends_at`), `from` and `to`; these two are null for names and digits."""

    change_type: str = "modified"
    modified_fields: tuple[Mapping[str, str | None], ...] = ()
    is_honoured: bool = False
    """Whether it has become the declaration; else Lockstep puts it right."""


class AccessCodeModifiedOutside(AccessCodeEditedOutside):
    """Somebody else changed it on the lock."""

    kind = "access_code.modified_outside"


class AccessCodeRemovedOutside(AccessCodeEditedOutside):
    """Somebody else removed it from the lock."""

    kind = "access_code.removed_outside"


@dataclass(frozen=True, kw_only=True)
class AccessCodeOverwrittenAgain(AccessCodeFailed):
    """Somebody else changes it again and again: two systems are at work on one lock."""

    kind = "access_code.overwritten_again"
    times: int


class AccessCodeUnconfirmed(AccessCodeEvent):
    """A change got no clear answer, or the lock cannot tell: what is on the lock is in doubt until it is read."""

    kind = "access_code.unconfirmed"


@dataclass(frozen=True, kw_only=True)
class AccessCodeNotSet(AccessCodeFailed):
    """What is declared does not stand on the lock. `is_update`: the lock may have it as it was declared before."""

    is_update: bool = False


class AccessCodeMissedStart(AccessCodeNotSet):
    """Its window has begun, and it is not proven on the lock: whoever stands at the door may not get in."""

    kind = "access_code.missed_start"


class AccessCodeFailedToSet(AccessCodeNotSet):
    """It was refused, or written as often as allowed and never seen on the lock."""

    kind = "access_code.failed_to_set"


@dataclass(frozen=True, kw_only=True)
class AccessCodeFailedToRemove(AccessCodeFailed):
    """It should be gone and may still open the door. `is_withdrawn` False: since its window is over."""

    kind = "access_code.failed_to_remove"
    is_withdrawn: bool = True


@dataclass(frozen=True, kw_only=True)
class AccessCodeLate(AccessCodeFailed):
    """The guest arrives soon, or is inside, and the code is not proven on the lock."""

    kind = "access_code.late"
    starts_at: datetime


class AccessCodeFull(AccessCodeNotSet):
    """No place is left for it on the lock."""

    kind = "access_code.full"


class AccessCodeDuplicateTaken(AccessCodeNotSet):
    """Its digits are taken on the lock by another code."""

    kind = "access_code.duplicate_taken"


class AccessCodeAdopted(AccessCodeEvent):
    """Somebody else had put it on the lock as an unmanaged code of the same id; from now on it is Lockstep's."""

    kind = "access_code.adopted"


class AccessCodeReleased(AccessCodeEvent):
    """Lockstep looks after it no more. What is on the lock stays there, as an unmanaged code of the same id."""

    kind = "access_code.released"


@dataclass(frozen=True, kw_only=True)
class AccessCodeLeft(AccessCodeEvent):
    """Its account was disconnected: Lockstep looks after it no more. `is_on_lock`: it is, or may be, on its lock, and
    nobody takes it off."""

    kind = "access_code.left"
    is_on_lock: bool = False


@dataclass(frozen=True, kw_only=True)
class UnmanagedCodeEvent(Event):
    unmanaged_code_id: str
    device_id: str


class UnmanagedCodeCreated(UnmanagedCodeEvent):
    """A code that is not Lockstep's was seen on a lock, for the first time or again."""

    kind = "unmanaged_code.created"


class UnmanagedCodeDeleted(UnmanagedCodeEvent):
    """Somebody asked that it be taken off the lock."""

    kind = "unmanaged_code.deleted"


class UnmanagedCodeRemoved(UnmanagedCodeEvent):
    """It is on the lock no more."""

    kind = "unmanaged_code.removed"
