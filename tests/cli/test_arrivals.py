"""`lockstep status` and `lockstep doctor`, on a house with a guest, emulated locks and trouble."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.cli.conftest import Home, Say, http, tell_at_once, until, within

from lockstep.cli.running import operator_of
from lockstep.cli.wiring import Built
from lockstep.operations import access_codes, accounts, devices, grants
from lockstep.vendors.virtual.emulator.app import TOKEN


@pytest.fixture
def with_a_guest(ready: Home, plain_locks: str) -> str:
    """A guest who arrives in three hours, at two of three doors; the account's public id."""

    async def furnish(lockstep: Built) -> str:
        gate = lockstep.gate
        actor = await operator_of(gate, None)
        tell_at_once(plain_locks)
        command = accounts.Connect("virtual", {"token": TOKEN, "endpoint": plain_locks}, "Canal House")
        connected = await accounts.connect(gate, actor, command)
        async with gate.transaction(actor.workspace_id) as tx:
            found = await devices.listed(tx, actor, None, 2)
            starts_at = tx.now + timedelta(hours=3)
            wanted = grants.CreateGrant(
                "Ada [Lovelace]",
                starts_at,
                starts_at + timedelta(days=2),
                device_ids=tuple(d.public_id for d in found),
            )
            await grants.create(tx, actor, wanted)
        return connected.account.public_id

    return within(furnish)


def doors(say: Say) -> list[dict[str, Any]]:
    (page,) = json.loads(say("status", "--json").stdout)
    return [door for stay in page["stays"] for door in stay["doors"]]


def work_until_proven(say: Say) -> None:
    """A reading that proves a write begins only when the lock has had its time."""

    def is_proven() -> bool:
        assert say("work", "--once").exit_code == 0
        return [d["standing"] for d in doors(say)] == ["proven", "proven"]

    until(is_proven, lambda: str(doors(say)))


def findings(say: Say) -> dict[str, str]:
    """Check -> what was found wrong, of the doctor's."""
    result = say("doctor", "--json")
    found = {f["check"]: f["cause"] for f in json.loads(result.stdout)["findings"]}
    assert result.exit_code == (1 if found else 0)
    return found


def test_status_tells_door_by_door_what_is_proven_and_what_is_not(with_a_guest: str, say: Say) -> None:
    assert {d["standing"] for d in doors(say)} <= {"unconfirmed", "scheduled"}
    work_until_proven(say)
    told = say("status").stdout
    assert "2 proven, 0 scheduled, 0 unconfirmed, 0 failed" in told
    assert "Ada [Lovelace]" in told
    assert "Nothing to do." in told
    assert [d for d in doors(say) if "digits" in d or "code" in d] == []


def test_status_shows_only_stays_with_such_a_door(with_a_guest: str, say: Say) -> None:
    assert "Ada" not in say("status", "--standing", "failed").stdout
    assert "Ada" in say("status", "--standing", "unconfirmed").stdout


def test_status_prints_no_digits(with_a_guest: str, say: Say) -> None:
    say("work", "--once")

    async def digits(lockstep: Built) -> list[str | None]:
        actor = await operator_of(lockstep.gate, None)
        async with lockstep.gate.reading(actor.workspace_id) as tx:
            return [c.digits for c in await access_codes.listed(tx, actor, None, 10)]

    known = within(digits)
    assert all(known)
    told = say("status").output + say("status", "--json").output + say("doctor", "--json").output
    assert not [d for d in known if d and d in told]


def test_the_doctor_finds_nothing_in_a_house_that_is_well(with_a_guest: str, say: Say) -> None:
    say("work", "--once")
    assert findings(say) == {}
    told = say("doctor").stdout
    assert "0 findings." in told
    assert "Note: " in told
    assert "no public address" in told
    assert [n["check"] for n in json.loads(say("doctor", "--json").stdout)["notes"]] == ["callbacks"]


def test_where_there_is_a_public_address_the_vendor_is_told_and_the_doctor_has_no_note(
    with_a_guest: str, say: Say, ready: Home
) -> None:
    ready.settings["LOCKSTEP_PUBLIC_URL"] = "https://lockstep.test/"
    say("work", "--once")
    assert json.loads(say("doctor", "--json").stdout)["notes"] == []


def test_the_doctor_tells_of_a_lock_that_is_offline_and_of_a_refused_account(
    with_a_guest: str, say: Say, plain_locks: str
) -> None:
    say("work", "--once")
    lock = http().get(f"{plain_locks}/_emulator/locks").json()["locks"][0]["id"]
    httpx2.post(f"{plain_locks}/_emulator/locks/{lock}/offline").raise_for_status()
    look_again()
    say("work", "--once")
    assert "locks" in findings(say)
    httpx2.patch(f"{plain_locks}/_emulator/settings", json={"tokens": ["another"]}).raise_for_status()
    look_again()
    say("work", "--once")
    assert "accounts" in findings(say)
    told = say("doctor").stdout
    assert "Canal House" in told
    assert "credentials" in told


def look_again() -> None:
    async def ask(lockstep: Built) -> None:
        actor = await operator_of(lockstep.gate, None)
        async with lockstep.gate.transaction(actor.workspace_id) as tx:
            for account in await accounts.listed(tx, actor):
                await accounts.look_now(tx, actor, account.public_id)
            for device in await devices.listed(tx, actor, None, 10):
                await devices.look_now(tx, actor, device.public_id)

    within(ask)


def test_the_doctor_tells_of_work_that_nobody_does(with_a_guest: str, say: Say, ready: Home) -> None:
    look_again()

    async def make_it_old(lockstep: Built) -> None:
        async with lockstep.gate.database.transaction(None) as db:
            await db.execute("update domains set due_at = due_at - interval '10 minutes'")
            await db.execute("update unsequenced set occurred_at = occurred_at - interval '10 minutes'")

    within(make_it_old)
    found = findings(say)
    assert {"queues", "events"} <= set(found)
    assert "nobody works on them" in found["queues"]


def test_the_doctor_tells_of_a_key_file_that_others_may_read(ready: Home, say: Say) -> None:
    (ready.folder / "data" / "master-keys.json").chmod(0o644)
    assert "Others on this machine may read the key" in findings(say)["master key"]


def test_the_doctor_tells_that_another_key_file_opens_nothing(
    with_a_guest: str, say: Say, ready: Home
) -> None:
    path = ready.folder / "data" / "master-keys.json"
    document = json.loads(path.read_text())
    document["master_keys"] = {"1": "A" * 43 + "="}
    path.write_text(json.dumps(document))
    assert "does not open" in findings(say)["master key"]


def test_a_lost_key_file_is_never_made_anew_over_sealed_secrets(
    with_a_guest: str, say: Say, ready: Home
) -> None:
    path: Path = ready.folder / "data" / "master-keys.json"
    path.unlink()
    failed = say("status")
    assert failed.exit_code == 1
    assert "The key file is missing" in failed.stderr
    assert not path.exists()
    assert "The key file is missing" in findings(say)["workspaces"]


def test_the_doctor_says_what_it_could_not_look_at(home: Home, say: Say) -> None:
    home.settings["LOCKSTEP_DATABASE_URL"] = "postgresql://127.0.0.1:1/x"
    told = json.loads(say("doctor", "--json").stdout)
    assert [f["check"] for f in told["findings"]] == ["database"]
    assert "codes" in told["unchecked"]
