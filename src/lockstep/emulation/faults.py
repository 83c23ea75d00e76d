"""What goes wrong, request by request: rules that match calls and say what happens to them."""

from enum import StrEnum
from fnmatch import fnmatchcase
from random import Random

import msgspec


class FaultKind(StrEnum):
    """The last three are for the vendor's emulator to carry out; the gate carries out the others."""

    REPLY_LOST_BEFORE = "reply_lost_before"
    """The connection is cut, nothing was done."""
    REPLY_LOST_AFTER = "reply_lost_after"
    """The connection is cut, everything was done."""
    ERROR_BEFORE = "error_before"
    """`status` (502) is answered, nothing was done."""
    ERROR_AFTER = "error_after"
    """`status` (502) is answered, everything was done."""
    SLOW = "slow"
    """Done at once, answered `seconds` of real time later."""
    SLOW_BEFORE = "slow_before"
    """Done and answered only `seconds` of real time later, also where the client has gone by then."""
    RATE_LIMITED = "rate_limited"
    """The vendor's own answer to too many calls; nothing was done."""
    TRUNCATED = "truncated"
    """Everything was done; half of the body is sent, as if it were all."""
    STALE = "stale"
    """A read is answered with what was true `seconds` before."""
    WRITE_LOST = "write_lost"
    """A write is accepted and never reaches the lock."""
    WRITE_LATE = "write_late"
    """A write is accepted and reaches the lock only after `seconds`, when everybody has given it up."""


_READS_ONLY = {FaultKind.STALE}
_WRITES_ONLY = {FaultKind.WRITE_LOST, FaultKind.WRITE_LATE}


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A rule. Empty `method`, `path` (a pattern with `*`) and `operation` match every call."""

    kind: FaultKind
    method: str | None = None
    path: str | None = None
    operation: str | None = None
    mutating: bool | None = None
    skip: int = 0
    """So many matching calls pass before the rule begins."""
    times: int | None = 1
    """So often it strikes, then it is spent; None: for ever."""
    probability: float = 1.0
    seconds: float = 0.0
    status: int = 502

    def fits(self, method: str, path: str, operation: str | None, is_mutating: bool) -> bool:
        """Whether the rule speaks of this call."""
        if (self.kind in _READS_ONLY and is_mutating) or (self.kind in _WRITES_ONLY and not is_mutating):
            return False
        return (
            (self.method is None or self.method.upper() == method)
            and (self.path is None or fnmatchcase(path, self.path))
            and (self.operation is None or self.operation == operation)
            and (self.mutating is None or self.mutating == is_mutating)
        )


class _Standing:
    def __init__(self, id: str, fault: Fault) -> None:
        self.id = id
        self.fault = fault
        self.skip = fault.skip
        self.left = fault.times


class Faults:
    """The rules in force, oldest first. The same seed and calls give the same faults."""

    def __init__(self, seed: int = 0) -> None:
        self._random = Random(seed)
        self._standing: list[_Standing] = []
        self._numbered = 0

    def add(self, fault: Fault) -> str:
        """Put a rule in force; returns its id."""
        self._numbered += 1
        id = f"fault_{self._numbered}"
        self._standing.append(_Standing(id, fault))
        return id

    def remove(self, id: str) -> bool:
        """Take one rule away. False where it is not, or no longer, in force."""
        before = len(self._standing)
        self._standing = [rule for rule in self._standing if rule.id != id]
        return len(self._standing) < before

    def clear(self) -> None:
        """Take every rule away."""
        self._standing.clear()

    def reseed(self, seed: int) -> None:
        """Begin the chances anew."""
        self._random.seed(seed)

    def in_force(self) -> list[tuple[str, Fault, int | None]]:
        """(id, rule, how often it may still strike)."""
        return [(rule.id, rule.fault, rule.left) for rule in self._standing]

    def strike(self, method: str, path: str, operation: str | None, is_mutating: bool) -> Fault | None:
        """The fault of this call: that of the first rule that fits, is past its skips and has luck."""
        for rule in self._standing:
            if rule.fault.fits(method, path, operation, is_mutating) and self._strikes(rule):
                return rule.fault
        return None

    def _strikes(self, rule: _Standing) -> bool:
        if rule.skip > 0:
            rule.skip -= 1
            return False
        if self._random.random() >= rule.fault.probability:
            return False
        if rule.left is not None:
            rule.left -= 1
            if rule.left <= 0:
                self._standing.remove(rule)
        return True
