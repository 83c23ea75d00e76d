"""`lockstep backup` and `lockstep restore`: everything comes back, sealed as it was, and only looks."""

from __future__ import annotations

import asyncio
import json
import re
import stat
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from tests.cli.conftest import Home, Say, within

from lockstep.cli.running import operator_of
from lockstep.cli.wiring import Built
from lockstep.operations import access_codes, accounts, devices, grants
from lockstep.storage import dump
from lockstep.storage.migrations import migrate
from lockstep.storage.server import EmbeddedServer
from lockstep.vendors.virtual.emulator.app import TOKEN

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def empty_database(server_url: str) -> Iterator[str]:
    """The address of a new database on the tests' server."""
    name = f"lockstep_restored_{uuid.uuid4().hex[:12]}"  # noqa: TID251
    asyncio.run(_execute(server_url, f'create database "{name}"'))
    yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    asyncio.run(_execute(server_url, f'drop database "{name}" with (force)'))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def saved(ready: Home, say: Say, plain_locks: str) -> Path:
    """A backup of a house with a guest and their code."""

    async def furnish(lockstep: Built) -> None:
        gate, actor = lockstep.gate, await operator_of(lockstep.gate, None)
        command = accounts.Connect("virtual", {"token": TOKEN, "endpoint": plain_locks})
        await accounts.connect(gate, actor, command)
        async with gate.transaction(actor.workspace_id) as tx:
            found = await devices.listed(tx, actor, None, 1)
            starts_at = tx.now + timedelta(days=5)
            wanted = grants.CreateGrant(
                "Ada", starts_at, starts_at + timedelta(days=2), device_ids=(found[0].public_id,)
            )
            await grants.create(tx, actor, wanted)

    within(furnish)
    file = ready.folder / "saved.dump"
    told = json.loads(say("backup", str(file), "--json").stdout)
    assert told == {"file": str(file), "bytes": file.stat().st_size}
    return file


def digits() -> list[str | None]:
    async def read(lockstep: Built) -> list[str | None]:
        actor = await operator_of(lockstep.gate, None)
        async with lockstep.gate.reading(actor.workspace_id) as tx:
            return [c.digits for c in await access_codes.listed(tx, actor, None, 10)]

    return within(read)


def test_who_sits_at_a_terminal_sees_how_far_it_is_and_a_file_gets_the_result_alone(
    ready: Home, say: Say
) -> None:
    status, shown = ready.on_a_terminal("backup", str(ready.folder / "seen.dump"))
    assert status == 0, shown.decode()
    # The bar with its count, drawn before the result is told.
    assert re.search(rb"Saving.*\d+/\d+.*Saved to ", shown, re.DOTALL), shown.decode()
    unseen = say("backup", str(ready.folder / "unseen.dump"))
    assert unseen.exit_code == 0
    assert "Saving" not in unseen.output


def test_everything_comes_back_and_only_looks_until_confirmed(
    ready: Home, say: Say, saved: Path, empty_database: str
) -> None:
    before = digits()
    assert before
    ready.settings["LOCKSTEP_DATABASE_URL"] = empty_database
    restored = say("restore", str(saved), "--json")
    assert restored.exit_code == 0, restored.output
    assert json.loads(restored.stdout) == {
        "file": str(saved), "applied": [], "is_ruling": False, "has_master_key": True,
    }  # fmt: skip
    assert digits() == before
    (page,) = json.loads(say("status", "--json").stdout)
    assert page["is_ruling"] is False
    found = json.loads(say("doctor", "--json").stdout)["findings"]
    assert [f["check"] for f in found] == ["ruling"]
    assert say("confirm-ruling", said_to_it="n\n").exit_code == 1
    assert json.loads(say("confirm-ruling", "--yes", "--json").stdout)[0]["is_ruling"] is True
    assert json.loads(say("doctor", "--json").stdout)["findings"] == []


def test_what_is_sealed_stays_sealed_in_the_file_and_the_master_key_is_not_in_it(
    ready: Home, saved: Path, tmp_path: Path
) -> None:
    (number,) = digits()
    assert number is not None
    document = json.loads((ready.folder / "data" / "master-keys.json").read_text())
    plain = asyncio.run(_printed(saved))
    assert "COPY public.entries" in plain
    for secret in (number, TOKEN, document["fingerprint_key"], document["master_keys"]["1"]):
        assert secret not in plain
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600


async def _printed(file: Path) -> str:
    """As SQL."""
    process = await asyncio.create_subprocess_exec(
        dump.reader_of(file, 18),
        "--file=-",
        str(file),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await process.communicate()
    return out.decode()


def test_a_database_that_is_not_empty_is_left_as_it_is(say: Say, saved: Path) -> None:
    failed = say("restore", str(saved))
    assert failed.exit_code == 1
    assert "This database is not empty, so nothing was restored." in failed.stderr
    assert json.loads(say("status", "--json").stdout)[0]["is_ruling"] is True


def test_a_file_that_is_no_backup_leaves_nothing_behind(
    ready: Home, say: Say, tmp_path: Path, empty_database: str
) -> None:
    broken = tmp_path / "broken.dump"
    broken.write_bytes(b"PGDMP" + b"\x00" * 200)
    ready.settings["LOCKSTEP_DATABASE_URL"] = empty_database
    failed = say("restore", str(broken))
    assert failed.exit_code == 1
    assert "This file is no backup" in failed.stderr
    assert json.loads(say("migrate", "--json").stdout)["applied"]


def test_a_backup_replaces_no_file_unless_told_to(say: Say, saved: Path) -> None:
    failed = say("backup", str(saved))
    assert failed.exit_code == 2
    assert "exists. Choose another name, or say --replace." in failed.stderr
    assert say("backup", str(saved), "--replace").exit_code == 0
    assert [f.name for f in saved.parent.iterdir() if "unfinished" in f.name] == []


@pytest.mark.parametrize("word", ["backup", "restore"])
def test_a_place_that_is_not_there_is_told(say: Say, word: str) -> None:
    failed = say(word, "/nowhere/at/all")
    assert failed.exit_code == 2
    assert "There is no" in failed.stderr


async def test_an_owner_who_is_no_superuser_saves_and_restores_too(
    server_url: str, say: Say, saved: Path, empty_database: str
) -> None:
    connection = await asyncpg.connect(server_url)
    await connection.execute("drop role if exists plain_owner")
    await connection.execute("create role plain_owner login nosuperuser password 'plain and simple'")
    await connection.execute(f'alter database "{urlsplit(empty_database).path[1:]}" owner to plain_owner')
    await connection.close()
    parts = urlsplit(empty_database)
    theirs = urlunsplit(
        parts._replace(netloc="plain_owner:plain%20and%20simple@", query=parts.query.split("&passfile")[0])
    )
    try:
        await dump.restore(theirs, saved, lambda *_: None, NOW)
        again = saved.with_name("again.dump")
        await dump.save(theirs, again, lambda *_: None)
        text = await _printed(again)
        rows = text.split("COPY public.entries ")[1].split("\\.")[0].splitlines()[1:]
        assert len(rows) == 1
    finally:
        connection = await asyncpg.connect(server_url)
        await connection.execute(f'drop database "{parts.path[1:]}" with (force)')
        await connection.execute(f'create database "{parts.path[1:]}"')
        await connection.execute("drop role plain_owner")
        await connection.close()


DEBIANS = Path("/usr/lib/postgresql/15/bin")


@pytest.mark.skipif(
    not DEBIANS.is_dir(), reason="Debian's PostgreSQL 15 is not installed: apt-get install postgresql"
)
async def test_the_oldest_supported_server_is_saved_and_restored_too(say: Say, saved: Path) -> None:
    first, second = (
        EmbeddedServer(saved.parent / name, DEBIANS, fast_and_unsafe=True) for name in ("a", "b")
    )
    try:
        dsn = first.start()
        with pytest.raises(dump.ServerOlder, match=r"\(18 into 15\)"):
            await dump.restore(dsn, saved, lambda *_: None, NOW)
        await migrate(dsn)
        again = saved.with_name("of-15.dump")
        await dump.save(dsn, again, lambda *_: None)
        assert await dump.restore(second.start(), again, lambda *_: None, NOW) == []
    finally:
        first.stop()
        second.stop()
