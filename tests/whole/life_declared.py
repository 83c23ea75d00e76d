"""What people declare in a life: grants and bookings made, moved, cancelled; and what a booking platform tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.stateful import consumes, initialize, multiple, precondition, rule
from tests.whole.life import BEGIN, CHECK_IN, CHECK_OUT, ZONE, Life
from tests.whole.promises import HOUR, MINUTE, Promise, Stretch
from tests.whole.stage import Stage
from tests.whole.vendor_troubles import NUKI_WAYS

from lockstep.emulation.feed_text import HostStay
from lockstep.emulation.feeds import FeedFaultKind
from lockstep.operations import bookings, calendars, grants
from lockstep.operations.bookings import Booking, CancelBooking, ChangeBooking, CreateBooking
from lockstep.operations.calendars import AddCalendar, Calendar, NameCalendar, PolicyChange
from lockstep.operations.errors import AccountInError
from lockstep.operations.grants import ChangeGrant, CreateGrant
from lockstep.operations.guests import CreateGuest

DAY = timedelta(days=1)
MOST = 6
"""So many stays at a time."""
STARTS = st.sampled_from([-HOUR, 5 * MINUTE, 50 * MINUTE, 2 * HOUR, 90 * HOUR])
LASTS = st.sampled_from([2 * HOUR, 26 * HOUR])
MOVES = st.sampled_from([-HOUR, HOUR, 30 * HOUR])
FEED = "flat"
FEED_FAULTS = [
    FeedFaultKind.EMPTY_BODY,
    FeedFaultKind.NO_ENTRIES,
    FeedFaultKind.ERROR_500,
    FeedFaultKind.NOT_FOUND,
    FeedFaultKind.HTML,
    FeedFaultKind.TRUNCATED,
    FeedFaultKind.CUT,
    FeedFaultKind.UNASKED_304,
    FeedFaultKind.TO_PRIVATE,
]
"""All but those that take seconds of real time, or 50 MB."""
BETWEEN_READINGS = timedelta(minutes=25)
"""Of three readings, so that the last is 45 minutes, and more, after the first."""


class Declaring(Life):
    """By hand: as the API's operations are asked. By a platform: what its calendar shows is changed and imported."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.calendar: Calendar | None = None
        self.stays: list[HostStay] = []
        self.booked = 0
        """So many stays were ever booked there: a platform gives no number twice."""

    @initialize(
        target=Life.promises,
        chance=st.integers(0, 10_000),
        vendors_ways=st.sampled_from(NUKI_WAYS),
        starts_in=STARTS,
    )
    def the_first_guest(self, chance: int, vendors_ways: dict[str, Any], starts_in: timedelta) -> Promise:
        self.move_in(chance, vendors_ways)
        return self._booked(self.flat, self.clock.now() + starts_in, None)

    @property
    def is_full(self) -> bool:
        return (
            len([p for p in self.declared if not p.is_cancelled and not p.is_over(self.clock.now())]) >= MOST
        )

    @rule(
        target=Life.promises,
        doors=st.sampled_from([(0,), (1,), (0, 1)]),
        starts_in=STARTS,
        lasts=LASTS,
        is_code_given=st.booleans(),
    )
    def somebody_is_let_in(
        self, doors: tuple[int, ...], starts_in: timedelta, lasts: timedelta, is_code_given: bool
    ) -> Any:
        if self.is_full:
            return multiple()
        locks = tuple(self.site.locks[n] for n in doors)
        stretch = Stretch(self.clock.now() + starts_in, self.clock.now() + starts_in + lasts)
        command = CreateGrant(
            "Anna",
            stretch.starts_at,
            stretch.ends_at,
            device_ids=tuple(self.stage.device_id(lock) for lock in locks),
            code=self.new_digits("96") if is_code_given else None,
        )
        try:
            made = self.run(self.stage.ask(grants.create_shown, command))
        except AccountInError:
            assert self.was_in_trouble
            return multiple()
        assert made.access_method is not None
        if command.code is not None:
            assert made.access_method.code == command.code
        promise = Promise(locks, stretch, grant_id=made.access_grant_id)
        promise.declare(code=made.access_method.code)
        self.declared.append(promise)
        return promise

    @rule(
        target=Life.promises,
        is_whole_house=st.booleans(),
        starts_in=STARTS,
        nights=st.sampled_from([None, 1, 3]),
    )
    def somebody_books(self, is_whole_house: bool, starts_in: timedelta, nights: int | None) -> Any:
        if self.is_full:
            return multiple()
        return self._booked(
            self.whole_house if is_whole_house else self.flat, self.clock.now() + starts_in, nights
        )

    def _booked(self, space_id: str, starts_at: datetime, nights: int | None) -> Promise:
        """`nights` None: two hours; otherwise until check-out."""
        departs = None if nights is None else date_of(starts_at) + nights * DAY
        ends_at = starts_at + 2 * HOUR if departs is None else instant(departs, check_out=True)
        said = {"ends_at": ends_at} if departs is None else {"departs": departs}
        guest = CreateGuest("Berta", phone="+31 6 1234 5678")
        command = CreateBooking(space_id, starts_at=starts_at, guest=guest, **said)
        booking = self.run(self.stage.ask(bookings.create, command))
        return self._promised(booking, Stretch(starts_at, ends_at))

    def _promised(self, booking: Booking, stretch: Stretch, stay: HostStay | None = None) -> Promise:
        promise = Promise((self.front_door, self.flats_door), stretch, booking_id=booking.booking_id)
        promise.stay, promise.said = stay, stretch
        self._ask_digits(promise)
        self.declared.append(promise)
        return promise

    def _ask_digits(self, promise: Promise) -> None:
        """As whoever greets the guest does."""
        found = self.run(self.stage.ask(grants.listed, grants.ListGrants(booking_id=promise.booking_id)))
        (grant,) = [
            g for g in found if g.cancelled_at is None and promise.grant_id in ("", g.access_grant_id)
        ]
        assert grant.access_method is not None
        promise.grant_id = grant.access_grant_id
        promise.declare(code=grant.access_method.code)

    @rule(promise=Life.promises, by=MOVES, is_start=st.booleans())
    def somebody_moves(self, promise: Promise, by: timedelta, is_start: bool) -> None:
        after = self.moved(promise, by, is_start=is_start)
        if after is not None:
            self.run(self.move(self.stage, promise, after))
            self.declare_moved(promise, after)

    def moved(self, promise: Promise, by: timedelta, *, is_start: bool) -> Stretch | None:
        """None: it cannot be moved like that."""
        before = promise.stretch
        if is_start:
            after = Stretch(before.starts_at + by, before.ends_at)
        else:
            after = Stretch(before.starts_at, before.ends_at + by)
        is_stay = after.starts_at < after.ends_at and not after.ends_at <= self.clock.now()
        return after if is_stay and not promise.is_cancelled else None

    async def move(self, stage: Stage, promise: Promise, after: Stretch) -> None:
        """Only what differs is said."""
        said = {
            name: getattr(after, name)
            for name in ("starts_at", "ends_at")
            if getattr(after, name) != getattr(promise.stretch, name)
        }
        if promise.booking_id is None:
            await stage.changed(promise.grant_id, ChangeGrant(**said))
        else:
            await stage.ask(bookings.change, ChangeBooking(promise.booking_id, **said))

    def declare_moved(self, promise: Promise, after: Stretch) -> None:
        promise.declare(after)
        self._ask_digits(promise)

    @rule(promise=Life.promises, nights=st.sampled_from([1, 2]))
    def somebody_extends_until_check_out(self, promise: Promise, nights: int) -> None:
        if promise.booking_id is None or promise.is_cancelled:
            return
        departs = date_of(max(promise.stretch.ends_at, self.clock.now())) + nights * DAY
        self.run(self.stage.ask(bookings.change, ChangeBooking(promise.booking_id, departs=departs)))
        promise.declare(Stretch(promise.stretch.starts_at, instant(departs, check_out=True)))
        self._ask_digits(promise)

    @rule(promise=Life.promises)
    def somebody_gives_other_digits(self, promise: Promise) -> None:
        if promise.is_cancelled or promise.is_over(self.clock.now()):
            return
        digits = self.new_digits("95")
        told = self.run(self.stage.changed(promise.grant_id, ChangeGrant(code=digits)))
        assert told == digits
        promise.declare(code=digits)

    @rule(promise=consumes(Life.promises), is_compromised=st.booleans())
    def somebody_cancels(self, promise: Promise, is_compromised: bool) -> None:
        if promise.booking_id is None:
            self.run(self.stage.cancelled(promise.grant_id, is_compromised=is_compromised))
        elif not promise.is_over(self.clock.now()):
            self.run(self.stage.ask(bookings.cancel, CancelBooking(promise.booking_id)))
        else:
            return
        promise.is_cancelled = True

    @rule(target=Life.promises, arrives_in=st.integers(-1, 2), nights=st.integers(1, 2))
    def the_platform_books(self, arrives_in: int, nights: int) -> Any:
        arrives = date_of(self.clock.now()) + arrives_in * DAY
        stay = HostStay(self.booked + 1, arrives, arrives + nights * DAY)
        if self.is_full or stretch_of(stay).ends_at <= self.clock.now():
            return multiple()
        self.booked += 1
        self.stays.append(stay)
        self.run(self._import())
        (booking,) = self._told_by(stay)
        return self._promised(booking, stretch_of(stay), stay)

    def _told_by(self, stay: HostStay) -> list[Booking]:
        found = self.run(self.stage.ask(bookings.listed, bookings.ListBookings()))
        return [b for b in found if b.reservation_code == stay.reservation_code]

    async def _import(self) -> Calendar:
        """The platform shows `stays`, and the host asks Lockstep to read them now."""
        address = self.ground.feeds_at + self.ground.board.put(FEED, "airbnb", self.stays)
        if self.calendar is None:
            command = AddCalendar(self.flat, address, FEED, PolicyChange(pull_every=DAY / 4))
            self.calendar = await self.stage.ask(calendars.add, command)
        named = NameCalendar(self.calendar.calendar_id)
        await self.stage.ask(calendars.import_now, named)
        await self.house.work()
        return await self.stage.ask(calendars.get, named)

    @rule(promise=Life.promises, by=st.sampled_from([-1, 1]), is_arrival=st.booleans())
    def the_platform_moves(self, promise: Promise, by: int, is_arrival: bool) -> None:
        """Who is inside keeps what he has, but for an end that is still ahead."""
        stay, now = promise.stay, self.clock.now()
        if stay is None or stay not in self.stays or promise.is_cancelled or promise.is_over(now):
            return
        arrives, departs = stay.arrives, stay.departs
        moved = (
            replace(stay, arrives=arrives + by * DAY)
            if is_arrival
            else replace(stay, departs=departs + by * DAY)
        )
        told = stretch_of(moved)
        if moved.arrives >= moved.departs or told.ends_at <= now:
            return
        self.stays[self.stays.index(stay)] = promise.stay = moved
        assert promise.said is not None
        is_inside = promise.stretch.holds(now)
        said = Stretch(promise.said.starts_at, told.ends_at) if is_inside else told
        if is_inside and said.ends_at != promise.said.ends_at:
            promise.declare(Stretch(promise.stretch.starts_at, said.ends_at))
        elif not is_inside and said != promise.said:
            promise.declare(said)
        promise.said = said
        self.run(self._import())
        self._ask_digits(promise)

    @rule(promise=Life.promises)
    def the_platform_cancels(self, promise: Promise) -> None:
        """Believed after three readings, or at once where an operator confirms; never while the guest is inside."""
        if promise.stay is None or promise.stay not in self.stays or promise.is_over(self.clock.now()):
            return
        self.stays.remove(promise.stay)
        for is_last in (False, False, True):
            calendar = self.run(self._import())
            if calendar.held is not None:
                named = NameCalendar(calendar.calendar_id)
                self.run(self.stage.ask(calendars.confirm_hold, named))
                self.run(self.house.work())
                is_last = True
            if is_last:
                break
            self.run(self.stage.wait(BETWEEN_READINGS))
        if not promise.stretch.holds(self.clock.now()):
            promise.is_cancelled = True

    @precondition(lambda self: self.calendar is not None)
    @rule(fault=st.sampled_from(FEED_FAULTS))
    def the_feed_goes_wrong(self, fault: FeedFaultKind) -> None:
        """Nothing follows from it. Where it shows an empty calendar, an operator says that nothing is lost."""
        self.ground.board.feeds[FEED].fault = fault
        self.run(self._import())
        self.ground.board.feeds[FEED].fault = None
        calendar = self.run(self._import())
        if calendar.held is not None:
            self.run(self.stage.ask(calendars.release_hold, NameCalendar(calendar.calendar_id)))
            self.run(self.house.work())


def date_of(at: datetime) -> date:
    """At the house."""
    return at.astimezone(ZoneInfo(ZONE)).date()


def instant(day: date, *, check_out: bool) -> datetime:
    hour = CHECK_OUT if check_out else CHECK_IN
    return datetime.combine(day, hour, ZoneInfo(ZONE)).astimezone(BEGIN.tzinfo)


def stretch_of(stay: HostStay) -> Stretch:
    return Stretch(instant(stay.arrives, check_out=False), instant(stay.departs, check_out=True))
