"""Access grants: this guest, these spaces or devices, this window."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from lockstep.kit.ids import new_id, public_id
from lockstep.model import events
from lockstep.model.permissions import Actor, Scope, require
from lockstep.model.window import Window
from lockstep.operations import events as recorded
from lockstep.operations.declaring import Wish, declare_grant, withdraw_grant
from lockstep.operations.errors import AccountInError, Conflict, Invalid, NotFound
from lockstep.operations.gate import Tx
from lockstep.storage import accounts, bookings, devices, grants, guests, spaces
from lockstep.storage.grants import GrantRow, MethodRow


@dataclass(frozen=True, slots=True)
class CreateGrant:
    """Public ids. `code` must be given as it is or refused; without it Lockstep chooses."""

    name: str = field(repr=False)
    starts_at: datetime
    ends_at: datetime | None = None
    space_ids: tuple[str, ...] = ()
    device_ids: tuple[str, ...] = ()
    guest_id: str | None = None
    grant_key: str | None = None
    code: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ChangeGrant:
    """None: as it is."""

    name: str | None = field(default=None, repr=False)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    is_ongoing: bool = False
    """True: takes the end away."""
    code: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant with its digits' method and what it reaches, in public ids."""

    row: GrantRow
    method: MethodRow | None
    space_ids: tuple[str, ...] = ()
    device_ids: tuple[str, ...] = ()


async def create(tx: Tx, actor: Actor, command: CreateGrant) -> Grant:
    """Declare access; the codes are on their way when this returns, and set when a reading proves it."""
    require(actor, Scope.GRANTS_WRITE)
    window = _window(tx, command.starts_at, command.ends_at)
    targets = await _targets(tx, command)
    guest_id = await _guest(tx, command.guest_id)
    row_id = new_id()
    row = GrantRow(
        row_id,
        public_id("grant", row_id),
        command.grant_key,
        command.name,
        guest_id,
        None,
        window.starts_at,
        window.ends_at,
        tx.now,
        tx.now,
        None,
    )
    if not await grants.insert(tx.db, tx.workspace_id, row):
        raise Conflict(
            "A grant with this grant_key exists already.",
            code="grant_key_taken",
            next_step="Change that grant, or give another key.",
        )
    await grants.set_targets(tx.db, tx.workspace_id, row.id, targets)
    await recorded.append(tx, actor, events.AccessGrantCreated(access_grant_id=row.public_id))
    await declare_grant(tx, actor, row, command.grant_key, Wish(code=command.code))
    return await _with_method(tx, row)


async def change(tx: Tx, actor: Actor, grant_public_id: str, command: ChangeGrant) -> Grant:
    """Move, rename, or give other digits. Digits stay the same unless others are given or must be."""
    require(actor, Scope.GRANTS_WRITE)
    row = await _living(tx, grant_public_id)
    if row.booking_id is not None and (command.starts_at or command.ends_at or command.is_ongoing):
        raise Conflict(
            "The window of this grant follows its booking.",
            code="grant_of_booking",
            next_step="Change the booking instead.",
        )
    ends_at = None if command.is_ongoing else command.ends_at or row.ends_at
    starts_at = command.starts_at or row.starts_at
    if (starts_at, ends_at) != (row.starts_at, row.ends_at):
        _window(tx, starts_at, ends_at)
    changed = replace(
        row, name=command.name or row.name, starts_at=starts_at, ends_at=ends_at, changed_at=tx.now
    )
    if replace(changed, changed_at=row.changed_at) != row or command.code is not None:
        await grants.change(tx.db, tx.workspace_id, changed)
        await recorded.append(tx, actor, events.AccessGrantChanged(access_grant_id=row.public_id))
        await declare_grant(tx, actor, changed, None, Wish(code=command.code))
    return await _with_method(tx, changed)


async def cancel(tx: Tx, actor: Actor, grant_public_id: str, *, is_compromised: bool = False) -> Grant:
    """Nothing of it may stay on any lock. `is_compromised`: its removal goes before everything else."""
    require(actor, Scope.GRANTS_WRITE)
    row = await grants.by_public_id(tx.db, tx.workspace_id, grant_public_id, locked=True)
    if row is None:
        raise NotFound("access grant", grant_public_id)
    if row.cancelled_at is None:
        await withdraw_grant(tx, actor, row, is_compromised=is_compromised)
        row = await grants.get(tx.db, tx.workspace_id, row.id) or row
    return await _with_method(tx, row)


async def get(tx: Tx, actor: Actor, grant_public_id: str) -> Grant:
    require(actor, Scope.GRANTS_READ)
    row = await grants.by_public_id(tx.db, tx.workspace_id, grant_public_id)
    if row is None:
        raise NotFound("access grant", grant_public_id)
    return await _with_method(tx, row)


async def listed(tx: Tx, actor: Actor, after: tuple[datetime, UUID] | None, most: int) -> list[GrantRow]:
    require(actor, Scope.GRANTS_READ)
    return await grants.listed(tx.db, tx.workspace_id, after, most)


def digits_of(tx: Tx, actor: Actor, method: MethodRow | None) -> str | None:
    """The grant's digits; None where the actor may not see them or there are none."""
    if method is None or method.digits is None or not actor.may(Scope.CODES_READ):
        return None
    return tx.open(method.digits, "access_methods", "digits", method.id)


async def _living(tx: Tx, grant_public_id: str) -> GrantRow:
    row = await grants.by_public_id(tx.db, tx.workspace_id, grant_public_id, locked=True)
    if row is None:
        raise NotFound("access grant", grant_public_id)
    if row.cancelled_at is not None:
        raise Conflict(
            f"The access grant {grant_public_id} was cancelled.",
            code="grant_cancelled",
            next_step="Make a new one.",
        )
    return row


async def _with_method(tx: Tx, row: GrantRow) -> Grant:
    return Grant(row, await grants.method_of(tx.db, tx.workspace_id, row.id))


def _window(tx: Tx, starts_at: datetime, ends_at: datetime | None) -> Window:
    try:
        window = Window(starts_at, ends_at)
    except ValueError as fault:
        raise Invalid(
            str(fault),
            code=getattr(fault, "code", "invalid"),
            next_step="Give aware instants, the end after the start.",
            field="ends_at",
        ) from fault
    if window.is_over(tx.now):
        raise Invalid(
            "The window has ended already.",
            code="window_ended",
            next_step="Give an end that lies ahead.",
            field="ends_at",
        )
    return window


async def _targets(tx: Tx, command: CreateGrant) -> list[tuple[UUID, UUID | None, UUID | None]]:
    if not command.space_ids and not command.device_ids:
        raise Invalid(
            "The grant reaches nothing.",
            code="grant_reaches_nothing",
            next_step="Give space_ids or device_ids.",
            field="device_ids",
        )
    found: list[tuple[UUID, UUID | None, UUID | None]] = []
    reached: set[UUID] = set()
    for space_public_id in command.space_ids:
        space = await spaces.by_public_id(tx.db, tx.workspace_id, space_public_id)
        if space is None:
            raise NotFound("space", space_public_id)
        found.append((new_id(), space.id, None))
        reached |= set(await spaces.devices_of(tx.db, tx.workspace_id, space.id))
    locks = await devices.by_public_ids(tx.db, tx.workspace_id, list(command.device_ids))
    missing = set(command.device_ids) - {d.public_id for d in locks if d.removed_at is None}
    if missing:
        raise NotFound("device", min(missing))
    found += [(new_id(), None, d.id) for d in locks]
    await _accounts_in_order(tx, sorted(reached | {d.id for d in locks}))
    return found


async def _accounts_in_order(tx: Tx, device_ids: list[UUID]) -> None:
    """Nothing new is promised on locks of an account that is in error."""
    locks = await devices.get_many(tx.db, tx.workspace_id, device_ids)
    for account_id in sorted({d.account_id for d in locks}):
        account = await accounts.get(tx.db, tx.workspace_id, account_id)
        if account is not None and account.state != "active":
            raise AccountInError(
                f"The connected account {account.public_id} of a lock of this grant is {account.state}."
            )


async def _guest(tx: Tx, guest_public_id: str | None) -> UUID | None:
    if guest_public_id is None:
        return None
    guest = await guests.by_public_id(tx.db, tx.workspace_id, guest_public_id)
    if guest is None:
        raise NotFound("guest", guest_public_id)
    return guest.id


async def of_booking(tx: Tx, actor: Actor, booking_public_id: str) -> Grant | None:
    """The living grant of a booking; None where it has none."""
    require(actor, Scope.GRANTS_READ)
    booking = await bookings.by_public_id(tx.db, tx.workspace_id, booking_public_id)
    if booking is None:
        raise NotFound("booking", booking_public_id)
    row = await grants.of_booking(tx.db, tx.workspace_id, booking.id)
    return await _with_method(tx, row) if row else None
