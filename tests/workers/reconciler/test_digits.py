"""Occupancy: over which time, and on which locks or site, digits are taken; and when they are free."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.whole.stage import Stage, build_stage

from lockstep.emulation.clock import VirtualClock
from lockstep.model.belief import Belief
from lockstep.model.declared import ABSENT, OTHER, Spec, carried
from lockstep.model.window import Window
from lockstep.storage import occupancies, passes
from lockstep.storage.claims import Claim
from lockstep.storage.entries import EntryRow
from lockstep.workers.reconciler.digits import free_digits, may_free_digits, occupation_of
from lockstep.workers.reconciler.situation import Place, Work, stock_of, units_of

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BY_WINDOW: dict[str, Any] = {"duplicates": {"compared_by": "window"}}
OTHER_DIGITS = UUID(int=0xF00D)

Taken = tuple[UUID, datetime, datetime | None]
"""Digits, by their fingerprint, from when until when."""


@dataclass(frozen=True)
class Found:
    """An entry as a pass finds it."""

    stage: Stage
    work: Work
    entry: EntryRow

    @property
    def spec(self) -> Spec:
        return self.entry.declared.spec

    def revised(self, revision: int, spec: Spec) -> Found:
        declared = replace(self.entry.declared, revision=revision, spec=spec)
        return replace(self, entry=replace(self.entry, declared=declared))

    async def take(self, at: datetime) -> bool:
        """As a write of this entry at `at` does."""
        occupation = occupation_of(self.work, self.entry, at)
        assert occupation is not None
        async with self.stage.house.gate.database.transaction(self.work.claim.workspace_id) as db:
            return await occupancies.take(
                db,
                self.work.claim.workspace_id,
                list(occupation.scope_ids),
                self.entry.id,
                occupation.fingerprint,
                occupation.starts_at,
                occupation.ends_at,
            )

    async def free(self, belief: Belief, specs: Mapping[int, Spec]) -> bool:
        """As after a reading that left this belief; whether there was anything to do."""
        async with self.stage.house.gate.transaction(self.work.claim.workspace_id) as tx:
            await free_digits(tx, self.work.unit, self.entry.id, belief, specs)
        return may_free_digits(self.work.unit, belief, specs)

    async def taken(self) -> list[Taken]:
        return sorted(
            (r["fingerprint"], r["lower"], r["upper"]) for r in await _rows(self.stage, self.entry.id)
        )


async def _rows(stage: Stage, entry_id: UUID) -> list[Any]:
    async with stage.house.gate.database.reading(stage.house.actor.workspace_id) as db:
        rows: list[Any] = await db.fetch(
            "select scope_id, fingerprint, lower(span) as lower, upper(span) as upper "
            "from occupancies where entry_id = $1",
            entry_id,
        )
    return rows


@asynccontextmanager
async def found(
    database_url: str,
    clock: VirtualClock,
    profile: str,
    starts_in: timedelta = 30 * HOUR + MINUTE,
    lasts: timedelta | None = DAY,
    **features: Any,
) -> AsyncIterator[Found]:
    """One entry on the first of two locks (on both where one credential opens both), declared and not yet written."""
    async with build_stage(database_url, clock, profile, 2, **features) as stage:
        opens_both = stage.site.features.locks_per_code > 1
        await stage.let(stage.site.locks if opens_both else stage.site.locks[:1], starts_in, lasts)
        (entry,) = await _entries(stage)
        yield Found(stage, await _work(stage, entry), entry)


async def _entries(stage: Stage) -> list[EntryRow]:
    """In the order in which they begin."""
    async with stage.house.gate.transaction(stage.house.actor.workspace_id) as tx:
        domains = await tx.db.fetch("select id from domains")
        stocks = [await stock_of(tx, row["id"]) for row in domains]
    every = [entry for stock in stocks for entry in stock.entries.values()]
    return sorted(every, key=lambda e: e.declared.spec.window.starts_at)


async def _work(stage: Stage, entry: EntryRow) -> Work:
    workspace_id = stage.house.actor.workspace_id
    async with stage.house.gate.transaction(workspace_id) as tx:
        place = Place.of((await passes.places(tx.db, workspace_id, [entry.domain_id]))[entry.domain_id])
        units = units_of(place, await stock_of(tx, entry.domain_id))
    (unit,) = (u for u in units if entry.id in {e.id for e in u.entries})
    return Work(Claim("domains", workspace_id, entry.domain_id, 1, 1), place, unit)


@pytest.mark.parametrize("profile", ["plain", "slots", "silent_duplicates"])
async def test_a_vendor_that_compares_presence_has_the_digits_taken_on_the_lock_from_the_write_on(
    database_url: str, clock: VirtualClock, profile: str
) -> None:
    async with found(database_url, clock, profile) as it:
        occupation = occupation_of(it.work, it.entry, clock.now())
        assert occupation is not None
        (lock,) = it.work.unit.locks
        assert (occupation.scope_ids, occupation.fingerprint) == ([lock.id], it.spec.fingerprint)
        assert (occupation.starts_at, occupation.ends_at) == (clock.now(), None)


@pytest.mark.parametrize(("step", "early", "late"), [(1, 0, 0), (3600, 60, 3540)])
async def test_a_vendor_that_compares_windows_has_them_taken_over_the_effective_window(
    database_url: str, clock: VirtualClock, step: int, early: int, late: int
) -> None:
    schedule = {"step_seconds": step}
    async with found(database_url, clock, "window_duplicates", schedule=schedule) as it:
        occupation = occupation_of(it.work, it.entry, clock.now())
        assert occupation is not None
        window = it.spec.window
        assert window.ends_at is not None
        assert occupation.scope_ids == [it.work.unit.locks[0].id]
        assert occupation.starts_at == window.starts_at - early * SECOND
        assert occupation.ends_at == window.ends_at + late * SECOND


async def test_a_window_without_end_takes_them_for_ever(database_url: str, clock: VirtualClock) -> None:
    async with found(database_url, clock, "window_duplicates", lasts=None) as it:
        occupation = occupation_of(it.work, it.entry, clock.now())
        assert occupation is not None
        assert (occupation.starts_at, occupation.ends_at) == (it.spec.window.starts_at, None)


async def test_a_vendor_that_compares_in_the_whole_site_has_them_taken_once_for_the_account(
    database_url: str, clock: VirtualClock
) -> None:
    async with found(database_url, clock, "doors") as it:
        occupation = occupation_of(it.work, it.entry, clock.now())
        assert occupation is not None
        assert len(it.spec.targets) == 2
        assert occupation.scope_ids == [it.work.place.account.id]
        assert (occupation.starts_at, occupation.ends_at) == (clock.now(), None)


async def test_one_credential_for_two_locks_takes_them_on_these_locks_and_no_other(
    database_url: str, clock: VirtualClock
) -> None:
    async with found(database_url, clock, "doors", duplicates={"scope": "lock"}) as it:
        for targets in (it.spec.targets, frozenset({"lock_2"})):
            revised = it.revised(2, replace(it.spec, targets=targets))
            occupation = occupation_of(it.work, revised.entry, clock.now())
            assert occupation is not None
            on = {d.reference for d in it.work.unit.locks if d.id in occupation.scope_ids}
            assert on == targets


@pytest.mark.parametrize("profile", ["just_in_time", "just_in_time_disabled", "few_places"])
async def test_a_lock_that_knows_no_windows_compares_presence_whatever_its_vendor_says(
    database_url: str, clock: VirtualClock, profile: str
) -> None:
    async with found(database_url, clock, profile, **BY_WINDOW) as it:
        occupation = occupation_of(it.work, it.entry, clock.now())
        assert occupation is not None
        assert (occupation.starts_at, occupation.ends_at) == (clock.now(), None)


async def test_where_digits_may_stand_twice_nothing_is_taken_and_neither_before_a_vendor_has_chosen_them(
    database_url: str, clock: VirtualClock
) -> None:
    async with found(database_url, clock, "shared_digits") as it:
        assert it.spec.fingerprint is not None
        assert occupation_of(it.work, it.entry, clock.now()) is None
        await it.stage.wait(MINUTE)
        assert await it.taken() == []


async def test_nothing_is_taken_before_a_vendor_has_chosen_the_digits_and_those_that_it_chose_then_are(
    database_url: str, clock: VirtualClock
) -> None:
    async with found(database_url, clock, "vendor_digits") as it:
        assert occupation_of(it.work, it.entry, clock.now()) is None
        await it.stage.wait(MINUTE)
        (entry,) = await _entries(it.stage)
        ((fingerprint, _, ends_at),) = await it.taken()
        assert (fingerprint, ends_at) == (entry.declared.spec.fingerprint, None)


@pytest.mark.parametrize("profile", ["plain", "window_duplicates", "doors"])
async def test_a_pass_takes_what_it_writes_and_frees_it_once_it_is_proven_gone(
    database_url: str, clock: VirtualClock, profile: str
) -> None:
    async with found(database_url, clock, profile, HOUR, HOUR) as it:
        expected = occupation_of(it.work, it.entry, clock.now())
        assert expected is not None
        await it.stage.wait(timedelta(0))
        rows = await _rows(it.stage, it.entry.id)
        assert [r["scope_id"] for r in rows] == expected.scope_ids
        assert await it.taken() == [(expected.fingerprint, expected.starts_at, expected.ends_at)]
        await it.stage.wait(5 * MINUTE)
        assert len(await it.taken()) == 1
        await it.stage.until(it.spec.window.starts_at + HOUR + 15 * MINUTE)
        assert it.stage.site.held(it.stage.site.locks[0]) == []
        assert await it.taken() == []


def _belief(*possible: str, **more: Any) -> Belief:
    return Belief(frozenset(possible), **more)


async def test_by_presence_digits_stay_taken_while_they_may_appear_and_not_a_moment_longer(
    database_url: str, clock: VirtualClock
) -> None:
    async with found(database_url, clock, "plain") as it:
        at = clock.now()
        specs = {1: it.spec, 2: replace(it.spec, fingerprint=OTHER_DIGITS)}
        second = it.revised(2, specs[2])
        assert it.spec.fingerprint is not None
        old, new = (it.spec.fingerprint, at, None), (OTHER_DIGITS, at + HOUR, None)
        assert await it.take(at)
        assert await second.take(at + HOUR)
        both = sorted([old, new])
        assert await it.taken() == both
        horizon = at + 2 * HOUR
        for belief in [
            _belief(carried(1), carried(2)),
            _belief(carried(1, is_enabled=False), carried(2), ABSENT),
            _belief(carried(2), late_until=horizon),
            _belief(ABSENT, late_until=horizon),
            _belief(carried(2), OTHER),
            _belief(OTHER),
            _belief(carried(2), carried(3)),
        ]:
            await it.free(belief, specs)
            assert await it.taken() == both, belief
        assert await it.free(_belief(carried(2), ABSENT), specs)
        assert await it.taken() == [new], "the span is not narrowed to a window"
        assert not await it.free(_belief(carried(2)), {2: specs[2]}), "it never had others"
        assert await it.free(_belief(ABSENT), specs)
        assert await it.taken() == []


async def test_by_window_proof_narrows_the_time_to_the_window_that_is_on_the_lock(
    database_url: str, clock: VirtualClock
) -> None:
    async with found(
        database_url, clock, "window_duplicates", schedule={"step_seconds": 3600}, starts_in=30 * HOUR
    ) as it:
        assert it.spec.fingerprint is not None
        starts_at = it.spec.window.starts_at
        moved = Window(starts_at + 2 * DAY + MINUTE, starts_at + 3 * DAY + MINUTE)
        specs = {1: it.spec, 2: replace(it.spec, window=moved)}
        assert await it.take(clock.now())
        assert await it.revised(2, specs[2]).take(clock.now())
        whole = [(it.spec.fingerprint, starts_at, starts_at + 3 * DAY + HOUR)]
        assert await it.taken() == whole
        for belief in [
            _belief(carried(1), carried(2)),
            _belief(carried(2), late_until=clock.now() + HOUR),
            _belief(carried(2), OTHER),
        ]:
            await it.free(belief, specs)
            assert await it.taken() == whole, belief
        assert await it.free(_belief(carried(2)), specs)
        narrowed = [(it.spec.fingerprint, starts_at + 2 * DAY, starts_at + 3 * DAY + HOUR)]
        assert await it.taken() == narrowed
        assert await it.free(_belief(carried(2)), specs)
        assert await it.taken() == narrowed
        assert await it.free(_belief(ABSENT), specs)
        assert await it.taken() == []


async def test_by_window_on_a_lock_that_knows_none_proof_narrows_nothing(
    database_url: str, clock: VirtualClock
) -> None:
    async with found(database_url, clock, "just_in_time", **BY_WINDOW) as it:
        assert await it.take(clock.now())
        before = await it.taken()
        assert not await it.free(_belief(carried(1)), {1: it.spec})
        moved = replace(it.spec, window=Window(clock.now() + DAY, clock.now() + 2 * DAY))
        assert not await it.free(_belief(carried(2)), {1: it.spec, 2: moved})
        assert await it.taken() == before


async def test_a_pass_that_meets_digits_which_another_entry_has_writes_nothing_says_so_and_sets_them_when_they_are_free(
    database_url: str, clock: VirtualClock
) -> None:
    """The plan does not know why they are taken: the database alone stands in between."""
    async with build_stage(database_url, clock, "plain", locks=1) as stage:
        (lock,) = stage.site.locks
        await stage.let(lock, 10 * DAY)
        soon = await stage.let(lock, 2 * HOUR)
        first, second = await _entries(stage)
        work = await _work(stage, first)
        rival = Found(stage, work, second).revised(1, first.declared.spec)
        assert await rival.take(clock.now())
        await stage.wait(MINUTE)
        assert stage.site.held(lock) == []
        assert stage.writes() == 0
        shown = (await stage.shown(soon))[lock]
        assert shown.failure is not None
        assert shown.failure["code"] == "digits_may_be_on_lock"
        assert soon.code is not None
        assert soon.code not in str(shown.failure)
        assert {r["fingerprint"] for r in await _rows(stage, second.id)} == {first.declared.spec.fingerprint}
        assert await _rows(stage, first.id) == []
        async with stage.house.gate.database.reading(work.claim.workspace_id) as db:
            assert await db.fetchval("select count(*) from intents") == 0
            await occupancies.keep_only(db, work.claim.workspace_id, second.id, [])
        await stage.wait(MINUTE)
        assert stage.site.held(lock) == [soon.code]
        assert await stage.standing(soon) == "proven"
