"""Sealed values: every column that holds one is known to the rotation, and it skips what is sealed anew already."""

from __future__ import annotations

import asyncpg
from tests.conftest import SEALER

from lockstep.kit.sealing import Sealer
from lockstep.model.permissions import Actor
from lockstep.operations import rotation, webhooks
from lockstep.operations.gate import Gate
from lockstep.operations.webhooks import CreateWebhook
from lockstep.storage.rotation import PASSING, SEALED

NOT_SEALED = {
    "accounts.callback_token_hash": "a hash",
    "api_keys.secret_hash": "a hash",
    "event_positions.hash": "a hash",
    "idempotency_keys.key_hash": "a hash",
    "idempotency_keys.request_hash": "a hash",
    "observations.digest": "a digest of fingerprints",
    "workspaces.event_hash": "a hash",
    "workspaces.salt": "of no use without the key of the fingerprints",
}


async def test_every_column_of_bytes_is_sealed_and_rotated_or_needs_no_seal(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(
        """select c.relname || '.' || a.attname as name from pg_attribute a join pg_class c on c.oid = a.attrelid
           where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
             and a.attnum > 0 and not a.attisdropped and a.atttypid = 'bytea'::regtype"""
    )
    await connection.close()
    sealed = {f"{c.table}.{c.column}" for c in (*SEALED, PASSING)}
    assert {r["name"] for r in rows} == sealed | set(NOT_SEALED)


async def test_more_values_than_one_batch_holds_are_all_sealed_anew_and_only_once(
    gate: Gate, owner: Actor
) -> None:
    async with gate.transaction(owner.workspace_id) as tx:
        for number in range(25):
            await webhooks.create(tx, owner, CreateWebhook(f"https://hooks.example/{number}"))
    gate.sealer = Sealer({**SEALER.master_keys, 2: b"n" * 32}, SEALER.fingerprint_key)
    seen: list[tuple[int, int | None]] = []
    assert await rotation.reseal(gate, lambda done, of, what: seen.append((done, of)), at_once=10) == 50
    assert seen[-1] == (50, 50)
    assert await rotation.versions_in_use(gate) == {2: 50}
    assert await rotation.reseal(gate, lambda *_: None) == 0
    assert await rotation.unopenable(gate) == []
    gate.sealer = Sealer({2: b"x" * 32}, SEALER.fingerprint_key)
    assert await rotation.unopenable(gate) == ["webhooks.secret", "webhooks.url"]
