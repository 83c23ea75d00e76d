"""Access grants with all that their callers say of them, and how far each door of theirs is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.model.permissions import Actor, Scope, customer_of, require
from lockstep.operations import access_codes, grants
from lockstep.operations.access_codes import AccessCode
from lockstep.operations.confinement import confinement, given
from lockstep.operations.errors import Conflict, Invalid, NotFound
from lockstep.operations.gate import Tx
from lockstep.operations.grants import AccessGrant, ChangeGrant, CreateGrant
from lockstep.operations.guests import CreateGuest, enter_guest
from lockstep.operations.words import words_or_none
from lockstep.storage import customers, requested_grants
from lockstep.storage.guests import GuestRow
from lockstep.storage.requested_grants import Request, RequestFilter

_MOST_OF_A_RESERVATION = 1000


@dataclass(frozen=True, slots=True)
class Requested:
    """How a grant was asked to be met: `mode` is `code`."""

    mode: str
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class RequestGrant:
    """A grant, with keys of the caller's own."""

    grant: CreateGrant
    guest: CreateGuest | None = field(default=None, repr=False)
    """A guest to enter with it, instead of one that is known."""
    reservation_key: str | None = None
    customer_key: str | None = None
    modes: tuple[str, ...] = ("code",)


@dataclass(frozen=True, slots=True)
class RequestedGrant:
    """A grant as its caller sees it. `wanted_code`: digits that were asked for and could not be had; None for whoever
    may not read codes."""

    grant: AccessGrant
    access_method_id: str | None
    """Also once cancelled."""
    reservation_key: str | None
    customer_key: str | None
    requested: tuple[Requested, ...]
    codes: tuple[AccessCode, ...]
    """One for each door; where one was replaced, the backup code."""
    wanted_code: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ListRequested:
    """Those that live, in the order of creation, behind the grant `after`. Ids are public; None: all."""

    most: int = 50
    after: str | None = None
    grant_ids: tuple[str, ...] | None = None
    grant_key: str | None = None
    guest_id: str | None = None
    device_id: str | None = None
    space_id: str | None = None
    access_code_id: str | None = None
    reservation_key: str | None = None
    customer_key: str | None = None


async def create(tx: Tx, actor: Actor, command: RequestGrant) -> RequestedGrant:
    """One that a client session makes is its customer's. Raises as `grants.create` does."""
    grant = command.grant
    customer_key = customer_of(actor, command.customer_key)
    if command.guest is not None:
        guest = await _enter(tx, actor, command.guest)
        grant = replace(grant, guest_id=guest.public_id)
        actor = replace(actor, guest_ids=actor.guest_ids | {guest.id})
    made = await grants.create(tx, actor, grant)
    requested = [{"mode": mode, "at": tx.now.isoformat()} for mode in dict.fromkeys(command.modes)]
    await requested_grants.note(
        tx.db,
        tx.workspace_id,
        made.row.id,
        words_or_none(command.reservation_key, "reservation_key"),
        words_or_none(customer_key, "customer_key"),
        requested,
    )
    method = made.method
    if grant.wanted_code is not None and method is not None and method.warning is not None:
        sealed = tx.seal(grant.wanted_code, "access_methods", "wanted", method.id)
        await requested_grants.keep_wanted(tx.db, tx.workspace_id, method.id, sealed)
    return await get(tx, actor, made.row.public_id)


async def change(tx: Tx, actor: Actor, grant_id: str, command: ChangeGrant) -> RequestedGrant:
    """Raises as `grants.change` does."""
    await grants.change(tx, actor, grant_id, command)
    return await get(tx, actor, grant_id)


async def request_more(tx: Tx, actor: Actor, grant_id: str, modes: Sequence[str]) -> RequestedGrant:
    """Ask for it to be met in these ways too. Raises NotFound, Conflict where it was cancelled."""
    require(actor, Scope.GRANTS_WRITE)
    row = await grants.known_grant(tx, actor, grant_id)
    if row.cancelled_at is not None:
        raise Conflict(f"The access grant {grant_id} was cancelled.", code="grant_cancelled")
    before = (await requested_grants.of_grants(tx.db, tx.workspace_id, [grant_id]))[grant_id]
    known = {it["mode"] for it in before.requested}
    more = [{"mode": m, "at": tx.now.isoformat()} for m in dict.fromkeys(modes) if m not in known]
    requested = [*before.requested, *more]
    await requested_grants.note(
        tx.db, tx.workspace_id, row.id, before.reservation_key, before.customer_key, requested
    )
    return await get(tx, actor, grant_id)


async def get(tx: Tx, actor: Actor, grant_id: str) -> RequestedGrant:
    """Raises NotFound; also where it was cancelled and nothing of it is left anywhere."""
    require(actor, Scope.GRANTS_READ)
    row = await grants.known_grant(tx, actor, grant_id)
    (found,) = await _views(tx, actor, [row.id])
    if row.cancelled_at is not None and not found.codes:
        raise NotFound("access grant", grant_id)
    return found


async def of_key(tx: Tx, actor: Actor, grant_key: str) -> RequestedGrant:
    """By the caller's own id. Raises NotFound."""
    found = await listed(tx, actor, ListRequested(1, grant_key=grant_key))
    if not found:
        raise NotFound("access grant", grant_key)
    return found[0]


def require_valid_now(tx: Tx, found: RequestedGrant) -> None:
    """Raises Invalid before its start, after its end, and once it was cancelled: it opens nothing then."""
    grant = found.grant
    is_over = grant.ends_at is not None and grant.ends_at <= tx.now
    if grant.cancelled_at is not None or is_over or tx.now < grant.starts_at:
        raise Invalid(
            "The access method is not valid now.",
            code="method_not_valid",
            next_step="Use it between the start and the end of its grant.",
            field="access_method_id",
        )


async def of_method(tx: Tx, actor: Actor, method_id: str) -> RequestedGrant:
    """The grant that an access method meets. Raises NotFound."""
    grant_id = await requested_grants.grant_of_method(tx.db, tx.workspace_id, method_id)
    if grant_id is None:
        raise NotFound("access method", method_id)
    try:
        return await get(tx, actor, grant_id)
    except NotFound:
        raise NotFound("access method", method_id) from None


async def listed(tx: Tx, actor: Actor, command: ListRequested) -> list[RequestedGrant]:
    require(actor, Scope.GRANTS_READ)
    wanted = RequestFilter(
        None if command.grant_ids is None else list(command.grant_ids),
        command.grant_key,
        command.guest_id,
        command.device_id,
        command.space_id,
        command.access_code_id,
        None,
        command.reservation_key,
        command.customer_key,
        confinement(actor),
        given(actor),
    )
    ids = await requested_grants.found(tx.db, tx.workspace_id, wanted, command.after, command.most)
    return await _views(tx, actor, ids)


async def cancel(tx: Tx, actor: Actor, grant_id: str) -> None:
    """Raises NotFound."""
    await get(tx, actor, grant_id)
    await grants.cancel(tx, actor, grant_id)


async def cancel_reservation(tx: Tx, actor: Actor, reservation_key: str) -> None:
    """All grants of a reservation. Raises NotFound where there is none."""
    wanted = ListRequested(_MOST_OF_A_RESERVATION, reservation_key=reservation_key)
    found = await listed(tx, actor, wanted)
    if not found:
        raise NotFound("reservation", reservation_key, next_step="Check the key.")
    for it in found:
        await grants.cancel(tx, actor, it.grant.access_grant_id)


async def _enter(tx: Tx, actor: Actor, command: CreateGuest) -> GuestRow:
    """Whom a customer's session enters, is the customer's guest."""
    if actor.customer_key is None:
        require(actor, Scope.GUESTS_WRITE)
        return await enter_guest(tx, actor, command)
    guest = await enter_guest(tx, actor, command)
    await customers.give(tx.db, tx.workspace_id, "guests", guest.public_id, actor.customer_key)
    return guest


async def _views(tx: Tx, actor: Actor, ids: list[UUID]) -> list[RequestedGrant]:
    shown = await grants.shown(tx, actor, ids)
    public_ids = [it.access_grant_id for it in shown]
    notes = await requested_grants.of_grants(tx.db, tx.workspace_id, public_ids)
    codes = await access_codes.of_grants(tx, actor, ids)
    return [
        _view(tx, actor, it, notes[it.access_grant_id], codes[notes[it.access_grant_id].id]) for it in shown
    ]


def _view(
    tx: Tx, actor: Actor, it: AccessGrant, note: Request, codes: Sequence[AccessCode]
) -> RequestedGrant:
    wanted = None
    if note.wanted is not None and note.method_id is not None and actor.may(Scope.CODES_READ):
        wanted = tx.open(note.wanted, "access_methods", "wanted", note.method_id)
    return RequestedGrant(
        it,
        note.method_public_id,
        note.reservation_key,
        note.customer_key,
        tuple(_requested(r) for r in note.requested) or (Requested("code", it.created_at),),
        tuple(c for c in codes if not access_codes.is_forgotten(c) and c.row.pulled_backup_id is None),
        wanted,
    )


def _requested(document: dict[str, Any]) -> Requested:
    return Requested(document["mode"], datetime.fromisoformat(document["at"]))
