"""The word `doctor`: looks at everything that has to stand, and says what is wrong and what to do. Changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import typer

from lockstep.cli.database import database_of
from lockstep.cli.failing import FAILED, ending_of
from lockstep.cli.keyring import KEY_FILE
from lockstep.cli.running import operators_of, quiet_settings
from lockstep.cli.settings import Settings, own_folder, unknown_variables
from lockstep.cli.tables import plain, print_table
from lockstep.cli.terminal import AsJson, print_json, print_text
from lockstep.cli.wiring import Built, built
from lockstep.kit.clock import Clock, SystemClock
from lockstep.kit.wording import counted
from lockstep.operations import examining, figures, rotation
from lockstep.operations.examining import CHECKS_OF_WORK, CHECKS_OF_WORKSPACE, Finding
from lockstep.storage.inspection import Inspected, inspect
from lockstep.storage.workspaces import every as every_workspace

MOST_SKEW_SECONDS = 5.0
_CHECKS = (
    "settings", "master key", "database", "schema", "row security", "clock", "workspaces",
    *CHECKS_OF_WORKSPACE, *CHECKS_OF_WORK,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Examined:
    """`unchecked`: what could not be looked at because of what was found before. `notes`: good to know, not wrong."""

    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    checked: tuple[str, ...]
    unchecked: tuple[str, ...]


def doctor(as_json: AsJson = False) -> None:
    """Say what is wrong, and what to do; the exit status is 1 if anything is."""
    examined = asyncio.run(_examine())
    if as_json:
        print_json(examined)
    else:
        _show(examined)
    if examined.findings:
        raise typer.Exit(FAILED)


async def _examine() -> Examined:
    found: list[Finding] = []
    notes: list[Finding] = []
    checked: list[str] = []
    check = "settings"
    try:
        settings = quiet_settings()
        checked += [check, "master key"]
        found += [*_variables(), *_key_file(settings)]
        check = "database"
        async with database_of(settings) as dsn:
            inspected = await inspect(dsn)
            checked += ["database", "schema", "row security", "clock"]
            found += _database(inspected, SystemClock())
            if not inspected.missing and not inspected.unknown:
                check = "workspaces"
                async with built(settings) as lockstep:
                    found += await _workspaces(lockstep)
                    notes += await _notes(lockstep)
                checked += ["workspaces", *CHECKS_OF_WORKSPACE, *CHECKS_OF_WORK]
    except Exception as fault:
        ending = ending_of(fault)
        if ending is None:
            raise
        found.append(
            Finding(check, check, ending.sentence, "Put this right first, then say `lockstep doctor` again.")
        )
        checked.append(check)
    return Examined(
        tuple(found),
        tuple(notes),
        tuple(c for c in _CHECKS if c in checked),
        tuple(c for c in _CHECKS if c not in checked),
    )


def _variables() -> Iterable[Finding]:
    for name in unknown_variables():
        yield Finding(
            "settings", name, "There is no such setting.", "Correct its name, or unset it: docs/settings.md."
        )


def _key_file(settings: Settings) -> Iterable[Finding]:
    path = own_folder(settings) / KEY_FILE
    if settings.sealing.master_keys is None and path.exists() and path.stat().st_mode & 0o077:
        yield Finding(
            "master key",
            str(path),
            "Others on this machine may read the key under which all secrets are sealed.",
            f"chmod 600 {path}",
        )


def _database(inspected: Inspected, clock: Clock) -> Iterable[Finding]:
    if inspected.unknown:
        yield Finding(
            "schema",
            ", ".join(inspected.unknown),
            "The database was migrated by a newer Lockstep.",
            "Start that version or a later one.",
        )
    elif inspected.applied is not None and inspected.missing:
        yield Finding(
            "schema",
            ", ".join(inspected.missing),
            "The database does not have this version's schema yet.",
            "lockstep migrate",
        )
    elif inspected.applied is None:
        yield Finding("schema", "database", "Nothing is remembered here yet.", "lockstep serve")
    if inspected.unbound:
        yield Finding(
            "row security",
            ", ".join(inspected.unbound),
            "Row-level security does not bind these tables, so workspaces are kept apart by the program alone.",
            "Restore the policies from a backup, or move the data into a database that Lockstep made itself.",
        )
    if inspected.is_above_policies and inspected.applied is not None:
        yield Finding(
            "row security",
            "account",
            "The database's account is above all policies, and there is no role to step down to.",
            "Use an account that is no superuser, or create the role: create role lockstep_app nologin",
        )
    yield from _clock(inspected.now, clock)


def _clock(database_now: datetime, clock: Clock) -> Iterable[Finding]:
    seconds = (database_now - clock.now()).total_seconds()
    if abs(seconds) > MOST_SKEW_SECONDS:
        yield Finding(
            "clock",
            "this machine and the database",
            f"Their clocks differ by {abs(seconds):.0f} seconds, so codes may come and go early or late.",
            "Let both take their time from the network (NTP).",
        )


async def _workspaces(lockstep: Built) -> list[Finding]:
    gate = lockstep.gate
    found = await _sealed(lockstep)
    async with gate.database.reading(None) as db:
        if not await every_workspace(db):
            return [*found, Finding("workspaces", "database", "There is no workspace yet.", "lockstep serve")]
    for actor in await operators_of(gate, None):
        async with gate.reading(actor.workspace_id) as tx:
            found += await examining.of_workspace(tx, actor)
    return found + examining.of_work(await figures.of_all(gate))


async def _notes(lockstep: Built) -> list[Finding]:
    found: list[Finding] = []
    for actor in await operators_of(lockstep.gate, None):
        async with lockstep.gate.reading(actor.workspace_id) as tx:
            found += await examining.notes_of_workspace(tx, actor)
    return found


async def _sealed(lockstep: Built) -> list[Finding]:
    closed = await rotation.unopenable(lockstep.gate)
    if not closed:
        return []
    return [
        Finding(
            "master key",
            ", ".join(closed),
            "What is sealed here does not open: it was sealed under a key that this process does not have.",
            "Bring back the key file, or the value of LOCKSTEP_MASTER_KEYS, that belongs to this database.",
        )
    ]


def _show(examined: Examined) -> None:
    rows = [
        (f"[red]{f.check}[/]", plain(f.subject), plain(f.cause), plain(f.next_step))
        for f in examined.findings
    ]
    if rows:
        print_table(("check", "what", "what is wrong", "what to do"), rows)
    print_text(f"{counted(len(examined.checked), 'check')}, {counted(len(rows), 'finding')}.")
    for note in examined.notes:
        print_text(f"Note: {plain(note.subject)}: {plain(note.cause)} {plain(note.next_step)}")
    if examined.unchecked:
        print_text(f"Not looked at because of these: {', '.join(examined.unchecked)}.")
