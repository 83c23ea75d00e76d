"""When a delivery is tried again, when a webhook is disabled, and which secrets sign. Pure; chance is passed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

SCHEDULE: tuple[timedelta, ...] = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
"""Wait before each try, counted from the one before. Source: svix.com, "Retry schedule", 2026, which is what receivers
of Seam's webhooks are built for; one schedule serves both forms. What is not taken within 28 hours is in the list of
events, and can be sent again by hand."""
JITTER = 0.1
"""Share of a wait that chance adds, so that a receiver that comes back is not met by all at once."""
DISABLED_AFTER = timedelta(days=5)
DISABLED_AFTER_TRIES = 10
ROTATION = timedelta(hours=24)
"""How long the old secret goes on signing beside the new one."""


@dataclass(frozen=True, slots=True)
class Signing:
    """A webhook's secrets; the old one signs until `old_until`."""

    secret: str = field(repr=False)
    old_secret: str | None = field(default=None, repr=False)
    old_until: datetime | None = None


def next_try_at(tries: int, last_at: datetime, chance: float) -> datetime | None:
    """When to try again after `tries` failed ones, the last at `last_at`; None where the delivery is given up.

    `chance` is drawn evenly from [0, 1)."""
    if tries < 0:
        raise ValueError(f"Tries are counted from 0, not {tries}.")
    if tries >= len(SCHEDULE):
        return None
    return last_at + SCHEDULE[tries] * (1 + JITTER * chance)


def must_be_disabled(failing_since: datetime | None, failed_tries: int, now: datetime) -> bool:
    """Only after sustained failure: no success for five days, and at least ten tries failed in that time.

    `failing_since`: the first failed try after the last success; None: the last one succeeded."""
    if failing_since is None:
        return False
    return now - failing_since >= DISABLED_AFTER and failed_tries >= DISABLED_AFTER_TRIES


def rotated(signing: Signing, secret: str, now: datetime, overlap: timedelta = ROTATION) -> Signing:
    """With a new secret; the one so far goes on signing for `overlap`, an older one ends at once."""
    if overlap <= timedelta(0):
        return Signing(secret)
    return Signing(secret, signing.secret, now + overlap)


def signing_secrets(signing: Signing, now: datetime) -> tuple[str, ...]:
    """Each of these signs, the newest first: the receiver accepts a message that fits any of them."""
    if signing.old_secret is None or signing.old_until is None or now >= signing.old_until:
        return (signing.secret,)
    return (signing.secret, signing.old_secret)
