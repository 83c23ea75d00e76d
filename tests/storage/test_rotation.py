"""Sealed values: every column that holds one is known to the rotation, and it skips what is sealed anew already."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
from tests.conftest import SEALER

from lockstep.cli.keyring import KEY_FILE, add_version, sealer_of
from lockstep.cli.settings import SealingSettings
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


async def test_while_others_store_and_read_the_key_is_changed_and_nothing_is_lost(
    gate: Gate, owner: Actor, tmp_path: Path
) -> None:
    gate.sealer = sealer_of(SealingSettings(), tmp_path)
    async with gate.transaction(owner.workspace_id) as tx:
        made = [
            await webhooks.create(tx, owner, CreateWebhook(f"https://hooks.example/{n}")) for n in range(8)
        ]
    is_done = asyncio.Event()

    async def store_and_read(number: int) -> int:
        """What a process does that knows nothing of the rotation; each pass seals and opens."""
        count = 0
        while not is_done.is_set() or count < 3:
            async with gate.transaction(owner.workspace_id) as tx:
                await webhooks.rotate_secret(tx, owner, made[number].webhook.webhook_id)
                row = await webhooks.found(tx, made[number].webhook.webhook_id)
                assert tx.open(row.url, "webhooks", "url", row.id).endswith(f"/{number}")
                webhooks.signing_of(tx, row)
            count += 1
        return count

    storing = [asyncio.create_task(store_and_read(number)) for number in range(4)]
    for version in (2, 3):
        assert add_version(tmp_path / KEY_FILE) == version
        await rotation.reseal(gate, lambda *_: None, at_once=3)
    is_done.set()
    assert sum(await asyncio.gather(*storing)) >= 12
    await rotation.reseal(gate, lambda *_: None)
    assert set(await rotation.versions_in_use(gate)) == {3}
    assert await rotation.unopenable(gate) == []
