"""The door: what is physically on a lock, and whether typed digits open it. Knows no vendor and no cloud."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

EVERY_DAY = frozenset(range(7))


class Why(StrEnum):
    """What the lock made of the digits. The later ones are the nearer to opening."""

    NO_SUCH_CODE = "no_such_code"
    DISABLED = "disabled"
    TOO_EARLY = "too_early"
    TOO_LATE = "too_late"
    WRONG_DAY = "wrong_day"
    WRONG_TIME_OF_DAY = "wrong_time_of_day"
    OPENED = "opened"


_NEARNESS = {why: rank for rank, why in enumerate(Why)}


@dataclass(frozen=True, slots=True)
class Entry:
    """One code as the lock holds it.

    `reference` is the lock's own: an id, a slot's number, a credential's id that other doors hold too.
    The window is half-open and in instants; weekdays (0 is Monday) and minutes from midnight are the door's
    local time. `until_minute` before `from_minute` spans midnight; either None: the whole day.
    """

    reference: str
    code: str = field(repr=False)
    name: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    weekdays: frozenset[int] = EVERY_DAY
    from_minute: int | None = None
    until_minute: int | None = None
    is_enabled: bool = True

    def verdict(self, at: datetime, time_zone: ZoneInfo) -> Why:
        """Whether this entry opens the door at `at`, and if not, what first forbids it."""
        if not self.is_enabled:
            return Why.DISABLED
        if self.starts_at is not None and at < self.starts_at:
            return Why.TOO_EARLY
        if self.ends_at is not None and at >= self.ends_at:
            return Why.TOO_LATE
        local = at.astimezone(time_zone)
        if local.weekday() not in self.weekdays:
            return Why.WRONG_DAY
        if not self._allows_minute(local.hour * 60 + local.minute):
            return Why.WRONG_TIME_OF_DAY
        return Why.OPENED

    def _allows_minute(self, minute: int) -> bool:
        if self.from_minute is None or self.until_minute is None:
            return True
        if self.from_minute <= self.until_minute:
            return self.from_minute <= minute < self.until_minute
        return minute >= self.from_minute or minute < self.until_minute


@dataclass(frozen=True, slots=True)
class Entered:
    """One try at the keypad: when, whether it opened, why, and by which entry (None: digits nobody has)."""

    at: datetime
    opened: bool
    why: Why
    reference: str | None


class Door:
    """The lock's own memory and its verdict. The clouds above may believe something else."""

    def __init__(self, time_zone: ZoneInfo) -> None:
        self.time_zone = time_zone
        self.visits: list[Entered] = []
        self._entries: dict[str, Entry] = {}

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries.values()))

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, reference: str) -> Entry | None:
        """The entry with this reference."""
        return self._entries.get(reference)

    def put(self, entry: Entry) -> None:
        """Hold `entry`, in place of the one with the same reference."""
        self._entries[entry.reference] = entry

    def remove(self, reference: str) -> bool:
        """Forget an entry. False where there was none."""
        return self._entries.pop(reference, None) is not None

    def clear(self) -> None:
        """Forget every entry, as a lock that was reset."""
        self._entries.clear()

    def holding(self, code: str) -> list[Entry]:
        """The entries with these digits: none, one, or several on locks that do not mind."""
        return [entry for entry in self._entries.values() if entry.code == code]

    def verdict(self, code: str, at: datetime) -> Entered:
        """What `enter` would say; nobody is at the door, and nothing is remembered."""
        verdicts = [(entry.verdict(at, self.time_zone), entry.reference) for entry in self.holding(code)]
        if not verdicts:
            return Entered(at, False, Why.NO_SUCH_CODE, None)
        why, reference = max(verdicts, key=lambda verdict: _NEARNESS[verdict[0]])
        return Entered(at, why is Why.OPENED, why, reference)

    def enter(self, code: str, at: datetime) -> Entered:
        """Somebody types `code` at `at`. The visit is remembered."""
        entered = self.verdict(code, at)
        self.visits.append(entered)
        return entered
