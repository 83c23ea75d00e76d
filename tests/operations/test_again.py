"""An operation that the database undid is done again, and has happened once; nothing else is ever done twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import asyncpg
import pytest

from lockstep.model.permissions import Actor
from lockstep.operations import again, guests
from lockstep.operations.errors import Conflict, Unavailable
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.guests import CreateGuest, ListGuests
from lockstep.storage.away import Away

Trouble = Callable[[Tx], Awaitable[object]]


def undone(sqlstate: str) -> Trouble:
    """As the server tells it where others are in the way."""
    return lambda tx: tx.db.execute(f"do $$ begin raise exception using errcode = '{sqlstate}'; end $$")


@dataclass
class Entering:
    """Enters a guest, and has trouble afterwards, each time another."""

    owner: Actor
    troubles: list[Trouble]
    tries: int = field(default=0)

    async def __call__(self, tx: Tx) -> str:
        trouble = self.troubles[self.tries : self.tries + 1]
        self.tries += 1
        made = await guests.create(tx, self.owner, CreateGuest("Anna", guest_key="anna"))
        for it in trouble:
            await it(tx)
        return made.guest_id


@pytest.fixture
def lost(database_url: str) -> Trouble:
    """The server ends the connection, which is found out by the next statement."""

    async def lose(tx: Tx) -> None:
        pid = await tx.db.fetchval("select pg_backend_pid()")
        somebody = await asyncpg.connect(database_url)
        await somebody.execute("select pg_terminate_backend($1, 5000)", pid)
        await somebody.close()

    return lose


async def entered(gate: Gate, owner: Actor) -> int:
    async with gate.reading(owner.workspace_id) as tx:
        return len(await guests.listed(tx, owner, ListGuests()))


@pytest.mark.parametrize("sqlstate", ["40P01", "40001"], ids=["deadlock", "serialization failure"])
async def test_what_the_server_undid_is_done_again(gate: Gate, owner: Actor, sqlstate: str) -> None:
    entering = Entering(owner, [undone(sqlstate)] * 2)
    await again.change(gate, owner.workspace_id, entering)
    assert (entering.tries, await entered(gate, owner)) == (3, 1)


async def test_what_is_undone_each_time_is_given_up_with_nothing_done(gate: Gate, owner: Actor) -> None:
    entering = Entering(owner, [undone("40P01")] * 9)
    with pytest.raises(Unavailable):
        await again.change(gate, owner.workspace_id, entering)
    assert (entering.tries, await entered(gate, owner)) == (3, 0)


async def test_what_was_lost_before_its_end_is_done_again(gate: Gate, owner: Actor, lost: Trouble) -> None:
    async def lost_and_found_out(tx: Tx) -> None:
        await lost(tx)
        await tx.db.execute("select 1")

    entering = Entering(owner, [lost_and_found_out])
    await again.change(gate, owner.workspace_id, entering)
    assert (entering.tries, await entered(gate, owner)) == (2, 1)


async def test_what_was_lost_with_its_commit_is_not_done_again(
    gate: Gate, owner: Actor, lost: Trouble
) -> None:
    entering = Entering(owner, [lost])
    with pytest.raises(Away):
        await again.change(gate, owner.workspace_id, entering)
    assert entering.tries == 1


async def test_what_is_refused_is_not_asked_again(gate: Gate, owner: Actor) -> None:
    entering = Entering(owner, [])
    await again.change(gate, owner.workspace_id, entering)
    with pytest.raises(Conflict):
        await again.change(gate, owner.workspace_id, entering)
    assert entering.tries == 2


async def test_who_only_reads_reads_again_wherever_it_was_lost(
    gate: Gate, owner: Actor, lost: Trouble
) -> None:
    tries = 0

    async def read(tx: Tx) -> int:
        nonlocal tries
        tries += 1
        found = await guests.listed(tx, owner, ListGuests())
        if tries == 1:
            await lost(tx)
            await tx.db.execute("select 1")
        return len(found)

    assert await again.read(gate, owner.workspace_id, read) == 0
    assert tries == 2
