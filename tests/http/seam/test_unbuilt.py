"""What Lockstep does not have says so, in JSON, whoever asks."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.http.seam.parts import Home

from lockstep.http.seam.app import Seam


@pytest.mark.parametrize(
    ("path", "status", "type"),
    [
        ("/acs/users/list", 501, "not_implemented"),
        ("/access_codes/get_timeline", 501, "not_implemented"),
        ("/thermostats/list", 501, "not_implemented"),
        ("/phones/list", 501, "not_implemented"),
        ("/access_codes/wish", 404, "not_found"),
        ("/devices", 404, "not_found"),
    ],
)
async def test_a_path_that_is_not_built_or_not_there_says_which(
    home: Home, path: str, status: int, type: str
) -> None:
    for headers in ({}, {"authorization": ""}):
        answer = await home.http.post(path, json={}, headers=headers)
        assert (answer.status_code, answer.json()["error"]["type"]) == (status, type)


async def _asked(home: Home, method: str, path: str, *received: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """As a server hands it over, message by message."""
    left, sent = list(received), list[dict[str, Any]]()

    async def receive() -> dict[str, Any]:
        return left.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {home.key}".encode())],
        "client": ("127.0.0.1", 1),
    }
    await Seam(home.house.gate, 100, 100, 10_000)(scope, receive, send)
    return sent[0]["status"], msgspec.json.decode(sent[1]["body"])


async def test_what_is_no_path_at_all_is_not_there(home: Home) -> None:
    whole = {"type": "http.request", "body": b""}
    assert (await _asked(home, "OPTIONS", "*", whole))[0] == 404


async def test_a_request_that_was_cut_off_does_nothing(home: Home) -> None:
    cut = {"type": "http.disconnect"}
    status, answer = await _asked(home, "POST", "/client_sessions/create", cut)
    assert (status, answer["error"]["message"]) == (400, "The request was cut off.")
    assert await home.ask(home.seam.client_sessions.list) == []
