"""The word `connect`: a vendor's account. Secrets come from a hidden prompt or a file, never from an argument."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from lockstep.cli.failing import ASKED_WRONGLY, Stopped
from lockstep.cli.running import operator_of, with_lockstep
from lockstep.cli.terminal import AsJson, print_json, print_text
from lockstep.cli.wiring import Built
from lockstep.driver.contract import CredentialField
from lockstep.kit.wording import counted
from lockstep.operations import accounts, callbacks, devices
from lockstep.vendors import VENDORS


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What is told of an account that was connected; `callback_path` is shown only now."""

    connected_account_id: str
    vendor: str
    label: str
    locks: tuple[str, ...]
    callback_path: str


def connect(
    vendor: Annotated[str, typer.Argument(help="Which vendor, such as nuki.")],
    label: Annotated[str, typer.Option(help="What the account is called here.")] = "",
    field_file: Annotated[
        list[str] | None,
        typer.Option(help="NAME=PATH: read this credential from a file; - is stdin.", metavar="NAME=PATH"),
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE: a credential that is no secret.", metavar="NAME=VALUE"),
    ] = None,
    workspace: Annotated[str | None, typer.Option(help="Public id, where there are several.")] = None,
    as_json: AsJson = False,
) -> None:
    """Connect a vendor's account: its locks appear, and what is granted on them is set."""
    if vendor not in VENDORS:
        raise Stopped(f"There is no vendor {vendor!r}. There are: {', '.join(VENDORS)}.", ASKED_WRONGLY)
    fields = VENDORS[vendor].credential_fields
    given = _from_files(fields, field_file or []) | _from_arguments(fields, field or [])
    command = accounts.Connect(vendor, given | _asked_for(fields, given), label)

    async def work(lockstep: Built) -> NewAccount:
        return await _connect(lockstep, command, workspace)

    made = with_lockstep(work)
    if as_json:
        print_json(made)
        return
    print_text(f"Connected as {made.connected_account_id}: {counted(len(made.locks), 'lock')}.")
    for name in made.locks:
        print_text(f"  {name}")
    print_text(
        f"For whoever registers the vendor's calls by hand: {made.callback_path} (a secret, shown only now)."
    )


async def _connect(lockstep: Built, command: accounts.Connect, workspace: str | None) -> NewAccount:
    gate = lockstep.gate
    actor = await operator_of(gate, workspace)
    connected = await accounts.connect(gate, actor, command)
    async with gate.reading(actor.workspace_id) as tx:
        found = await devices.listed(tx, actor, None, 5000, connected.account.public_id)
    return NewAccount(
        connected.account.public_id,
        connected.account.vendor,
        connected.account.label,
        tuple(device.name for device in found),
        f"{(lockstep.settings.http.public_url or '').rstrip('/')}{callbacks.path_of(connected.callback_token)}",
    )


def _from_files(fields: tuple[CredentialField, ...], pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, path = _parted(fields, pair)
        try:
            text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
        except OSError as fault:
            raise Stopped(
                f"The file of {name} cannot be read ({fault.strerror}): {path}.", ASKED_WRONGLY
            ) from fault
        found[name] = text.strip()
    return found


def _from_arguments(fields: tuple[CredentialField, ...], pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, value = _parted(fields, pair)
        if next(f for f in fields if f.name == name).is_secret:
            raise Stopped(
                f"{name} is a secret, and everybody on this machine can read arguments. "
                f"Leave it out to be asked for it, or give --field-file {name}=PATH.",
                ASKED_WRONGLY,
            )
        found[name] = value
    return found


def _parted(fields: tuple[CredentialField, ...], pair: str) -> tuple[str, str]:
    name, separator, value = pair.partition("=")
    known = [f.name for f in fields]
    if not separator or name not in known:
        # What was given may be a secret in the wrong place, so it is not repeated.
        raise Stopped(f"Give NAME=..., where NAME is one of: {', '.join(known)}.", ASKED_WRONGLY)
    return name, value


def _asked_for(fields: tuple[CredentialField, ...], given: Mapping[str, str]) -> dict[str, str]:
    """Whatever is still missing, from whoever sits there; without a terminal only what must be given is missed."""
    asked = {}
    for field in fields:
        if field.name in given:
            continue
        if not sys.stdin.isatty():
            if field.is_required:
                raise Stopped(
                    f"{field.name} is missing ({field.label}). Give --field-file {field.name}=PATH, "
                    "or run this in a terminal to be asked for it.",
                    ASKED_WRONGLY,
                )
            continue
        if field.help:
            typer.echo(field.help, err=True)
        answer = typer.prompt(
            field.label,
            default=field.default or ("" if not field.is_required else None),
            show_default=bool(field.default),
            hide_input=field.is_secret,
            err=True,
        )
        if answer:
            asked[field.name] = answer
    return asked
