"""Routes are declared at once and made when they are first asked for; nobody can tell the difference."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import StrictStr
from starlette.responses import JSONResponse, Response

from lockstep.http.api.fields import Sent
from lockstep.http.api.routing import Router, late_routes

router = Router(prefix="/v1/things", tags=["Things"])


class Thing(Sent):
    name: StrictStr


@router.post("", response_model=Thing, status_code=201)
async def create_thing(body: Thing) -> Response:
    return JSONResponse({"name": body.name}, 201)


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()
    app.router.routes.extend(late_routes((router,)))
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://lockstep.test") as client:
        yield client


async def test_what_a_route_takes_is_read_in_with_its_first_request(client: httpx2.AsyncClient) -> None:
    assert not Thing.__pydantic_complete__
    refused = await client.post("/v1/things", json={"name": 3})
    taken = await client.post("/v1/things", json={"name": "Bell"})
    assert (refused.status_code, taken.status_code, taken.json()) == (422, 201, {"name": "Bell"})
    assert refused.json()["detail"][0]["loc"] == ["body", "name"]


async def test_a_route_takes_the_methods_that_it_names_alone(client: httpx2.AsyncClient) -> None:
    refused = await client.put("/v1/things", json={"name": "Bell"})
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


def test_a_route_is_described_with_what_it_answers() -> None:
    (route,) = late_routes((router,))
    described = route.described()
    assert (described.path, described.status_code, described.tags) == ("/v1/things", 201, ["Things"])
    assert described.response_model is Thing
    assert described.unique_id == "create_thing"
