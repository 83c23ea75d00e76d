"""Requests that come most have a short way: it answers as the long one does, and stores all or nothing as well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.http.api.furnished import GRANT, Home, at_home, read

from lockstep.emulation.clock import VirtualClock

CREATED_ANEW = {"access_grant_id", "access_method_id", "code", "created_at", "changed_at", "access_grant_key"}
CHOSEN = {name: value for name, value in GRANT.items() if name != "code"}


@pytest.fixture
async def home(database_url: str, clock: VirtualClock) -> AsyncIterator[Home]:
    async with at_home(database_url, clock) as home:
        yield home


def shape(value: Any) -> Any:
    """What two answers must have in common that tell of two grants."""
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items() if k not in CREATED_ANEW}
    return [shape(v) for v in value] if isinstance(value, list) else value


async def test_a_grant_is_answered_alike_on_the_short_way_and_on_the_long(home: Home) -> None:
    doors = await home.connect()
    body = CHOSEN | {"device_ids": [doors["Door 1"]]}
    short = await home.client.post("/v1/access_grants", json=body | {"access_grant_key": "short"})
    # Another media type is not plain; an Idempotency-Key needs a transaction around.
    headers = {"idempotency-key": "once", "content-type": "application/json; charset=utf-8"}
    long = await home.client.post(
        "/v1/access_grants", json=body | {"access_grant_key": "long"}, headers=headers
    )
    assert (short.status_code, long.status_code) == (201, 201)
    assert shape(short.json()) == shape(long.json())
    assert short.headers.keys() == long.headers.keys()


async def test_a_list_is_answered_alike_on_the_short_way_and_on_the_long(home: Home) -> None:
    doors = await home.connect()
    for number in range(3):
        await home.post(
            "/v1/access_grants", CHOSEN | {"name": f"Guest {number}", "device_ids": [doors["Door 1"]]}
        )
    short = read(await home.client.get("/v1/access_grants?limit=2"))
    long = read(await home.client.get("/v1/access_grants?only_living=false&limit=2"))
    assert short["items"] == long["items"]
    assert len(short["items"]) == 2


async def test_grants_that_are_made_at_once_on_one_lock_have_different_digits(home: Home) -> None:
    doors = await home.connect()
    body = CHOSEN | {"device_ids": [doors["Door 1"]]}
    answers = await asyncio.gather(
        *(home.client.post("/v1/access_grants", json=body | {"name": f"Guest {n}"}) for n in range(12))
    )
    assert {a.status_code for a in answers} == {201}
    grants = (await home.get("/v1/access_grants", limit=50))["items"]
    assert len(grants) == 12
    codes = [g["access_method"]["code"] for g in grants]
    assert len(set(codes)) == 12


async def test_one_key_for_several_grants_at_once_makes_one_and_leaves_nothing_of_the_others(
    home: Home,
) -> None:
    doors = await home.connect()
    body = CHOSEN | {"device_ids": [doors["Door 1"]], "access_grant_key": "one"}
    answers = await asyncio.gather(*(home.client.post("/v1/access_grants", json=body) for _ in range(6)))
    assert sorted(a.status_code for a in answers) == [201, 409, 409, 409, 409, 409]
    assert len((await home.get("/v1/access_codes"))["items"]) == 1


async def test_a_fault_in_a_plain_request_is_told_as_on_the_long_way(home: Home) -> None:
    answer = await home.client.post(
        "/v1/access_grants", content=b'{"name": 1}', headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["next_step"]
