"""The last net: whatever is bound to a line of the log by mistake, no digits and no credentials are written."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
import structlog

from lockstep.kit.logging import REMOVED, clean_text, remove_secrets, set_up_logging

CANARY = "739164"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Everything logged so far, as JSON reads it."""
    handlers, level = logging.root.handlers[:], logging.root.level
    stream = io.StringIO()
    set_up_logging("debug", "json", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    "name",
    [
        "code", "digits", "token", "callback_token", "webhook_secret", "password", "authorization", "Authorization",
        "api_key", "x-api-key", "credentials", "cookie", "set-cookie", "database_dsn", "fingerprint_key", "phone",
        "email", "material",
    ],
)  # fmt: skip
def test_what_is_bound_under_a_telling_name_is_removed(name: str, lines: Lines) -> None:
    structlog.get_logger().info("something", **{name: f"{CANARY} and more"})
    assert lines()[0][name] == REMOVED


def test_it_is_removed_at_any_depth_and_in_lists(lines: Lines) -> None:
    structlog.get_logger().info("sent", body={"guest": {"codes": [{"code": CANARY}]}, "tokens": ["a", "b"]})
    assert lines()[0]["body"] == {"guest": {"codes": [{"code": REMOVED}]}, "tokens": REMOVED}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"the code {CANARY} was refused", f"the code {REMOVED} was refused"),
        (f"code={CANARY}, name=Ada", f"code={REMOVED}, name=Ada"),
        (f"'{CANARY}'", f"'{REMOVED}'"),
        ("Bearer abc.def-123456", f"Bearer {REMOVED}"),
        ("seam_lockstep_Abcdefghijklmnop0123456789", f"seam_lockstep_{REMOVED}"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", f"whsec_{REMOVED}"),
        ("GET https://u:p@host.example/ical/7f3a.ics?s=5b2 failed", "GET https://host.example failed"),
        ("postgresql://lockstep:hunter2@db:5432/lockstep", "postgresql://db:5432"),
    ],
    ids=lambda text: text[:24],
)
def test_credentials_within_other_text_are_removed(text: str, left: str) -> None:
    assert clean_text(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "2026-06-01T12:00:00+00:00",
        "01a1fc8e-4705-726b-a940-f38437dd3007",
        "127.0.0.1:8000",
        "File app.py, line 1234, in process",
        "PostgreSQL 18.4",
        "lock_01m7y8whrqenes95yz3ba39g49",
        "7 rows, 512 left",
    ],
)
def test_instants_ids_ports_and_lines_of_source_are_left_as_they_are(text: str) -> None:
    assert clean_text(text) == text


def test_numbers_codes_of_errors_and_the_callers_own_ids_are_left_as_they_are() -> None:
    event = {
        "event": "done",
        "count": 12345,
        "code": "vendor_busy",
        "grant_key": "order-77",
        "ok": True,
        "none": None,
    }
    assert remove_secrets(None, "info", dict(event)) == event


def test_a_traceback_is_cleaned_as_any_other_text(lines: Lines) -> None:
    try:
        raise ValueError(f"{CANARY} is taken; asked https://api.example/{CANARY}?token=x")
    except ValueError:
        structlog.get_logger().exception("write_failed", revision=3)
    (line,) = lines()
    assert line["level"] == "error"
    assert line["revision"] == 3
    assert "ValueError" in line["exception"]
    assert CANARY not in json.dumps(line)


@pytest.mark.parametrize("form", ["console", "json"])
def test_both_forms_are_cleaned(form: str, lines: Lines) -> None:
    stream = io.StringIO()
    set_up_logging("info", form, stream)
    try:
        raise ValueError(CANARY)
    except ValueError:
        structlog.get_logger().exception("failed", digits=CANARY)
    assert "ValueError" in stream.getvalue()
    assert CANARY not in stream.getvalue()


async def test_libraries_log_no_address_and_nothing_below_a_warning(lines: Lines) -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200))
    async with httpx2.AsyncClient(transport=transport) as client:
        await client.get(f"https://feeds.example/{CANARY}?s=secret")
    logging.getLogger("uvicorn.access").info("GET /callbacks/verysecret")
    assert lines() == []
    logging.getLogger("some.library").warning("slow answer of https://host.example/%s", CANARY)
    (line,) = lines()
    assert line["event"] == "slow answer of https://host.example"


def test_the_level_is_obeyed(lines: Lines) -> None:
    stream = io.StringIO()
    set_up_logging("warning", "json", stream)
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    assert "quiet" not in stream.getvalue()
    assert "loud" in stream.getvalue()
