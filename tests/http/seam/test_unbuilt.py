"""What Lockstep does not have says so, in JSON, whoever asks."""

from __future__ import annotations

import pytest
from tests.http.seam.parts import Home


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
