"""The vendor's calls to us: genuine ones become hints, all others are refused."""

from __future__ import annotations

import hmac
from typing import Any

import msgspec
import pytest

from lockstep.driver.contract import CallbackRefused
from lockstep.vendors.nuki import NUKI

SECRET = "f0e1d2c3"


def _signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Nuki-Signature-SHA256": hmac.new(secret.encode(), body, "sha256").hexdigest()}


@pytest.mark.parametrize(
    ("body", "look_at"),
    [
        pytest.param({"feature": "DEVICE_STATUS", "smartlockId": 7, "state": {}}, {"7"}, id="status"),
        pytest.param({"feature": "DEVICE_MASTERDATA", "smartlockId": 7}, {"7"}, id="masterdata"),
        pytest.param(
            {"feature": "DEVICE_AUTHS", "deleted": False, "smartlockAuth": {"smartlockId": 7, "code": 1}},
            {"7"},
            id="authorization",
        ),
        pytest.param({"feature": "DEVICE_LOGS", "smartlockLog": {"smartlockId": 7}}, {"7"}, id="log"),
        pytest.param(
            {"type": "AuthCreation", "detail": [{"smartlockId": 7}, {"smartlockId": 8}]},
            {"7", "8"},
            id="several-locks",
        ),
        pytest.param({"feature": "ACCOUNT_USER", "accountUserId": 1}, set(), id="people-are-no-locks"),
        pytest.param({"feature": "SOMETHING_NEW"}, None, id="not-understood-is-the-whole-account"),
        pytest.param([], None, id="not-an-object-is-the-whole-account"),
    ],
)
def test_a_genuine_call_says_where_to_look(body: Any, look_at: set[str] | None) -> None:
    raw = msgspec.json.encode(body)
    callback = NUKI.read_callback(_signed(raw), raw, SECRET)
    assert callback.look_at == (None if look_at is None else frozenset(look_at))
    assert not callback.results


def test_a_genuine_call_that_is_no_json_means_the_whole_account() -> None:
    assert NUKI.read_callback(_signed(b"{"), b"{", SECRET).look_at is None


def test_the_name_of_the_header_and_the_case_of_its_digits_do_not_matter() -> None:
    body = b'{"feature":"DEVICE_STATUS","smartlockId":7}'
    headers = {name.lower(): value.upper() for name, value in _signed(body).items()}
    assert NUKI.read_callback(headers, body, SECRET).look_at == frozenset({"7"})


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        pytest.param(_signed(b"{}", "another"), SECRET, id="another-secret"),
        pytest.param(_signed(b"{ }"), SECRET, id="another-body"),
        pytest.param({}, SECRET, id="no-signature"),
        pytest.param({"X-Nuki-Signature-SHA256": "ü"}, SECRET, id="no-ascii"),
        pytest.param({"X-Nuki-Signature": _signed(b"{}").popitem()[1]}, SECRET, id="the-old-header"),
        pytest.param(_signed(b"{}", ""), "", id="no-secret-kept"),
    ],
)
def test_any_other_call_is_refused(headers: dict[str, str], secret: str) -> None:
    with pytest.raises(CallbackRefused):
        NUKI.read_callback(headers, b"{}", secret)
