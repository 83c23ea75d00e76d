"""Operators, their memberships and their personal tokens. Operators belong to no workspace: what names them by who they
are runs across all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class OperatorRow:
    id: UUID
    public_id: str
    name: str = field(repr=False)
    email: str | None = field(repr=False)
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MembershipRow:
    workspace_id: UUID
    workspace_public_id: str
    role: str


@dataclass(frozen=True, slots=True)
class TokenRow:
    """`shown`: the beginning of the secret, for recognising it."""

    id: UUID
    public_id: str
    operator_id: UUID
    operator_public_id: str
    name: str
    shown: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


_COLUMNS = "id, public_id, name, email, created_at"
_DETAIL = """t.id, t.public_id, t.operator_id, o.public_id as operator_public_id, t.name, t.shown, t.created_at,
  t.expires_at, t.revoked_at"""
_FROM = "operator_tokens t join operators o on o.id = t.operator_id"


async def insert(db: Connection, row: OperatorRow) -> None:
    await db.execute(
        f"insert into operators ({_COLUMNS}) values ($1, $2, $3, $4, $5)",  # noqa: S608
        row.id,
        row.public_id,
        row.name,
        row.email,
        row.created_at,
    )


async def by_public_id(db: Connection, public_id: str) -> OperatorRow | None:
    row = await db.fetchrow(f"select {_COLUMNS} from operators where public_id = $1", public_id)  # noqa: S608
    return OperatorRow(**dict(row)) if row else None


async def every(db: Connection) -> list[OperatorRow]:
    """Oldest first."""
    return [OperatorRow(**dict(r)) for r in await db.fetch(f"select {_COLUMNS} from operators order by id")]  # noqa: S608


async def remove(db: Connection, operator_id: UUID) -> None:
    """With tokens and memberships; what they did stays in the events, by public id."""
    await db.execute("delete from operators where id = $1", operator_id)


async def join(db: Connection, workspace_id: UUID, operator_id: UUID, role: str, at: datetime) -> bool:
    """True where the operator was no member, or in another role."""
    result = await db.execute(
        """insert into memberships (workspace_id, operator_id, role, created_at) values ($1, $2, $3, $4)
           on conflict (workspace_id, operator_id) do update set role = excluded.role
           where memberships.role <> excluded.role""",
        workspace_id,
        operator_id,
        role,
        at,
    )
    return bool(result == "INSERT 0 1")


async def leave(db: Connection, workspace_id: UUID, operator_id: UUID) -> bool:
    """False where the operator was no member."""
    result = await db.execute(
        "delete from memberships where workspace_id = $1 and operator_id = $2", workspace_id, operator_id
    )
    return bool(result == "DELETE 1")


async def memberships_of(db: Connection, operator_id: UUID) -> list[MembershipRow]:
    """In the order in which the workspaces were made."""
    rows = await db.fetch(
        """select m.workspace_id, w.public_id as workspace_public_id, m.role from memberships m
             join workspaces w on w.id = m.workspace_id where m.operator_id = $1 order by m.workspace_id""",
        operator_id,
    )
    return [MembershipRow(**dict(r)) for r in rows]


async def insert_token(db: Connection, row: TokenRow, secret_hash: bytes) -> None:
    await db.execute(
        """insert into operator_tokens (id, public_id, operator_id, name, secret_hash, shown, created_at, expires_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8)""",
        row.id,
        row.public_id,
        row.operator_id,
        row.name,
        secret_hash,
        row.shown,
        row.created_at,
        row.expires_at,
    )


async def token_by_hash(db: Connection, secret_hash: bytes) -> TokenRow | None:
    """Whose token this is, revoked and expired ones too; for authentication alone."""
    return _token(
        await db.fetchrow(f"select {_DETAIL} from {_FROM} where t.secret_hash = $1", secret_hash)  # noqa: S608
    )


async def token_by_public_id(db: Connection, public_id: str) -> TokenRow | None:
    return _token(
        await db.fetchrow(
            f"select {_DETAIL} from {_FROM} where t.public_id = $1 for no key update of t",  # noqa: S608
            public_id,
        )
    )


async def every_token(db: Connection) -> list[TokenRow]:
    """Of all operators, oldest first; revoked ones too."""
    return [TokenRow(**dict(r)) for r in await db.fetch(f"select {_DETAIL} from {_FROM} order by t.id")]  # noqa: S608


async def revoke_token(db: Connection, token_id: UUID, at: datetime) -> None:
    await db.execute(
        "update operator_tokens set revoked_at = $2 where id = $1 and revoked_at is null", token_id, at
    )


def _token(record: Any) -> TokenRow | None:
    return TokenRow(**dict(record)) if record else None
