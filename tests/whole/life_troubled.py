"""What goes wrong in a life: at the vendor, in its app, with our own processes."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import rule
from tests.whole.ground import MOST_AT_ONCE
from tests.whole.interleaving import Player, interleaved, later
from tests.whole.life import Life
from tests.whole.life_declared import MOVES, Declaring
from tests.whole.promises import MINUTE, Promise
from tests.whole.stage import NukiSite, VirtualSite

from lockstep.emulation.faults import FaultKind
from lockstep.operations.errors import Problem
from lockstep.storage.database import Database


class Troubled(Declaring):
    """Everybody else's doings."""

    @rule(
        kind=st.sampled_from(FaultKind),
        times=st.integers(1, 3),
        skip=st.integers(0, 1),
        is_long=st.booleans(),
        mutating=st.sampled_from([True, True, False, None]),
        status=st.sampled_from([500, 502, 503, 504]),
    )
    def a_call_goes_wrong(
        self, kind: FaultKind, times: int, skip: int, is_long: bool, mutating: bool | None, status: int
    ) -> None:
        is_noticed = self.troubles.call_goes_wrong(
            kind, times, skip, is_long=is_long, mutating=mutating, status=status
        )
        self.was_in_trouble |= is_noticed
        self.has_lost_answers |= mutating is not False

    @rule(lock=st.integers(0, 1), is_online=st.booleans())
    def connection(self, lock: int, is_online: bool) -> None:
        if self.troubles.shows_nothing:
            return
        self.troubles.connect(self.site.locks[lock], is_online)
        self.was_in_trouble = True

    @rule()
    def the_vendor_refuses_our_credentials(self) -> None:
        self.troubles.refuse_credentials()
        self.was_in_trouble = True

    @rule()
    def an_operator_reconnects(self) -> None:
        """In the midst of whatever else goes wrong, so that it may fail."""
        if self.troubles.refuses_credentials:
            self.site.accept_credentials()
            try:
                self.run(self.stage.reconnect(self.site.credentials))
                self.troubles.refuses_credentials = False
            except Problem:
                assert self.was_in_trouble

    @rule(calls=st.sampled_from([1, 5, None]))
    def the_vendor_limits_calls(self, calls: int | None) -> None:
        self.troubles.limit_calls(calls)
        self.was_in_trouble = True

    @rule(lock=st.integers(0, 1))
    def the_subscription_ends(self, lock: int) -> None:
        self.troubles.refuse_writes(self.site.locks[lock])
        self.was_in_trouble = True

    @rule(times=st.integers(1, 3))
    def the_locks_are_missing_from_the_vendors_list(self, times: int) -> None:
        if isinstance(self.site, NukiSite):
            self.troubles.list_as_before(times)
            self.run(self.stage.describe())
            self.was_in_trouble = True

    @rule()
    def deleted_codes_stay_listed(self) -> None:
        if isinstance(self.site, NukiSite):
            self.troubles.leave_ghosts()
            self.was_in_trouble = True

    @rule(lock=st.integers(0, 1))
    def somebody_adds_a_code_in_the_app(self, lock: int) -> None:
        """Not into a slot that a write of ours is on its way to: who comes second wins it, and no call can tell."""
        where = self.site.locks[lock]
        if isinstance(self.site, VirtualSite) and self.site.has_slots_under_way:
            return
        if len(self.strangers[where]) < 2:
            digits = self.new_digits("98")
            self.site.app_put(where, None, digits)
            self.strangers[where].add(digits)

    @rule(promise=Life.promises, lock=st.integers(0, 1))
    def somebody_deletes_our_code_in_the_app(self, promise: Promise, lock: int) -> None:
        where = promise.locks[lock % len(promise.locks)]
        reference = self.site.reference_of(where, promise.code)
        if reference is not None and not self.troubles.shows_nothing:
            self.site.app_delete(where, reference)
            self.was_in_trouble = True

    @rule(promise=Life.promises, lock=st.integers(0, 1))
    def somebody_edits_our_code_in_the_app(self, promise: Promise, lock: int) -> None:
        where = promise.locks[lock % len(promise.locks)]
        reference = self.site.reference_of(where, promise.code)
        if reference is not None and self._would_be_seen(promise, where):
            digits = self.new_digits("97")
            self.site.app_put(where, reference, digits)
            self.forged.add(digits)
            self.was_in_trouble = True

    def _would_be_seen(self, promise: Promise, lock: str) -> bool:
        """Whether a reading could tell an edit. Where it shows versions, nobody can tell one that falls between a write
        whose answer was lost and the first reading after it: the version is then taken for that of the write."""
        if self.site.features.shows != "version":
            return self.site.features.shows == "digits"
        belief = self.run(self.stage.shown_of(promise.grant_id))[lock].row.entry.belief
        written_at, proven_at = belief.last_write_at, belief.proven_at
        return proven_at is not None and (written_at is None or proven_at >= written_at)

    @rule()
    def the_worker_is_restarted(self) -> None:
        self.house.restart()

    @rule(point=st.integers(1, 150))
    def a_worker_is_killed(self, point: int) -> None:
        self.run(self._kill(point))
        self.was_in_trouble = self.has_lost_answers = True

    async def _kill(self, point: int) -> None:
        """While it works for a minute. What it held lapses, what it knew is lost."""
        database = await self._new_connections()
        house = self.house.beside(database)
        victim = Player(house.advance(self.clock.now() + MINUTE), database, point)
        await self._end_of(victim, *await interleaved([victim], Random(0), self.ground.above_all))

    async def _new_connections(self) -> Database:
        return await Database.open(self.ground.database_url, most_connections=4)

    async def _end_of(self, victim: Player, is_killed: bool) -> None:
        await self.house.lines.quiet()
        await self.stage.lose_leases()
        if not is_killed:
            await victim.database.close()

    @rule(
        workers=st.integers(2, MOST_AT_ONCE - 1),
        chance=st.integers(0, 10_000),
        instants=st.integers(1, 3),
        kill_at=st.none() | st.integers(1, 100),
        lapse_at=st.none() | st.integers(1, 40),
    )
    def several_work_at_once(
        self, workers: int, chance: int, instants: int, kill_at: int | None, lapse_at: int | None
    ) -> None:
        """`lapse_at`: when leases pass to others although those who held them are still at work."""
        other = None
        if lapse_at is not None:
            self.was_in_trouble = True
            clerk = self.stage.beside(self.house.beside(self.ground.databases[-1]))
            other = Player(later(lapse_at, clerk.lose_leases()), clerk.house.gate.database)
        self.run(self._together(workers, Random(chance), instants, kill_at, other))

    @rule(
        promise=Life.promises,
        by=MOVES,
        is_start=st.booleans(),
        workers=st.integers(1, MOST_AT_ONCE - 1),
        chance=st.integers(0, 10_000),
    )
    def somebody_moves_while_several_work(
        self, promise: Promise, by: timedelta, is_start: bool, workers: int, chance: int
    ) -> None:
        after = self.moved(promise, by, is_start=is_start)
        if after is not None:
            desk = self.stage.beside(self.house.beside(self.ground.databases[-1]))
            edit = Player(self.move(desk, promise, after), desk.house.gate.database)
            self.run(self._together(workers, Random(chance), 1, None, edit))
            self.declare_moved(promise, after)

    async def _together(
        self, workers: int, random: Random, instants: int, kill_at: int | None, besides: Player | None
    ) -> None:
        """At each of some instants within a minute all work in turn, step by step; the first may be killed."""
        until = self.clock.now() + MINUTE
        for _ in range(instants):
            databases = self.ground.databases[:workers]
            if kill_at is not None:
                databases[0] = await self._new_connections()
            players = [self._player(database) for database in databases[1:]]
            players.insert(0, self._player(databases[0], kill_at))
            players += [besides] if besides is not None else []
            besides = None
            killed = await interleaved(players, random, self.ground.above_all)
            await self.house.lines.quiet()
            if kill_at is not None:
                self.was_in_trouble = self.has_lost_answers = True
                await self._end_of(players[0], killed[0])
            due_at = await self.house.next_due()
            if due_at is None or due_at > until:
                return
            self.clock.set(max(due_at, self.clock.now()))

    def _player(self, database: Database, kill_at: int | None = None) -> Player:
        house = self.house.beside(database)
        return Player(house.work_alone(), database, kill_at)
