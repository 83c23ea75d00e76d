"""The conformance suite itself: drivers that are wrong in one way each, and the case that must catch them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import httpx2
import pytest

from lockstep.driver.changes import Action, Change, EnsurePresent, Intent, ObserveScope
from lockstep.driver.conformance.cases import ALL_CASES
from lockstep.driver.contract import Callback, CallbackDesk, Description, Driver, Reading, Vendor
from lockstep.driver.outcomes import Done, DriverError, Outcome, Refused, Unknown, VendorUnreachable
from lockstep.model.capabilities import Evidence
from lockstep.model.window import Window
from lockstep.vendors.virtual.tests.worlds import BEGIN, VirtualTestWorld, open_world

CASES = {case.name: case for case in ALL_CASES}


class Honest:
    """Passes everything on; those below are wrong in one way each."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver

    @property
    def callbacks(self) -> CallbackDesk | None:
        return self.driver.callbacks

    async def describe(self) -> Description:
        return await self.driver.describe()

    async def observe(self, scope: ObserveScope) -> Reading:
        return await self.driver.observe(scope)

    def place(self, targets: frozenset[str], taken: frozenset[str], most: int | None) -> str | None:
        return self.driver.place(targets, taken, most)

    async def apply(self, intent: Intent, change: Change) -> Outcome:
        return await self.driver.apply(intent, change)

    async def follow(self, token: str) -> Outcome:
        return await self.driver.follow(token)

    async def act(self, intent: Intent, action: Action) -> Outcome:
        return await self.driver.act(intent, action)


class SendsAgain(Honest):
    async def apply(self, intent: Intent, change: Change) -> Outcome:
        outcome = await self.driver.apply(intent, change)
        return await self.driver.apply(intent, change) if isinstance(outcome, Unknown) else outcome


class TakesLostForUnsent(Honest):
    async def apply(self, intent: Intent, change: Change) -> Outcome:
        outcome = await self.driver.apply(intent, change)
        if isinstance(outcome, Unknown):
            raise VendorUnreachable
        return outcome


class TakesLostForDone(Honest):
    async def apply(self, intent: Intent, change: Change) -> Outcome:
        outcome = await self.driver.apply(intent, change)
        return Done(Evidence.ACCEPTED) if isinstance(outcome, Unknown) else outcome


class ReadsErrorsAsEmpty(Honest):
    async def observe(self, scope: ObserveScope) -> Reading:
        try:
            return await self.driver.observe(scope)
        except DriverError:
            return Reading(BEGIN, scope.targets or frozenset(), ())


class ReadsUnreadAsEmpty(Honest):
    async def observe(self, scope: ObserveScope) -> Reading:
        reading = await self.driver.observe(scope)
        return replace(reading, complete_for=scope.targets or reading.complete_for)


class BelievesListings(Honest):
    async def observe(self, scope: ObserveScope) -> Reading:
        reading = await self.driver.observe(scope)
        proven = tuple(replace(entry, evidence=Evidence.ACKNOWLEDGED) for entry in reading.entries)
        return replace(reading, entries=proven)


class ClaimsUse(Honest):
    async def apply(self, intent: Intent, change: Change) -> Outcome:
        outcome = await self.driver.apply(intent, change)
        return replace(outcome, evidence=Evidence.USED) if isinstance(outcome, Done) else outcome


class RepeatsDigits(Honest):
    async def apply(self, intent: Intent, change: Change) -> Outcome:
        outcome = await self.driver.apply(intent, change)
        if isinstance(outcome, Refused) and isinstance(change, EnsurePresent):
            return replace(outcome, said=f"{change.digits} is taken")
        return outcome


class DropsTheEnd(Honest):
    async def apply(self, intent: Intent, change: Change) -> Outcome:
        if isinstance(change, EnsurePresent):
            change = replace(change, window=Window(change.window.starts_at))
        return await self.driver.apply(intent, change)


class EnablesEverything(Honest):
    async def apply(self, intent: Intent, change: Change) -> Outcome:
        if isinstance(change, EnsurePresent):
            change = replace(change, is_enabled=True)
        return await self.driver.apply(intent, change)


class Overwrites(Honest):
    async def apply(self, intent: Intent, change: Change) -> Outcome:
        if isinstance(change, EnsurePresent):
            change = replace(change, reference=change.place)
        return await self.driver.apply(intent, change)


class TrustsEverybody:
    """A vendor that checks no signature."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor

    def __getattr__(self, name: str) -> object:
        return getattr(self.vendor, name)

    def read_callback(self, headers: Mapping[str, str], body: bytes, secret: str) -> Callback:
        return Callback(None)


class BentWorld(VirtualTestWorld):
    """A world whose drivers are bent."""

    bend: type[Honest] = Honest

    def driver(self, http: httpx2.AsyncClient | None = None) -> Driver:
        return self.bend(super().driver(http))


@pytest.mark.parametrize(
    ("bend", "model", "case"),
    [
        (SendsAgain, "plain", "a_write_whose_reply_is_lost_before_it_was_done_is_unknown"),
        (SendsAgain, "plain", "a_removal_whose_reply_is_lost_is_unknown_and_never_sent_again"),
        (TakesLostForUnsent, "plain", "a_server_error_after_a_write_is_unknown_and_the_write_stands"),
        (TakesLostForDone, "plain", "a_write_whose_reply_is_lost_before_it_was_done_is_unknown"),
        (ReadsErrorsAsEmpty, "plain", "an_observation_that_fails_is_an_error_and_not_an_empty_reading"),
        (ReadsUnreadAsEmpty, "gateway", "a_lock_that_cannot_be_read_is_unread_and_not_empty"),
        (BelievesListings, "plain", "a_write_that_never_reaches_the_lock_is_never_proven"),
        (BelievesListings, "silent_duplicates", "digits_that_are_dropped_silently_are_never_proven"),
        (ClaimsUse, "plain", "a_yes_claims_no_more_than_was_proven"),
        (RepeatsDigits, "plain", "no_outcome_error_or_log_line_shows_digits"),
        (DropsTheEnd, "plain", "a_code_opens_from_its_start_until_its_end_and_at_no_other_time"),
        (EnablesEverything, "existence", "a_disabled_code_opens_only_once_it_is_enabled"),
        (Overwrites, "slots", "a_place_that_a_second_writer_took_meanwhile_is_not_overwritten"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else value,
)
async def test_a_driver_that_is_wrong_is_caught(bend: type[Honest], model: str, case: str) -> None:
    async with open_world(model) as world:
        bent = BentWorld(model, world.http, world.emulated)
        bent.bend = bend
        with pytest.raises((AssertionError, DriverError)):
            await CASES[case](bent)


async def test_a_vendor_that_trusts_forged_callbacks_is_caught() -> None:
    async with open_world("plain") as world:
        world.vendor = TrustsEverybody(world.vendor)  # type: ignore[assignment]
        with pytest.raises(AssertionError):
            await CASES["a_signed_callback_tells_where_to_look_and_a_forged_one_is_refused"](world)
