"""What every request of the API passes: key, pace, size, request id, problems, idempotency."""

import asyncio

import httpx

from lockstep.operations.gate import Gate


async def test_the_workspace_of_the_key_is_shown(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/workspace")
    assert answer.status_code == 200, answer.text
    assert answer.json()["name"] == "Harbour flats"
