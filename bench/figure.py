"""One measured figure and its limit; several runs of one figure made one; and what it was measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` is to be at most (or, with `at_least`, at least) `limit`; `detail` says how it came about."""

    letter: str
    what: str
    value: float
    limit: float
    unit: str = ""
    at_least: bool = False
    detail: str = ""

    @property
    def is_met(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def shown(self) -> str:
        """The value with its unit."""
        return f"{_number(self.value)}{self.unit}"

    @property
    def limit_shown(self) -> str:
        """The limit with its direction and unit."""
        return f"{'at least' if self.at_least else 'at most'} {_number(self.limit)}{self.unit}"

    @property
    def verdict(self) -> str:
        return "met" if self.is_met else "MISSED"

    def line(self) -> str:
        """One line for people."""
        detail = f"  [{self.detail}]" if self.detail else ""
        return f"({self.letter}) {self.what}: {self.shown} ({self.limit_shown}: {self.verdict}){detail}"


def median_of(runs: Sequence[Sequence[Figure]]) -> list[Figure]:
    """Of the same figures measured several times, each one's median run, and between what the others lay."""
    merged = []
    for same in zip(*runs, strict=True):
        by_value = sorted(same, key=lambda f: f.value)
        middle = by_value[len(by_value) // 2]
        if len(by_value) > 1:
            spread = f"median of {len(by_value)} runs, {_number(by_value[0].value)} to {_number(by_value[-1].value)}"
            middle = replace(middle, detail="; ".join(d for d in (middle.detail, spread) if d))
        merged.append(middle)
    return merged


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def surroundings() -> str:
    """What stands beside the figures: they are to be compared within one run only."""
    return f"{cores()} cores, Python {platform.python_version()}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}" if value < 1 or value >= 10 else f"{value:.2f}"
