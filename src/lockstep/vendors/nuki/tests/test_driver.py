"""The driver on the emulated vendor: what it sends, what it reads, what it makes of trouble."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from lockstep.driver.changes import (
    Action,
    Change,
    ConfigureAutoLock,
    EnsureAbsent,
    EnsurePresent,
    Intent,
    Issue,
    ObserveScope,
    Unlock,
)
from lockstep.driver.contract import ObservedEntry, Reading
from lockstep.driver.outcomes import (
    CredentialsRefused,
    Done,
    DriverError,
    Outcome,
    Reason,
    Refused,
    UnexpectedReply,
    Unknown,
    VendorBusy,
    VendorUnreachable,
)
from lockstep.emulation.faults import FaultKind
from lockstep.kit.clock import SystemClock
from lockstep.kit.ids import new_id
from lockstep.model.capabilities import Evidence, ReadBack
from lockstep.model.window import Window
from lockstep.vendors.nuki import NUKI
from lockstep.vendors.nuki.tests.worlds import ENDPOINT, MIDDAY, TOKEN, NukiWorld, nuki_world

STAY = Window(MIDDAY + timedelta(hours=2), MIDDAY + timedelta(days=2))
DIGITS = "345678"
ALL_FIVE = {
    "allowedFromDate": "2026-06-01T14:00:00.000Z",
    "allowedUntilDate": "2026-06-03T12:00:00.000Z",
    "allowedWeekDays": 127,
    "allowedFromTime": 0,
    "allowedUntilTime": 0,
}


@pytest.fixture
async def world() -> AsyncIterator[NukiWorld]:
    async with nuki_world() as made:
        yield made


def _present(world: NukiWorld, **more: Any) -> EnsurePresent:
    fields = {"digits": DIGITS, "window": STAY, "name": "Anna k7f2q", **more}
    return EnsurePresent(frozenset({world.targets[0]}), **fields)


async def _apply(world: NukiWorld, change: Change) -> Outcome:
    return await world.driver().apply(world.intent, change)


async def _read(world: NukiWorld, **scope: Any) -> Reading:
    return await world.driver().observe(ObserveScope(**scope))


async def _mine(world: NukiWorld) -> list[ObservedEntry]:
    reading = await _read(world)
    return [e for e in reading.entries if e.is_code and e.targets == {world.targets[0]}]


async def _standing(world: NukiWorld) -> ObservedEntry:
    """A code of ours, set and read back."""
    assert isinstance(await _apply(world, _present(world)), Done)
    world.settle()
    (entry,) = await _mine(world)
    return entry


async def test_describe_tells_the_account_and_each_lock(world: NukiWorld) -> None:
    described = await world.driver().describe()
    assert described.account == "100001"
    assert [target.name for target in described.targets] == ["Front door", "Flat 1", "Shed"]
    front = described.targets[0]
    assert front.domain == front.reference == world.targets[0]
    assert front.time_zone == "Europe/Berlin"
    assert front.state.is_online
    assert front.state.is_locked
    assert front.state.battery_level == 0.9
    assert front.state.problems == ()


@pytest.mark.parametrize(
    ("shows", "read_back"), [(True, ReadBack.DIGITS), (False, ReadBack.EXISTS)], ids=["shown", "hidden"]
)
async def test_digits_can_be_read_back_where_the_account_shows_some(shows: bool, read_back: ReadBack) -> None:
    async with nuki_world(returns_digits=shows) as world:
        described = await world.driver().describe()
        assert {target.capabilities.read_back for target in described.targets} == {read_back}


async def test_an_account_without_locks_is_told_by_its_token(world: NukiWorld) -> None:
    world.emulator.locks.clear()
    for view in list(world.emulator.lock_views):
        world.emulator.lock_views.drop(view["smartlockId"], MIDDAY)
    described = await world.driver().describe()
    assert described.targets == ()
    assert described.account.startswith("token-")
    assert TOKEN not in described.account


async def test_a_new_code_is_put_with_type_13_and_all_five_restrictions(world: NukiWorld) -> None:
    outcome = await _apply(world, _present(world))
    assert outcome == Done(Evidence.ACCEPTED, version="127/0-0")
    (call,) = world.writes()
    assert (call.method, call.path) == ("PUT", f"/smartlock/{world.targets[0]}/auth")
    assert call.body == {"type": 13, "name": "Anna k7f2q", "code": 345678, "remoteAllowed": False, **ALL_FIVE}


async def test_an_update_is_posted_with_the_whole_state(world: NukiWorld) -> None:
    entry = await _standing(world)
    outcome = await _apply(world, _present(world, reference=entry.reference, digits="456789"))
    assert outcome == Done(Evidence.ACCEPTED, reference=entry.reference, version="127/0-0")
    call = world.writes()[-1]
    assert (call.method, call.path) == ("POST", f"/smartlock/{world.targets[0]}/auth/{entry.reference}")
    assert call.body == {
        "enabled": True,
        "name": "Anna k7f2q",
        "code": 456789,
        "remoteAllowed": False,
        **ALL_FIVE,
    }
    world.settle()
    (changed,) = await _mine(world)
    assert (changed.reference, changed.digits) == (entry.reference, "456789")


async def test_an_update_can_disable_a_code_and_take_its_end_away(world: NukiWorld) -> None:
    entry = await _standing(world)
    ongoing = _present(world, reference=entry.reference, window=Window(STAY.starts_at), is_enabled=False)
    assert isinstance(await _apply(world, ongoing), Done)
    assert world.writes()[-1].body["allowedUntilDate"] is None
    world.settle()
    (changed,) = await _mine(world)
    assert changed.window == Window(STAY.starts_at)
    assert changed.is_enabled is False


async def test_a_removal_deletes_this_entry_alone(world: NukiWorld) -> None:
    entry = await _standing(world)
    world.app_add(world.targets[0], "567891", None, "Cleaner")
    change = EnsureAbsent(entry.targets, entry.reference)
    assert await _apply(world, change) == Done(Evidence.ACCEPTED)
    assert world.writes()[-1].path == f"/smartlock/{world.targets[0]}/auth/{entry.reference}"
    world.settle()
    assert [left.name for left in await _mine(world)] == ["Cleaner"]


async def test_removing_twice_is_done_twice(world: NukiWorld) -> None:
    entry = await _standing(world)
    change = EnsureAbsent(entry.targets, entry.reference)
    for _ in range(2):
        assert await _apply(world, change) == Done(Evidence.ACCEPTED)
        world.settle()


async def test_each_change_makes_one_call(world: NukiWorld) -> None:
    entry = await _standing(world)
    await _apply(world, EnsureAbsent(entry.targets, entry.reference))
    assert [call.method for call in world.writes()] == ["PUT", "DELETE"]


async def test_parts_of_a_second_come_back_as_the_window_given(world: NukiWorld) -> None:
    window = Window(STAY.starts_at, STAY.starts_at + timedelta(seconds=90, microseconds=1))
    outcome = await _apply(world, _present(world, window=window))
    assert isinstance(outcome, Done)
    assert outcome.window == Window(STAY.starts_at, STAY.starts_at + timedelta(seconds=91))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"digits": "045678"}, id="a-leading-zero"),
        pytest.param({"is_enabled": False}, id="a-disabled-create"),
        pytest.param({"name": "Zoë k7f2q"}, id="a-name-that-takes-more-bytes"),
    ],
)
async def test_what_the_vendor_cannot_be_told_is_refused_unsent(
    world: NukiWorld, change: dict[str, Any]
) -> None:
    outcome = await _apply(world, _present(world, **change))
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.RULE_BROKEN
    assert not world.writes()


async def test_digits_are_never_asked_of_the_vendor(world: NukiWorld) -> None:
    issued = await _apply(world, Issue(frozenset({world.targets[0]}), STAY, "Anna"))
    assert isinstance(issued, Refused)
    assert isinstance(await world.driver().follow("job"), Unknown)
    assert world.driver().place(frozenset(world.targets), frozenset(), 200) is None
    assert not world.writes()


async def test_one_snapshot_of_two_calls_serves_every_lock(world: NukiWorld) -> None:
    await _standing(world)
    world.emulator.journal.clear()
    reading = await _read(world, targets=frozenset({world.targets[0]}))
    assert [call.path for call in world.emulator.journal] == ["/smartlock", "/smartlock/auth"]
    assert reading.begun_at == world.clock.now()
    assert reading.complete_for == set(world.emulator.lock_ids())


async def test_a_code_is_acknowledged_once_the_device_has_it() -> None:
    async with nuki_world(listing="before", write_delay_seconds=20) as world:
        await _apply(world, _present(world))
        (listed,) = await _mine(world)
        assert listed.evidence is Evidence.LISTED
        world.clock.advance(timedelta(seconds=20))
        (acknowledged,) = await _mine(world)
        assert acknowledged.evidence is Evidence.ACKNOWLEDGED


async def test_a_pending_change_is_no_proof_whatever_is_shown() -> None:
    async with nuki_world(updates_show="before") as world:
        entry = await _standing(world)
        await _apply(world, _present(world, reference=entry.reference, digits="456789"))
        (pending,) = await _mine(world)
        assert pending.evidence is Evidence.LISTED


async def test_weekly_limits_set_in_the_app_show_as_another_version(world: NukiWorld) -> None:
    entry = await _standing(world)
    world.edit(world.targets[0], entry.reference, {"allowedWeekDays": 64})
    (edited,) = await _mine(world)
    assert edited.window == entry.window
    assert edited.version != entry.version == "127/0-0"


async def test_dropped_limits_show_as_a_code_for_ever(world: NukiWorld) -> None:
    entry = await _standing(world)
    world.edit(world.targets[0], entry.reference, {"allowedFromDate": None, "allowedUntilDate": None})
    (edited,) = await _mine(world)
    assert edited.window is not None
    assert edited.window.ends_at is None
    assert edited.window.starts_at < MIDDAY


async def test_the_services_own_access_is_no_code(world: NukiWorld) -> None:
    entries = [e for e in (await _read(world)).entries if e.targets == {world.targets[0]}]
    assert [(entry.name, entry.is_code) for entry in entries] == [("Nuki Web", False)]


async def test_an_offline_lock_is_unread_and_says_so(world: NukiWorld) -> None:
    world.offline(world.targets[0], is_offline=True)
    reading = await _read(world)
    assert world.targets[0] not in reading.complete_for
    assert reading.states[world.targets[0]].is_online is False
    assert world.targets[1] in reading.complete_for


@pytest.mark.parametrize("subscription", [{"state": "EXPIRED"}, None], ids=["expired", "none"])
async def test_a_lock_that_is_not_served_is_unread_and_not_empty(
    world: NukiWorld, subscription: dict[str, str] | None
) -> None:
    await _standing(world)
    world.emulator.change_lock(world.targets[0], {"subscription": subscription})
    reading = await _read(world)
    assert world.targets[0] not in reading.complete_for
    assert world.targets[1] in reading.complete_for
    problem = "not_listed" if subscription is None else "subscription_required"
    assert problem in reading.states[world.targets[0]].problems


async def test_a_lock_without_keypad_is_a_problem_and_a_refusal_with_its_reason(world: NukiWorld) -> None:
    world.emulator.change_lock(world.targets[0], {"keypad_paired": False})
    assert (await _read(world)).states[world.targets[0]].problems == ("keypad_missing",)
    outcome = await _apply(world, _present(world))
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.RULE_BROKEN
    assert "only with a keypad paired" in outcome.said


@pytest.mark.parametrize("status", [400, 402, 403, 405, 426])
async def test_the_subscription_wall_is_a_refusal_of_its_own(status: int) -> None:
    async with nuki_world(subscription_status=status) as world:
        world.emulator.change_lock(world.targets[0], {"subscription": {"state": "EXPIRED"}})
        outcome = await _apply(world, _present(world))
        assert isinstance(outcome, Refused)
        assert outcome.reason is Reason.SUBSCRIPTION_REQUIRED
        assert "No active Smart Hosting subscription" in outcome.said


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"digits": "123456"}, Reason.RULE_BROKEN, id="begins-with-12"),
        pytest.param({"digits": "345670"}, Reason.RULE_BROKEN, id="a-zero"),
        pytest.param({"digits": "34567"}, Reason.RULE_BROKEN, id="too-short"),
        pytest.param({"name": "Maximilian Mustermann"}, Reason.RULE_BROKEN, id="a-name-too-long"),
        pytest.param({"reference": "65f0a1b2c3d4e5f600000001"}, Reason.OTHER, id="an-entry-that-is-gone"),
    ],
)
async def test_a_broken_rule_is_refused_without_repeating_the_guest(
    world: NukiWorld, change: dict[str, Any], reason: Reason
) -> None:
    outcome = await _apply(world, _present(world, **change))
    assert isinstance(outcome, Refused)
    assert outcome.reason is reason
    assert change.get("digits", DIGITS) not in outcome.said
    assert "Mustermann" not in outcome.said


async def test_taken_digits_are_a_duplicate_on_this_lock_alone(world: NukiWorld) -> None:
    await _standing(world)
    again = await _apply(world, _present(world, name="Bob 2k7f2"))
    assert isinstance(again, Refused)
    assert again.reason is Reason.DUPLICATE_DIGITS
    elsewhere = EnsurePresent(frozenset({world.targets[1]}), DIGITS, STAY, "Bob 2k7f2")
    assert isinstance(await _apply(world, elsewhere), Done)


@pytest.mark.parametrize("of_update", [True, False], ids=["update", "removal"])
async def test_a_pending_operation_is_busy_for_this_lock_alone(world: NukiWorld, of_update: bool) -> None:
    entry = await _standing(world)
    change = _present(world, reference=entry.reference)
    removal = EnsureAbsent(entry.targets, entry.reference)
    await _apply(world, change)
    with pytest.raises(VendorBusy) as raised:
        await _apply(world, change if of_update else removal)
    assert raised.value.is_account_wide is False


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_present, id="create"),
        pytest.param(lambda w: _present(w, reference="65f0"), id="update"),
        pytest.param(lambda w: EnsureAbsent(frozenset({w.targets[0]}), "65f0"), id="removal"),
        pytest.param(lambda w: Unlock(w.targets[0]), id="unlock"),
        pytest.param(lambda w: ConfigureAutoLock(w.targets[0], True), id="auto-lock"),
    ],
)
@pytest.mark.parametrize(
    ("fault", "status", "expected"),
    [
        pytest.param(FaultKind.REPLY_LOST_BEFORE, 0, Unknown, id="reply-lost-before"),
        pytest.param(FaultKind.REPLY_LOST_AFTER, 0, Unknown, id="reply-lost-after"),
        pytest.param(FaultKind.ERROR_BEFORE, 502, Unknown, id="502-before"),
        pytest.param(FaultKind.ERROR_AFTER, 500, Unknown, id="500-after"),
        pytest.param(FaultKind.ERROR_BEFORE, 503, Unknown, id="503"),
        pytest.param(FaultKind.ERROR_BEFORE, 403, Refused, id="403"),
        pytest.param(FaultKind.ERROR_BEFORE, 401, CredentialsRefused, id="401"),
        pytest.param(FaultKind.ERROR_BEFORE, 423, VendorBusy, id="423"),
        pytest.param(FaultKind.RATE_LIMITED, 0, VendorBusy, id="429"),
    ],
)
async def test_trouble_with_a_write_has_its_outcome(
    world: NukiWorld,
    change: Any,
    fault: FaultKind,
    status: int,
    expected: type[Unknown | Refused | DriverError],
) -> None:
    world.fault(fault, status=status)
    asked = change(world)
    driver = world.driver()
    call = driver.act if isinstance(asked, Action) else driver.apply
    if issubclass(expected, DriverError):
        with pytest.raises(expected):
            await call(world.intent, asked)
    else:
        assert isinstance(await call(world.intent, asked), expected)
    assert len(world.writes()) == 1


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        pytest.param(FaultKind.REPLY_LOST_BEFORE, 0, VendorUnreachable, id="reply-lost"),
        pytest.param(FaultKind.TRUNCATED, 0, VendorUnreachable, id="cut-short"),
        pytest.param(FaultKind.ERROR_BEFORE, 502, VendorUnreachable, id="502"),
        pytest.param(FaultKind.ERROR_BEFORE, 200, VendorUnreachable, id="a-page-with-200"),
        pytest.param(FaultKind.ERROR_BEFORE, 401, CredentialsRefused, id="401"),
        pytest.param(FaultKind.ERROR_BEFORE, 403, CredentialsRefused, id="403"),
        pytest.param(FaultKind.ERROR_BEFORE, 418, UnexpectedReply, id="something-new"),
        pytest.param(FaultKind.RATE_LIMITED, 0, VendorBusy, id="429"),
    ],
)
@pytest.mark.parametrize("path", ["/smartlock", "/smartlock/auth"])
async def test_trouble_with_a_read_is_an_error_and_no_reading(
    world: NukiWorld, path: str, fault: FaultKind, status: int, error: type[DriverError]
) -> None:
    world.fault(fault, status=status, mutating=False, path=path)
    with pytest.raises(DriverError) as raised:
        await _read(world)
    assert type(raised.value) is error


async def test_no_answer_before_the_deadline_is_unknown(world: NukiWorld) -> None:
    world.fault(FaultKind.SLOW, seconds=30)
    outcome = await world.driver().apply(Intent(new_id(), 0.05), _present(world))
    assert isinstance(outcome, Unknown)
    assert len(world.writes()) == 1


async def test_nothing_is_sent_after_the_deadline(world: NukiWorld) -> None:
    with pytest.raises(VendorUnreachable):
        await world.driver().apply(Intent(new_id(), 0.0), _present(world))
    assert not world.writes()


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1", "no address", "http://[", "ftp://127.0.0.1"])
async def test_where_nothing_answers_nothing_was_sent(endpoint: str) -> None:
    async with httpx2.AsyncClient() as http:
        driver = NUKI.connect({"token": TOKEN, "endpoint": endpoint}, http=http, clock=SystemClock())
        with pytest.raises(VendorUnreachable):
            await driver.describe()
        with pytest.raises(VendorUnreachable):
            await driver.apply(Intent(new_id(), 5.0), EnsureAbsent(frozenset({"1"}), "65f0"))


@pytest.mark.parametrize("token", ["tok-revoked", "", "tok 1", "tök", "tok\n1"])
async def test_a_token_that_is_none_is_refused(world: NukiWorld, token: str) -> None:
    driver = NUKI.connect({"token": token, "endpoint": ENDPOINT}, http=world.http, clock=world.clock)
    with pytest.raises(CredentialsRefused) as raised:
        await driver.describe()
    assert not token or token not in str(raised.value)


async def test_a_token_is_taken_as_it_was_pasted(world: NukiWorld) -> None:
    credentials = {"token": f" {TOKEN}\n", "endpoint": f"{ENDPOINT}/ "}
    driver = NUKI.connect(credentials, http=world.http, clock=world.clock)
    assert (await driver.describe()).account == "100001"


async def test_the_log_names_the_code_that_opened(world: NukiWorld) -> None:
    entry = await _standing(world)
    world.clock.set(STAY.starts_at)
    assert world.enter(world.targets[0], DIGITS)
    world.enter(world.targets[0], "999999")
    reading = await _read(world, since=MIDDAY)
    told = sorted((one.opened, one.reference, one.how) for one in reading.log if one.opened)
    assert told == [(True, entry.reference, "code")]
    assert [one.reference for one in reading.log if not one.opened] == [None]


async def test_a_long_log_is_read_to_its_end(world: NukiWorld) -> None:
    await _standing(world)
    world.clock.set(STAY.starts_at)
    for _ in range(120):
        world.clock.advance(timedelta(seconds=1))
        world.enter(world.targets[0], DIGITS)
    reading = await _read(world, since=STAY.starts_at)
    assert len({one.log_reference for one in reading.log}) == 120


async def test_a_token_without_the_scope_for_logs_still_reads_codes(world: NukiWorld) -> None:
    world.emulator.allow(TOKEN, "smartlock", "smartlock.auth")
    reading = await _read(world, since=MIDDAY)
    assert reading.log == ()
    assert reading.complete_for == set(world.emulator.lock_ids())


async def test_the_log_is_read_only_when_asked_for(world: NukiWorld) -> None:
    await _read(world)
    assert "/smartlock/log" not in [call.path for call in world.emulator.journal]


async def test_a_change_at_the_lock_calls_us_and_points_at_it(world: NukiWorld) -> None:
    await world.callbacks()
    await _standing(world)
    calls = await world.callbacks()
    pointed = [NUKI.read_callback(c.headers, c.body, c.secret).look_at for c in calls]
    assert pointed
    assert set(pointed) == {frozenset({world.targets[0]})}
