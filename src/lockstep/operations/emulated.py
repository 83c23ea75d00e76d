"""Emulated worlds: the locks of a sandbox, which exist nowhere else. Each world is one account at an emulated vendor
and one row: whoever asks it something opens the row, asks, and stores what came of it. So it lives as long as the
database, and is the same for every process. Knows no vendor: the wiring hands in an `Emulator`."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from lockstep.kit.ids import new_id
from lockstep.operations.emulator import Call, EmulatedDevice, EmulatedWorld, Emulator, Reply
from lockstep.operations.errors import NotFound
from lockstep.operations.gate import Gate, Tx
from lockstep.storage import emulated_worlds
from lockstep.storage.emulated_worlds import WorldRow

_TABLE, _COLUMN = "emulated_worlds", "snapshot"
_SECRET_BYTES = 24


async def create(
    gate: Gate, tx: Tx, account: str, devices: Sequence[EmulatedDevice], token: str | None = None
) -> dict[str, str]:
    """Make a world, in place of one of the same `account`; returns the credentials to connect it with."""
    emulator = _emulator(gate)
    token = token or secrets.token_urlsafe(_SECRET_BYTES)
    world_id = new_id()
    world = emulator.new_world(gate.clock, account, token, devices)
    row = WorldRow(world_id, account, _sealed(tx, world_id, world))
    await emulated_worlds.put(tx.db, tx.workspace_id, row, _hash_of(token))
    return emulator.credentials(token)


@asynccontextmanager
async def opened(gate: Gate, tx: Tx, account: str) -> AsyncIterator[EmulatedWorld]:
    """The world of this account, nobody else's until the transaction ends; what is done to it is stored.

    Raises NotFound."""
    row = await emulated_worlds.find(tx.db, tx.workspace_id, account)
    if row is None:
        raise NotFound("emulated account", account)
    world = _world(gate, tx, row)
    yield world
    await emulated_worlds.keep(tx.db, tx.workspace_id, row.id, _sealed(tx, row.id, world))


async def answer(gate: Gate, call: Call, token: str) -> Reply | None:
    """What the emulated vendor answers to whoever has this token; None where it is nobody's."""
    async with gate.database.reading(None) as db:
        whose = await emulated_worlds.find_in_every_workspace(db, _hash_of(token))
    if whose is None:
        return None
    if call.method == "GET":
        async with gate.reading(whose.workspace_id) as tx:
            row = await emulated_worlds.get(tx.db, tx.workspace_id, whose.id)
            return None if row is None else await _world(gate, tx, row).answer(call)
    async with gate.transaction(whose.workspace_id) as tx:
        row = await emulated_worlds.get(tx.db, tx.workspace_id, whose.id, to_change=True)
        if row is None:
            return None
        world = _world(gate, tx, row)
        reply = await world.answer(call)
        await emulated_worlds.keep(tx.db, tx.workspace_id, row.id, _sealed(tx, row.id, world))
        return reply


def _emulator(gate: Gate) -> Emulator:
    assert gate.emulator is not None, "the wiring hands one in"
    return gate.emulator


def _world(gate: Gate, tx: Tx, row: WorldRow) -> EmulatedWorld:
    return _emulator(gate).world(gate.clock, tx.open(row.snapshot, _TABLE, _COLUMN, row.id).encode())


def _sealed(tx: Tx, world_id: UUID, world: EmulatedWorld) -> bytes:
    return tx.seal(world.snapshot().decode(), _TABLE, _COLUMN, world_id)


def _hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
