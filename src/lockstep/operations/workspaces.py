"""What may be asked of a workspace itself: to be made, shown, renamed, and to rule."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from uuid import UUID

from msgspec import UNSET, UnsetType

from lockstep.kit import bearer
from lockstep.kit.ids import new_id, public_id
from lockstep.model import events
from lockstep.model.permissions import Actor, Scope, require, require_whole_workspace, system
from lockstep.operations import events as recorded
from lockstep.operations.errors import Invalid
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.words import told, words, words_or_none
from lockstep.storage import unread, workspaces
from lockstep.storage.workspaces import WorkspaceRow

LONGEST_RETENTION_DAYS = 3650
_LONGEST_MESSAGE = 500
_COLOR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


@dataclass(frozen=True, slots=True)
class WebviewLook:
    """How the page looks on which people connect their accounts; None: as Lockstep's own pages."""

    logo_shape: str | None = None
    """`circle` or `square`."""
    primary_button_color: str | None = None
    """Such as #0b5fff."""
    primary_button_text_color: str | None = None
    success_message: str | None = None


_LOOKS = frozenset(f.name for f in fields(WebviewLook))


@dataclass(frozen=True, slots=True)
class Workspace:
    """`is_ruling` False: the database was restored or copied, and only looks until an operator confirms it."""

    workspace_id: str
    name: str
    retention_days: int
    """After a departure; then personal data and digits are forgotten."""
    is_ruling: bool
    is_sandbox: bool
    """Its locks are emulated."""
    publishable_key: str | None
    """For apps without a server of their own: gets client sessions, where the workspace allows it."""
    is_publishable_key_enabled: bool
    partner_name: str | None
    """For whom people connect their accounts, as they are told."""
    webview_look: WebviewLook
    organization_key: str | None
    """The caller's own."""
    suspended_at: datetime | None
    """Told as somebody said it; nothing follows from it."""
    is_paced: bool
    """Whether callers at Seam's door are held to so many acts a minute on each device."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CreateWorkspace:
    name: str
    is_sandbox: bool = False
    partner_name: str | None = None
    webview_look: Mapping[str, str | None] = field(default_factory=dict)
    """By the names of `WebviewLook`."""
    organization_key: str | None = None


@dataclass(frozen=True, slots=True)
class KnownWorkspace:
    """What a seeded workspace is called elsewhere."""

    workspace_id: str
    publishable_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChangeWorkspace:
    """What is UNSET stays; so does what the look leaves out, and None takes it away."""

    name: str | UnsetType = UNSET
    retention_days: int | UnsetType = UNSET
    is_publishable_key_enabled: bool | UnsetType = UNSET
    partner_name: str | UnsetType | None = UNSET
    webview_look: Mapping[str, str | None] = field(default_factory=dict)
    organization_key: str | UnsetType | None = UNSET
    is_suspended: bool | UnsetType = UNSET
    is_paced: bool | UnsetType = UNSET


async def create(
    gate: Gate, asked: str | CreateWorkspace, known: KnownWorkspace | None = None, *, by: str | None = None
) -> UUID:
    """Make a workspace; returns its internal id. `asked` may be its name alone. `known`: for a sandbox that is seeded,
    and nothing else. `by`: the name of the actor, where it was not the set-up."""
    command = CreateWorkspace(asked) if isinstance(asked, str) else asked
    id = new_id()
    row_public_id = known.workspace_id if known else public_id("ws", id)
    salt = secrets.token_bytes(32)
    async with gate.database.transaction(id) as db:
        tx = Tx(db, id, gate.clock.now(), gate.sealer, salt, gate.random, gate.outbound)
        await workspaces.insert(
            db,
            id,
            row_public_id,
            words(command.name, "name"),
            salt,
            tx.now,
            is_sandbox=command.is_sandbox,
            publishable_key=known.publishable_key if known else bearer.new_secret(bearer.PUBLISHABLE_KEY),
            partner_name=words_or_none(command.partner_name, "partner_name"),
            webview_look=_look({}, command.webview_look),
            organization_key=words_or_none(command.organization_key, "organization_key"),
        )
        await recorded.append(
            tx, system(id, by or "setup"), events.WorkspaceCreated(workspace_id=row_public_id)
        )
    return id


async def get(tx: Tx, actor: Actor) -> Workspace:
    require(actor, Scope.WORKSPACE_READ)
    return shown(await _own(tx))


async def change(tx: Tx, actor: Actor, command: ChangeWorkspace) -> Workspace:
    """Raises Invalid."""
    require(actor, Scope.WORKSPACE_WRITE)
    require_whole_workspace(actor)
    before = await _own(tx, to_change=True)
    after = replace(
        before,
        name=before.name if isinstance(command.name, UnsetType) else words(command.name, "name"),
        retention_days=_retention(told(command.retention_days, before.retention_days)),
        is_publishable_key_enabled=told(
            command.is_publishable_key_enabled, before.is_publishable_key_enabled
        ),
        partner_name=words_or_none(told(command.partner_name, before.partner_name), "partner_name"),
        webview_look=_look(before.webview_look, command.webview_look),
        organization_key=words_or_none(
            told(command.organization_key, before.organization_key), "organization_key"
        ),
        suspended_at=_suspended_at(tx, before, command.is_suspended),
        is_paced=told(command.is_paced, before.is_paced),
    )
    if after != before:
        await workspaces.change(tx.db, tx.workspace_id, after)
        await recorded.append(tx, actor, events.WorkspaceChanged(workspace_id=after.public_id))
    return shown(after)


async def confirm(tx: Tx, actor: Actor) -> Workspace:
    """This database is the one that rules: Lockstep may write to locks from now on.

    Nothing counts as proven until it is read once more: the database from before may have written until now."""
    require(actor, Scope.WORKSPACE_WRITE)
    require_whole_workspace(actor)
    row = await _own(tx)
    if not row.is_ruling:
        await workspaces.set_ruling(tx.db, tx.workspace_id, is_ruling=True)
        await recorded.append(tx, actor, events.WorkspaceConfirmed(workspace_id=row.public_id))
        await unread.forget_what_was_read(tx.db, tx.workspace_id, tx.now)
        await workspaces.wake_domains(tx.db, tx.workspace_id, tx.now)
    return shown(await _own(tx))


def _retention(days: int) -> int:
    if not 1 <= days <= LONGEST_RETENTION_DAYS:
        raise Invalid(
            f"Retention is from 1 to {LONGEST_RETENTION_DAYS} days.",
            code="retention_out_of_range",
            field="retention_days",
        )
    return days


def _suspended_at(tx: Tx, before: WorkspaceRow, is_suspended: bool | UnsetType) -> datetime | None:
    if isinstance(is_suspended, UnsetType):
        return before.suspended_at
    return (before.suspended_at or tx.now) if is_suspended else None


def _look(before: Mapping[str, str], change: Mapping[str, str | None]) -> dict[str, str]:
    look: dict[str, str | None] = {**before, **change}
    for name, value in change.items():
        if value is not None:
            look[name] = _checked(name, value)
    return {name: value for name, value in look.items() if value is not None}


def _checked(name: str, value: str) -> str:
    """Raises Invalid: these stand in pages, so they are what they say and nothing else."""
    if name not in _LOOKS:
        raise Invalid(f"There is no look {name!r}.", code="look_unknown", field=name)
    if name == "logo_shape" and value not in ("circle", "square"):
        raise Invalid("A logo is a circle or a square.", code="look_invalid", field=name)
    if name.endswith("_color") and not _COLOR.fullmatch(value):
        raise Invalid("A color is as #0b5fff.", code="look_invalid", field=name)
    return words(value, name, _LONGEST_MESSAGE)


async def _own(tx: Tx, *, to_change: bool = False) -> WorkspaceRow:
    row = await workspaces.get(tx.db, tx.workspace_id, to_change=to_change)
    assert row is not None, "the gate opened a transaction in it"
    return row


def shown(row: WorkspaceRow) -> Workspace:
    """As the ways in show it, for other operations."""
    return Workspace(
        row.public_id,
        row.name,
        row.retention_days,
        row.is_ruling,
        row.is_sandbox,
        row.publishable_key,
        row.is_publishable_key_enabled,
        row.partner_name,
        WebviewLook(**row.webview_look),
        row.organization_key,
        row.suspended_at,
        row.is_paced,
        row.created_at,
    )
