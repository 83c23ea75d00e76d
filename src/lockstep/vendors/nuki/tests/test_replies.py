"""Every answer of the vendor, and what it means. Statuses and bodies: nuki.md section 2, OpenAPI 3.9.0."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

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
from lockstep.model.capabilities import Evidence
from lockstep.vendors.nuki.convert import Auth
from lockstep.vendors.nuki.replies import Reply, SubscriptionLacking, hide, outcome_of, said, value_of

DONE = Done(Evidence.ACCEPTED, reference="a")
RESTLET = b'{"stackTrace":[],"suppressedExceptions":[]}'
NO_SUBSCRIPTION = b'{"error":"No active Smart Hosting subscription for the Smart Lock, please get one!"}'
NGINX = b"<html><body><h1>429 Too Many Requests</h1></body></html>"


def _reply(status: int | None, body: bytes = RESTLET, **more: object) -> Reply:
    return Reply("PUT /smartlock/1/auth", status, body, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(204, b"", DONE, id="204-accepted"),
        pytest.param(200, NGINX, Unknown, id="200-a-page-in-between"),
        pytest.param(302, b"", Unknown, id="302-sent-elsewhere"),
        pytest.param(400, RESTLET, Reason.RULE_BROKEN, id="400-bad-parameter"),
        pytest.param(402, RESTLET, Reason.SUBSCRIPTION_REQUIRED, id="402-not-paid"),
        pytest.param(402, NO_SUBSCRIPTION, Reason.SUBSCRIPTION_REQUIRED, id="402-no-subscription"),
        pytest.param(403, NO_SUBSCRIPTION, Reason.SUBSCRIPTION_REQUIRED, id="403-no-subscription"),
        pytest.param(401, NO_SUBSCRIPTION, Reason.SUBSCRIPTION_REQUIRED, id="401-no-subscription"),
        pytest.param(403, RESTLET, Reason.OTHER, id="403-forbidden"),
        pytest.param(404, RESTLET, Reason.OTHER, id="404-gone"),
        pytest.param(405, RESTLET, Reason.OTHER, id="405-not-allowed"),
        pytest.param(408, b"", Unknown, id="408-timed-out-on-the-way"),
        pytest.param(409, RESTLET, Reason.DUPLICATE_DIGITS, id="409-digits-taken"),
        pytest.param(422, RESTLET, Reason.RULE_BROKEN, id="422-name-too-long"),
        pytest.param(426, RESTLET, Reason.SUBSCRIPTION_REQUIRED, id="426-upgrade-required"),
        pytest.param(500, RESTLET, Unknown, id="500"),
        pytest.param(502, NGINX, Unknown, id="502-bad-gateway"),
        pytest.param(503, b"", Unknown, id="503"),
        pytest.param(None, b"", Unknown, id="reply-lost"),
    ],
)
def test_a_write_is_done_refused_or_unknown(
    status: int | None, body: bytes, expected: Outcome | Reason | type[Unknown]
) -> None:
    outcome = outcome_of(_reply(status, body), done=DONE, writes_digits=True)
    if isinstance(expected, Reason):
        assert isinstance(outcome, Refused)
        assert outcome.reason is expected
    elif isinstance(expected, type):
        assert isinstance(outcome, expected)
    else:
        assert outcome == expected


@pytest.mark.parametrize(
    ("status", "error", "account_wide"),
    [
        pytest.param(401, CredentialsRefused, None, id="401-token-refused"),
        pytest.param(423, VendorBusy, False, id="423-an-operation-is-pending-on-this-one"),
        pytest.param(429, VendorBusy, True, id="429-too-many-calls"),
    ],
)
def test_a_write_that_changed_nothing_raises(
    status: int, error: type[DriverError], account_wide: bool | None
) -> None:
    with pytest.raises(error) as raised:
        outcome_of(_reply(status), done=DONE)
    if account_wide is not None:
        assert isinstance(raised.value, VendorBusy)
        assert raised.value.is_account_wide is account_wide


def test_removing_what_is_not_there_is_done() -> None:
    assert outcome_of(_reply(404), done=DONE, absent_is_done=True) == DONE


def test_a_conflict_over_anything_but_digits_is_another_refusal() -> None:
    outcome = outcome_of(_reply(409), done=DONE)
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.OTHER


def test_retry_after_is_passed_on() -> None:
    with pytest.raises(VendorBusy) as raised:
        outcome_of(_reply(429, NGINX, retry_after=timedelta(seconds=7)), done=DONE)
    assert raised.value.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        pytest.param(200, b"{}", UnexpectedReply, id="an-object-instead-of-a-list"),
        pytest.param(200, b"null", UnexpectedReply, id="null-instead-of-a-list"),
        pytest.param(200, b'[{"id":"a"}]', UnexpectedReply, id="an-entry-without-what-decides"),
        pytest.param(200, b'[{"id":"a","smartlockId":1,', VendorUnreachable, id="cut-short"),
        pytest.param(200, b"", VendorUnreachable, id="nothing"),
        pytest.param(200, NGINX, VendorUnreachable, id="a-page"),
        pytest.param(200, b"\xff\xfe", VendorUnreachable, id="no-text"),
        pytest.param(204, b"", UnexpectedReply, id="no-content"),
        pytest.param(302, b"", UnexpectedReply, id="sent-elsewhere"),
        pytest.param(400, RESTLET, UnexpectedReply, id="400"),
        pytest.param(401, RESTLET, CredentialsRefused, id="401"),
        pytest.param(403, RESTLET, CredentialsRefused, id="403"),
        pytest.param(402, NO_SUBSCRIPTION, SubscriptionLacking, id="402-no-subscription"),
        pytest.param(404, RESTLET, UnexpectedReply, id="404"),
        pytest.param(423, RESTLET, VendorBusy, id="423"),
        pytest.param(429, NGINX, VendorBusy, id="429"),
        pytest.param(501, b"", UnexpectedReply, id="501"),
        pytest.param(502, NGINX, VendorUnreachable, id="502"),
        pytest.param(None, b"", VendorUnreachable, id="reply-lost"),
    ],
)
def test_an_answer_that_is_no_listing_is_an_error_and_never_an_empty_one(
    status: int | None, body: bytes, error: type[DriverError]
) -> None:
    with pytest.raises(DriverError) as raised:
        value_of(_reply(status, body), list[Auth])
    assert type(raised.value) is error


def test_an_unexpected_reply_is_kept_without_digits_names_and_secrets() -> None:
    body = msgspec.json.encode(
        {"name": "Anna Smith k7f2q", "code": 345678, "note": "345678", "secret": "s3cr", "id": "0" * 24}
    )
    with pytest.raises(UnexpectedReply) as raised:
        value_of(_reply(200, body, hidden=("tok-1",)), list[Auth])
    kept = str(raised.value)
    assert "0" * 24 in kept
    assert not [word for word in ("345678", "Anna", "s3cr", "tok-1") if word in kept]


@pytest.mark.parametrize(
    ("text", "hidden", "shown"),
    [
        pytest.param("code 345678 is taken", (), "code ****** is taken", id="six-digits"),
        pytest.param("lock 17179869185", (), "lock 17179869185", id="a-lock-id-stays"),
        pytest.param("65f0a1b2c3d4e5f600123456", (), "65f0a1b2c3d4e5f600123456", id="an-object-id-stays"),
        pytest.param("2026-06-01T15:00:00.000Z", (), "2026-06-01T15:00:00.000Z", id="an-instant-stays"),
        pytest.param("digits 4711 and tok", ("4711", "tok"), "digits ****** and ******", id="given-secrets"),
        pytest.param('{"code":"4711","n":1}', (), '{"code":"******","n":1}', id="the-field-code"),
        pytest.param('[{"name":"Anna Smi', (), '[{"name":"******"', id="a-field-cut-short"),
    ],
)
def test_nothing_secret_passes_into_words(text: str, hidden: tuple[str, ...], shown: str) -> None:
    assert hide(text, hidden) == shown


def test_the_vendors_words_stay_but_not_the_value_that_it_repeats() -> None:
    body = msgspec.json.encode(
        {"detailMessage": "The supplied value '120456' for parameter 'code' is not valid"}
    )
    assert said(_reply(400, body)) == (
        "PUT /smartlock/1/auth: 400 The supplied value '******' for parameter 'code' is not valid"
    )


def test_a_refused_type_is_explained() -> None:
    body = msgspec.json.encode({"detailMessage": "The supplied value '13' for parameter 'type' is not valid"})
    assert "only with a keypad paired" in said(_reply(400, body))
