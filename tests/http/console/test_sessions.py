"""The cookie: what signs somebody in, and what does not."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest

from lockstep.emulation.clock import VirtualClock
from lockstep.http.console.sessions import Session, Sessions
from lockstep.kit.ids import new_id

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LASTS = timedelta(hours=12)
WORKSPACE = new_id()


def sessions(clock: VirtualClock | None = None, secret: bytes = b"s" * 32) -> Sessions:
    return Sessions(secret, LASTS, clock or VirtualClock(NOW))


def test_what_was_begun_is_read_again() -> None:
    value = sessions().begin(WORKSPACE, "key_1")
    assert sessions().read(value) == Session(WORKSPACE, "key_1", NOW + LASTS)


def test_a_session_ends_after_twelve_hours() -> None:
    clock = VirtualClock(NOW)
    value = sessions(clock).begin(WORKSPACE, "key_1")
    clock.advance(LASTS - timedelta(seconds=1))
    assert sessions(clock).read(value) is not None
    clock.advance(timedelta(seconds=1))
    assert sessions(clock).read(value) is None


def test_another_installation_s_session_is_none_of_ours() -> None:
    assert sessions(secret=b"t" * 32).read(sessions().begin(WORKSPACE, "key_1")) is None


def _other_key(value: str) -> str:
    body, signature = value.split(".")
    opened = base64.urlsafe_b64decode(body + "==").replace(b"key_1", b"key_2")
    return f"{base64.urlsafe_b64encode(opened).decode().rstrip('=')}.{signature}"


@pytest.mark.parametrize(
    "altered",
    [
        pytest.param(_other_key, id="another key"),
        pytest.param(lambda v: v[:-2] + ("AA" if v[-2:] != "AA" else "BB"), id="another signature"),
        pytest.param(lambda v: v.split(".")[0], id="no signature"),
        pytest.param(lambda v: v.split(".")[0] + ".", id="an empty signature"),
        pytest.param(lambda v: v + ".x", id="a third part"),
        pytest.param(lambda _: "", id="empty"),
        pytest.param(lambda _: "é.ü", id="no ASCII"),
        pytest.param(lambda _: "!!!!.????", id="no base64"),
    ],
)
def test_a_cookie_that_was_altered_signs_nobody_in(altered: object) -> None:
    assert callable(altered)
    assert sessions().read(altered(sessions().begin(WORKSPACE, "key_1"))) is None
