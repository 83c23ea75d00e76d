"""The command that only stands in for a sandbox: a process forked from the one that stands by is the sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lockstep.cli.sandbox import forking, handed, standby
from lockstep.cli.settings import SettingInvalid, own_folder, read_settings


def status_by_fork(words: Sequence[str]) -> int | None:
    """Where `words`, the program's name first, ask for a seeded sandbox: its exit status, when it has ended. None
    where they ask for something else, or no process stands by: nothing was done then."""
    if words[1:2] != ["sandbox"] or "--seed" not in words or not handed.has_streams():
        return None
    try:
        connection = standby.reach(folder())
    except SettingInvalid:
        # The word itself tells of it.
        return None
    if connection is None:
        return None
    with connection:
        return forking.ask(connection, list(words))


def folder() -> Path:
    """Where the process that stands by is found. Raises SettingInvalid."""
    return own_folder(read_settings()) / "standby"
