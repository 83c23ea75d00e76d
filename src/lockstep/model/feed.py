"""What a booking calendar says, what is known of it, and what follows. Knows no format and no storage."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from lockstep.model.window import Window

Platform = Literal["airbnb", "booking_com", "vrbo", "other"]
StayKind = Literal["stay", "block", "unclear"]
"""`unclear`: the platform does not tell stays from closures."""

ENTRY_SKIPPED = "entry_skipped"
"""The warning that an entry could not be read at all: a stay that it tells of has no code."""
StayKey = tuple[str, str | None]
"""A feed's UID and, where one UID stands for several stays, which of them."""


@dataclass(frozen=True, slots=True)
class FeedStay:
    """One entry of a feed. What identifies a guest stays out of its repr, and so out of logs."""

    uid: str
    arrives: date
    departs: date
    """Dates at the property; `departs` is the day of leaving."""
    window: Window
    kind: StayKind = "stay"
    instance: str | None = None
    keeps_uid: bool = True
    """False where the platform gives an entry a new UID in the middle of the stay, or the entry has none."""
    is_cancelled: bool = False
    sequence: int = 0
    guest_name: str | None = field(default=None, repr=False)
    phone_last4: str | None = field(default=None, repr=False)
    reservation_code: str | None = field(default=None, repr=False)

    @property
    def stay_key(self) -> StayKey:
        return self.uid, self.instance

    @property
    def nights(self) -> int:
        return (self.departs - self.arrives).days

    @property
    def ends_at(self) -> datetime:
        assert self.window.ends_at is not None  # a stay is never ongoing
        return self.window.ends_at


@dataclass(frozen=True, slots=True)
class FeedFault:
    """Something in a feed that could not be read. `where` is a UID or a place, never the line itself."""

    where: str
    what: str
    next_step: str
    uid: str | None = None
    is_skipped: bool = True
    """Whether the entry was left out; otherwise it was read as well as possible."""


@dataclass(frozen=True, slots=True)
class FeedReading:
    """A whole feed, read. An entry that is not in it is not in the feed, but for those in `faults`."""

    platform: Platform
    stays: tuple[FeedStay, ...] = ()
    faults: tuple[FeedFault, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedDoubt:
    """What came back is no whole calendar, so nothing follows from it."""

    code: str
    what: str
    next_step: str


@dataclass(frozen=True, slots=True)
class FeedPolicy:
    """How far a feed is believed; one for each feed."""

    pull_every: timedelta = timedelta(minutes=15)
    vanish_after_readings: int = 3
    vanish_over: timedelta = timedelta(minutes=45)
    """From the first good reading without the stay to the one that cancels it."""
    hold_above_share: float = 0.5
    hold_from_stays: int = 3
    """The share is looked at from this many stays on; losing all of them is held however few they are."""
    unclear_entries: Literal["all", "short", "by_hand"] = "short"
    """Which entries count as stays where the platform does not tell: all, up to `longest_nights`, or those
    that an operator confirms."""
    longest_nights: int = 30


@dataclass(frozen=True, slots=True)
class KnownStay:
    """A booking that came from this feed."""

    booking_id: str
    said: FeedStay
    """The entry as it was last followed."""
    window: Window
    """The booking's window now; another than `said.window` where an operator changed it."""
    misses: int = 0
    """Good readings in a row without it; `missing_since` is the first of them."""
    missing_since: datetime | None = None
    cancelled: Literal["feed", "hand"] | None = None
    is_erased: bool = False
    """The guest's personal data were erased and are not taken from the feed again."""


@dataclass(frozen=True, slots=True)
class ElsewhereStay:
    """A live booking of the same property that came from another feed, or was entered by hand (`stay`)."""

    booking_id: str
    kind: StayKind
    arrives: date
    departs: date
    window: Window


@dataclass(frozen=True, slots=True)
class Hold:
    """A feed that lost too much at once: what takes access away waits for an operator."""

    code: Literal["lost_all", "lost_many"]
    since: datetime
    lost: tuple[str, ...]
    """Bookings that the latest reading lacks; empty when all are back."""
    live: int
    """Stays that were expected when the hold began."""


@dataclass(frozen=True, slots=True)
class FeedKnowledge:
    """All that decides besides the reading. Bookings that are over for a week may be left out."""

    stays: tuple[KnownStay, ...] = ()
    hold: Hold | None = None
    confirmed_losses: frozenset[str] = frozenset()
    """Bookings that an operator agreed to lose when confirming a hold."""
    accepted: frozenset[StayKey] = frozenset()
    """Unclear entries that an operator confirmed as stays."""
    echoes: frozenset[Echo] = frozenset()
    elsewhere: tuple[ElsewhereStay, ...] = ()


@dataclass(frozen=True, slots=True)
class Echo:
    """An unclear entry that repeats a stay of another feed: two platforms that block each other's nights."""

    uid: str
    instance: str | None
    arrives: date
    departs: date


@dataclass(frozen=True, slots=True)
class Creation:
    """A booking to make; `again`: the one that this feed cancelled and now shows anew, with other digits."""

    stay: FeedStay
    again: str | None = None


@dataclass(frozen=True, slots=True)
class StayChange:
    """What a booking becomes. `window` is the booking's, `said` the entry to remember."""

    booking_id: str
    window: Window
    said: FeedStay
    parts: frozenset[Literal["window", "guest", "entry"]]
    """`entry` alone: only what is remembered changes, nothing at any door."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """A booking made from another feed's unclear entry, of which this feed knows the reservation."""

    booking_id: str
    stay: FeedStay


@dataclass(frozen=True, slots=True)
class Miss:
    booking_id: str
    misses: int
    missing_since: datetime


@dataclass(frozen=True, slots=True)
class Cancellation:
    booking_id: str
    why: Literal["vanished", "said", "confirmed"]


@dataclass(frozen=True, slots=True)
class FeedWarning:
    """Something odd about a calendar that was followed all the same, or only in part."""

    code: str
    subject: str
    """A booking's id or an entry's UID."""
    what: str
    next_step: str

    @property
    def may_lack_a_stay(self) -> bool:
        """Whether somebody may stand before a closed door because of it."""
        return self.code == ENTRY_SKIPPED


@dataclass(frozen=True, slots=True)
class FeedDecision:
    """What one reading does. A booking stands in at most one of the lists; none is in the feed's order."""

    create: tuple[Creation, ...] = ()
    change: tuple[StayChange, ...] = ()
    adopt: tuple[Adoption, ...] = ()
    miss: tuple[Miss, ...] = ()
    cancel: tuple[Cancellation, ...] = ()
    unchanged: tuple[str, ...] = ()
    """Seen as known; like a changed one it starts with 0 misses again."""
    delayed: tuple[str, ...] = ()
    """Changes that would take access away while the feed is held."""
    waiting: tuple[FeedStay, ...] = ()
    """Unclear entries that an operator has to confirm."""
    echoes: frozenset[Echo] = frozenset()
    """To remember instead of the known ones."""
    held: Hold | None = None
    doubt: FeedDoubt | None = None
    warnings: tuple[FeedWarning, ...] = ()
