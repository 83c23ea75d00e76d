"""An open page follows what changes: at once, its own workspace alone, and not beyond the end of the session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing

import asyncpg
import httpx2
import pytest
from tests.conftest import TLS
from tests.http.console.parts import sign_in
from tests.serving import serving

from lockstep.http.console.app import Console
from lockstep.http.console.live import SIGNED_OUT, Live
from lockstep.http.console.settings import ConsoleSettings
from lockstep.kit.ids import new_id
from lockstep.model import events
from lockstep.model.permissions import Actor
from lockstep.operations import api_keys, workspaces
from lockstep.operations import events as recorded
from lockstep.operations.api_keys import NewApiKey
from lockstep.operations.changes import Changes
from lockstep.operations.gate import Gate

NEVER_UNASKED = ConsoleSettings(look_again_seconds=3600.0, least_pause_seconds=0.0)


async def something_happens(gate: Gate, actor: Actor) -> None:
    async with gate.transaction(actor.workspace_id) as tx:
        await recorded.append(tx, actor, events.GuestCreated(guest_id=str(new_id())))


def counting() -> Callable[[], Awaitable[str | None]]:
    """Renders something else each time."""
    count = 0

    async def render() -> str:
        nonlocal count
        count += 1
        return f"<p>{count}</p>\n<p>second line</p>"

    return render


async def test_what_changes_is_sent_when_it_commits(gate: Gate, owner: Actor) -> None:
    live = Live(Changes(gate), NEVER_UNASKED)
    async with aclosing(live.stream(owner.workspace_id, counting())) as stream:
        assert await anext(stream) == "data: <p>1</p>\ndata: <p>second line</p>\n\n"
        await something_happens(gate, owner)
        assert "<p>2</p>" in await anext(stream)


async def test_what_happens_in_another_workspace_is_not_heard(
    gate: Gate, owner: Actor, neighbour: Actor
) -> None:
    changes = Changes(gate)
    async with (
        changes.watching(owner.workspace_id) as ours,
        changes.watching(neighbour.workspace_id) as other,
    ):
        heard = True
        for _ in range(3):  # what was told before may still be on its way
            await something_happens(gate, neighbour)
            assert await other.wait(30)
            heard = await ours.wait(0)
        assert not heard


async def test_the_same_again_is_not_sent(gate: Gate, owner: Actor) -> None:
    parts = iter(["same", "same", "other"])

    async def render() -> str:
        return next(parts)

    live = Live(Changes(gate), ConsoleSettings(look_again_seconds=0.0, least_pause_seconds=0.0))
    async with aclosing(live.stream(owner.workspace_id, render)) as stream:
        assert [await anext(stream), await anext(stream)] == ["data: same\n\n", "data: other\n\n"]


async def test_whoever_is_signed_out_is_told_so_and_hears_no_more(gate: Gate, owner: Actor) -> None:
    async def render() -> None:
        return None

    live = Live(Changes(gate), NEVER_UNASKED)
    assert [part async for part in live.stream(owner.workspace_id, render)] == [SIGNED_OUT]


async def test_open_pages_end_with_the_process(gate: Gate, owner: Actor) -> None:
    live = Live(Changes(gate), NEVER_UNASKED)
    async with aclosing(live.stream(owner.workspace_id, counting())) as stream:
        await anext(stream)
        live.stop()
        assert [part async for part in stream] == []


async def test_one_connection_hears_for_all_and_only_while_somebody_looks(
    gate: Gate, owner: Actor, database_url: str
) -> None:
    changes = Changes(gate)
    for _ in range(2):
        async with changes.watching(owner.workspace_id) as one, changes.watching(owner.workspace_id) as two:
            await something_happens(gate, owner)
            assert await one.wait(30)
            assert await two.wait(30)
            assert await listeners(database_url) == 1
        while await listeners(database_url):  # noqa: ASYNC110 -- the server offers nothing to wait for
            await asyncio.sleep(0)


async def listeners(database_url: str) -> int:
    """Connections whose last word was to listen to changes."""
    connection = await asyncpg.connect(database_url)
    try:
        count = await connection.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database()"
            " and query ilike 'listen%lockstep_changed%'"
        )
    finally:
        await connection.close()
    return int(count)


@pytest.fixture
async def address(console: Console) -> AsyncIterator[str]:
    async with serving(console) as address:
        yield address
        console.stop()


async def test_a_key_that_is_revoked_ends_the_open_page_at_once(
    gate: Gate, owner: Actor, key: NewApiKey, address: str
) -> None:
    async with httpx2.AsyncClient(
        base_url=address, headers={"origin": address}, trust_env=False, verify=TLS
    ) as client:
        await sign_in(client, key.secret)
        async with client.stream("GET", "/changes", timeout=30) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = answer.aiter_lines()
            assert (await anext(lines)).startswith("data: ")
            async with gate.transaction(owner.workspace_id) as tx:
                await workspaces.change(tx, owner, workspaces.ChangeWorkspace("Renamed"))
                await api_keys.revoke(tx, owner, key.api_key.api_key_id)
            said = [line async for line in lines]
    assert said[-3:] == ["event: signed-out", "data: ", ""]
    assert not any("Renamed" in line for line in said)
