"""Whose things are: a customer is known by the caller's own key alone."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from lockstep.storage.database import Connection

OWNED = ("spaces", "guests", "bookings", "grants")


def standing_at(workspace: str, customer: str) -> str:
    """For statements in storage: the ids of the devices that stand in a customer's spaces, or in what lies in one. Of
    the expressions `workspace` and `customer`."""
    return f"""(with recursive mine as (
        select p.id from spaces p
        where p.workspace_id = {workspace} and p.customer_key = {customer} and p.removed_at is null
        union select c.id from spaces c join mine m on c.parent_id = m.id
        where c.workspace_id = {workspace} and c.removed_at is null)
      select sd.device_id from space_devices sd join mine m on m.id = sd.space_id
      where sd.workspace_id = {workspace})"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Belongings:
    """Public ids of what lives: spaces from the innermost outwards, so that they can be removed in this order. Guests
    who turned out to be others are not among them: whose those are, is another question."""

    bookings: list[str]
    grants: list[str]
    guests: list[str]
    spaces: list[str]


async def give(db: Connection, workspace_id: UUID, table: str, public_id: str, customer_key: str) -> None:
    """This thing is the customer's. `table`: one of OWNED."""
    assert table in OWNED
    await db.execute(
        f"update {table} set customer_key = $3 where workspace_id = $1 and public_id = $2",  # noqa: S608
        workspace_id,
        public_id,
        customer_key,
    )


async def owner_of(db: Connection, workspace_id: UUID, table: str, public_id: str) -> str | None:
    """Whose it is; None: nobody's."""
    assert table in OWNED
    customer_key: str | None = await db.fetchval(
        f"select customer_key from {table} where workspace_id = $1 and public_id = $2",  # noqa: S608
        workspace_id,
        public_id,
    )
    return customer_key


async def belongings(db: Connection, workspace_id: UUID, customer_key: str) -> Belongings:
    row = await db.fetchrow(
        """select
             array(select public_id from bookings where workspace_id = $1 and customer_key = $2
               and state <> 'cancelled' order by id) as bookings,
             array(select public_id from grants where workspace_id = $1 and customer_key = $2
               and cancelled_at is null and booking_id is null order by id) as grants,
             array(select public_id from guests where workspace_id = $1 and customer_key = $2
               and erased_at is null and merged_into is null order by id) as guests,
             array(select public_id from spaces where workspace_id = $1 and customer_key = $2
               and removed_at is null order by parent_id is null, id desc) as spaces""",
        workspace_id,
        customer_key,
    )
    assert row is not None
    return Belongings(row["bookings"], row["grants"], row["guests"], row["spaces"])


async def guest_of_key(db: Connection, workspace_id: UUID, guest_key: str) -> str | None:
    """The public id of the living guest that the caller knows by this key."""
    public_id: str | None = await db.fetchval(
        "select public_id from guests where workspace_id = $1 and guest_key = $2 and erased_at is null",
        workspace_id,
        guest_key,
    )
    return public_id


async def grant_of_key(db: Connection, workspace_id: UUID, grant_key: str) -> str | None:
    """The public id of the living grant that the caller knows by this key."""
    public_id: str | None = await db.fetchval(
        "select public_id from grants where workspace_id = $1 and grant_key = $2 and cancelled_at is null",
        workspace_id,
        grant_key,
    )
    return public_id
