"""The emulator's switches: where the vendor's manual is silent, or its customers report trouble."""

from typing import Literal

import msgspec

from lockstep.emulation.pace import RateLimit


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Read and changed at `/_emulator/settings`; README.md tells where each behaviour was seen."""

    write_delay_seconds: float = 3.0
    """Between a 204 and the lock having it."""
    action_delay_seconds: float = 1.0
    listing: Literal["after", "before"] = "after"
    """Whether a new code is listed only after the device has it, or before, and then without `authId`."""
    updates_show: Literal["after", "before"] = "after"
    """Whether a changed code is listed as changed only after the device has it, or before."""
    offline_writes: Literal["lost", "kept"] = "lost"
    """What becomes of writes to a lock that is offline when they fall due."""
    burst_loses_last: bool = False
    """An update within `burst_seconds` of a pending one is answered 204 and dropped, instead of 423."""
    burst_seconds: float = 1.0
    deletes_leave_ghosts: bool = False
    """A deleted code stays listed, and its digits taken, until a sync."""
    partial_limits_ignored: bool = False
    """A code written without all five restrictions is not restricted at the lock, whatever is listed."""
    returns_digits: bool = True
    """Whether listings and web hooks carry `code`."""
    app_changes: Literal["daily", "at_once"] = "daily"
    """When changes made in the vendor's app reach the cloud."""
    daily_sync_minute: int = 180
    """Minutes from midnight UTC."""
    subscription_status: int = 402
    """Status of the refusal without a subscription; the vendor's documentation does not give it."""
    full_refused_by: Literal["lock", "cloud"] = "lock"
    """Whether a code too many gets 204 and is refused by the device, or 409 by the cloud."""
    latency_seconds: float = 0.0
    """Real time before every answer."""
    rate_limit: RateLimit | None = None
    keeps_digits_in_journal: bool = False
