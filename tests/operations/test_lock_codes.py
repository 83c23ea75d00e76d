"""Codes that are declared at the same time, in one process and in several: each stored whole, and digits given once."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.operations.places import ask, some_locks, until_somebody_waits

from lockstep.model.permissions import Actor
from lockstep.operations import accounts, devices, lock_codes, managing, releasing
from lockstep.operations.access_codes import AccessCode, ListCodes, list_shown
from lockstep.operations.accounts import WhatBecomesOfCodes
from lockstep.operations.errors import AccountInError, Conflict
from lockstep.operations.gate import Gate, TransactionNeeded, Tx
from lockstep.operations.lock_codes import ChangeCode, CreateCode, CreateCodes
from lockstep.storage import domains, grants

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


async def _disconnect(tx: Tx, actor: Actor, lock: str, codes: WhatBecomesOfCodes) -> None:
    device = await devices.shown(tx, actor, lock)
    await accounts.disconnect(tx, actor, device.connected_account_id, codes)


async def test_a_code_that_was_deleted_is_not_let_go_to_stay_on_its_lock(gate: Gate, owner: Actor) -> None:
    (lock,) = await some_locks(gate, owner, "Front door")
    made = await at_once(gate, owner, wanted(lock, "482913"))
    async with gate.transaction(owner.workspace_id) as tx:
        await lock_codes.cancel(tx, owner, made.row.public_id)
        with pytest.raises(Conflict, match="being taken off"):
            await releasing.release(tx, owner, made.row.public_id)


LEAVING = {
    "its account is disconnected": lambda tx, actor, lock: _disconnect(tx, actor, lock, "leave"),
    "its account's codes are taken off": lambda tx, actor, lock: _disconnect(tx, actor, lock, "remove"),
    "it is managed no more": managing.unmanage,
}


@pytest.mark.parametrize("leaving", LEAVING.values(), ids=LEAVING)
@pytest.mark.parametrize("is_at_once", [True, False], ids=["at once", "in a transaction"])
async def test_no_code_is_declared_on_a_lock_that_is_left_at_that_moment(
    gate: Gate, owner: Actor, leaving: Callable[[Tx, Actor, str], Awaitable[object]], is_at_once: bool
) -> None:
    (lock,) = await some_locks(gate, owner, "Front door")
    command = wanted(lock, "482913")

    async def in_transaction() -> AccessCode:
        async with gate.transaction(owner.workspace_id) as tx:
            return await lock_codes.create(tx, owner, command)

    async with gate.transaction(owner.workspace_id) as tx:
        await leaving(tx, owner, lock)
        # It has seen the lock as it was, and waits for what is done to it here.
        made = asyncio.create_task(declare(gate, owner, command) if is_at_once else in_transaction())
        await until_somebody_waits(gate)
    (came,) = await asyncio.gather(made, return_exceptions=True)
    assert isinstance(came, Conflict | AccountInError)
    async with gate.reading(owner.workspace_id) as tx:
        left = await tx.db.fetchval("select count(*) from entries where settled_at is null")
    assert left == 0


LETTING_GO = {
    "the code": lambda tx, actor, code: releasing.release(tx, actor, code.row.public_id),
    "the lock": lambda tx, actor, code: managing.unmanage(tx, actor, code.row.device_public_id),
}


@pytest.mark.parametrize("letting_go", LETTING_GO.values(), ids=LETTING_GO)
async def test_who_lets_go_of_a_code_and_who_changes_it_do_not_wait_for_each_other(
    gate: Gate, owner: Actor, letting_go: Callable[[Tx, Actor, AccessCode], Awaitable[object]]
) -> None:
    (lock,) = await some_locks(gate, owner, "Front door")
    code = await at_once(gate, owner, wanted(lock, "482913"))

    async def let_go() -> None:
        async with gate.transaction(owner.workspace_id) as tx:
            await letting_go(tx, owner, code)

    async with gate.transaction(owner.workspace_id) as tx:
        await grants.by_public_id(tx.db, tx.workspace_id, code.row.grant_public_id, locked=True)
        other = asyncio.create_task(let_go())
        await until_somebody_waits(gate)
        await domains.lock(tx.db, tx.workspace_id, [code.row.entry.domain_id])
    await other


async def test_codes_for_several_locks_wait_for_nobody_while_they_hold_one_of_them(
    gate: Gate, owner: Actor
) -> None:
    first, second = await some_locks(gate, owner, "Front door", "Back door")
    command = CreateCodes((second, first), wanted("", "482913"))
    async with gate.transaction(owner.workspace_id) as tx:
        # The order in which their domains were made.
        low, high = [(await devices.get(tx, owner, id)).domain_id for id in (first, second)]
        await domains.lock(tx.db, tx.workspace_id, [low])
        made = asyncio.create_task(ask(gate, owner, lock_codes.create_multiple, command))
        await until_somebody_waits(gate)
        await domains.lock(tx.db, tx.workspace_id, [high])
    assert [code.digits for code in await made] == ["482913"] * 2


async def test_codes_of_one_key_are_changed_with_all_their_grants_held_before_their_locks(
    gate: Gate, owner: Actor
) -> None:
    (lock,) = await some_locks(gate, owner, "Front door")
    one, other = [
        await declare(gate, owner, replace(wanted(lock, "482913", day), common_code_key="k"))
        for day in (0, 5)
    ]
    assert isinstance(one, AccessCode)
    assert isinstance(other, AccessCode)

    async def rename() -> None:
        async with gate.transaction(owner.workspace_id) as tx:
            await lock_codes.change_multiple(tx, owner, "k", ChangeCode("Anna"))

    async with gate.transaction(owner.workspace_id) as tx:
        await grants.by_public_id(tx.db, tx.workspace_id, other.row.grant_public_id, locked=True)
        renamed = asyncio.create_task(rename())
        await until_somebody_waits(gate)
        await domains.lock(tx.db, tx.workspace_id, [one.row.entry.domain_id])
    await renamed


async def test_what_is_declared_together_is_stored_by_one_statement_and_the_same_digits_begin_anew(
    gate: Gate, owner: Actor
) -> None:
    # By two statements the first could be stored, and its caller be told that nothing was.
    (lock,) = await some_locks(gate, owner, "Front door")
    commands = [wanted(lock, "482913"), wanted(lock, "482913", 3)]
    came = await asyncio.gather(*(at_once(gate, owner, c) for c in commands), return_exceptions=True)
    assert [type(c) for c in came] == [AccessCode, TransactionNeeded]


async def test_what_is_kept_of_a_request_tells_nobody_without_the_key_which_digits_it_gave(
    gate: Gate, owner: Actor
) -> None:
    (lock,) = await some_locks(gate, owner, "Front door")
    request = hashlib.sha256(b"all of it, with the code 482913").digest()
    command = CreateCodes((lock,), wanted(lock, "482913"))
    async with gate.transaction(owner.workspace_id) as tx:
        made = await lock_codes.create_multiple_once(tx, owner, command, request)
        again = await lock_codes.create_multiple_once(tx, owner, command, request)
        kept = await tx.db.fetch("select key_hash, request_hash from idempotency_keys")
    assert [code.row.public_id for code in again] == [code.row.public_id for code in made]
    tried = [request, hashlib.sha256(f"codes 0 {request.hex()}".encode()).digest()]
    assert [value in tried for row in kept for value in row] == [False, False]
