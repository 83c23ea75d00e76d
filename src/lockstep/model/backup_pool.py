"""Backup codes: how many stand on a lock, over which time, and which may be given to somebody. Pure.

A backup code is a code of ours that is proven on a lock and given to nobody until it is pulled in place of another."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from lockstep.model.belief import Belief, is_proven
from lockstep.model.capabilities import Capabilities, CodeChooser, CredentialKind, Delete
from lockstep.model.declared import (
    ABSENT,
    OTHER,
    WRITTEN_AHEAD,
    Declared,
    Spec,
    effective_window,
    is_over,
    revision_of,
)
from lockstep.model.window import Window

USUAL_SIZE = 3
"""How many, where nobody says: two may be given out before anybody has looked."""
MOST = 10
ROLLING = timedelta(days=7)
"""What nobody uses opens a door no longer than this, should Lockstep not come back."""
RENEWED_BEFORE_END = timedelta(days=3)
"""A lock that is offline for so long keeps its backup codes."""
MANY_PULLED = 2
"""As many living ones at a time are a sign that the lock takes no codes any more."""


def supports(capabilities: Capabilities) -> bool:
    """Whether a lock can have a pool at all: digits that we choose and can take back, each on one lock."""
    return (
        CredentialKind.CODE in capabilities.credential_kinds
        and capabilities.chooser is CodeChooser.CALLER
        and capabilities.delete is not Delete.IMPOSSIBLE
        and capabilities.targets_per_entry == 1
        and capabilities.schedule.must_be_used_within is None
    )


def may_have(capabilities: Capabilities, *, without_schedule: bool) -> bool:
    """Whether it may have one now. `without_schedule`: an operator wants one on a lock that knows no windows, and so
    opens for its backup codes as long as we do not take them off."""
    return supports(capabilities) and (capabilities.schedule.is_own or without_schedule)


def rolling_window(capabilities: Capabilities, now: datetime) -> Window:
    """From now on; with what the lock rounds, never longer than `ROLLING`."""
    steps = 2 * capabilities.schedule.granularity if capabilities.schedule.is_own else timedelta(0)
    return Window(now, now + ROLLING - steps)


def renewed_at(window: Window) -> datetime:
    """When a backup code that nobody has pulled gets its next window."""
    assert window.ends_at is not None, "a backup code always ends"
    return max(window.starts_at, window.ends_at - RENEWED_BEFORE_END)


def wanted(
    size: int,
    capabilities: Capabilities,
    others: Sequence[tuple[Declared, Belief]],
    foreign: int,
    now: datetime,
) -> int:
    """How many may stand there: `others`, everything else of ours, and `foreign` codes have their places first, those
    too whose time comes while a backup code would stand there."""
    if capabilities.most_codes is None:
        return size
    soon = now + ROLLING + WRITTEN_AHEAD
    taken = sum(_needs_place(declared, belief, capabilities, now, soon) for declared, belief in others)
    return max(0, min(size, capabilities.most_codes - foreign - taken))


def is_ready(
    declared: Declared, belief: Belief, specs: Collection[Spec], capabilities: Capabilities, now: datetime
) -> bool:
    """Whether it opens the door now, for all that is known: proven on the lock, whichever of its windows that has.

    `specs`: every revision that the lock may carry."""
    if declared.is_withdrawn or not declared.is_spare or belief.proven_at is None:
        return False
    if belief.possible & {ABSENT, OTHER}:
        return False
    # While its next window is under way it has this one or that: it is there all the same.
    if belief.only is not None and not is_proven(belief, belief.only, capabilities):
        return False
    return bool(specs) and all(
        s.fingerprint == declared.spec.fingerprint and effective_window(s.window, capabilities).contains(now)
        for s in specs
    )


def carried_specs(belief: Belief, specs: Mapping[int, Spec]) -> list[Spec]:
    """Those revisions that a lock may carry by this belief."""
    return [specs[r] for r in carried_revisions(belief) if r in specs]


def carried_revisions(belief: Belief) -> list[int]:
    """Which these are, the oldest first."""
    return sorted({r for state in belief.possible if (r := revision_of(state)) is not None})


def _needs_place(
    declared: Declared, belief: Belief, capabilities: Capabilities, now: datetime, soon: datetime
) -> bool:
    if belief.may_be_present:
        return True
    if declared.is_withdrawn or is_over(declared, capabilities, now):
        return False
    return declared.spec.window.starts_at < soon
