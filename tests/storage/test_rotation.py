"""Sealed values: every column that holds one is known to the rotation, and it skips what is sealed anew already."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest
from tests.conftest import SEALER
from tests.operations.places import a_property, a_stay, ask, june, some_locks

from lockstep.cli.keyring import KEY_FILE, add_version, sealer_of
from lockstep.cli.settings import SealingSettings
from lockstep.emulation.clock import VirtualClock
from lockstep.kit.sealing import Sealer
from lockstep.model.permissions import Actor
from lockstep.operations import calendars, callbacks, idempotency, rotation, webhooks
from lockstep.operations.calendars import AddCalendar, RemoveCalendar
from lockstep.operations.gate import Gate
from lockstep.operations.webhooks import CreateWebhook
from lockstep.storage import accounts, retention
from lockstep.storage import webhooks as stored_webhooks
from lockstep.storage.rotation import PASSING, SEALED, SealedColumn

NOT_SEALED = {
    "accounts.callback_token_hash": "a hash",
    "accounts.registered_token_hash": "a hash",
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


STATES = ("active", "credentials_refused", "parked", "disconnecting", "disconnected")


async def test_one_of_everything_in_every_end_state_is_sealed_anew_and_nothing_is_said_to_be_closed(
    gate: Gate, owner: Actor, clock: VirtualClock
) -> None:
    await _accounts_in_every_state(gate, owner)
    await _codes_in_use_and_forgotten(gate, owner, clock)
    await _calendars_that_stayed_went_and_came_back(gate, owner)
    await _webhooks_at_work_disabled_and_removed(gate, owner)
    async with gate.transaction(owner.workspace_id) as tx:
        await idempotency.begin(tx, owner, "no answer yet", b"hash")
        await idempotency.begin(tx, owner, "answered", b"hash")
        await idempotency.keep(tx, owner, "answered", 204, "")
    filled, empty = await _filled(gate, owner)
    assert all(filled.values())
    assert {name for name, n in empty.items() if n} == {
        "accounts.credentials",
        "accounts.registered_url",
        "accounts.registered_secret",
        "access_methods.digits",
        "entries.digits",
        "calendars.url",
        "webhooks.old_secret",
        "idempotency_keys.body",
    }
    assert await rotation.unopenable(gate) == []
    lasting = sum(filled.values()) - filled["idempotency_keys.body"]
    assert await rotation.versions_in_use(gate, with_passing=False) == {1: lasting}
    gate.sealer = Sealer({**SEALER.master_keys, 2: b"n" * 32}, SEALER.fingerprint_key)
    assert await rotation.reseal(gate, lambda *_: None) == lasting
    assert await rotation.versions_in_use(gate, with_passing=False) == {2: lasting}
    gate.sealer = Sealer({2: b"n" * 32}, SEALER.fingerprint_key)
    assert await rotation.unopenable(gate) == []
    # Once more, as after a second disconnection: what was forgotten before is still no hindrance.
    gate.sealer = Sealer({2: b"n" * 32, 3: b"o" * 32}, SEALER.fingerprint_key)
    assert await rotation.reseal(gate, lambda *_: None) == lasting


@pytest.mark.parametrize("where", [*SEALED, PASSING], ids=lambda c: f"{c.table}.{c.column}")
async def test_no_sealed_column_takes_a_value_that_cannot_be_a_sealed_one(
    gate: Gate, owner: Actor, clock: VirtualClock, where: SealedColumn
) -> None:
    await _accounts_in_every_state(gate, owner)
    await _codes_in_use_and_forgotten(gate, owner, clock)
    await _calendars_that_stayed_went_and_came_back(gate, owner)
    await _webhooks_at_work_disabled_and_removed(gate, owner)
    async with gate.transaction(owner.workspace_id) as tx:
        await idempotency.begin(tx, owner, "answered", b"hash")
        await idempotency.keep(tx, owner, "answered", 204, "")
    with pytest.raises(asyncpg.CheckViolationError):
        async with gate.database.transaction(owner.workspace_id) as db:
            await db.execute(
                f"update {where.table} set {where.column} = ''::bytea where {where.column} is not null"
            )


async def _accounts_in_every_state(gate: Gate, owner: Actor) -> None:
    for _ in STATES:
        await some_locks(gate, owner, "Door")
    async with gate.transaction(owner.workspace_id) as tx:
        rows = await accounts.listed(tx.db, tx.workspace_id)
        for row, state in zip(rows, STATES, strict=True):
            told = callbacks.told(gate, tx.workspace_id, row)
            url = await callbacks.begin(tx, row, told, "https://lockstep.test")
            assert await callbacks.keep(tx, row, url, "what the vendor told")
            await accounts.set_state(tx.db, tx.workspace_id, row.id, state, None, tx.now)


async def _codes_in_use_and_forgotten(gate: Gate, owner: Actor, clock: VirtualClock) -> None:
    place = await a_property(gate, owner, device_ids=tuple(await some_locks(gate, owner, "Front door")))
    await a_stay(gate, owner, place.space_id, 2, 4)
    await a_stay(gate, owner, place.space_id, 14, 16)
    over = june(10)
    clock.set(over)
    async with gate.transaction(owner.workspace_id) as tx:
        await tx.db.execute("update entries set settled_at = ends_at where ends_at < $1", over)
        assert await retention.forget_entries(tx.db, tx.workspace_id, over, 100) == 1
        assert await retention.forget_grants(tx.db, tx.workspace_id, over, 100) == 1


async def _calendars_that_stayed_went_and_came_back(gate: Gate, owner: Actor) -> None:
    place = await a_property(gate, owner, "Hill house")
    for number in range(3):
        added = AddCalendar(place.space_id, f"https://feeds.example/{number}.ics")
        calendar = await ask(gate, owner, calendars.add, added)
        if number > 0:
            await ask(gate, owner, calendars.remove, RemoveCalendar(calendar.calendar_id))
        if number > 1:
            await ask(gate, owner, calendars.add, added)


async def _webhooks_at_work_disabled_and_removed(gate: Gate, owner: Actor) -> None:
    async with gate.transaction(owner.workspace_id) as tx:
        made = [
            (await webhooks.create(tx, owner, CreateWebhook(f"https://hooks.example/{n}"))).webhook.webhook_id
            for n in range(4)
        ]
        await webhooks.rotate_secret(tx, owner, made[1])
        row = await webhooks.found(tx, made[2])
        await stored_webhooks.disable(tx.db, tx.workspace_id, row.id, tx.now)
        await webhooks.remove(tx, owner, made[3])


async def _filled(gate: Gate, owner: Actor) -> tuple[dict[str, int], dict[str, int]]:
    """By `table.column`: how many values there are, and how many rows have none."""
    filled, empty = {}, {}
    async with gate.database.reading(owner.workspace_id) as db:
        for c in (*SEALED, PASSING):
            rows = await db.fetch(f"select {c.column} is null from {c.table}")
            empty[f"{c.table}.{c.column}"] = sum(row[0] for row in rows)
            filled[f"{c.table}.{c.column}"] = sum(not row[0] for row in rows)
    return filled, empty
