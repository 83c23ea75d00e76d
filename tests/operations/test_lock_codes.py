"""Codes that are declared at the same time, in one process and in several: each stored whole, and digits given once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.operations.places import some_locks

from lockstep.model.permissions import Actor
from lockstep.operations import lock_codes
from lockstep.operations.access_codes import AccessCode, ListCodes, list_shown
from lockstep.operations.errors import Conflict
from lockstep.operations.gate import Gate, TransactionNeeded
from lockstep.operations.lock_codes import CreateCode

BEGINS = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def gates(gate: Gate) -> tuple[Gate, Gate]:
    """Two processes on one database: nothing that one asks is asked together with what the other asks."""
    other = Gate(gate.database, gate.clock, gate.sealer, gate.random, gate.vendors, gate.vendor_http)
    return gate, other


def wanted(lock: str, digits: str, day: int = 0) -> CreateCode:
    starts_at = BEGINS + timedelta(days=day)
    return CreateCode(lock, f"Guest {digits}", starts_at, starts_at + timedelta(days=3), digits)


async def at_once(gate: Gate, actor: Actor, command: CreateCode) -> AccessCode:
    async with gate.at_once(actor.workspace_id) as tx:
        return await lock_codes.create(tx, actor, command)


async def declare(gate: Gate, actor: Actor, command: CreateCode) -> AccessCode | Conflict:
    """As the ways in do."""
    try:
        try:
            return await at_once(gate, actor, command)
        except TransactionNeeded:
            async with gate.transaction(actor.workspace_id) as tx:
                return await lock_codes.create(tx, actor, command)
    except Conflict as refused:
        return refused


async def test_codes_declared_at_the_same_time_are_each_stored_whole_by_one_statement(
    gates: tuple[Gate, Gate], owner: Actor
) -> None:
    locks = await some_locks(gates[0], owner, "Front door", "Back door")
    commands = [wanted(locks[n % 2], f"{123_456 + n}") for n in range(24)]
    # None of them needs a transaction, though each changes a lock on which others are declared at that moment.
    made = await asyncio.gather(*(at_once(gates[n % 3 > 0], owner, c) for n, c in enumerate(commands)))
    assert [code.digits for code in made] == [c.code for c in commands]
    assert [code.row.device_public_id for code in made] == [c.device_id for c in commands]
    async with gates[0].reading(owner.workspace_id) as tx:
        shown = {code.row.public_id: code for code in await list_shown(tx, owner, ListCodes(100))}
        told = await tx.db.fetch("select kind, count(*) from events group by kind order by kind")
    assert {id: code.digits for id, code in shown.items()} == {c.row.public_id: c.digits for c in made}
    assert [tuple(r) for r in told if r["kind"].startswith("access_")] == [
        ("access_code.created", 24),
        ("access_grant.created", 24),
    ]


async def test_of_those_who_give_the_same_digits_to_one_lock_at_the_same_time_one_gets_them(
    gates: tuple[Gate, Gate], owner: Actor
) -> None:
    (lock,) = await some_locks(gates[0], owner, "Front door")
    for digits in ("482913", "482914", "482915"):
        commands = [wanted(lock, digits, day) for day in (0, 1, 2, 1)] * 2
        came = await asyncio.gather(*(declare(gates[n // 4], owner, c) for n, c in enumerate(commands)))
        refused = [c.code for c in came if isinstance(c, Conflict)]
        assert refused == ["code_taken"] * 7


async def test_the_same_digits_may_be_given_at_the_same_time_for_stays_that_do_not_meet(
    gates: tuple[Gate, Gate], owner: Actor
) -> None:
    (lock,) = await some_locks(gates[0], owner, "Front door")
    commands = [wanted(lock, "482913", 3 * n) for n in range(8)]
    came = await asyncio.gather(*(declare(gates[n % 2], owner, c) for n, c in enumerate(commands)))
    assert not [c for c in came if isinstance(c, Conflict)]


async def test_codes_of_one_new_key_that_are_declared_at_the_same_time_have_the_same_digits(
    gates: tuple[Gate, Gate], owner: Actor
) -> None:
    locks = await some_locks(gates[0], owner, *(f"Door {n}" for n in range(6)))
    for key in ("family", "cleaners"):
        commands = [CreateCode(lock, key, common_code_key=key) for lock in locks]
        came = await asyncio.gather(*(declare(gates[n % 2], owner, c) for n, c in enumerate(commands)))
        made = [code for code in came if isinstance(code, AccessCode)]
        assert (len(made), len({code.digits for code in made})) == (6, 1)


async def test_of_those_who_give_different_digits_to_one_new_key_at_the_same_time_one_sets_them(
    gates: tuple[Gate, Gate], owner: Actor
) -> None:
    locks = await some_locks(gates[0], owner, *(f"Door {n}" for n in range(6)))
    commands = [
        CreateCode(lock, "Family", code=f"{482_913 + n}", common_code_key="family")
        for n, lock in enumerate(locks)
    ]
    came = await asyncio.gather(*(declare(gates[n % 2], owner, c) for n, c in enumerate(commands)))
    assert [it.code for it in came if isinstance(it, Conflict)] == ["common_code_differs"] * 5
