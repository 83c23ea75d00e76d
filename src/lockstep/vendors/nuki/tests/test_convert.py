"""The vendor's JSON as the contract's values, and changes as the vendor's JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from lockstep.driver.changes import EnsurePresent
from lockstep.model.capabilities import Evidence
from lockstep.model.constraints import CONSTRAINTS
from lockstep.model.window import Window
from lockstep.vendors.nuki.convert import (
    ALL_WEEK,
    Auth,
    Lock,
    Log,
    can_be_sent,
    creation,
    entry_of,
    log_entry_of,
    state_of,
    target_of,
    update,
)
from lockstep.vendors.nuki.limits import FLEET, LockType, capabilities_of, model_of
from lockstep.vendors.nuki.snapshot import Snapshot
from lockstep.vendors.nuki.zones import zone_name

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
STAY = Window(datetime(2026, 6, 1, 14, tzinfo=UTC), datetime(2026, 6, 3, 9, tzinfo=UTC))
LOCK_ID = (4 << 32) + 7


def _lock(**more: Any) -> Lock:
    fields = {"smartlockId": LOCK_ID, "accountId": 9, "type": 4, "name": "Front", "serverState": 0, **more}
    return msgspec.convert(fields, Lock)


def _auth(**more: Any) -> Auth:
    fields = {
        "id": "65f0a1b2c3d4e5f600000001",
        "smartlockId": LOCK_ID,
        "type": 13,
        "enabled": True,
        "name": "Anna k7f2q",
        "authId": 5,
        "allowedFromDate": "2026-06-01T14:00:00.000Z",
        "allowedUntilDate": "2026-06-03T09:00:00.000Z",
        "allowedWeekDays": 127,
        "allowedFromTime": 0,
        "allowedUntilTime": 0,
        **more,
    }
    return msgspec.convert(fields, Auth)


def test_an_entry_carries_all_that_the_listing_tells() -> None:
    entry = entry_of(_auth(code=345678))
    assert entry.reference == "65f0a1b2c3d4e5f600000001"
    assert entry.targets == {str(LOCK_ID)}
    assert (entry.name, entry.digits, entry.window, entry.is_enabled, entry.is_code) == (
        "Anna k7f2q",
        "345678",
        STAY,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("fields", "evidence"),
    [
        pytest.param({}, Evidence.ACKNOWLEDGED, id="the-device-gave-it-a-number"),
        pytest.param({"authId": None}, Evidence.LISTED, id="the-device-has-not"),
        pytest.param({"operationId": "65f0"}, Evidence.LISTED, id="something-is-on-its-way"),
        pytest.param({"operationId": {"timestamp": 1}}, Evidence.LISTED, id="on-its-way-as-the-spec-says-it"),
        pytest.param({"error": "2a"}, Evidence.LISTED, id="the-device-refused"),
    ],
)
def test_a_listing_is_proof_only_when_the_device_has_the_code(
    fields: dict[str, Any], evidence: Evidence
) -> None:
    assert entry_of(_auth(**fields)).evidence is evidence


@pytest.mark.parametrize(
    ("code", "digits"),
    [(345678, "345678"), ("345678", "345678"), (None, None), (0, None), ("", None)],
    ids=["number", "text", "not-shown", "zero", "empty"],
)
def test_digits_are_read_where_shown_and_none_elsewhere(code: object, digits: str | None) -> None:
    assert entry_of(_auth(code=code)).digits == digits


@pytest.mark.parametrize(
    ("fields", "starts_at", "ends_at"),
    [
        pytest.param({"allowedUntilDate": None}, STAY.starts_at, None, id="ongoing"),
        pytest.param(
            {"allowedFromDate": None, "allowedUntilDate": None},
            datetime(1970, 1, 1, tzinfo=UTC),
            None,
            id="no-limit-at-all-is-for-ever",
        ),
        pytest.param(
            {"allowedFromDate": "2026-06-01T16:00:00+02:00"},
            STAY.starts_at,
            STAY.ends_at,
            id="another-offset",
        ),
        pytest.param(
            {"allowedFromDate": "2026-06-05T00:00:00Z"},
            datetime(2026, 6, 3, 8, 59, 59, tzinfo=UTC),
            STAY.ends_at,
            id="begins-after-its-end",
        ),
    ],
)
def test_limits_become_a_window(
    fields: dict[str, Any], starts_at: datetime, ends_at: datetime | None
) -> None:
    assert entry_of(_auth(**fields)).window == Window(starts_at, ends_at)


@pytest.mark.parametrize(
    ("fields", "is_all_week"),
    [
        pytest.param({}, True, id="all-five-as-written"),
        pytest.param({"allowedWeekDays": None, "allowedFromTime": None}, True, id="left-out"),
        pytest.param({"allowedUntilTime": 1440}, True, id="until-midnight"),
        pytest.param({"allowedWeekDays": 64}, False, id="mondays-only"),
        pytest.param({"allowedFromTime": 600, "allowedUntilTime": 700}, False, id="some-hours-only"),
    ],
)
def test_weekly_limits_set_elsewhere_show_as_another_version(
    fields: dict[str, Any], is_all_week: bool
) -> None:
    assert (entry_of(_auth(**fields)).version == ALL_WEEK) is is_all_week


@pytest.mark.parametrize("type_", [0, 1, 2, 3, 14, 15])
def test_other_authorizations_are_no_codes(type_: int) -> None:
    entry = entry_of(_auth(type=type_, name="Nuki Web", code=345678))
    assert not entry.is_code
    assert entry.digits is None


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        pytest.param({}, (), id="nothing-told"),
        pytest.param({"config": {"keypadPaired": True}}, (), id="keypad"),
        pytest.param({"config": {"keypadPaired": False, "keypad2Paired": True}}, (), id="keypad-2"),
        pytest.param({"config": {"keypadPaired": False}}, ("keypad_missing",), id="no-keypad"),
        pytest.param({"currentSubscription": {"state": "ACTIVE"}}, (), id="subscribed"),
        pytest.param(
            {"currentSubscription": {"state": "EXPIRED"}}, ("subscription_required",), id="subscription-over"
        ),
        pytest.param(
            {"currentSubscription": {"state": "EXPIRED", "isInGracePeriod": True}}, (), id="grace-period"
        ),
        pytest.param(
            {"currentSubscription": {"state": "CANCELLED", "expirationDate": "2026-06-02T00:00:00Z"}},
            (),
            id="cancelled-and-still-running",
        ),
        pytest.param(
            {"currentSubscription": {"state": "CANCELLED", "expirationDate": "2026-06-01T00:00:00Z"}},
            ("subscription_required",),
            id="cancelled-and-run-out",
        ),
        pytest.param({"serverState": 4}, (), id="offline"),
        pytest.param({"serverState": 1}, ("lock_unregistered",), id="unregistered"),
        pytest.param({"serverState": 3}, ("lock_authorization_invalid",), id="service-locked-out"),
        pytest.param({"adminPinState": 1}, ("admin_code_missing",), id="admin-code-missing"),
        pytest.param({"adminPinState": 2}, ("admin_code_invalid",), id="admin-code-invalid"),
    ],
)
def test_what_keeps_codes_from_being_set_is_a_problem(
    fields: dict[str, Any], problems: tuple[str, ...]
) -> None:
    assert state_of(_lock(**fields), NOW).problems == problems


def test_a_locks_health_is_told() -> None:
    state = {"state": 1, "batteryCritical": False, "batteryCharge": 40, "keypadBatteryCritical": True}
    told = state_of(_lock(state=state), NOW)
    assert (told.is_online, told.is_locked, told.battery_level) == (True, True, 0.4)
    assert told.is_battery_critical is True
    assert told.seen_at == NOW


def test_an_offline_lock_was_last_seen_when_the_cloud_last_heard_of_it() -> None:
    told = state_of(_lock(serverState=4, updateDate="2026-05-30T08:00:00Z"), NOW)
    assert told.is_online is False
    assert told.seen_at == datetime(2026, 5, 30, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "auths", "is_complete", "problem"),
    [
        pytest.param({}, [_auth(type=0)], True, None, id="its-own-authorization-is-listed"),
        pytest.param({"serverState": 4}, [_auth()], False, None, id="offline"),
        pytest.param({"serverState": 3}, [_auth()], False, "lock_authorization_invalid", id="locked-out"),
        pytest.param({}, [], False, "not_listed", id="nothing-of-it-is-listed"),
        pytest.param({}, None, False, "subscription_required", id="withheld"),
        pytest.param(
            {"currentSubscription": {"state": "EXPIRED"}},
            [_auth()],
            False,
            "subscription_required",
            id="not-subscribed",
        ),
    ],
)
def test_a_reading_covers_only_locks_that_the_vendor_can_tell_of(
    fields: dict[str, Any], auths: list[Auth] | None, is_complete: bool, problem: str | None
) -> None:
    reading = Snapshot(NOW, [_lock(**fields)], auths).reading()
    assert (str(LOCK_ID) in reading.complete_for) is is_complete
    assert reading.states[str(LOCK_ID)].problems == (() if problem is None else (problem,))


def test_entries_of_locks_that_are_not_listed_are_left_out() -> None:
    assert Snapshot(NOW, [_lock(smartlockId=1)], [_auth()]).reading().entries == ()


def test_a_lock_is_a_target_and_a_write_domain_of_its_own() -> None:
    lock = _lock(config={"timezoneId": 37})
    target = target_of(lock, state_of(lock, NOW), shows_digits=False)
    assert (target.reference, target.domain) == (str(LOCK_ID), str(LOCK_ID))
    assert target.time_zone == "Europe/Berlin"
    assert target.model == "Smart Lock 3.0 or 4th generation"


@pytest.mark.parametrize(
    ("number", "name"),
    [(0, "Africa/Cairo"), (45, "Pacific/Pago_Pago"), (46, None), (65535, None), (None, None)],
)
def test_time_zones_are_told_by_name(number: int | None, name: str | None) -> None:
    assert zone_name(number) == name


@pytest.mark.parametrize(
    ("fields", "opened", "how"),
    [
        pytest.param({"trigger": 255, "source": 1}, True, "code", id="code"),
        pytest.param({"trigger": 255, "source": 2}, True, "fingerprint", id="fingerprint"),
        pytest.param({"trigger": 255, "state": 224}, False, "keypad", id="wrong-code"),
        pytest.param({"trigger": 4}, True, "remote", id="web"),
        pytest.param({"trigger": 1, "action": 3}, True, "manual", id="by-hand"),
        pytest.param({"trigger": 99}, True, "unknown", id="something-new"),
    ],
)
def test_the_log_tells_who_opened(fields: dict[str, Any], opened: bool, how: str) -> None:
    entry = {"id": "l1", "smartlockId": 7, "action": 1, "state": 0, "date": "2026-06-01T12:00:00Z"}
    told = log_entry_of(msgspec.convert({**entry, "authId": "a1", **fields}, Log))
    assert told is not None
    assert (told.opened, told.how, told.reference, told.at) == (opened, how, "a1", NOW)


@pytest.mark.parametrize("action", [2, 208, 240, 241, 252])
def test_other_lines_of_the_log_are_nobody_opening(action: int) -> None:
    entry = {"id": "l1", "smartlockId": 7, "action": action, "trigger": 0, "state": 0}
    assert log_entry_of(msgspec.convert({**entry, "date": "2026-06-01T12:00:00Z"}, Log)) is None


def _change(**more: Any) -> EnsurePresent:
    fields = {"targets": frozenset({"7"}), "digits": "345678", "window": STAY, "name": "Anna k7f2q", **more}
    return EnsurePresent(**fields)


LIMITS = {
    "allowedFromDate": "2026-06-01T14:00:00.000Z",
    "allowedUntilDate": "2026-06-03T09:00:00.000Z",
    "allowedWeekDays": 127,
    "allowedFromTime": 0,
    "allowedUntilTime": 0,
}


def test_a_create_says_type_13_and_all_five_restrictions() -> None:
    assert creation(_change()) == {
        "type": 13,
        "name": "Anna k7f2q",
        "code": 345678,
        "remoteAllowed": False,
        **LIMITS,
    }


@pytest.mark.parametrize("is_enabled", [True, False])
def test_an_update_carries_the_whole_state(is_enabled: bool) -> None:
    assert update(_change(is_enabled=is_enabled)) == {
        "enabled": is_enabled,
        "name": "Anna k7f2q",
        "code": 345678,
        "remoteAllowed": False,
        **LIMITS,
    }


@pytest.mark.parametrize("body_of", [creation, update])
def test_an_ongoing_window_takes_the_end_away(body_of: Any) -> None:
    body = body_of(_change(window=Window(STAY.starts_at)))
    assert body["allowedUntilDate"] is None
    assert body["allowedFromDate"] == LIMITS["allowedFromDate"]


def test_parts_of_a_second_are_given_to_the_guest() -> None:
    window = Window(STAY.starts_at - timedelta(microseconds=1), STAY.starts_at + timedelta(microseconds=1))
    body = creation(_change(window=window))
    assert body["allowedFromDate"] == "2026-06-01T13:59:59.000Z"
    assert body["allowedUntilDate"] == "2026-06-01T14:00:01.000Z"


@pytest.mark.parametrize(
    ("digits", "fits"), [("345678", True), ("045678", False), ("34567a", False), ("", False)]
)
def test_digits_that_a_number_would_change_are_not_sent(digits: str, fits: bool) -> None:
    assert can_be_sent(digits) is fits


@pytest.mark.parametrize(
    ("lock_type", "most"),
    [
        (LockType.SMART_LOCK_1_OR_2, 100),
        (LockType.OPENER, 100),
        (LockType.SMART_LOCK_3_OR_4, 200),
        (LockType.SMART_LOCK_5, 200),
        (99, 100),
    ],
)
def test_newer_locks_hold_more_codes(lock_type: int, most: int) -> None:
    assert capabilities_of(lock_type, shows_digits=False).most_codes == most


def test_a_type_that_is_not_known_has_a_name_all_the_same() -> None:
    assert model_of(99) == "type 99"


def test_every_constraint_of_the_fleet_is_one_of_the_models() -> None:
    assert {name for line in FLEET for name in line.capabilities.constraints} <= CONSTRAINTS.keys()
