"""Sealed values: every column that holds one is known to the rotation, and it skips what is sealed anew already."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tests.conftest import SEALER
from tests.operations.places import a_property, a_stay, ask, june, some_locks
from tests.whole.stage import build_stage

from lockstep.cli.emulated.emulator import VirtualEmulator
from lockstep.cli.keyring import KEY_FILE, add_version, sealer_of
from lockstep.cli.settings import SealingSettings
from lockstep.emulation.clock import VirtualClock
from lockstep.kit.ids import new_id
from lockstep.kit.sealing import Place, Sealer, sealed_version
from lockstep.model.permissions import Actor
from lockstep.operations import (
    calendars,
    callbacks,
    connect_webviews,
    emulated,
    grants,
    guests,
    idempotency,
    instant_keys,
    requested_grants,
    rotation,
    webhooks,
)
from lockstep.operations.calendars import AddCalendar, RemoveCalendar
from lockstep.operations.gate import Gate
from lockstep.operations.grants import ChangeGrant, CreateGrant
from lockstep.operations.guests import CreateGuest
from lockstep.operations.instant_keys import CreateInstantKey
from lockstep.operations.requested_grants import RequestGrant
from lockstep.operations.webhooks import CreateWebhook
from lockstep.storage import accounts, readings, retention, sandboxes
from lockstep.storage import rotation as stored_rotation
from lockstep.storage import webhooks as stored_webhooks
from lockstep.storage.rotation import OBSERVED, PASSING, SEALED, SealedColumn
from lockstep.storage.sandboxes import BeginningRow

NOT_SEALED = {
    "accounts.callback_token_hash": "a hash",
    "accounts.registered_token_hash": "a hash",
    "api_keys.secret_hash": "a hash",
    "client_sessions.token_hash": "a hash",
    "connect_webviews.token_hash": "a hash",
    "customer_portals.token_hash": "a hash",
    "emulated_worlds.token_hash": "a hash",
    "event_positions.hash": "a hash",
    "idempotency_keys.key_hash": "a hash",
    "idempotency_keys.request_hash": "a hash",
    "instant_keys.token_hash": "a hash",
    "observations.digest": "a digest of fingerprints",
    "operator_tokens.secret_hash": "a hash",
    "workspaces.event_hash": "a hash",
    "workspaces.salt": "of no use without the key of the fingerprints",
}
NOT_SEALED_DOCUMENTS = {
    "accounts.custom_metadata": "values that only callers understand",
    "accounts.failure": "a code and words",
    "accounts.no_callbacks": "a code and words",
    "accounts.permits": "ids and instants",
    "attempts.failure": "a code and words",
    "attempts.request": "settings; digits stand sealed beside it",
    "attempts.result": "what somebody who tries a sandbox says",
    "bookings.held": "a code and words",
    "bookings.said": "an entry of a feed, as anybody with its address reads it",
    "calendars.failure": "a code and words",
    "calendars.held": "a code and words",
    "calendars.memory": "agreed losses, echoes, warnings",
    "calendars.policy": "the host's choices",
    "connect_webviews.asked": "what is told again as it was asked",
    "connect_webviews.custom_metadata": "values that only callers understand",
    "customer_portals.shows": "what of all that a page shows",
    "devices.capabilities": "what the lock can do",
    "devices.custom_metadata": "values that only callers understand",
    "devices.state": "the lock's health",
    "domains.failure": "a code and words",
    "entries.edit": "fields, names and instants, never digits",
    "entries.failure": "a code and words",
    "events.payload": "what the audit log shows",
    "grants.requested": "ways in which it was asked to be met",
    "events.subjects": "public ids",
    "workspaces.webview_look": "colors and a sentence, as anybody sees them",
}
NEWER = Sealer({**SEALER.master_keys, 2: b"n" * 32}, SEALER.fingerprint_key)
ONLY_NEWER = Sealer({2: b"n" * 32}, SEALER.fingerprint_key)


async def test_every_column_of_bytes_is_sealed_and_rotated_or_needs_no_seal(database_url: str) -> None:
    sealed = {f"{c.table}.{c.column}" for c in (*SEALED, PASSING)}
    assert await _columns(database_url, "bytea") == sealed | set(NOT_SEALED)


async def test_every_column_of_documents_is_walked_by_the_rotation_or_holds_nothing_sealed(
    database_url: str,
) -> None:
    found = await _columns(database_url, "json") | await _columns(database_url, "jsonb")
    assert found == {f"{OBSERVED.table}.{OBSERVED.column}"} | set(NOT_SEALED_DOCUMENTS)


async def _columns(database_url: str, kind: str) -> set[str]:
    """All columns of this type, as `table.column`."""
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(
        """select c.relname || '.' || a.attname as name from pg_attribute a join pg_class c on c.oid = a.attrelid
           where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
             and a.attnum > 0 and not a.attisdropped and a.atttypid = $1::text::regtype""",
        kind,
    )
    await connection.close()
    return {r["name"] for r in rows}


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


async def test_digits_that_a_vendor_computed_are_sealed_anew_where_a_reading_keeps_them_and_still_open(
    database_url: str, clock: VirtualClock
) -> None:
    async with build_stage(database_url, clock, "vendor_digits", locks=2) as stage:
        gate, workspace_id = stage.house.gate, stage.house.actor.workspace_id
        for lock in stage.site.locks:
            await stage.let(lock, timedelta(hours=1))
            await stage.let(lock, timedelta(hours=2))
        await stage.wait(timedelta(minutes=10))
        before = await _observed(gate, workspace_id)
        digits = sorted(code for lock in stage.site.locks for code in stage.site.held(lock))
        assert len(digits) == 4
        assert sorted(_shown(SEALER, workspace_id, before)) == digits
        gate.sealer = NEWER
        in_all = (await rotation.versions_in_use(gate))[1]
        assert await rotation.reseal(gate, lambda *_: None, at_once=1) == in_all
        assert await rotation.versions_in_use(gate) == {2: in_all}
        gate.sealer = ONLY_NEWER
        assert await rotation.unopenable(gate) == []
        after = await _observed(gate, workspace_id)
        assert sorted(_shown(ONLY_NEWER, workspace_id, after)) == digits
        assert [_but_sealed(row) for row in after] == [_but_sealed(row) for row in before]
        stage.house.restart()
        await stage.wait(timedelta(hours=1))
        assert await _observed(gate, workspace_id) == after, "the same reading is no news"
        gate.sealer = Sealer({3: b"x" * 32}, SEALER.fingerprint_key)
        assert "observations.content" in await rotation.unopenable(gate)


async def test_a_key_is_in_use_while_one_code_of_one_observation_is_sealed_under_it(
    gate: Gate, owner: Actor
) -> None:
    account_id = await _an_account(gate, owner)
    await _see(gate, owner, account_id, 1, {"a": [NEWER, SEALER, None], "b": [NEWER], "c": [None], "d": []})
    gate.sealer = NEWER
    await rotation.reseal(gate, lambda *_: None)
    await _see(gate, owner, account_id, 2, {"e": [NEWER, None, SEALER, SEALER]})
    assert (await rotation.versions_in_use(gate, with_passing=False))[1] == 2
    seen: list[tuple[int, int | None]] = []
    assert await rotation.reseal(gate, lambda done, of, what: seen.append((done, of))) == 2
    assert seen[-1] == (2, 2)
    assert set(await rotation.versions_in_use(gate)) == {2}


async def test_an_observation_that_a_reading_replaces_meanwhile_is_sealed_anew_as_the_reading_left_it(
    gate: Gate, owner: Actor
) -> None:
    account_id = await _an_account(gate, owner)
    await _see(gate, owner, account_id, 1, {"A": [SEALER], "a": [SEALER], "B": [SEALER]})
    gate.sealer = NEWER
    async with gate.database.transaction(owner.workspace_id) as db:
        # A process that does not know the newer key yet, and one of whose locks shows nothing to seal any more.
        fresh: Shown = {"A": [SEALER, SEALER], "B": [SEALER, NEWER], "a": [None]}
        await _store(db, owner, account_id, 2, fresh)
        resealing = asyncio.create_task(rotation.reseal(gate, lambda *_: None))
        await _waits_for_us(db)
    await resealing
    rows = await _observed(gate, owner.workspace_id)
    assert {r["target"]: len(r["content"]) for r in rows} == {"A": 2, "B": 2, "a": 1}
    assert len(_shown(ONLY_NEWER, owner.workspace_id, rows)) == 4


async def test_a_reading_that_waits_for_the_rotation_is_not_overwritten_by_it(
    gate: Gate, owner: Actor
) -> None:
    account_id = await _an_account(gate, owner)
    await _see(gate, owner, account_id, 1, {"A": [SEALER], "a": [SEALER]})
    gate.sealer = NEWER
    async with gate.database.transaction(owner.workspace_id) as db:
        found = await stored_rotation.documents_behind(db, owner.workspace_id, 2, 10)
        assert [d.target for d in found] == ["A", "a"]
        reading = asyncio.create_task(_see(gate, owner, account_id, 2, {"A": [SEALER, SEALER], "a": []}))
        await _waits_for_us(db)
        await stored_rotation.replace_documents(db, owner.workspace_id, found)
    await reading
    assert await rotation.reseal(gate, lambda *_: None) == 3, "two codes, and the account's credentials"
    rows = await _observed(gate, owner.workspace_id)
    assert {r["target"]: len(r["content"]) for r in rows} == {"A": 2, "a": 0}


async def _an_account(gate: Gate, owner: Actor) -> UUID:
    await some_locks(gate, owner, "Door")
    async with gate.reading(owner.workspace_id) as tx:
        (account,) = await accounts.listed(tx.db, tx.workspace_id)
    return account.id


Shown = dict[str, list[Sealer | None]]
"""What a reading shows: by lock, for each code who seals its digits; None: it has none to seal."""


async def _see(gate: Gate, owner: Actor, account_id: UUID, number: int, shown: Shown) -> None:
    async with gate.database.transaction(owner.workspace_id) as db:
        await _store(db, owner, account_id, number, shown)


async def _store(db: Any, owner: Actor, account_id: UUID, number: int, shown: Shown) -> None:
    """The reading with this number, as a pass stores it."""
    place = Place(owner.workspace_id, "observations", "content", account_id)
    contents: dict[str, list[dict[str, Any]]] = {
        target: [
            {"reference": f"{number}.{n}", "name": None}
            | ({"sealed": b64encode(sealer.seal("445566", place)).decode()} if sealer else {})
            for n, sealer in enumerate(sealers)
        ]
        for target, sealers in shown.items()
    }
    await readings.store(db, owner.workspace_id, account_id, "account", june(number), sorted(shown), contents)


async def _observed(gate: Gate, workspace_id: UUID) -> list[asyncpg.Record]:
    async with gate.database.reading(workspace_id) as db:
        rows: list[asyncpg.Record] = await db.fetch('select * from observations order by target collate "C"')
    return rows


def _shown(sealer: Sealer, workspace_id: UUID, rows: list[asyncpg.Record]) -> list[str]:
    """Digits of all codes that have them sealed, opened; all under the version under which `sealer` seals."""
    found = []
    for row in rows:
        place = Place(workspace_id, "observations", "content", row["account_id"])
        values = [b64decode(code["sealed"]) for code in row["content"] if "sealed" in code]
        assert {sealed_version(value) for value in values} <= {sealer.version}
        found += [sealer.open(value, place) for value in values]
    return found


def _but_sealed(row: asyncpg.Record) -> dict[str, Any]:
    content = [{k: v for k, v in code.items() if k != "sealed"} for code in row["content"]]
    return {**row, "content": content}


async def _waits_for_us(db: Any) -> None:
    """Until somebody waits for what this transaction holds."""
    async with asyncio.timeout(10):
        while not await db.fetchval(
            """select exists (select from pg_locks l
               where not l.granted and pg_backend_pid() = any(pg_blocking_pids(l.pid)))"""
        ):
            pass


STATES = ("active", "credentials_refused", "parked", "disconnecting", "disconnected")


async def test_one_of_everything_in_every_end_state_is_sealed_anew_and_nothing_is_said_to_be_closed(
    gate: Gate, owner: Actor, clock: VirtualClock
) -> None:
    await _accounts_in_every_state(gate, owner)
    await _codes_in_use_and_forgotten(gate, owner, clock)
    await _calendars_that_stayed_went_and_came_back(gate, owner)
    await _webhooks_at_work_disabled_and_removed(gate, owner)
    await _a_sandbox(gate, owner)
    async with gate.transaction(owner.workspace_id) as tx:
        guest = await guests.create(tx, owner, CreateGuest("Anna"))
        await instant_keys.create(tx, owner, CreateInstantKey(guest.guest_id))
        await connect_webviews.create(gate, tx, owner, connect_webviews.CreateWebview())
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
        "access_methods.wanted",
        "entries.digits",
        "entries.former_digits",
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
    await _a_sandbox(gate, owner)
    async with gate.transaction(owner.workspace_id) as tx:
        guest = await guests.create(tx, owner, CreateGuest("Anna"))
        await instant_keys.create(tx, owner, CreateInstantKey(guest.guest_id))
        await connect_webviews.create(gate, tx, owner, connect_webviews.CreateWebview())
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
    locks = tuple(await some_locks(gate, owner, "Front door"))
    place = await a_property(gate, owner, device_ids=locks)
    for name in ("Anna", "Bea"):
        grant = CreateGrant(name, june(20), june(22), device_ids=locks, wanted_code="472931")
        async with gate.transaction(owner.workspace_id) as tx:
            made = await requested_grants.create(tx, owner, RequestGrant(grant))
            await tx.db.execute("update entries set possible = '{1}'")
            await grants.change(tx, owner, made.grant.access_grant_id, ChangeGrant(code=f"81352{len(name)}"))
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


async def _a_sandbox(gate: Gate, owner: Actor) -> None:
    gate.emulator = VirtualEmulator()
    async with gate.transaction(owner.workspace_id) as tx:
        await emulated.create(gate, tx, "anna@example.com", [])
        row_id = new_id()
        sealed = tx.seal("{}", "sandbox_beginnings", "document", row_id)
        await sandboxes.put_beginning(tx.db, tx.workspace_id, BeginningRow(row_id, sealed))


async def _filled(gate: Gate, owner: Actor) -> tuple[dict[str, int], dict[str, int]]:
    """By `table.column`: how many values there are, and how many rows have none."""
    filled, empty = {}, {}
    async with gate.database.reading(owner.workspace_id) as db:
        for c in (*SEALED, PASSING):
            rows = await db.fetch(f"select {c.column} is null from {c.table}")
            empty[f"{c.table}.{c.column}"] = sum(row[0] for row in rows)
            filled[f"{c.table}.{c.column}"] = sum(not row[0] for row in rows)
    return filled, empty
