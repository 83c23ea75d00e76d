"""Anything that can happen, in any order: what is declared is what opens, and nothing else ever does.

The oracle stands at the door: what should open is worked out from the declarations alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)
from tests.whole.house import build_house
from tests.whole.killing import destroyed
from tests.whole.stage import Let, Stage, connected, make_site

from lockstep.emulation.clock import VirtualClock
from lockstep.emulation.faults import FaultKind

T = TypeVar("T")
BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

PROFILES = [
    "nuki",
    "plain",
    "slots",
    "just_in_time",
    "just_in_time_disabled",
    "existence",
    "unreadable",
    "window_duplicates",
    "shared_digits",
    "gateway",
    "doors",
    "short_names",
    "jobs",
]
SPANS = [10 * timedelta(seconds=1), MINUTE, 20 * MINUTE, 3 * HOUR]
FAULTS = list(FaultKind)
BLIND_TO = {FaultKind.WRITE_LOST, FaultKind.WRITE_LATE}
"""What nobody can notice on a lock that shows nothing."""
SLOW = {FaultKind.SLOW, FaultKind.SLOW_BEFORE}
AT_EDGES = 4 * MINUTE
"""Around the instants at which something is to change, both answers are right."""


@dataclass(slots=True)
class Promise:
    """What was ever declared of one grant on one lock: windows with the instants at which they were declared."""

    let: Let
    lock: str
    ever: list[tuple[datetime, datetime]] = field(default_factory=list)
    is_cancelled: bool = False

    def may_open(self, at: datetime, early: timedelta, late: timedelta) -> bool:
        return any(start - early <= at < end + late for start, end in self.ever)

    def should_open(self, at: datetime) -> bool:
        starts_at, ends_at = self.let.starts_at, self.let.ends_at
        return not self.is_cancelled and starts_at <= at and (ends_at is None or at < ends_at)

    def is_at_an_edge(self, at: datetime) -> bool:
        edges = (self.let.starts_at, self.let.ends_at or self.let.starts_at)
        return any(abs(at - edge) < AT_EDGES for edge in edges)


class Life(RuleBasedStateMachine):
    """One account, two locks, and everything that can happen to them."""

    lets: Bundle[Promise] = Bundle("lets")

    def __init__(self, url: str, forget: Callable[[], None], profiles: list[str]) -> None:
        super().__init__()
        self.url, self.forget, self.profiles = url, forget, profiles
        self.loop = asyncio.new_event_loop()
        self.promises: list[Promise] = []
        self.foreign: dict[str, list[str]] = {}
        self.was_in_trouble = False
        self.numbered = 0
        self.stack = AsyncExitStack()

    def run(self, work: Awaitable[T]) -> T:
        async def go() -> T:
            return await work

        return self.loop.run_until_complete(go())

    @initialize(choice=st.integers(0, 10_000))
    def move_in(self, choice: int) -> None:
        self.forget()
        self.clock = VirtualClock(BEGIN)
        self.profile = self.profiles[choice % len(self.profiles)]
        self.site = make_site(self.clock, self.profile, 2)
        self.stage = self.run(self._connect())
        self.foreign = {lock: [] for lock in self.site.locks}

    async def _connect(self) -> Stage:
        house = await self.stack.enter_async_context(
            build_house(self.url, self.clock, {"vendor.test": self.site.app})
        )
        return await connected(house, self.site)

    @rule(
        target=lets,
        lock=st.integers(0, 1),
        starts_in=st.sampled_from([-HOUR, 5 * MINUTE, 50 * MINUTE, 2 * HOUR, 90 * HOUR]),
        lasts=st.sampled_from([2 * HOUR, 26 * HOUR]),
    )
    def let(self, lock: int, starts_in: timedelta, lasts: timedelta) -> Any:
        if len([p for p in self.promises if not p.is_cancelled]) >= 6:
            return multiple()
        where = self.site.locks[lock]
        made = self.run(self.stage.let(where, starts_in, lasts))
        promise = Promise(made, where, [_window(made)])
        self.promises.append(promise)
        return promise

    @rule(promise=lets, by=st.sampled_from([-HOUR, HOUR, 30 * HOUR]), is_start=st.booleans())
    def move(self, promise: Promise, by: timedelta, is_start: bool) -> None:
        starts_at, ends_at = _window(promise.let)
        changed = {"starts_at": starts_at + by} if is_start else {"ends_at": ends_at + by}
        starts_at, ends_at = changed.get("starts_at", starts_at), changed.get("ends_at", ends_at)
        if promise.is_cancelled or starts_at >= ends_at or ends_at <= self.clock.now():
            return
        self.run(self.stage.change(promise.let, **changed))
        promise.ever.append(_window(promise.let))

    @rule(promise=consumes(lets), is_compromised=st.booleans())
    def cancel(self, promise: Promise, is_compromised: bool) -> None:
        self.run(self.stage.cancel(promise.let, is_compromised=is_compromised))
        promise.is_cancelled = True

    @rule(lock=st.integers(0, 1))
    def somebody_adds_a_code_in_the_app(self, lock: int) -> None:
        where = self.site.locks[lock]
        if len(self.foreign[where]) < 2:
            self.numbered += 1
            digits = "98" + "".join(str(1 + self.numbered // 9**p % 9) for p in range(4))
            self.site.app_put(where, None, digits)
            self.foreign[where].append(digits)

    @rule(promise=lets)
    def somebody_deletes_our_code_in_the_app(self, promise: Promise) -> None:
        reference = self._reference(promise)
        if reference is not None and self.site.features.shows != "none":
            self.site.app_delete(promise.lock, reference)

    @rule(promise=lets)
    def somebody_edits_our_code_in_the_app(self, promise: Promise) -> None:
        reference = self._reference(promise)
        if reference is not None and self.site.features.shows in ("digits", "version"):
            self.numbered += 1
            digits = "97" + "".join(str(1 + self.numbered // 9**p % 9) for p in range(4))
            self.site.app_put(promise.lock, reference, digits)

    @rule(kind=st.sampled_from(FAULTS), times=st.integers(1, 3), mutating=st.booleans())
    def something_goes_wrong(self, kind: FaultKind, times: int, mutating: bool) -> None:
        if kind in SLOW or (self.site.features.shows == "none" and kind in BLIND_TO):
            return
        seconds = 90.0 if kind is FaultKind.WRITE_LATE else 5.0
        self.stage.fault(kind, times=times, seconds=seconds, mutating=mutating)
        self.was_in_trouble = True

    @rule(lock=st.integers(0, 1), is_online=st.booleans())
    def connection(self, lock: int, is_online: bool) -> None:
        if self.site.features.shows == "none" and not is_online:
            return
        self.site.online(self.site.locks[lock], is_online)
        self.was_in_trouble = True

    @rule(span=st.sampled_from(SPANS))
    def time_passes(self, span: timedelta) -> None:
        self.run(self.stage.wait(span))
        self._nothing_opens_that_was_never_declared()

    @rule(span=st.sampled_from([HOUR, 8 * HOUR]))
    def nobody_works_for_a_while(self, span: timedelta) -> None:
        self.clock.advance(span)
        self.was_in_trouble = True
        self.run(self.stage.house.work())

    @rule()
    def the_worker_is_restarted(self) -> None:
        self.stage.house.restart()

    @rule(point=st.integers(1, 150))
    def a_worker_is_killed(self, point: int) -> None:
        self.run(self._kill(point))

    async def _kill(self, point: int) -> None:
        """In another process, as far as the rest can tell: what it held lapses, what it knew is lost."""
        await destroyed(self.stage, self.url, MINUTE, point)
        await self.stage.lose_leases()

    def teardown(self) -> None:
        try:
            if hasattr(self, "stage"):
                self._all_is_well_in_the_end()
        finally:
            self.run(self.stack.aclose())
            self.loop.close()

    def _all_is_well_in_the_end(self) -> None:
        self.site.faults.clear()
        for lock in self.site.locks:
            self.site.online(lock, True)
        self.run(self.stage.wait(50 * MINUTE))
        now = self.clock.now()
        while any(p.is_at_an_edge(now) for p in self.promises):
            self.run(self.stage.wait(AT_EDGES * 2))
            now = self.clock.now()
        for lock in self.site.locks:
            mine = [p for p in self.promises if p.lock == lock]
            held = self.site.held(lock)
            for promise in mine:
                opens = self.site.opens(lock, promise.let.code or "")
                assert opens == (promise.should_open(now) or self._is_early(promise, now)), (promise, held)
            allowed = [p.let.code for p in mine if not p.is_cancelled] + self.foreign[lock]
            assert len(held) == len(set(held)), held
            assert set(held) <= set(allowed), (held, allowed)
            assert set(self.foreign[lock]) <= set(held), "somebody else's code was touched"
            for promise in mine:
                if promise.should_open(now):
                    assert self.run(self.stage.standing(promise.let)) == "proven"

    def _nothing_opens_that_was_never_declared(self) -> None:
        now = self.clock.now()
        schedule = self.site.features.schedule
        early = HOUR if schedule.kind == "none" and not schedule.holds_disabled else timedelta(0)
        late = timedelta(0) if schedule.kind != "none" else 3 * MINUTE
        if schedule.kind == "none" and self.was_in_trouble:
            # What has no end of its own opens until it is taken away; that is said by the alarm.
            return
        for promise in self.promises:
            if self.site.opens(promise.lock, promise.let.code or ""):
                assert promise.may_open(now, early, late), (promise, now)

    def _is_early(self, promise: Promise, now: datetime) -> bool:
        schedule = self.site.features.schedule
        is_just_in_time = schedule.kind == "none" and not schedule.holds_disabled
        starts_at = promise.let.starts_at
        is_in_hour = starts_at - HOUR <= now < starts_at
        if is_just_in_time and is_in_hour and not promise.is_cancelled:
            return self.site.opens(promise.lock, promise.let.code or "")
        return False

    def _reference(self, promise: Promise) -> str | None:
        return self.site.reference_of(promise.lock, promise.let.code or "")


def _window(let: Let) -> tuple[datetime, datetime]:
    assert let.ends_at is not None
    return let.starts_at, let.ends_at


def _settings(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        print_blob=True,
        # Each example takes half a second: finding a shorter one is left to whoever runs the printed one.
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.timeout(600)
def test_whatever_happens_what_is_declared_is_what_opens_in_the_end(
    database_url: str, forget: Callable[[], None]
) -> None:
    factory: Any = lambda: Life(database_url, forget, PROFILES)  # noqa: E731
    run_state_machine_as_test(factory, settings=_settings(300, 6))


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("profile", PROFILES)
def test_ten_thousand_steps(database_url: str, forget: Callable[[], None], profile: str) -> None:
    steps = 40
    examples = 10_000 // len(PROFILES) // steps + 1
    factory: Any = lambda: Life(database_url, forget, [profile])  # noqa: E731
    run_state_machine_as_test(factory, settings=_settings(examples, steps))
