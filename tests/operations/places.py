"""What tests of properties and bookings share: a property, locks in it, and what stands on them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time
from typing import Any, TypeVar

from lockstep.kit.ids import new_id, public_id
from lockstep.model.capabilities import Capabilities
from lockstep.model.permissions import Actor
from lockstep.operations import bookings, spaces
from lockstep.operations.gate import Gate, Tx
from lockstep.storage import access_codes, accounts, devices, domains, grants
from lockstep.storage import bookings as stored_bookings
from lockstep.storage.access_codes import AccessCodeRow
from lockstep.storage.devices import DeviceRow

T = TypeVar("T")
C = TypeVar("C")

LISBON = "Europe/Lisbon"


async def ask(gate: Gate, actor: Actor, operation: Callable[[Tx, Actor, C], Awaitable[T]], command: C) -> T:
    """One operation in one transaction."""
    async with gate.transaction(actor.workspace_id) as tx:
        return await operation(tx, actor, command)


async def a_property(gate: Gate, actor: Actor, name: str = "Sea house", **fields: Any) -> spaces.Space:
    command = spaces.CreateSpace(name, **{"time_zone": LISBON, **fields})
    return await ask(gate, actor, spaces.create, command)


async def some_locks(
    gate: Gate, actor: Actor, *names: str, capabilities: Capabilities | None = None
) -> list[str]:
    """Public ids of fresh locks, each its own write domain."""
    made = []
    async with gate.transaction(actor.workspace_id) as tx:
        account_id = new_id()
        await accounts.insert(
            tx.db,
            tx.workspace_id,
            account_id,
            public_id("account", account_id),
            "virtual",
            str(account_id),
            "Test",
            tx.seal("{}", "accounts", "credentials", account_id),
            account_id.bytes,
            tx.now,
        )
        for name in names:
            domain_id = await domains.ensure(tx.db, tx.workspace_id, account_id, name, new_id(), tx.now)
            id = new_id()
            row = DeviceRow(
                id,
                public_id("device", id),
                account_id,
                domain_id,
                name,
                "lock",
                name,
                "",
                capabilities or Capabilities(),
                None,
                {},
                True,
                tx.now,
                None,
            )
            await devices.upsert(tx.db, tx.workspace_id, row)
            made.append(row.public_id)
    return made


async def a_stay(
    gate: Gate, actor: Actor, space_id: str, arrives: int, departs: int, **fields: Any
) -> bookings.Booking:
    """A booking by hand, by days of June 2026."""
    command = bookings.CreateBooking(
        space_id, arrives=date(2026, 6, arrives), departs=date(2026, 6, departs), **fields
    )
    return await ask(gate, actor, bookings.create, command)


async def codes_of(gate: Gate, actor: Actor, booking_id: str) -> list[AccessCodeRow]:
    """The codes that a booking has now: none where it opens nothing."""
    async with gate.reading(actor.workspace_id) as tx:
        booking = await stored_bookings.by_public_id(tx.db, tx.workspace_id, booking_id)
        assert booking is not None
        grant = await grants.of_booking(tx.db, tx.workspace_id, booking.id)
        if grant is None:
            return []
        codes = await access_codes.of_grants(tx.db, tx.workspace_id, [grant.id])
    return [code for code in codes if code.withdrawn_at is None]


async def opens(gate: Gate, actor: Actor, booking_id: str) -> set[str]:
    """The names of the locks that a booking opens."""
    return {code.device_name for code in await codes_of(gate, actor, booking_id)}


async def told(gate: Gate, actor: Actor) -> list[str]:
    """The kinds of all events so far, in the order in which they were recorded."""
    async with gate.reading(actor.workspace_id) as tx:
        rows = await tx.db.fetch("select kind from events order by id")
    return [row["kind"] for row in rows]


def june(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime.combine(date(2026, 6, day), time(hour, minute), UTC)


async def until_somebody_waits(gate: Gate) -> None:
    """For a row, or a key, that another transaction holds."""
    async with gate.database.reading(None) as db:
        while not await db.fetchval("select exists (select from pg_locks where not granted)"):
            continue
