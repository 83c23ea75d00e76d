"""Failure -> what happens next: the whole table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lockstep.driver.outcomes import (
    CredentialsRefused,
    DeviceOffline,
    DriverError,
    Reason,
    Refused,
    UnexpectedReply,
    VendorBusy,
    VendorUnreachable,
)
from lockstep.model.plan import Hold
from lockstep.workers.reconciler.remedies import (
    Remedy,
    may_be_tried_again,
    of_error,
    of_giving_up,
    of_hold,
    of_refusal,
    of_unread,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)

ERRORS: list[tuple[str, DriverError, int, dict[str, object]]] = [
    ("unreachable once", VendorUnreachable(), 0, {"account_wait": 5 * SECOND}),
    ("unreachable four times", VendorUnreachable(), 3, {"account_wait": 40 * SECOND}),
    ("unreachable for long", VendorUnreachable(), 50, {"account_wait": 5 * MINUTE}),
    ("busy, says when", VendorBusy("", 30 * SECOND), 0, {"account_wait": 30 * SECOND}),
    ("busy again and again", VendorBusy("", 7 * SECOND), 4, {"account_wait": 80 * SECOND}),
    ("busy, silent", VendorBusy(), 1, {"account_wait": 10 * SECOND}),
    ("busy lock", VendorBusy("", 3 * SECOND, is_account_wide=False), 0, {"domain_wait": 3 * SECOND}),
    ("credentials", CredentialsRefused(), 0, {"account_state": "credentials_refused"}),
    ("offline", DeviceOffline(), 0, {"lock_wait": 5 * MINUTE}),
    ("our bug", UnexpectedReply(), 0, {"domain_wait": 15 * MINUTE}),
]


@pytest.mark.parametrize(("error", "failures", "then"), [e[1:] for e in ERRORS], ids=[e[0] for e in ERRORS])
def test_an_error_makes_account_domain_or_lock_wait(
    error: DriverError, failures: int, then: dict[str, object]
) -> None:
    remedy = of_error(error, "Front door", failures, NOW)
    waits = ("entry_wait", "lock_wait", "domain_wait", "account_wait", "account_state")
    assert {name: value for name in waits if (value := getattr(remedy, name)) is not None} == then
    _says_what_to_do(remedy, error.code)


def test_the_vendors_words_come_without_the_call_that_they_answered() -> None:
    refused = Refused(Reason.OTHER, "PUT /smartlock/17179869185/auth: 400 Parameter is not valid")
    cause = of_refusal(refused, "Front door", NOW).failure["cause"]
    assert cause.endswith("The vendor said: 400 Parameter is not valid")


@pytest.mark.parametrize("reason", list(Reason))
def test_a_refusal_makes_only_its_entry_wait(reason: Reason) -> None:
    remedy = of_refusal(Refused(reason, "no"), "Front door", NOW)
    assert remedy.entry_wait is not None
    assert MINUTE <= remedy.entry_wait <= 6 * HOUR
    assert (remedy.lock_wait, remedy.domain_wait, remedy.account_wait) == (None, None, None)
    _says_what_to_do(remedy, reason.value)


@pytest.mark.parametrize("hold", list(Hold))
def test_what_is_held_back_says_why_unless_it_only_waits_for_a_reading_or_its_turn(hold: Hold) -> None:
    noted = of_hold(hold, "Front door", NOW)
    assert (noted is None) == (hold in (Hold.LOOK, Hold.TURN))
    if noted is not None:
        _says_what_to_do(Remedy(noted), noted["code"])


def test_a_rest_after_giving_up_doubles_up_to_six_hours() -> None:
    noted: dict[str, object] | None = None
    rests: list[timedelta | None] = []
    for _ in range(7):
        remedy = of_giving_up("Front door", noted, NOW)
        noted, rests = remedy.failure, [*rests, remedy.entry_wait]
    assert rests == [15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR, 6 * HOUR]
    assert not may_be_tried_again(noted, NOW + SECOND, NOW)
    assert may_be_tried_again(noted, NOW, NOW)
    assert not may_be_tried_again({"code": "full"}, NOW, NOW)


@pytest.mark.parametrize(
    ("problems", "code"), [([], "device_offline"), (["subscription_required"], "subscription_required")]
)
def test_a_lock_that_was_not_read_says_why(problems: list[str], code: str) -> None:
    remedy = of_unread(problems, "Front door", NOW)
    assert remedy.lock_wait == 5 * MINUTE
    _says_what_to_do(remedy, code)


def _says_what_to_do(remedy: Remedy, code: str) -> None:
    noted = remedy.failure
    assert noted["code"] == code
    is_of_account = remedy.account_wait is not None or remedy.account_state is not None
    assert noted["cause"].startswith("Front door: ") is not is_of_account
    assert noted["next_step"].endswith(".")
    assert noted["at"] == NOW.isoformat()
