"""Choosing digits: wanted, else the phone's last digits, else random; never from dates. Knows no storage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lockstep.model.capabilities import Capabilities
from lockstep.model.constraints import breaches_of_code

PREFERRED_LENGTH = 6
"""Of digits that nobody wished for."""
_TRIES = 5_000


class RandomSource(Protocol):
    """A cryptographic source, such as `secrets.SystemRandom()`."""

    def choice(self, seq: str, /) -> str: ...


class NoCommonLength(ValueError):
    """No code length suits every lock of the grant. Split the grant, one for each kind of lock."""

    code = "no_common_code_length"


class NoFreeCode(ValueError):
    """No free digits satisfy every lock of the grant. Remove old codes from these locks."""

    code = "no_free_code"


@dataclass(frozen=True, slots=True)
class Choice:
    """`digits`, and why they are not the wanted ones where they are not (`warning` is a code of the API)."""

    digits: str
    warning: str | None = None

    def __repr__(self) -> str:
        return f"Choice(digits=******, warning={self.warning!r})"


def choose_code(
    locks: Sequence[Capabilities],
    is_taken: Callable[[str], bool],
    source: RandomSource,
    *,
    wanted: str | None = None,
    phone_last_digits: str | None = None,
    preferred_length: int = PREFERRED_LENGTH,
) -> Choice:
    """Digits that satisfy every lock and are free on all of them.

    `is_taken` answers for all locks of the grant together. A wish that cannot be granted becomes a warning.
    """
    warning = None
    for wish, reason in (
        (wanted, "wanted_code_not_possible"),
        (phone_last_digits, "phone_digits_not_possible"),
    ):
        if wish:
            if _fits(wish, locks) and not is_taken(wish):
                return Choice(wish, warning)
            warning = warning or reason
    length = common_length(locks, preferred_length)
    for _ in range(_TRIES):
        digits = "".join(source.choice("0123456789") for _ in range(length))
        if _fits(digits, locks) and not is_taken(digits):
            return Choice(digits, warning)
    raise NoFreeCode(NoFreeCode.__doc__)


def common_length(locks: Sequence[Capabilities], preferred: int = PREFERRED_LENGTH) -> int:
    """A length that every lock takes: the preferred one, else the nearest longer, else the longest."""
    if not locks:
        return preferred
    lengths = frozenset.intersection(*(c.code_lengths for c in locks))
    if not lengths:
        raise NoCommonLength(NoCommonLength.__doc__)
    longer = [n for n in sorted(lengths) if n >= preferred]
    return longer[0] if longer else max(lengths)


def _fits(digits: str, locks: Sequence[Capabilities]) -> bool:
    return all(not breaches_of_code(digits, c) for c in locks)
