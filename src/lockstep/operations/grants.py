"""Access grants: this guest, these spaces or devices, this window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from uuid import UUID

from lockstep.kit.frozen import dataclass
from lockstep.kit.ids import new_id, public_id
from lockstep.model.code_choice import PREFERRED_LENGTH
from lockstep.model.permissions import Actor, Scope, require
from lockstep.model.window import Window
from lockstep.operations import events as recorded
from lockstep.operations.backup_pools import switch_on
from lockstep.operations.bookings import known_booking
from lockstep.operations.chosen_digits import Wish, only_digits, require_code_holders
from lockstep.operations.confinement import confinement, given, require_devices
from lockstep.operations.declaring import declare_grant, grant_changed, withdraw_grant
from lockstep.operations.errors import AccountInError, Conflict, Invalid, NotAllowed, NotFound
from lockstep.operations.gate import TransactionNeeded, Tx
from lockstep.operations.guests import known_guest, refuse_erased
from lockstep.operations.new_grants import declare_new, furnished, generations
from lockstep.operations.spaces import known_space
from lockstep.operations.words import words, words_or_none
from lockstep.storage import access_codes, declarations, domains, entries, grants
from lockstep.storage.declarations import NewDeclaration, NewTarget, Reach, Reached
from lockstep.storage.devices import DeviceRow
from lockstep.storage.grants import GrantDetail, GrantFilter, GrantRow, MethodRow

MASK = "******"
"""Instead of digits, for whoever may not read codes; does not tell their number."""
OF_ONE_LOCK = "code"
"""The form of grants that were asked for as a code of one lock, see `lock_codes`."""
_YEARS = range(2000, 2200)


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
    code_length: int = PREFERRED_LENGTH
    """Of digits that Lockstep chooses: this, or the next that the locks take."""
    wanted_code: str | None = field(default=None, repr=False)
    """Given where it can be; else Lockstep chooses, and says so."""
    form: str = "grant"
    """`code`: asked for as a code of one lock, see `lock_codes`."""
    common_code_key: str | None = None
    uses_backup_pool: bool = False
    """Its locks are to have backup codes from now on, as far as they can hold such."""
    honours_edits: bool = False
    """Whether what somebody changes in the vendor's app becomes the declaration; else it is put right."""


@dataclass(frozen=True, slots=True)
class ChangeGrant:
    """None: as it is."""

    name: str | None = field(default=None, repr=False)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    is_ongoing: bool = False
    """True: takes the end away."""
    code: str | None = field(default=None, repr=False)
    honours_edits: bool | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant with its digits' method."""

    row: GrantRow
    method: MethodRow | None


@dataclass(frozen=True, slots=True)
class Created:
    """A new grant as it was stored, and the devices that it reaches as they were before."""

    new: NewDeclaration
    reached: tuple[Reached, ...]


# These two are not frozen: a list makes a hundred of them for each request, and frozen ones take ten times as long to
# make, which was a fifth of the request.
@dataclass(slots=True)
class AccessMethod:
    """How a grant is met: one set of digits for all its locks."""

    access_method_id: str
    kind: str
    """`code`."""
    code: str | None = field(repr=False)
    """The digits; masked for whoever may not read codes, null as long as there are none."""
    is_code_masked: bool
    warning: str | None
    """Why these digits are not the ones that were wished for."""


@dataclass(slots=True)
class AccessGrant:
    """A grant as the ways in show it."""

    access_grant_id: str
    access_grant_key: str | None
    name: str | None = field(repr=False)
    """Null for whoever may not read guests."""
    guest_id: str | None
    booking_id: str | None
    """The booking that it follows."""
    space_ids: tuple[str, ...]
    device_ids: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime | None
    """Null: until cancelled."""
    access_method: AccessMethod | None
    """Null once cancelled."""
    created_at: datetime
    changed_at: datetime
    cancelled_at: datetime | None
    honours_edits: bool
    """Whether what somebody changes in the vendor's app becomes the declaration; else it is put right."""


@dataclass(frozen=True, slots=True)
class ListGrants:
    """In the order of creation, behind the grant `after`."""

    most: int = 50
    after: str | None = None
    guest_id: str | None = None
    booking_id: str | None = None
    only_living: bool = False
    """Only those that are neither cancelled nor over."""


async def create(tx: Tx, actor: Actor, command: CreateGrant) -> Grant:
    """Declare access; the codes are on their way when this returns, and set when a reading proves it."""
    new = (await _create(tx, actor, command)).new
    return Grant(new.grant, new.method)


async def create_declared(tx: Tx, actor: Actor, command: CreateGrant) -> Created:
    """The same, for other operations that show what came of it; nothing is asked again for that. `Gate.at_once` will
    do, as for `create_shown`."""
    return await _create(tx, actor, command)


async def create_shown(tx: Tx, actor: Actor, command: CreateGrant) -> AccessGrant:
    """The same, as the ways in show it; nothing is asked again for that. It writes by one statement, so that
    `Gate.at_once` will do; unless its locks are to have backup codes."""
    new = (await _create(tx, actor, command)).new
    row, method = new.grant, new.method
    detail = GrantDetail(
        row.public_id,
        row.grant_key,
        row.name,
        command.guest_id,
        None,
        [t.public_id for t in new.targets if t.space_id],
        [t.public_id for t in new.targets if t.device_id],
        row.starts_at,
        row.ends_at,
        row.created_at,
        row.changed_at,
        None,
        row.honours_edits,
        method.id,
        method.public_id,
        method.kind,
        method.digits,
        method.warning,
    )
    return _views(tx, actor, [detail])[0]


async def change(tx: Tx, actor: Actor, grant_public_id: str, command: ChangeGrant) -> Grant:
    """Move, rename, or give other digits. Digits stay the same unless others are given or must be."""
    _require_to_declare(actor, command.code)
    row = await _living(tx, actor, grant_public_id)
    if row.booking_id is not None and (command.starts_at or command.ends_at or command.is_ongoing):
        raise Conflict(
            "The window of this grant follows its booking.",
            code="grant_of_booking",
            next_step="Change the booking instead.",
        )
    ends_at = None if command.is_ongoing else command.ends_at or row.ends_at
    starts_at = command.starts_at or row.starts_at
    if (starts_at, ends_at) != (row.starts_at, row.ends_at):
        _window(tx, starts_at, ends_at, sent="ends_at" if command.ends_at else "starts_at")
    changed = replace(
        row,
        name=row.name if command.name is None else words(command.name, "name"),
        starts_at=starts_at,
        ends_at=ends_at,
        changed_at=tx.now,
        honours_edits=row.honours_edits if command.honours_edits is None else command.honours_edits,
    )
    if changed.honours_edits != row.honours_edits:
        await _set_honours_edits(tx, changed)
    if replace(changed, changed_at=row.changed_at) != row or command.code is not None:
        await grants.change(tx.db, tx.workspace_id, changed)
        is_moved = (starts_at, ends_at) != (row.starts_at, row.ends_at)
        await recorded.append(tx, actor, grant_changed(changed, is_moved=is_moved))
        await declare_grant(tx, actor, changed, None, Wish(code=command.code))
    return await _with_method(tx, changed)


async def _set_honours_edits(tx: Tx, row: GrantRow) -> None:
    """Edits that were honoured stay as they are; where a code was taken off a lock, it comes back once that is no
    longer to count."""
    if row.honours_edits and row.booking_id is not None:
        raise Conflict(
            "This grant follows its booking, and cannot follow what is changed on a lock as well.",
            code="grant_of_booking",
            next_step="Make a grant of its own for what may be changed on the lock.",
        )
    codes = await access_codes.of_grants(tx.db, tx.workspace_id, [row.id])
    await domains.lock(tx.db, tx.workspace_id, sorted({c.entry.domain_id for c in codes}))
    await entries.set_honours_edits(
        tx.db, tx.workspace_id, sorted({c.entry.id for c in codes}), honours_edits=row.honours_edits
    )
    if not row.honours_edits:
        await access_codes.want_again(tx.db, tx.workspace_id, row.id)


async def cancel(tx: Tx, actor: Actor, grant_public_id: str, *, is_compromised: bool = False) -> Grant:
    """Nothing of it may stay on any lock. `is_compromised`: its removal goes before everything else."""
    require(actor, Scope.GRANTS_WRITE)
    row = await _known(tx, actor, grant_public_id, locked=True)
    if row.cancelled_at is None:
        await withdraw_grant(tx, actor, row, is_compromised=is_compromised)
        row = await grants.get(tx.db, tx.workspace_id, row.id) or row
    return await _with_method(tx, row)


async def get(tx: Tx, actor: Actor, grant_public_id: str) -> Grant:
    require(actor, Scope.GRANTS_READ)
    return await _with_method(tx, await _known(tx, actor, grant_public_id))


async def of_booking(tx: Tx, actor: Actor, booking_public_id: str) -> Grant | None:
    """The living grant of a booking; None where it has none."""
    require(actor, Scope.GRANTS_READ)
    booking = await known_booking(tx, actor, booking_public_id)
    row = await grants.of_booking(tx.db, tx.workspace_id, booking.id)
    return await _with_method(tx, row) if row else None


async def listed(tx: Tx, actor: Actor, command: ListGrants) -> list[AccessGrant]:
    """Raises NotFound where the guest or the booking is not there."""
    require(actor, Scope.GRANTS_READ)
    guest = await known_guest(tx, actor, command.guest_id) if command.guest_id else None
    booking = await known_booking(tx, actor, command.booking_id) if command.booking_id else None
    wanted = GrantFilter(
        guest.id if guest else None,
        booking.id if booking else None,
        confinement(actor),
        given(actor),
        tx.now if command.only_living else None,
    )
    rows = await grants.listed_in_detail(tx.db, tx.workspace_id, wanted, command.after, command.most)
    return _views(tx, actor, rows)


async def shown(tx: Tx, actor: Actor, grant_ids: list[UUID]) -> list[AccessGrant]:
    """Grants that another operation found or made, as the ways in show them, in the order of their ids."""
    rows = await grants.in_detail(tx.db, tx.workspace_id, grant_ids)
    return _views(tx, actor, rows)


async def known_grant(tx: Tx, actor: Actor, grant_public_id: str, *, locked: bool = False) -> GrantRow:
    """For other operations. `locked`: nobody else changes it before this transaction ends. Raises NotFound, NotAllowed
    where it reaches more than the actor may."""
    return await _known(tx, actor, grant_public_id, locked=locked)


def digits_of(tx: Tx, actor: Actor, method: MethodRow | None) -> str | None:
    """The grant's digits; None where the actor may not see them or there are none."""
    if method is None or method.digits is None or not actor.may(Scope.CODES_READ):
        return None
    return _opened(tx, method.id, method.digits)


async def _known(tx: Tx, actor: Actor, grant_public_id: str, *, locked: bool = False) -> GrantRow:
    row = await grants.by_public_id(tx.db, tx.workspace_id, grant_public_id, locked=locked)
    if row is None:
        raise NotFound("access grant", grant_public_id)
    within = confinement(actor)
    if within is not None and not await grants.is_within(
        tx.db, tx.workspace_id, row.id, within, given(actor)
    ):
        raise NotAllowed(
            "This key is confined to some properties, and the access grant reaches others.",
            next_step="Use a key that may reach all that the grant does.",
        )
    return row


async def _living(tx: Tx, actor: Actor, grant_public_id: str) -> GrantRow:
    row = await _known(tx, actor, grant_public_id, locked=True)
    if row.cancelled_at is not None:
        raise Conflict(
            f"The access grant {grant_public_id} was cancelled.",
            code="grant_cancelled",
            next_step="Make a new one.",
        )
    return row


async def _with_method(tx: Tx, row: GrantRow) -> Grant:
    return Grant(row, await grants.method_of(tx.db, tx.workspace_id, row.id))


def _require_to_declare(actor: Actor, code: str | None) -> None:
    require(actor, Scope.GRANTS_WRITE)
    # Whoever chooses digits learns by trying which ones are in use.
    if code is not None:
        require(actor, Scope.CODES_WRITE)


def _window(tx: Tx, starts_at: datetime, ends_at: datetime | None, *, sent: str = "ends_at") -> Window:
    """`sent`: the field to correct where the two do not go together. Raises Invalid."""
    for field_name, at in (("starts_at", starts_at), ("ends_at", ends_at)):
        if at is not None and at.year not in _YEARS:
            raise Invalid(
                f"The year {at.year} is no year of a stay.",
                code="date_out_of_range",
                field=field_name,
            )
    try:
        window = Window(starts_at, ends_at)
    except ValueError as fault:
        raise Invalid(
            str(fault),
            code=getattr(fault, "code", "invalid"),
            next_step="Give aware instants, the end after the start.",
            field=sent,
        ) from fault
    if window.is_over(tx.now):
        raise Invalid(
            "The window has ended already.",
            code="window_ended",
            next_step="Give an end that lies ahead.",
            field=sent,
        )
    return window


@dataclass(frozen=True, slots=True)
class _Targets:
    """What a grant is to reach, and every device that this comes to."""

    rows: tuple[NewTarget, ...]
    reached: tuple[Reached, ...]
    furnished: Mapping[UUID, int]
    """Of `NewDeclaration`."""


async def _create(tx: Tx, actor: Actor, command: CreateGrant) -> Created:
    _require_to_declare(actor, command.code)
    window = _window(tx, command.starts_at, command.ends_at)
    wish = Wish(command.code, wanted=command.wanted_code, length=command.code_length)
    targets = await _targets(tx, actor, command, window, only_digits(tx, wish))
    if command.uses_backup_pool:
        if not tx.is_transaction:
            raise TransactionNeeded(TransactionNeeded.__doc__)
        await switch_on(tx, actor, [r.device for r in targets.reached])
    guest_id = await _guest(tx, actor, command.guest_id)
    row_id = new_id()
    row = GrantRow(
        row_id,
        public_id("grant", row_id),
        words_or_none(command.grant_key, "grant_key"),
        words(command.name, "name"),
        guest_id,
        None,
        window.starts_at,
        window.ends_at,
        tx.now,
        tx.now,
        None,
        command.form,
        command.common_code_key,
        command.honours_edits,
    )
    new = await declare_new(
        tx, actor, row, targets.rows, targets.reached, row.grant_key, wish, targets.furnished
    )
    return Created(new, targets.reached)


async def _targets(tx: Tx, actor: Actor, command: CreateGrant, window: Window, only: UUID | None) -> _Targets:
    if not command.space_ids and not command.device_ids:
        raise Invalid(
            "The grant reaches nothing.",
            code="grant_reaches_nothing",
            next_step="Give space_ids or device_ids.",
            field="device_ids",
        )
    found = [await known_space(tx, actor, id) for id in dict.fromkeys(command.space_ids)]
    found.sort(key=lambda s: s.id)
    rows = [NewTarget(new_id(), s.id, None, s.public_id) for s in found]
    standing = [await furnished(tx, target) for target in rows]
    within = {id for stands in standing for id in stands.device_ids}
    wanted = Reach(window, command.device_ids, sorted(within), only=only)
    reached = await tx.ask(declarations.question_of(wanted), wanted, only_reads=True)
    asked = [r.device for r in reached if r.device.public_id in command.device_ids]
    missing = set(command.device_ids) - {d.public_id for d in asked if d.removed_at is None}
    if missing:
        raise NotFound("device", min(missing))
    await require_devices(tx, actor, [d.id for d in asked])
    _require_managed(asked)
    if command.form == OF_ONE_LOCK:
        require_code_holders(asked)
    _require_accounts_in_order(reached)
    rows += [NewTarget(new_id(), None, d.id, d.public_id) for d in asked]
    return _Targets(tuple(rows), tuple(reached), generations(standing))


def _require_managed(asked: Sequence[DeviceRow]) -> None:
    for device in asked:
        if not device.is_managed:
            raise Conflict(
                f"Lockstep does not look after the device {device.name} ({device.public_id}).",
                code="device_unmanaged",
                next_step="Let it manage the device first.",
            )


def _require_accounts_in_order(reached: Sequence[Reached]) -> None:
    """Nothing new is promised on locks of an account that is in error."""
    for r in reached:
        if r.account_state != "active":
            raise AccountInError(
                f"The connected account {r.account_public_id} of a lock of this grant is {r.account_state}."
            )


async def _guest(tx: Tx, actor: Actor, guest_public_id: str | None) -> UUID | None:
    if guest_public_id is None:
        return None
    guest = await known_guest(tx, actor, guest_public_id)
    refuse_erased(guest)
    return guest.id


def _views(tx: Tx, actor: Actor, details: Sequence[GrantDetail]) -> list[AccessGrant]:
    may_read_guests, may_read_codes = actor.may(Scope.GUESTS_READ), actor.may(Scope.CODES_READ)
    return [
        AccessGrant(
            d.public_id,
            d.grant_key,
            d.name if may_read_guests else None,
            d.guest_public_id,
            d.booking_public_id,
            tuple(d.space_public_ids),
            tuple(d.device_public_ids),
            d.starts_at,
            d.ends_at,
            _method_view(tx, d, is_masked=not may_read_codes),
            d.created_at,
            d.changed_at,
            d.cancelled_at,
            d.honours_edits,
        )
        for d in details
    ]


def _method_view(tx: Tx, detail: GrantDetail, *, is_masked: bool) -> AccessMethod | None:
    if detail.method_id is None or detail.method_public_id is None or detail.method_kind is None:
        return None
    is_masked = is_masked and detail.digits is not None
    code = MASK if is_masked else _opened(tx, detail.method_id, detail.digits)
    return AccessMethod(detail.method_public_id, detail.method_kind, code, is_masked, detail.warning)


def _opened(tx: Tx, method_id: UUID, digits: bytes | None) -> str | None:
    return None if digits is None else tx.open(digits, "access_methods", "digits", method_id)
