"""`lockstep keys`: API keys from the command line, and the master key rotated under running processes."""

from __future__ import annotations

import asyncio
import json
import stat
from base64 import b64encode
from pathlib import Path

import pytest
from tests.cli.conftest import Home, Say, within

from lockstep.cli.keyring import KEY_FILE, add_version, drop_version, sealer_of
from lockstep.cli.running import operator_of
from lockstep.cli.settings import SealingSettings, SettingInvalid, read_settings
from lockstep.cli.wiring import Built, built
from lockstep.kit.ids import new_id
from lockstep.kit.sealing import CannotUnseal, Place, Sealer, sealed_version
from lockstep.operations import accounts, api_keys, operators, webhooks
from lockstep.operations.webhooks import CreateWebhook
from lockstep.storage import readings
from lockstep.vendors.virtual.emulator.app import TOKEN

PLACE = Place(new_id(), "accounts", "credentials", new_id())


def test_a_key_for_seams_sdks_sees_digits_and_opens_doors_and_makes_no_other_key(
    ready: Home, say: Say
) -> None:
    scopes = json.loads(say("keys", "create", "SDK", "--seam", "--json").stdout)["api_key"]["scopes"]
    assert {"codes:read", "devices:unlock", "devices:lock", "client_sessions:write"} <= set(scopes)
    assert "api_keys:write" not in scopes


def test_a_key_is_made_listed_and_revoked(ready: Home, say: Say) -> None:
    made = json.loads(
        say("keys", "create", "Cleaning app", "--scope", "bookings:read", "--days", "30", "--json").stdout
    )
    assert made["api_key"]["scopes"] == ["bookings:read"]
    assert made["api_key"]["expires_at"]
    assert _works(made["secret"])
    listed = say("keys", "list").stdout
    assert "Cleaning app" in listed
    assert made["secret"] not in listed
    revoked = json.loads(say("keys", "revoke", made["api_key"]["api_key_id"], "--json").stdout)
    assert revoked["revoked_at"]
    assert not _works(made["secret"])


def test_a_personal_token_is_made_listed_and_revoked(ready: Home, say: Say) -> None:
    made = json.loads(say("tokens", "create", "Laptop", "--days", "30", "--json").stdout)
    assert made["token"]["expires_at"]
    assert _is_somebody(made["secret"])
    again = say("tokens", "create", "Phone", "--operator", made["token"]["operator_id"], "--role", "member")
    assert again.stdout.startswith("seam_at1_")
    listed = say("tokens", "list").stdout
    assert "Laptop" in listed
    assert "Phone" in listed
    assert made["secret"] not in listed
    revoked = json.loads(say("tokens", "revoke", made["token"]["operator_token_id"], "--json").stdout)
    assert revoked["revoked_at"]
    assert not _is_somebody(made["secret"])


def _is_somebody(secret: str) -> bool:
    async def ask(lockstep: Built) -> bool:
        return await operators.authenticate(lockstep.gate, secret) is not None

    return within(ask)


def _works(secret: str) -> bool:
    async def ask(lockstep: Built) -> bool:
        return await api_keys.authenticate(lockstep.gate, secret) is not None

    return within(ask)


def test_the_secret_alone_is_on_stdout_so_that_it_can_be_piped(ready: Home, say: Say) -> None:
    made = say("keys", "create", "Bot")
    assert made.stdout.startswith("seam_lockstep_")
    assert len(made.stdout.split()) == 1


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["create", "X", "--scope", "everything"], 1, "There is no scope 'everything'."),
        (["create", "X", "--workspace", "ws_x"], 2, "There is no workspace ws_x. There are: ws_"),
        (["revoke", "key_x"], 1, "There is no API key key_x in this workspace."),
        (["drop", "7"], 2, "There is no version 7. There are: 1."),
        (["drop", "1"], 1, "Version 1 is the newest. Make a newer one first: lockstep keys rotate."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_done_is_told_with_the_next_step(
    ready: Home, say: Say, words: list[str], status: int, told: str
) -> None:
    failed = say("keys", *words)
    assert failed.exit_code == status
    assert told in failed.stderr


def test_the_master_key_is_rotated_while_another_process_goes_on(
    ready: Home, say: Say, plain_locks: str
) -> None:
    # Held open over the whole rotation, as a server is; the word under test works in a thread beside it.
    async def go_on() -> None:
        async with built(read_settings()) as lockstep:
            gate, actor = lockstep.gate, await operator_of(lockstep.gate, None)
            command = accounts.Connect("virtual", {"token": TOKEN, "endpoint": plain_locks}, "Before")
            account = (await accounts.connect(gate, actor, command)).account
            rotated = json.loads((await asyncio.to_thread(say, "keys", "rotate", "--json")).stdout)
            assert rotated == {"version": 2, "is_new": True, "resealed": 1, "dispensable": [1]}
            async with gate.transaction(actor.workspace_id) as tx:
                # What was sealed anew opens, and what is sealed from now on is sealed under the new key.
                row = await accounts.get(tx, actor, account.public_id)
                assert row.credentials is not None
                assert TOKEN in tx.open(row.credentials, "accounts", "credentials", row.id)
                assert sealed_version(row.credentials) == 2
                await webhooks.create(tx, actor, CreateWebhook(plain_locks))
            dropped = await asyncio.to_thread(say, "keys", "drop", "1")
            assert "Version 1 is forgotten." in dropped.stdout
            await accounts.reconnect(
                gate, actor, account.public_id, {"token": TOKEN, "endpoint": plain_locks}
            )

    asyncio.run(go_on())
    assert json.loads(say("doctor", "--json").stdout)["findings"] == []


def test_a_rotation_that_was_broken_off_goes_on_without_another_version(
    ready: Home, say: Say, plain_locks: str
) -> None:
    _connect(plain_locks)
    add_version(ready.folder / "data" / KEY_FILE)
    needed = say("keys", "drop", "1")
    assert needed.exit_code == 1
    assert "Version 1 is still needed by 1 value." in needed.stderr
    rotated = json.loads(say("keys", "rotate", "--json").stdout)
    assert rotated == {"version": 2, "is_new": False, "resealed": 1, "dispensable": [1]}


def test_a_key_that_only_what_a_reading_showed_needs_is_not_dropped(
    ready: Home, say: Say, plain_locks: str
) -> None:
    _connect(plain_locks)
    say("keys", "rotate")

    async def show(lockstep: Built) -> None:
        gate, actor = lockstep.gate, await operator_of(lockstep.gate, None)
        older = Sealer(gate.sealer.master_keys, gate.sealer.fingerprint_key, 1)
        async with gate.transaction(actor.workspace_id) as tx:
            (account,) = await accounts.listed(tx, actor)
            place = Place(actor.workspace_id, "observations", "content", account.id)
            content = [{"reference": "1", "sealed": b64encode(older.seal("445566", place)).decode()}]
            await readings.store(
                tx.db, tx.workspace_id, account.id, "account", tx.now, ["lock"], {"lock": content}
            )

    within(show)
    needed = say("keys", "drop", "1")
    assert needed.exit_code == 1
    assert "Version 1 is still needed by 1 value." in needed.stderr
    rotated = json.loads(say("keys", "rotate", "--json").stdout)
    assert rotated == {"version": 2, "is_new": False, "resealed": 1, "dispensable": [1]}
    assert "Version 1 is forgotten." in say("keys", "drop", "1").stdout
    assert json.loads(say("doctor", "--json").stdout)["findings"] == []


def test_keys_from_the_settings_are_rotated_by_restarts_and_one_word(
    ready: Home, say: Say, plain_locks: str
) -> None:
    one, two, mark = ("A" * 43 + "=", "B" * 42 + "A=", "C" * 42 + "A=")
    (ready.folder / "data" / KEY_FILE).unlink()
    ready.settings |= {"LOCKSTEP_MASTER_KEYS": f"1:{one}", "LOCKSTEP_FINGERPRINT_KEY": mark}
    say("version")
    _connect(plain_locks)
    told = say("keys", "rotate")
    assert told.exit_code == 1
    assert "Put a new version behind it and restart every process, then put it first" in told.stderr
    ready.settings["LOCKSTEP_MASTER_KEYS"] = f"2:{two},1:{one}"
    assert json.loads(say("keys", "rotate", "--json").stdout)["resealed"] == 1
    ready.settings["LOCKSTEP_MASTER_KEYS"] = f"2:{two}"
    assert 'findings": []' in say("doctor", "--json").stdout


def _connect(endpoint: str) -> None:
    async def connect(lockstep: Built) -> None:
        actor = await operator_of(lockstep.gate, None)
        command = accounts.Connect("virtual", {"token": TOKEN, "endpoint": endpoint}, "Harbour")
        await accounts.connect(lockstep.gate, actor, command)

    within(connect)


def test_the_key_file_is_for_its_owner_alone_and_both_who_start_first_read_the_same(tmp_path: Path) -> None:
    first, second = (sealer_of(SealingSettings(), tmp_path) for _ in range(2))
    assert first.open(second.seal("text", PLACE), PLACE) == "text"
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    add_version(tmp_path / KEY_FILE)
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


def test_a_running_process_opens_and_seals_under_a_version_that_was_added_since(tmp_path: Path) -> None:
    running, other = (sealer_of(SealingSettings(), tmp_path) for _ in range(2))
    old = running.seal("text", PLACE)
    assert add_version(tmp_path / KEY_FILE) == 2
    assert sealed_version(running.seal("text", PLACE)) == 2
    assert other.open(running.seal("text", PLACE), PLACE) == "text"
    assert other.open(old, PLACE) == "text"
    drop_version(tmp_path / KEY_FILE, 1)
    with pytest.raises(CannotUnseal):
        running.open(old, PLACE)
    assert running.fingerprint("1234", b"salt") == other.fingerprint("1234", b"salt")


def test_the_first_key_of_the_settings_seals_and_all_of_them_open() -> None:
    one, two, mark = ("A" * 43 + "=", "B" * 42 + "A=", "C" * 42 + "A=")
    old = sealer_of(SealingSettings(f"1:{one}", mark), Path())
    # The first step of a rotation on several machines: everybody opens version 2, nobody seals under it yet.
    ready = sealer_of(SealingSettings(f"1:{one},2:{two}", mark), Path())
    new = sealer_of(SealingSettings(f"2:{two},1:{one}", mark), Path())
    assert sealed_version(ready.seal("text", PLACE)) == 1
    assert ready.open(new.seal("text", PLACE), PLACE) == "text"
    assert new.open(old.seal("text", PLACE), PLACE) == "text"


def test_a_key_file_that_cannot_be_read_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_text("{")
    with pytest.raises(SettingInvalid, match=KEY_FILE):
        sealer_of(SealingSettings(), tmp_path)
