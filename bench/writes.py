"""(a) Journalled mutating calls for each code and lock changed, without faults and with 5 % of replies lost."""

from __future__ import annotations

from datetime import timedelta

from bench.figure import Figure
from bench.world import World, declare, world
from lockstep.emulation.faults import Fault, FaultKind
from lockstep.operations import grants

LOCKS, GRANTS = 20, 25
FEATURES = {"calls_per_minute": 600_000, "settling_seconds": 5, "late_seconds": 5, "lists_account": True}
PAUSE = timedelta(minutes=30)


async def measure() -> list[Figure]:
    changes = LOCKS * GRANTS * 3
    plain, lossy = await _mutating_calls(lost=0.0), await _mutating_calls(lost=0.05)
    detail = f"of {changes} changes: set, moved and removed, {GRANTS} codes on each of {LOCKS} locks"
    return [
        Figure(
            "a", "mutating calls per code and lock changed, no faults", plain / changes, 1.00, detail=detail
        ),
        Figure(
            "a",
            "mutating calls per code and lock changed, 5 % of replies lost",
            lossy / changes,
            1.08,
            detail="half of them before, half after the vendor did it",
        ),
    ]


async def _mutating_calls(lost: float) -> int:
    """Every code is set, moved and removed: three changes on each lock."""
    async with world(LOCKS, FEATURES) as w:
        if lost:
            for kind in (FaultKind.REPLY_LOST_AFTER, FaultKind.REPLY_LOST_BEFORE):
                w.vendor.faults.add(Fault(kind=kind, mutating=True, times=None, probability=lost / 2))
        w.vendor.journal.clear()
        now = w.clock.now()
        windows = [(now + timedelta(hours=1 + n), now + timedelta(hours=41 + n)) for n in range(GRANTS)]
        made = await declare(w, windows)
        await w.advance(w.clock.now() + PAUSE)
        _require_codes(w, GRANTS)
        for id in made:
            async with w.gate.transaction(w.actor.workspace_id) as tx:
                await grants.change(tx, w.actor, id, grants.ChangeGrant(ends_at=now + timedelta(hours=90)))
        await w.advance(w.clock.now() + PAUSE)
        for id in made:
            async with w.gate.transaction(w.actor.workspace_id) as tx:
                await grants.cancel(tx, w.actor, id)
        await w.advance(w.clock.now() + PAUSE)
        _require_codes(w, 0)
        return len(w.vendor.journal.mutating())


def _require_codes(w: World, each: int) -> None:
    """What is measured must also be right."""
    for lock_id in w.vendor.lock_ids():
        held = len(w.vendor.lock_state(lock_id)["on_lock"])
        assert held == each, f"{lock_id} holds {held} codes instead of {each}"
