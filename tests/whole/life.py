"""One account, two doors, time that passes, and the oracle: what is declared is what opens, and nothing else ever does.

What should open is worked out from what the test itself declared, what does from the emulated doors: neither reads
Lockstep's tables."""

from __future__ import annotations

import sys
from collections.abc import Awaitable
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule
from tests.whole.ground import Ground
from tests.whole.promises import AT_EDGES, HOUR, MINUTE, Promise, Ways
from tests.whole.stage import connected, make_site
from tests.whole.vendor_troubles import VendorTroubles

from lockstep.emulation.clock import VirtualClock
from lockstep.operations import access_codes, devices, spaces
from lockstep.operations.access_codes import ListCodes
from lockstep.vendors.virtual.emulator.rules import CODE_RULES

T = TypeVar("T")
BEGIN = datetime(2026, 6, 1, 11, 30, tzinfo=UTC)
"""An hour and a half before check-in at the house."""
ZONE = "Europe/Amsterdam"
CHECK_IN, CHECK_OUT = time(15), time(11)
SPANS = [timedelta(seconds=10), MINUTE, 20 * MINUTE, 3 * HOUR]
SETTLED = 20 * MINUTE
"""After so long without trouble everything declared stands."""
MENDED = 50 * MINUTE
"""After so long everything is right again whatever went wrong before, or Lockstep says what a person has to do."""

MUCH = 12
"""Steps after which a life may come to rest before it ends."""


class Life(RuleBasedStateMachine):
    """Moving in, time, and what must hold. The rules that make a life of it are in the classes that build on this."""

    promises: Bundle[Promise] = Bundle("promises")

    def __init__(self, ground: Ground, profile: str) -> None:
        super().__init__()
        self.ground, self.profile = ground, profile
        self.declared: list[Promise] = []
        self.strangers: dict[str, set[str]] = {}
        """Somebody else's codes, by lock: nobody touches them."""
        self.forged: set[str] = set()
        """Digits that somebody gave to our codes in the vendor's app."""
        self.was_in_trouble = False
        self.has_lost_answers = False
        """What came of a write of ours may be unknown to Lockstep."""
        self.since_mended = 0
        """Steps."""
        self._numbered = 0

    def run(self, work: Awaitable[T]) -> T:
        return self.ground.run(work)

    def move_in(self, chance: int, vendors_ways: dict[str, Any]) -> None:
        self.clock = VirtualClock(BEGIN)
        switches = vendors_ways if self.profile == "nuki" else {}
        self.site = make_site(self.clock, self.profile, 2, **switches)
        self.ways = Ways.of(self.site.features)
        self.troubles = VendorTroubles(self.site)
        self.front_door, self.flats_door = self.site.locks
        self.strangers = {lock: set() for lock in self.site.locks}
        self.run(self._move_in(Random(chance)))

    async def _move_in(self, random: Random) -> None:
        house = await self.ground.new_house(self.clock, self.site.app, random)
        self.house = house
        self.stage = await connected(house, self.site)
        async with house.gate.transaction(house.actor.workspace_id) as tx:
            whole = spaces.CreateSpace(
                "House",
                time_zone=ZONE,
                check_in=CHECK_IN,
                check_out=CHECK_OUT,
                device_ids=(self.stage.device_id(self.front_door),),
            )
            self.whole_house = (await spaces.create(tx, house.actor, whole)).space_id
            flat = spaces.CreateSpace(
                "Flat", self.whole_house, device_ids=(self.stage.device_id(self.flats_door),)
            )
            self.flat = (await spaces.create(tx, house.actor, flat)).space_id

    def new_digits(self, beginning: str) -> str:
        """Digits that nobody else has, within the rules of the locks."""
        length = max(n for n in self.site.features.code_lengths if n <= 8) - len(beginning)
        while True:
            self._numbered += 1
            digits = beginning + "".join(str(1 + self._numbered // 9**p % 9) for p in range(length))
            if all(CODE_RULES[name](digits) for name in self.site.features.code_rules):
                return digits

    @invariant()
    def a_step_was_done(self) -> None:
        self.since_mended += 1

    @rule(span=st.sampled_from(SPANS))
    def time_passes(self, span: timedelta) -> None:
        self.run(self.stage.wait(span))
        self.nothing_opens_that_was_never_declared()
        is_between = any(p.is_at_an_edge(self.ways, self.clock.now()) for p in self.declared)
        if span >= SETTLED and not self.was_in_trouble and not is_between:
            self.all_is_well()

    @rule(span=st.sampled_from([HOUR, 8 * HOUR]))
    def nobody_works_for_a_while(self, span: timedelta) -> None:
        self.clock.advance(span)
        self.was_in_trouble = True
        self.run(self.house.work())

    @precondition(lambda self: self.since_mended >= MUCH)
    @rule()
    def all_is_mended(self) -> None:
        """Now and then in a long life, so that its troubles do not cover each other."""
        self._come_to_rest()

    def teardown(self) -> None:
        has_failed = sys.exc_info()[0] is not None
        if hasattr(self, "stage") and not has_failed:
            self._come_to_rest()

    def _come_to_rest(self) -> None:
        self.run(self._mend() if self.was_in_trouble else self.stage.wait(SETTLED))
        self.run(self._leave_the_edges())
        self.was_in_trouble, self.since_mended = False, 0
        self.all_is_well()

    async def _mend(self) -> None:
        was_refused = self.troubles.refuses_credentials
        self.troubles.mend()
        if was_refused:
            await self.stage.reconnect(self.site.credentials)
        await self.stage.wait(MENDED)
        if await self._a_person_is_asked():
            for lock in self.site.locks:
                await self.stage.ask(devices.look_now, self.stage.device_id(lock))
            await self.stage.wait(MENDED)

    async def _leave_the_edges(self) -> None:
        while any(p.is_at_an_edge(self.ways, self.clock.now()) for p in self.declared):
            await self.stage.wait(AT_EDGES * 2)

    async def _a_person_is_asked(self) -> bool:
        """Whether Lockstep shows anywhere that something failed, with a next step."""
        codes = await self.stage.ask(access_codes.list_shown, ListCodes())
        return any(code.failure is not None for code in codes)

    def all_is_well(self) -> None:
        """What is declared opens, is proven, and nothing else is on any lock."""
        try:
            self._assert_all_is_well()
        except AssertionError as error:
            for line in self.run(self._what_lockstep_says()):
                error.add_note(line)
            raise

    async def _what_lockstep_says(self) -> list[str]:
        codes = await self.stage.ask(access_codes.list_shown, ListCodes())
        return [
            f"Lockstep at {self.clock.now()}: {c.standing.value} {c.digits} {c.window} {c.failure} {c.row.entry.belief}"
            for c in codes
        ]

    def _assert_all_is_well(self) -> None:
        now = self.clock.now()
        for lock in self.site.locks:
            held = self.site.held(lock)
            mine = [p for p in self.declared if lock in p.locks]
            for code in {p.code for p in mine}:
                # Two guests may have had the same digits, one after the other.
                should = {p.should_open(self.ways, now) for p in mine if p.code == code}
                if True in should or None not in should:
                    assert self.site.opens(lock, code) == (True in should), (lock, code, mine, held)
            for promise in (p for p in mine if p.should_open(self.ways, now)):
                standing = self.run(self.stage.shown_of(promise.grant_id))[lock].standing.value
                assert standing == "proven", (lock, promise, standing)
            may_stand = {p.code for p in mine if p.may_stand(self.ways, now)}
            assert len(held) == len(set(held)), (lock, held)
            assert set(held) <= may_stand | self.strangers[lock], (lock, held, may_stand)
            if self.has_lost_answers and self.troubles.shows_nothing:
                # Where nothing is shown, a slot whose write was never answered is taken for ours, whoever has it: to
                # leave it could leave a guest's code there for ever.
                continue
            assert self.strangers[lock] <= set(held), (lock, "somebody else's code was touched")

    def nothing_opens_that_was_never_declared(self) -> None:
        if self.ways.late is not None and self.was_in_trouble:
            # What has no end of its own opens until it is taken away; that is said by the alarm.
            return
        now = self.clock.now()
        for lock in self.site.locks:
            for code in self.site.held(lock):
                if code in self.strangers[lock] | self.forged or not self.site.opens(lock, code):
                    continue
                mine = [p for p in self.declared if lock in p.locks]
                assert any(p.was_ever_to_open(code, self.ways, now) for p in mine), (lock, code, mine, now)
