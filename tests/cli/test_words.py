"""The words as a whole: they are all there, say what they are for, and take no secret as an argument."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from tests.cli.conftest import Home, Say
from typer.main import get_command

from lockstep.cli.words import WORDS, app


def every_command() -> Iterator[tuple[str, Any]]:
    group: Any = get_command(app)
    for word in WORDS:
        command = group.get_command(None, word)
        inner = getattr(command, "commands", None)
        if inner:
            yield from ((f"{word} {name}", each) for name, each in inner.items())
        else:
            yield word, command


COMMANDS = dict(every_command())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_word_says_what_it_is_for(name: str) -> None:
    assert COMMANDS[name].help


@pytest.mark.parametrize("name", COMMANDS)
def test_no_word_takes_a_secret_as_an_argument(name: str) -> None:
    names = {p.name.lower() for p in COMMANDS[name].params}
    telling = ("token", "password", "secret", "credential", "digits", "code")
    assert not [n for n in names if any(t in n for t in telling)]


PRINTING = set(COMMANDS) - {"serve", "demo", "test"}


@pytest.mark.parametrize("name", sorted(PRINTING))
def test_a_word_that_prints_what_it_found_can_print_json(name: str) -> None:
    assert "--json" in [option for p in COMMANDS[name].params for option in p.opts]


def test_help_lists_every_word(say: Say) -> None:
    told = say("--help").output
    assert all(word in told for word in WORDS)


def test_an_unknown_word_is_told_with_exit_status_2(say: Say) -> None:
    result = say("serv")
    assert result.exit_code == 2
    assert "No such command 'serv'" in result.output


def test_the_version_is_that_of_the_distribution(say: Say) -> None:
    assert '"lockstep"' in say("version", "--json").stdout
    assert say("version").stdout.strip()


@pytest.mark.parametrize(
    ("setting", "value", "status", "told"),
    [
        ("LOCKSTEP_PORT", "eighty", 2, "LOCKSTEP_PORT: 'eighty' is not a value for it. Correct the variable"),
        ("LOCKSTEP_DATABASE_URL", "postgresql://x:hunter2@127.0.0.1:1/y", 1, "The database does not answer."),
        ("LOCKSTEP_DATABASE_URL", "hunter2", 1, "The database does not answer."),
        ("LOCKSTEP_DATABASE_URL_FILE", "/nowhere", 2, "LOCKSTEP_DATABASE_URL_FILE: the file cannot be read"),
        (
            "LOCKSTEP_MASTER_KEYS",
            "1:short",
            2,
            "LOCKSTEP_FINGERPRINT_KEY is needed beside LOCKSTEP_MASTER_KEYS.",
        ),
        ("LOCKSTEP_POSTGRES_BINARIES", "/nowhere", 1, "Install Debian's package postgresql"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_keeps_it_from_starting_is_one_sentence_without_secrets(
    home: Home, say: Say, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, status: int, told: str
) -> None:
    if setting in ("LOCKSTEP_DATABASE_URL_FILE", "LOCKSTEP_POSTGRES_BINARIES"):
        del home.settings["LOCKSTEP_DATABASE_URL"]
        monkeypatch.delenv("LOCKSTEP_DATABASE_URL")
    home.settings[setting] = value
    failed = say("serve", "--port", "0")
    assert failed.exit_code == status
    assert told in failed.stderr
    assert "hunter2" not in failed.output


def test_a_port_that_is_taken_is_told_in_one_sentence(say: Say) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        failed = say("serve", "--port", str(other.getsockname()[1]))
    assert failed.exit_code == 1
    assert "The port is taken by another program." in failed.stderr


def test_migrating_again_changes_nothing(say: Say) -> None:
    assert json.loads(say("migrate", "--json").stdout) == {"applied": []}
    assert "Nothing to do" in say("migrate").stdout


async def test_a_database_of_a_newer_version_is_left_alone(say: Say, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("insert into lockstep_migrations values ('9999_later.sql', 'x', now())")
        failed = await asyncio.to_thread(say, "migrate")
        assert failed.exit_code == 1
        assert "The database was migrated by a newer Lockstep." in failed.stderr
    finally:
        await connection.execute("delete from lockstep_migrations where name = '9999_later.sql'")
        await connection.close()


def test_work_once_does_what_is_due_and_ends(say: Say) -> None:
    assert say("work", "--once").stdout == "Done: 0 rows were due.\n"
