"""What may be asked of operators: who they are, which workspaces they belong to, and their personal tokens.

Operators stand above workspaces, so whoever sits at the machine makes them; one who signed in acts in a workspace as
the role there allows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from lockstep.kit import bearer
from lockstep.kit.ids import new_id, public_id
from lockstep.model import events, permissions
from lockstep.model.event import Event
from lockstep.model.permissions import Actor, Role, system
from lockstep.operations import events as recorded
from lockstep.operations import workspaces
from lockstep.operations.errors import Invalid, NotFound
from lockstep.operations.gate import Gate
from lockstep.operations.words import words, words_or_none
from lockstep.operations.workspaces import CreateWorkspace, Workspace
from lockstep.storage import events as stored_events
from lockstep.storage import operators
from lockstep.storage import workspaces as stored_workspaces
from lockstep.storage.database import Connection
from lockstep.storage.operators import OperatorRow, TokenRow

_COMMAND_LINE = "command_line"


@dataclass(frozen=True, slots=True)
class Operator:
    operator_id: str
    name: str = field(repr=False)
    email: str | None = field(repr=False)
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OperatorToken:
    """A personal token as it may be shown: `shown` is how its secret begins."""

    operator_token_id: str
    operator_id: str
    name: str
    shown: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewToken:
    """The only time that the secret is shown."""

    token: OperatorToken
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedInOperator:
    """Whoever showed a good personal token, outside of any workspace."""

    operator_id: str
    id: UUID


async def create(gate: Gate, name: str, email: str | None = None, known_id: str | None = None) -> Operator:
    """A person. `known_id`: for a sandbox that is seeded, and nothing else."""
    id = new_id()
    row = OperatorRow(
        id,
        known_id or public_id("operator", id),
        words(name, "name"),
        words_or_none(email, "email"),
        gate.clock.now(),
    )
    async with gate.database.transaction(None) as db:
        await operators.insert(db, row)
    return _shown(row)


async def every(gate: Gate) -> list[Operator]:
    """Oldest first."""
    async with gate.database.reading(None) as db:
        return [_shown(row) for row in await operators.every(db)]


async def remove(gate: Gate, operator_id: str) -> None:
    """Forget a person: name, tokens and memberships. What they did stays in the events, without a name."""
    async with gate.database.transaction(None) as db:
        operator = await _known(db, operator_id)
        await _tell_each(gate, db, operator, events.OperatorLeft(operator_id=operator_id))
        await operators.remove(db, operator.id)


async def join(gate: Gate, operator_id: str, workspace_id: UUID, role: Role) -> None:
    """Belong to a workspace, or have another role in it."""
    operator = await _found(gate, operator_id)
    async with gate.transaction(workspace_id) as tx:
        if await operators.join(tx.db, tx.workspace_id, operator.id, role.value, tx.now):
            joined = events.OperatorJoined(operator_id=operator_id, role=role.value)
            await recorded.append(tx, system(workspace_id, _COMMAND_LINE), joined)


async def leave(gate: Gate, operator_id: str, workspace_id: UUID) -> None:
    """Belong to it no more; tokens reach it no more at once."""
    operator = await _found(gate, operator_id)
    async with gate.transaction(workspace_id) as tx:
        if await operators.leave(tx.db, tx.workspace_id, operator.id):
            left = events.OperatorLeft(operator_id=operator_id)
            await recorded.append(tx, system(workspace_id, _COMMAND_LINE), left)


async def create_token(
    gate: Gate,
    operator_id: str,
    name: str,
    expires_at: datetime | None = None,
    known_secret: str | None = None,
) -> NewToken:
    """A token that is this person, wherever they belong. `known_secret`: for a sandbox that is seeded, and nothing
    else."""
    if expires_at is not None and expires_at <= gate.clock.now():
        raise Invalid("The token would have expired already.", code="expired", field="expires_at")
    secret = known_secret or bearer.new_secret(bearer.PERSONAL_TOKEN)
    id = new_id()
    async with gate.database.transaction(None) as db:
        operator = await _known(db, operator_id)
        row = TokenRow(
            id,
            public_id("token", id),
            operator.id,
            operator_id,
            words(name, "name"),
            bearer.beginning(secret, bearer.PERSONAL_TOKEN),
            gate.clock.now(),
            expires_at,
            None,
        )
        await operators.insert_token(db, row, bearer.hash_of(secret))
        made = events.OperatorTokenCreated(operator_id=operator_id, operator_token_id=row.public_id)
        await _tell_each(gate, db, operator, made)
    return NewToken(_token_shown(row), secret)


async def every_token(gate: Gate) -> list[OperatorToken]:
    """Of all operators, oldest first; revoked ones too. Their secrets are not shown."""
    async with gate.database.reading(None) as db:
        return [_token_shown(row) for row in await operators.every_token(db)]


async def revoke_token(gate: Gate, token_id: str) -> OperatorToken:
    """Refuse it from now on; doing so again changes nothing."""
    async with gate.database.transaction(None) as db:
        row = await operators.token_by_public_id(db, token_id)
        if row is None:
            raise NotFound("personal token", token_id)
        if row.revoked_at is None:
            await operators.revoke_token(db, row.id, gate.clock.now())
            revoked = events.OperatorTokenRevoked(
                operator_id=row.operator_public_id, operator_token_id=row.public_id
            )
            await _tell_each(gate, db, await _known(db, row.operator_public_id), revoked)
            row = replace(row, revoked_at=gate.clock.now())
    return _token_shown(row)


async def authenticate(gate: Gate, secret: str) -> SignedInOperator | None:
    """Whose personal token this is; None where it is not known, revoked or expired."""
    if len(secret) > bearer.LONGEST:
        return None
    async with gate.database.reading(None) as db:
        row = await operators.token_by_hash(db, bearer.hash_of(secret))
    if row is None or row.revoked_at is not None:
        return None
    if row.expires_at is not None and row.expires_at <= gate.clock.now():
        return None
    return SignedInOperator(row.operator_public_id, row.operator_id)


async def begin_console(gate: Gate, operator_id: str, key: str) -> None:
    """A console session that is known by this key: for a sandbox that is seeded, and nothing else. Elsewhere nobody
    takes such."""
    await create_token(gate, operator_id, "Console session", known_secret=_of_console(operator_id, key))


async def of_console(gate: Gate, operator_id: str, key: str) -> SignedInOperator | None:
    """Whose console session this is; None where it is not known, revoked or over."""
    return await authenticate(gate, _of_console(operator_id, key))


def _of_console(operator_id: str, key: str) -> str:
    """Begins as no token does, so that it cannot be shown as one."""
    return f"console {operator_id} {key}"


async def actor_in(gate: Gate, signed_in: SignedInOperator, workspace_id: str) -> Actor | None:
    """This person in the workspace of this public id; None where they do not belong to it."""
    async with gate.database.reading(None) as db:
        for row in await operators.memberships_of(db, signed_in.id):
            if row.workspace_public_id == workspace_id:
                return permissions.operator(row.workspace_id, signed_in.operator_id, Role(row.role))
    return None


async def workspaces_of(gate: Gate, signed_in: SignedInOperator) -> list[Workspace]:
    """Those that this person belongs to, in the order in which they were made."""
    async with gate.database.reading(None) as db:
        members = await operators.memberships_of(db, signed_in.id)
        rows = await stored_workspaces.get_many(db, [m.workspace_id for m in members])
    return [workspaces.shown(row) for row in rows]


async def create_workspace(gate: Gate, signed_in: SignedInOperator, command: CreateWorkspace) -> Workspace:
    """A workspace of one's own. Raises Invalid."""
    id = await workspaces.create(gate, command, by=signed_in.operator_id)
    await join(gate, signed_in.operator_id, id, Role.OWNER)
    async with gate.database.reading(id) as db:
        row = await stored_workspaces.get(db, id)
    assert row is not None
    return workspaces.shown(row)


async def _found(gate: Gate, operator_id: str) -> OperatorRow:
    async with gate.database.reading(None) as db:
        return await _known(db, operator_id)


async def _known(db: Connection, operator_id: str) -> OperatorRow:
    row = await operators.by_public_id(db, operator_id)
    if row is None:
        raise NotFound("operator", operator_id)
    return row


async def _tell_each(gate: Gate, db: Connection, operator: OperatorRow, event: Event) -> None:
    """In each workspace that the operator belongs to, within the transaction that changes it."""
    for member in await operators.memberships_of(db, operator.id):
        actor = system(member.workspace_id, _COMMAND_LINE)
        await stored_events.append(
            db, member.workspace_id, actor.name, gate.clock.now(), recorded.drafts([event])
        )


def _shown(row: OperatorRow) -> Operator:
    return Operator(row.public_id, row.name, row.email, row.created_at)


def _token_shown(row: TokenRow) -> OperatorToken:
    return OperatorToken(
        row.public_id,
        row.operator_public_id,
        row.name,
        row.shown,
        row.created_at,
        row.expires_at,
        row.revoked_at,
    )
