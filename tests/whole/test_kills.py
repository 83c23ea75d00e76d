"""A worker destroyed at each suspension point of create, change and remove: another takes up, and all ends right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum

import asyncpg
import pytest
from tests.connections import Emptying
from tests.whole.killing import Life, Place, destroyed
from tests.whole.stage import Let, Stage, build_stage

from lockstep.emulation.clock import VirtualClock
from lockstep.storage.database import Database

HOUR = timedelta(hours=1)
CALL_TIMEOUT = timedelta(seconds=10)
ERRANDS = ("create", "change", "remove")
MOST_ROUNDS = 4


class Fate(StrEnum):
    """What was known of the write when the worker died."""

    KNOWN = "known"
    """Not begun, or its answer was stored."""
    MADE = "made"
    """The intent was committed and the vendor has the write; nobody of ours knows."""
    NEVER_MADE = "never made"
    """The intent was committed, and the write never left us; nobody of ours knows that either."""


def _within(stage: Stage, fate: Fate) -> timedelta:
    """The settling time, after which one reading shows all (on the virtual clock it takes no time).

    Where an intent is open, its call may still be under way until its time limit, and a reading begun less than a
    settling time after that proves nothing. Where the reading shows that the write never left us, it is made only then,
    and has a settling time and a reading of its own."""
    settling = timedelta(seconds=stage.site.features.settling_seconds)
    match fate:
        case Fate.KNOWN:
            return settling
        case Fate.MADE:
            return CALL_TIMEOUT + settling
        case Fate.NEVER_MADE:
            return CALL_TIMEOUT + settling + settling


async def _declare(stage: Stage, errand: str, let: Let | None) -> Let:
    if errand == "create":
        return await stage.let(stage.site.locks[0], HOUR, timedelta(days=1))
    assert let is not None
    if errand == "change":
        await stage.change(let, ends_at=stage.clock.now() + 30 * HOUR)
    else:
        await stage.cancel(let)
    return let


async def _open_intents(stage: Stage) -> int:
    async with stage.house.gate.database.reading(stage.house.actor.workspace_id) as db:
        return int(await db.fetchval("select count(*) from intents where outcome is null"))


async def _assert_ended_right(stage: Stage, let: Let, errand: str) -> None:
    (lock,) = stage.site.locks
    should = [] if errand == "remove" else [let.code]
    assert stage.site.held(lock) == should
    shown = (await stage.shown(let))[lock]
    if errand == "remove":
        assert not shown.row.entry.belief.may_be_present
    else:
        assert shown.standing.value == "proven"
        assert shown.row.entry.belief.only == str(shown.row.entry.declared.revision)
    assert await _open_intents(stage) == 0


@contextmanager
def _told(errand: str, fate: Fate, life: Life) -> Iterator[None]:
    try:
        yield
    except AssertionError as error:
        place = " > ".join(life.places[-1])
        error.add_note(f"{errand}, destroyed at suspension point {len(life.places)}, fate {fate}: {place}")
        raise


class Killing:
    """Create, change and remove on one lock, again and again, by a worker that is destroyed on the way."""

    def __init__(
        self,
        warm: Database,
        victims: Database,
        emptying: Emptying,
        profile: str,
        begins: datetime,
    ) -> None:
        self._warm = warm
        self._victims = victims
        self._profile = profile
        self._begins = begins
        self._emptying = emptying
        self.fates: Counter[tuple[str, Fate]] = Counter()

    async def play(self, kill_at: Mapping[str, int]) -> dict[str, Life]:
        """All three errands in a world that is the same each time; `kill_at`: by errand, none: it comes through."""
        await self._emptying()
        clock = VirtualClock(self._begins)
        lives: dict[str, Life] = {}
        async with build_stage(self._warm.dsn, clock, self._profile, locks=1, warm=self._warm) as stage:
            let: Let | None = None
            for errand in ERRANDS:
                before = stage.writes()
                let = await _declare(stage, errand, let)
                lives[errand] = life = await destroyed(
                    stage, self._victims, _within(stage, Fate.KNOWN), kill_at.get(errand)
                )
                fate = (
                    await self._go_on(stage, errand, stage.writes() > before)
                    if life.is_killed
                    else Fate.KNOWN
                )
                with _told(errand, fate, life):
                    await _assert_ended_right(stage, let, errand)
                    # One more at most, and none where nothing was in doubt.
                    assert stage.writes() - before - 1 <= (fate is not Fate.KNOWN)
        return lives

    async def _go_on(self, stage: Stage, errand: str, is_made: bool) -> Fate:
        """Another worker, for as long as the design allows."""
        fate = Fate.KNOWN
        if await _open_intents(stage):
            fate = Fate.MADE if is_made else Fate.NEVER_MADE
        self.fates[errand, fate] += 1
        await stage.lose_leases()
        await stage.wait(_within(stage, fate))
        return fate


async def _kill_at_each(killing: Killing, seen: Mapping[str, list[Place]]) -> dict[str, dict[int, Place]]:
    """Destroys at each point of each errand. Returns the points at which that place was not met: the worker had
    ended before, or was somewhere else. Where the errand before it died over an open intent, an errand begins with a
    reading that the counted one did not need: it is tried again in a world in which that one lives."""
    missed: dict[str, dict[int, Place]] = {errand: {} for errand in ERRANDS}
    for point in range(1, max(map(len, seen.values())) + 1):
        ahead = {errand: point for errand in ERRANDS if point <= len(seen[errand])}
        for _ in range(MOST_ROUNDS):
            lives = await killing.play(ahead)
            for errand, life in lives.items():
                if life.is_killed and life.places[-1] == seen[errand][point - 1]:
                    del ahead[errand]
            if not ahead:
                break
        for errand in ahead:
            missed[errand][point] = seen[errand][point - 1]
    return missed


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "profile",
    ["nuki", pytest.param("plain", marks=pytest.mark.long), pytest.param("slots", marks=pytest.mark.long)],
)
async def test_a_worker_destroyed_at_any_point_leaves_nothing_that_another_does_not_put_right(
    database_url: str,
    clock: VirtualClock,
    profile: str,
    record_property: Callable[[str, object], None],
) -> None:
    warm, above_all = await Database.open(database_url), await asyncpg.connect(database_url)
    victims = await Database.open(database_url, most_connections=2)
    killing = Killing(warm, victims, await Emptying.on(above_all), profile, clock.now())
    seen = {errand: life.places for errand, life in (await killing.play({})).items()}
    assert all(seen.values())
    missed = await _kill_at_each(killing, seen)
    await above_all.close()
    await victims.close()
    await warm.close()
    counts = {errand: len(places) for errand, places in seen.items()}
    kills = {errand: counts[errand] - len(missed[errand]) for errand in ERRANDS}
    fates = {fate.value: sum(killing.fates[errand, fate] for errand in ERRANDS) for fate in Fate}
    record_property(
        "told", f"{profile}: suspension points {counts}, killed at {kills}; the write's fate: {fates}"
    )
    assert kills == counts, missed
    assert all(killing.fates[errand, fate] for errand in ERRANDS for fate in Fate), killing.fates
