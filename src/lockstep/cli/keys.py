"""The words `keys ...`: API keys made, listed and revoked; the master key rotated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import typer

from lockstep.cli.failing import ASKED_WRONGLY, Stopped
from lockstep.cli.keyring import KEY_FILE, add_version, drop_version
from lockstep.cli.running import operator_of, with_lockstep
from lockstep.cli.settings import own_folder
from lockstep.cli.tables import plain, print_table, progress
from lockstep.cli.terminal import AsJson, print_json, print_text, say
from lockstep.cli.wiring import Built
from lockstep.kit.wording import counted
from lockstep.model.permissions import SEAM_SCOPES
from lockstep.operations import api_keys, rotation
from lockstep.operations.api_keys import ApiKey, CreateApiKey, NewApiKey

words = typer.Typer(
    name="keys",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="API keys, and the master key under which secrets are sealed.",
)

Workspace = Annotated[str | None, typer.Option(help="Public id, where there are several.")]


@dataclass(frozen=True, slots=True)
class Rotated:
    """`dispensable` versions open nothing in this database any more; older backups may need them."""

    version: int
    is_new: bool
    resealed: int
    dispensable: tuple[int, ...]


@words.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for, in words.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="What it may do; again for each. Without: the usual scopes.")
    ] = None,
    property_id: Annotated[
        list[str] | None, typer.Option("--property", help="Only this property; again for each.")
    ] = None,
    for_seam: Annotated[
        bool,
        typer.Option(
            "--seam", help="All that Seam's SDKs have methods for: it sees digits, and opens doors."
        ),
    ] = False,
    days: Annotated[int | None, typer.Option(min=1, help="It expires after so many days.")] = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key. Its secret is shown once."""
    scopes = sorted({*(scope or ()), *SEAM_SCOPES}) if for_seam else scope

    async def work(lockstep: Built) -> NewApiKey:
        actor = await operator_of(lockstep.gate, workspace)
        async with lockstep.gate.transaction(actor.workspace_id) as tx:
            expires_at = tx.now + timedelta(days=days) if days is not None else None
            return await api_keys.create(tx, actor, CreateApiKey(name, scopes, property_id, expires_at))

    made = with_lockstep(work)
    if as_json:
        print_json(made)
        return
    say(f"{made.api_key.api_key_id} may: {', '.join(made.api_key.scopes)}. Its secret, shown only now:")
    print_text(made.secret)


@words.command("list")
def list_keys(workspace: Workspace = None, as_json: AsJson = False) -> None:
    """Show the API keys, revoked ones too; of each secret only how it begins."""

    async def work(lockstep: Built) -> list[ApiKey]:
        actor = await operator_of(lockstep.gate, workspace)
        found: list[ApiKey] = []
        async with lockstep.gate.reading(actor.workspace_id) as tx:
            while page := await api_keys.listed(tx, actor, found[-1].api_key_id if found else None, 200):
                found += page
        return found

    found = with_lockstep(work)
    if as_json:
        print_json(found)
        return
    print_table(
        ("id", "name", "begins", "made", "expires", "revoked"),
        (
            (
                key.api_key_id,
                plain(key.name),
                f"{key.shown}…",
                f"{key.created_at:%Y-%m-%d}",
                f"{key.expires_at:%Y-%m-%d}" if key.expires_at else "never",
                f"{key.revoked_at:%Y-%m-%d}" if key.revoked_at else "",
            )
            for key in found
        ),
    )


@words.command()
def revoke(
    api_key_id: Annotated[str, typer.Argument(help="Its id, as `lockstep keys list` shows it.")],
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Refuse an API key from now on."""

    async def work(lockstep: Built) -> ApiKey:
        actor = await operator_of(lockstep.gate, workspace)
        async with lockstep.gate.transaction(actor.workspace_id) as tx:
            return await api_keys.revoke(tx, actor, api_key_id)

    revoked = with_lockstep(work)
    if as_json:
        print_json(revoked)
    else:
        print_text(f"{revoked.api_key_id} ({revoked.name}) is revoked; other processes obey within a second.")


@words.command()
def rotate(as_json: AsJson = False) -> None:
    """Seal everything under a new master key, while Lockstep runs. Broken off, it goes on when said again."""
    rotated = with_lockstep(_rotate)
    if as_json:
        print_json(rotated)
        return
    how = "a new key" if rotated.is_new else "the newest key"
    print_text(f"Sealed anew under {how}, version {rotated.version}: {counted(rotated.resealed, 'value')}.")
    for version in rotated.dispensable:
        print_text(
            f"Nothing here needs version {version} any more; backups made before may. "
            f"To forget it: lockstep keys drop {version}"
        )


@words.command()
def drop(
    version: Annotated[int, typer.Argument(min=1, help="Of the master key.")], as_json: AsJson = False
) -> None:
    """Forget an old master key that nothing in the database needs any more."""

    async def work(lockstep: Built) -> None:
        if lockstep.settings.sealing.master_keys is not None:
            raise Stopped("The master keys come from LOCKSTEP_MASTER_KEYS: take the version out there.")
        known = sorted(lockstep.gate.sealer.master_keys)
        if version not in known:
            raise Stopped(f"There is no version {version}. There are: {_listed(known)}.", ASKED_WRONGLY)
        if version == lockstep.gate.sealer.version:
            raise Stopped(f"Version {version} is the newest. Make a newer one first: lockstep keys rotate.")
        needing = (await rotation.versions_in_use(lockstep.gate)).get(version, 0)
        if needing:
            raise Stopped(
                f"Version {version} is still needed by {counted(needing, 'value')}. Say "
                "`lockstep keys rotate`; answers kept for repeated requests are gone after a day."
            )
        drop_version(own_folder(lockstep.settings) / KEY_FILE, version)

    with_lockstep(work)
    if as_json:
        print_json({"dropped": version})
    else:
        print_text(f"Version {version} is forgotten. Backups made under it need a copy of the old key file.")


async def _rotate(lockstep: Built) -> Rotated:
    gate = lockstep.gate
    in_use = await rotation.versions_in_use(gate, with_passing=False)
    is_behind = bool(set(in_use) - {gate.sealer.version})
    is_new = not is_behind and lockstep.settings.sealing.master_keys is None
    if is_new:
        add_version(own_folder(lockstep.settings) / KEY_FILE)
    elif not is_behind:
        raise Stopped(
            "The master keys come from LOCKSTEP_MASTER_KEYS, and everything is sealed under the first of them. "
            "Put a new version behind it and restart every process, then put it first and restart them again; "
            "then say this again."
        )
    else:
        say(f"Going on with version {gate.sealer.version}.")
    with progress("Sealing anew") as advance:
        resealed = await rotation.reseal(gate, advance)
    left = await rotation.versions_in_use(gate, with_passing=False)
    unneeded = (v for v in gate.sealer.master_keys if v != gate.sealer.version and v not in left)
    return Rotated(gate.sealer.version, is_new, resealed, tuple(sorted(unneeded)))


def _listed(versions: list[int]) -> str:
    return ", ".join(str(v) for v in versions)
