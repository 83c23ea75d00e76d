"""(e) `plan` for 1,000 locks of 100 codes each, one in ten differing, inputs in memory."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

from bench.figure import Figure
from lockstep.model.belief import Belief
from lockstep.model.capabilities import Capabilities, Evidence
from lockstep.model.declared import Declared, Spec
from lockstep.model.plan import plan
from lockstep.model.window import Window

LOCKS, CODES, DIFFERING = 1_000, 100, 10
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)

Inputs = tuple[list[Declared], dict[UUID, Belief], dict[UUID, dict[int, Spec]]]


def measure() -> list[Figure]:
    capabilities = Capabilities(most_codes=200, best_evidence=Evidence.LISTED)
    locks = [_lock(number) for number in range(LOCKS)]
    begun = time.perf_counter()
    changes = sum(len(plan(*one, capabilities, NOW).changes) for one in locks)
    seconds = time.perf_counter() - begun
    assert changes == LOCKS * DIFFERING, changes
    return [
        Figure(
            "e",
            "plan for 1,000 locks of 100 codes, 10 % differing",
            seconds,
            2,
            " s",
            detail=f"{changes} changes",
        )
    ]


def _lock(number: int) -> Inputs:
    declared, beliefs, specs = [], {}, {}
    for index in range(CODES):
        id = UUID(int=number * CODES + index + 1)
        window = Window(NOW + timedelta(hours=index % 60), NOW + timedelta(hours=index % 60 + 48))
        spec = Spec(UUID(int=index + 1), window, f"Guest {index}", frozenset({"lock"}))
        declared.append(Declared(id, 1, spec, f"t{index:04d}", NOW))
        specs[id] = {1: spec}
        if index % (CODES // DIFFERING) != 0:
            proven = NOW - timedelta(hours=1)
            beliefs[id] = Belief(
                frozenset({"1"}), Evidence.LISTED, frozenset({f"r{index}"}), read_at=proven, proven_at=proven
            )
    return declared, beliefs, specs
