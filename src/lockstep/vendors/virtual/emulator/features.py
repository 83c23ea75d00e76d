"""What a lock of the virtual vendor can do, as it stands on the wire. README.md tells what each field means."""

from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

import msgspec


class _Plain(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """JSON both ways; a field that has its default is left out."""


class Names(_Plain, frozen=True):
    """Rules for names."""

    shortest: int = 0
    longest: int = 64
    characters: str | None = None
    """A regular expression that each character matches."""
    unique: bool = False
    truncated: bool = False
    """A name that is too long is cut instead of refused."""
    kept: bool = True
    split: bool = False
    """A first and a last name, both needed, in place of one name."""


class Schedule(_Plain, frozen=True):
    """What the lock knows of time."""

    kind: Literal["none", "window", "weekly"] = "window"
    step_seconds: int = 1
    zone: Literal["utc", "lock_local"] = "utc"
    expires: bool = True
    use_within_seconds: int | None = None
    holds_disabled: bool = False
    refuses_past_starts: bool = False

    def begins_step(self, at: datetime) -> bool:
        """Whether an instant (or a naive local time) begins a step."""
        midnight = datetime(1970, 1, 1, tzinfo=at.tzinfo)
        return not (at - midnight) % timedelta(seconds=self.step_seconds)


class Duplicates(_Plain, frozen=True):
    """What comes of digits that another code has."""

    answer: Literal["error", "silent", "accepted"] = "error"
    compared_by: Literal["presence", "window"] = "presence"
    scope: Literal["lock", "site"] = "lock"


class Features(_Plain, frozen=True):
    """Everything that a client must know of one lock."""

    credentials: tuple[str, ...] = ("code",)
    digits_by: Literal["caller", "vendor"] = "caller"
    issuing_again: Literal["same", "another", "costs"] = "same"
    code_lengths: tuple[int, ...] = (6,)
    code_rules: tuple[str, ...] = ()
    names: Names = Names()
    addressing: Literal["id", "slot", "person"] = "id"
    places: int | None = None
    schedule: Schedule = Schedule()
    shows: Literal["digits", "version", "exists", "none"] = "digits"
    answers: Literal["sync", "job", "webhook", "fire_and_forget"] = "sync"
    duplicates: Duplicates = Duplicates()
    deleting: Literal["idempotent", "cancel_or_purge", "impossible"] = "idempotent"
    updates: bool = True
    locks_per_code: int = 1
    settling_seconds: float = 10
    late_seconds: float = 120
    proof: Literal["device", "cloud", "none"] = "device"
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


class Nature(_Plain, frozen=True):
    """How the lock behaves where its maker says nothing; never on the wire."""

    takes_seconds: float | None = None
    """Between the answer and the lock having it; None: half of the settling time."""
    when_offline: Literal["refuse", "lose"] = "refuse"
    """A write to an offline lock is refused, or accepted and lost."""
    reads_live: bool = False
    """Listings ask the lock itself: one that is offline cannot be read."""
    time_zones: tuple[str, ...] = ("Europe/Berlin",)
    """Of the locks that a world is made with, in turn."""
    gateways: int = 0
    """So many gateways serve those locks, in turn."""


class Model(_Plain, frozen=True):
    """One line of the vendor's catalogue."""

    label: str = ""
    features: Features = Features()
    nature: Nature = Nature()


HOLDS_NOTHING: Final[dict[str, Any]] = {
    "credentials": (),
    "unlocks": False,
    "locks": False,
    "auto_locks": False,
    "door_sensor": False,
    "log": False,
}
"""What the features of a thermostat or a sensor differ in from those of a lock."""


@cache
def models() -> dict[str, Model]:
    """The catalogue, `models.json` beside this folder, by name."""
    text = files("lockstep.vendors.virtual").joinpath("models.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, Model])
