"""What two reads of the account tell together, and what they do not. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lockstep.driver.contract import Description, LogEntry, ObservedEntry, Reading, TargetState
from lockstep.vendors.nuki.convert import SUBSCRIPTION_REQUIRED, Auth, Lock, entry_of, state_of, target_of

NOT_LISTED = "not_listed"
"""Problem of a lock of which the listing has nothing at all."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Locks and authorizations as the vendor tells them; `auths` None: withheld without a subscription."""

    begun_at: datetime
    locks: Sequence[Lock]
    auths: Sequence[Auth] | None

    def description(self, account: str) -> Description:
        """All locks. Digits can be read back where one listed code of the account carries them."""
        shows_digits = any(auth.is_code and auth.digits is not None for auth in self.auths or ())
        states = self.states()
        return Description(
            account,
            tuple(target_of(k, states[k.reference], shows_digits=shows_digits) for k in self.locks),
        )

    def reading(self, log: tuple[LogEntry, ...] = ()) -> Reading:
        """Complete for the locks that the vendor is in touch with and serves: for others the listing may tell
        what the lock will never hear of, or nothing."""
        states = self.states()
        complete_for = frozenset(
            lock.reference
            for lock in self.locks
            if lock.is_reachable and not _WITHHOLDING & {*states[lock.reference].problems}
        )
        return Reading(self.begun_at, complete_for, self._entries(), states, log)

    def states(self) -> dict[str, TargetState]:
        """The locks' health, with what keeps them from being read."""
        listed = {auth.lock for auth in self.auths or ()}
        return {lock.reference: self._state(lock, listed) for lock in self.locks}

    def _state(self, lock: Lock, listed: set[str]) -> TargetState:
        state = state_of(lock, self.begun_at)
        if lock.reference in listed:
            return state
        # Nuki Web has an authorization of its own on every lock that it reaches (clients' reports): a lock
        # without any is not an empty one, the vendor leaves it out.
        missing = SUBSCRIPTION_REQUIRED if self.auths is None else NOT_LISTED
        return replace(state, problems=tuple(dict.fromkeys((*state.problems, missing))))

    def _entries(self) -> tuple[ObservedEntry, ...]:
        known = {lock.reference for lock in self.locks}
        return tuple(entry_of(auth) for auth in self.auths or () if auth.lock in known)


_WITHHOLDING = {SUBSCRIPTION_REQUIRED, NOT_LISTED}
