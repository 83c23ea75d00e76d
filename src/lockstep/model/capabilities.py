"""What a lock of some vendor can do, as data. Knows no vendor by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum, StrEnum


class Evidence(IntEnum):
    """How far a code is known to have come; a higher rank is better proof."""

    NONE = 0
    ACCEPTED = 1
    """The vendor said yes."""
    LISTED = 2
    """It stands in the vendor's cloud."""
    ACKNOWLEDGED = 3
    """The device itself confirmed it."""
    USED = 4
    """It opened the door."""


class CredentialKind(StrEnum):
    CODE = "code"
    MOBILE = "mobile"
    CARD = "card"


class CodeChooser(StrEnum):
    CALLER = "caller"
    VENDOR = "vendor"


class Reissue(StrEnum):
    """What comes of asking the vendor for the same code a second time."""

    SAME = "same"
    ANOTHER = "another"
    COSTS = "costs"


class Addressing(StrEnum):
    SLOT = "slot"
    ID = "id"
    PERSON = "person"


class ScheduleKind(StrEnum):
    NONE = "none"
    WINDOW = "window"
    WEEKLY = "weekly"
    """Window plus weekly times."""


class ScheduleZone(StrEnum):
    UTC = "utc"
    LOCK_LOCAL = "lock_local"


class ReadBack(StrEnum):
    DIGITS = "digits"
    VERSION = "version"
    EXISTS = "exists"
    NONE = "none"


class Apply(StrEnum):
    SYNC = "sync"
    JOB = "job"
    WEBHOOK = "webhook"
    FIRE_AND_FORGET = "fire_and_forget"


class DuplicateBehaviour(StrEnum):
    ERROR = "error"
    SILENT = "silent"
    ACCEPTED = "accepted"


class Comparison(StrEnum):
    WINDOW = "window"
    PRESENCE = "presence"


class Scope(StrEnum):
    LOCK = "lock"
    SITE = "site"


class Delete(StrEnum):
    IDEMPOTENT = "idempotent"
    CANCEL_OR_PURGE = "cancel_or_purge"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True)
class Schedule:
    """What the lock itself knows of time."""

    kind: ScheduleKind = ScheduleKind.WINDOW
    granularity: timedelta = timedelta(seconds=1)
    zone: ScheduleZone = ScheduleZone.UTC
    expires_by_itself: bool = True
    """The code stops opening at its end without a further write."""
    must_be_used_within: timedelta | None = None
    can_hold_disabled: bool = False
    """A code can be written that does not open until it is enabled."""

    @property
    def is_own(self) -> bool:
        return self.kind is not ScheduleKind.NONE


@dataclass(frozen=True, slots=True)
class NameRules:
    shortest: int = 0
    longest: int = 64
    pattern: str | None = None
    """Regular expression that one character must match; None: any."""
    is_unique: bool = False
    truncates: bool = False
    is_kept: bool = True
    """False: the vendor keeps no name, so that no tag can be read back."""
    is_split: bool = False
    """The vendor keeps a first and a last name, and wants both: the first is what stands before the first space."""


@dataclass(frozen=True, slots=True)
class Duplicates:
    behaviour: DuplicateBehaviour = DuplicateBehaviour.ERROR
    compared_by: Comparison = Comparison.PRESENCE
    scope: Scope = Scope.LOCK


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the vendor may be called."""

    calls_per_minute: int = 60
    at_once: int = 4
    """Calls under way at a time, per account."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Everything that a plan must know of a lock; each field is a difference that a real vendor has."""

    credential_kinds: frozenset[CredentialKind] = frozenset({CredentialKind.CODE})
    chooser: CodeChooser = CodeChooser.CALLER
    reissue: Reissue = Reissue.SAME
    code_lengths: frozenset[int] = frozenset({6})
    constraints: tuple[str, ...] = ()
    """Names of predicates in `model/constraints.py`."""
    name: NameRules = field(default_factory=NameRules)
    addressing: Addressing = Addressing.ID
    most_codes: int | None = None
    schedule: Schedule = field(default_factory=Schedule)
    read_back: ReadBack = ReadBack.DIGITS
    apply: Apply = Apply.SYNC
    duplicates: Duplicates = field(default_factory=Duplicates)
    delete: Delete = Delete.IDEMPOTENT
    can_update: bool = True
    """An entry's digits and window can be changed in place."""
    targets_per_entry: int = 1
    """More than one: one credential opens several doors of its write domain."""
    settling: timedelta = timedelta(seconds=10)
    """A reading begun sooner than this after a write says nothing about it."""
    late_apply: timedelta = timedelta(seconds=10)
    """A write may still appear until this long after it left us."""
    best_evidence: Evidence = Evidence.LISTED
    pace: Pace = field(default_factory=Pace)
    reads_whole_account: bool = False
    """One reading of the account covers all its locks."""
    upstream_converges: bool = False
    has_offline_codes: bool = False
    has_push: bool = False
    can_unlock: bool = False
    """From afar, as `can_lock`."""
    can_lock: bool = False
    can_configure_auto_lock: bool = False
    has_log: bool = False
    has_battery: bool = False

    @property
    def is_just_in_time(self) -> bool:
        """The lock knows no windows: codes are written shortly before the start and removed at the end."""
        return not self.schedule.is_own
