"""Seeds a sandbox: workspaces whose ids and secrets are known beforehand, so that programs can be tried against them.

What a workspace began with is kept beside it, so that it can begin anew."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from lockstep.kit.ids import new_id
from lockstep.model import events
from lockstep.model.permissions import (
    ALL_SCOPES,
    Actor,
    Role,
    Scope,
    require,
    require_whole_workspace,
    system,
)
from lockstep.operations import api_keys, client_sessions, guests, operators, sandboxes, workspaces
from lockstep.operations import events as recorded
from lockstep.operations.api_keys import CreateApiKey
from lockstep.operations.client_sessions import AskedSession, KnownSession
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.guests import CreateGuest
from lockstep.operations.sandboxes import EmulatedAccount
from lockstep.operations.workspaces import ChangeWorkspace, CreateWorkspace, KnownWorkspace
from lockstep.storage import sandboxes as stored
from lockstep.storage.sandboxes import BeginningRow

_TABLE, _COLUMN = "sandbox_beginnings", "document"


@dataclass(frozen=True, slots=True)
class SeededAccount:
    """`token`: with which the emulated vendor is asked."""

    account: EmulatedAccount
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SeededGuest:
    guest_id: str
    guest_key: str
    email: str


@dataclass(frozen=True, slots=True)
class SeededSession:
    client_session_id: str
    token: str = field(repr=False)
    session_key: str
    guest_id: str
    account_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a workspace holds when it begins, in the order in which it is made."""

    accounts: tuple[SeededAccount, ...] = ()
    guests: tuple[SeededGuest, ...] = ()
    sessions: tuple[SeededSession, ...] = ()


@dataclass(frozen=True, slots=True)
class SeededWorkspace:
    workspace_id: str
    name: str
    publishable_key: str = field(repr=False)
    api_key: str = field(repr=False)
    beginning: Beginning = field(default_factory=Beginning)


@dataclass(frozen=True, slots=True)
class SeededOperator:
    """Owns the workspaces named. `console_key`: of a console session."""

    operator_id: str
    name: str
    email: str
    token: str = field(repr=False)
    console_key: str = field(repr=False)
    workspace_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seed:
    workspaces: tuple[SeededWorkspace, ...]
    operators: tuple[SeededOperator, ...]


async def seed(gate: Gate, wanted: Seed) -> None:
    """Make all of it in a database that has no workspace yet."""
    ids = {}
    for workspace in wanted.workspaces:
        known = KnownWorkspace(workspace.workspace_id, workspace.publishable_key)
        command = CreateWorkspace(workspace.name, is_sandbox=True)
        ids[workspace.workspace_id] = id = await workspaces.create(gate, command, known)
        actor = system(id, "seed")
        async with gate.transaction(id) as tx:
            await workspaces.change(tx, actor, ChangeWorkspace(is_publishable_key_enabled=True))
            await api_keys.import_secret(
                tx, actor, CreateApiKey("Seeded key", sorted(ALL_SCOPES)), workspace.api_key
            )
            await _remember(tx, workspace.beginning)
        await _begin(gate, actor, workspace.beginning)
    for operator in wanted.operators:
        await operators.create(gate, operator.name, operator.email, operator.operator_id)
        for workspace_id in operator.workspace_ids:
            await operators.join(gate, operator.operator_id, ids[workspace_id], Role.OWNER)
        await operators.create_token(gate, operator.operator_id, "Seeded token", known_secret=operator.token)
        await operators.begin_console(gate, operator.operator_id, operator.console_key)


async def reset(gate: Gate, actor: Actor) -> None:
    """Put a sandbox back to how it began: accounts, devices, guests and sessions as seeded (or none), without codes,
    grants, spaces and bookings. Keys, webhooks, operators and the events of before stay.

    Asked again, it goes on where it was broken off. Raises NotASandbox."""
    require(actor, Scope.WORKSPACE_WRITE)
    require_whole_workspace(actor)
    async with gate.transaction(actor.workspace_id) as tx:
        own = await sandboxes.require_sandbox(tx)
        beginning = await _remembered(tx)
        await stored.empty(tx.db, tx.workspace_id)
        await recorded.append(tx, actor, events.WorkspaceReset(workspace_id=own.public_id))
    await _begin(gate, system(actor.workspace_id, "seed"), beginning)


async def _begin(gate: Gate, actor: Actor, beginning: Beginning) -> None:
    for one in beginning.accounts:
        await sandboxes.connect(gate, actor, one.account, one.token)
    async with gate.transaction(actor.workspace_id) as tx:
        for guest in beginning.guests:
            asked = CreateGuest(email=guest.email, guest_key=guest.guest_key)
            await guests.enter_guest(tx, actor, asked, guest.guest_id)
        for session in beginning.sessions:
            await client_sessions.create(
                tx,
                actor,
                AskedSession(
                    session_key=session.session_key,
                    guest_id=session.guest_id,
                    connected_account_ids=session.account_ids,
                ),
                KnownSession(session.client_session_id, session.token),
            )


async def _remember(tx: Tx, beginning: Beginning) -> None:
    id = new_id()
    document = tx.seal(msgspec.json.encode(beginning).decode(), _TABLE, _COLUMN, id)
    await stored.put_beginning(tx.db, tx.workspace_id, BeginningRow(id, document))


async def _remembered(tx: Tx) -> Beginning:
    row = await stored.beginning(tx.db, tx.workspace_id)
    if row is None:
        return Beginning()
    return msgspec.json.decode(tx.open(row.document, _TABLE, _COLUMN, row.id), type=Beginning)
