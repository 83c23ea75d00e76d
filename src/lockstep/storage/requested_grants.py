"""What callers say of a grant besides whom it lets in where: keys of their own, and how they asked for it to be met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from lockstep.storage.database import Connection
from lockstep.storage.devices import NOTHING, Given, numbered
from lockstep.storage.grants import reaches_only


@dataclass(frozen=True, slots=True)
class Request:
    """`requested`: documents, one for each way in which it was asked to be met. `wanted`: digits, sealed, that were
    asked for and could not be had."""

    id: UUID
    public_id: str
    reservation_key: str | None
    customer_key: str | None
    requested: Sequence[dict[str, Any]]
    method_id: UUID | None
    method_public_id: str | None
    wanted: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """None: all. Ids are public."""

    grant_ids: list[str] | None = None
    grant_key: str | None = None
    guest_id: str | None = None
    device_id: str | None = None
    space_id: str | None = None
    access_code_id: str | None = None
    access_method_id: str | None = None
    reservation_key: str | None = None
    customer_key: str | None = None
    property_ids: list[UUID] | None = None
    """Only those that reach nothing outside of these properties."""
    besides: Given = NOTHING
    """With those of `property_ids`: what an actor who is confined to these was given besides."""


async def note(
    db: Connection,
    workspace_id: UUID,
    grant_id: UUID,
    reservation_key: str | None,
    customer_key: str | None,
    requested: Sequence[dict[str, Any]],
) -> None:
    await db.execute(
        """update grants set reservation_key = $3, customer_key = $4, requested = $5
           where workspace_id = $1 and id = $2""",
        workspace_id,
        grant_id,
        reservation_key,
        customer_key,
        list(requested),
    )


async def keep_wanted(db: Connection, workspace_id: UUID, method_id: UUID, wanted: bytes) -> None:
    """Digits, sealed, that were asked for and could not be had."""
    await db.execute(
        "update access_methods set wanted = $3 where workspace_id = $1 and id = $2",
        workspace_id,
        method_id,
        wanted,
    )


# A reservation of a calendar, or one that was entered, is its booking's.
_RESERVATION = """coalesce(g.reservation_key, (select b.booking_key from bookings b
  where b.workspace_id = $1 and b.id = g.booking_id))"""


async def of_grants(db: Connection, workspace_id: UUID, grant_public_ids: list[str]) -> dict[str, Request]:
    """By public id."""
    rows = await db.fetch(
        f"""select g.id, g.public_id, {_RESERVATION} as reservation_key, g.customer_key, g.requested,
              m.id as method_id, m.public_id as method_public_id, m.wanted
            from grants g left join lateral (select a.id, a.public_id, a.wanted from access_methods a
                where a.workspace_id = $1 and a.grant_id = g.id and a.kind = 'code'
                order by a.withdrawn_at is not null, a.id limit 1) m on true
            where g.workspace_id = $1 and g.public_id = any($2)""",  # noqa: S608
        workspace_id,
        grant_public_ids,
    )
    return {r["public_id"]: Request(**dict(r)) for r in rows}


async def found(
    db: Connection, workspace_id: UUID, wanted: RequestFilter, after: str | None, most: int
) -> list[UUID]:
    """Ids of living grants that were asked for as such, in the order of creation, behind the public id `after`."""
    values: list[object] = []
    conditions = "g.workspace_id = $1 and g.form = 'grant' and g.cancelled_at is null"
    for condition, value in (
        ("g.id > (select id from grants where workspace_id = $1 and public_id = {})", after),
        ("g.public_id = any({}::text[])", wanted.grant_ids),
        ("g.grant_key = {}", wanted.grant_key),
        ("g.guest_id = (select id from guests where workspace_id = $1 and public_id = {})", wanted.guest_id),
        (_OPENS, wanted.device_id),
        ("{} = any(g.space_public_ids)", wanted.space_id),
        (_OF_PART.format(table="access_codes", id="{}"), wanted.access_code_id),
        (_OF_PART.format(table="access_methods", id="{}"), wanted.access_method_id),
        (_RESERVATION + " = {}", wanted.reservation_key),
        ("g.customer_key = {}", wanted.customer_key),
    ):
        if value is not None:
            values.append(value)
            conditions += " and " + condition.format(f"${len(values) + 1}")
    if wanted.property_ids is not None:
        conditions += " and " + reaches_only(*numbered(len(values) + 2))
        values += [wanted.property_ids, *wanted.besides]
    rows = await db.fetch(
        f"select g.id from grants g where {conditions} order by g.id limit {most:d}",  # noqa: S608
        workspace_id,
        *values,
    )
    return [r["id"] for r in rows]


_OPENS = """exists (select from access_codes c join devices d on d.workspace_id = $1 and d.id = c.device_id
  where c.workspace_id = $1 and c.grant_id = g.id and d.public_id = {})"""
_OF_PART = "g.id = (select grant_id from {table} where workspace_id = $1 and public_id = {id})"


async def grant_of_method(db: Connection, workspace_id: UUID, method_public_id: str) -> str | None:
    """The public id of the grant that it meets."""
    grant_id: str | None = await db.fetchval(
        """select g.public_id from access_methods m
             join grants g on g.workspace_id = m.workspace_id and g.id = m.grant_id
           where m.workspace_id = $1 and m.public_id = $2""",
        workspace_id,
        method_public_id,
    )
    return grant_id
