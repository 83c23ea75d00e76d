"""/v1/access_codes and /v1/arrivals: each code on each lock, what is declared of it and what is believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from lockstep.http.api.call import Asked, answer
from lockstep.http.api.fields import PathId, QueryId
from lockstep.http.api.paging import Cursor, Limit, Page
from lockstep.http.api.routing import Router
from lockstep.model.declared import ABSENT, OTHER, Carried, is_enabled, revision_of
from lockstep.model.edit import Edit, EditedField
from lockstep.model.permissions import Actor, Scope
from lockstep.operations import access_codes, arrivals, backup_codes
from lockstep.operations.access_codes import AccessCode, ListCodes
from lockstep.operations.arrivals import Arrival
from lockstep.operations.backup_codes import Pulled
from lockstep.operations.failures import Failed, failed
from lockstep.operations.grants import MASK
from lockstep.operations.stays import Coming

router = Router(prefix="/v1", tags=["Access codes"])

Believable = Literal["absent", "as_declared", "held_disabled", "earlier", "other"]


@dataclass(frozen=True, slots=True)
class WindowOut:
    """Half-open: `[starts_at, ends_at)`; without an end it is ongoing."""

    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeclaredOut:
    """What is wanted on the lock."""

    name: str | None = field(repr=False)
    """As it stands on the lock, with our tag; null for whoever may not read guests."""
    window: WindowOut
    opens: WindowOut
    """When it really opens: wider where the lock knows only whole hours, or no windows at all."""
    since: datetime | None
    """When it was last declared anew."""


@dataclass(frozen=True, slots=True)
class BelievedOut:
    """What the lock may carry of this code. One state: Lockstep is certain; several: one of these."""

    states: tuple[Believable, ...]
    """`absent`; `as_declared`; `held_disabled`: as declared, not opening yet; `earlier`: as declared before a change;
    `other`: changed by somebody else."""
    evidence: Annotated[str, Field(examples=["acknowledged"])]
    """The best proof so far: none < accepted < listed < acknowledged (by the device) < used (at the door, as it is
    now). A code is proven without having been used."""
    proven_at: datetime | None
    """Since when it is proven to be as declared; null while it is not."""
    read_at: datetime | None
    """When the newest reading of its lock began; null while there is none."""
    used_at: datetime | None
    """When it last opened this door, as far as the vendor's log tells."""


@dataclass(frozen=True, slots=True)
class AttemptOut:
    """A write to the lock: `done`, `accepted`, `refused`, `unknown` or `not_sent`; null while under way."""

    at: datetime
    outcome: str | None


@dataclass(frozen=True, slots=True)
class FieldChangeOut:
    """`code` tells no digits. Names are null for whoever may not read guests."""

    field: Annotated[str, Field(examples=["ends_at"])]
    """`name`, `code`, `starts_at` or `ends_at`."""
    before: str | None
    after: str | None

    def __repr__(self) -> str:
        return f"FieldChangeOut({self.field})"


@dataclass(frozen=True, slots=True)
class EditOut:
    """What somebody else changed, most often in the vendor's app."""

    change_type: Annotated[str, Field(examples=["modified"])]
    """`modified` or `removed`."""
    modified_fields: tuple[FieldChangeOut, ...]
    """Empty for a removal, and where the vendor tells no more than that something changed."""
    since: datetime
    """When the reading that found it so began."""
    is_honoured: bool
    """True: it has become the declaration. False: it conflicts with it, until the declared state is proven again."""


@dataclass(frozen=True, slots=True)
class PendingOut:
    """A change that is declared and not proven yet."""

    kind: Annotated[str, Field(examples=["updating_window"])]
    """`creating`, `deferring_creation`, `deleting`, `updating_code`, `updating_name` or `updating_window`."""
    since: datetime | None
    scheduled_at: datetime | None
    """Of what is deferred: when it will be written."""


@dataclass(frozen=True, slots=True)
class AccessCodeOut:
    """One code on one lock."""

    access_code_id: str
    access_grant_id: str
    device_id: str
    device_name: str
    connected_account_id: str
    code: Annotated[str | None, Field(examples=["482913"])] = field(repr=False)
    """The digits; masked without the scope `codes:read`, null until the vendor has computed them."""
    is_code_masked: bool
    status: Annotated[str, Field(examples=["set"])]
    """`unset`, `setting`, `set`, `removing`, `removed` or `unknown`."""
    standing: Annotated[str, Field(examples=["proven"])]
    """`proven`; `scheduled`: not yet due; `unconfirmed`: accepted or unknown; `failed`: refused, or late; `gone`."""
    name_on_lock: str | None = field(repr=False)
    """The exact name in the vendor's app: as the newest reading shows it, else as it is written; null for whoever may
    not read guests."""
    declared: DeclaredOut
    believed: BelievedOut
    last_attempt: AttemptOut | None
    next_look_at: datetime | None
    failure: Failed | None
    edited_outside: EditOut | None
    pending: tuple[PendingOut, ...]
    alarms: tuple[str, ...]
    """Which alarms were raised for it as it is declared now."""
    is_backup: bool
    """It was pulled from the backup codes of its lock."""
    pulled_backup_code_id: str | None
    """The access code that was pulled in place of this one."""
    is_backup_available: bool
    """Its lock has a backup code that can be pulled in its place now."""
    created_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class PulledOut:
    """A code that was replaced, and the backup code in its place."""

    access_code: AccessCodeOut
    """It is withdrawn."""
    backup_access_code: AccessCodeOut
    """It is on the lock already, and has the guest and the window of the other from now on."""


@dataclass(frozen=True, slots=True)
class ObstacleOut:
    """Why there is no code: on one lock, or, without a device, for the whole stay."""

    device_id: str | None
    device_name: str | None
    code: Annotated[str, Field(examples=["no_lock"])]
    """Such as `no_lock`, `account_disconnected`, `takes_no_codes`, `stay_or_closure`."""
    cause: str
    next_step: str


@dataclass(frozen=True, slots=True)
class ArrivalOut:
    """Somebody who is inside or will be soon; or an entry of a calendar that nobody has confirmed as a stay yet."""

    access_grant_id: str | None
    """Null where the booking has none: it is held, or not confirmed."""
    booking_id: str | None
    guest_id: str | None
    name: str | None = field(repr=False)
    starts_at: datetime
    ends_at: datetime | None
    doors: tuple[AccessCodeOut, ...]
    """Its codes, one on each lock."""
    obstacles: tuple[ObstacleOut, ...]
    """Why doors that it should open, or all of them, have no code; empty where nothing stands in the way."""


@router.get("/access_codes", response_model=Page[AccessCodeOut])
async def list_access_codes(
    call: Asked,
    limit: Limit = 50,
    cursor: Cursor = None,
    device_id: QueryId = None,
    access_grant_id: QueryId = None,
) -> Response:
    """List codes, oldest first; those on a device, or those of a grant."""
    of = f"access_codes {device_id} {access_grant_id}"
    command = ListCodes(limit + 1, call.place(of, cursor), device_id, access_grant_id)
    found = await call.read(lambda tx: access_codes.list_shown(tx, call.actor, command))
    shown = [_shown(code, call.actor) for code in found]
    return call.page(of, shown, limit, lambda code: code.access_code_id)


@router.get("/access_codes/{access_code_id}", response_model=AccessCodeOut)
async def get_access_code(call: Asked, access_code_id: PathId) -> Response:
    """Show one code on one lock."""
    code = await call.read(lambda tx: access_codes.get(tx, call.actor, access_code_id))
    return answer(_shown(code, call.actor))


@router.post("/access_codes/{access_code_id}/pull_backup", response_model=PulledOut)
async def pull_backup_code(call: Asked, access_code_id: PathId) -> Response:
    """Pull a backup code in place of a code that does not work: it opens the door at once.

    The same one each time. It goes on with the grant of the code that it replaces, and ends with it.
    """

    def shown(pulled: Pulled) -> PulledOut:
        return PulledOut(_shown(pulled.replaced, call.actor), _shown(pulled.backup, call.actor))

    return await call.change(lambda tx: backup_codes.pull(tx, call.actor, access_code_id), shown)


@router.get("/arrivals", response_model=Page[ArrivalOut])
async def list_arrivals(
    call: Asked,
    hours: Annotated[int, Query(ge=1, le=168, description="How far to look ahead.")] = 24,
) -> Response:
    """List who is inside or arrives soon, soonest first, with how the code stands on each door."""
    found = await call.read(lambda tx: arrivals.listed(tx, call.actor, timedelta(hours=hours)))
    return answer(Page([_arrival(a, call.actor) for a in found], None, has_more=False))


def _arrival(arrival: Arrival, actor: Actor) -> ArrivalOut:
    grant, booking, row = arrival.grant, arrival.booking, arrival.coming.row
    doors = tuple(_shown(code, actor) for code in arrival.codes)
    obstacles = tuple(_obstacles(arrival.coming))
    if grant is None:
        assert booking is not None, "an arrival is one of the two"
        name = booking.guest_name if actor.may(Scope.GUESTS_READ) else None
        guest_id = booking.guest_public_id
        return ArrivalOut(
            None, booking.public_id, guest_id, name, row.starts_at, row.ends_at, doors, obstacles
        )
    return ArrivalOut(
        grant.access_grant_id,
        grant.booking_id,
        grant.guest_id,
        grant.name,
        grant.starts_at,
        grant.ends_at,
        doors,
        obstacles,
    )


def _obstacles(coming: Coming) -> Iterator[ObstacleOut]:
    for shut in coming.shut:
        why = shut.obstacle
        yield ObstacleOut(shut.lock.public_id, shut.lock.name, why.code, why.cause, why.next_step)
    if coming.obstacle is not None:
        why = coming.obstacle
        yield ObstacleOut(None, None, why.code, why.cause, why.next_step)


def _shown(code: AccessCode, actor: Actor) -> AccessCodeOut:
    row, declared = code.row, code.row.entry.declared
    is_masked = code.has_digits and code.digits is None
    may_read_names = actor.may(Scope.GUESTS_READ)
    return AccessCodeOut(
        row.public_id,
        row.grant_public_id,
        row.device_public_id,
        row.device_name,
        row.account_public_id,
        MASK if is_masked else code.digits,
        is_masked,
        code.status.value,
        code.standing.value,
        code.name_on_lock if may_read_names else None,
        DeclaredOut(
            declared.spec.name if may_read_names else None,
            WindowOut(code.window.starts_at, code.window.ends_at),
            WindowOut(code.effective.starts_at, code.effective.ends_at),
            declared.declared_at,
        ),
        BelievedOut(
            tuple(sorted({_believed(state, declared.revision) for state in row.entry.belief.possible})),
            code.evidence.name.lower(),
            code.proven_at,
            row.lock_read_at,
            row.used_at,
        ),
        AttemptOut(row.last_intent_at, row.last_intent_outcome) if row.last_intent_at else None,
        code.next_look_at,
        failed(code.failure),
        _edited(code.edit, may_read_names=may_read_names) if code.edit else None,
        tuple(PendingOut(p.kind.value, p.since, p.scheduled_at) for p in code.pending),
        tuple(sorted(row.entry.alarms)),
        row.is_backup,
        row.pulled_backup_public_id,
        code.is_backup_available,
        row.created_at,
        row.withdrawn_at,
    )


def _edited(edit: Edit, *, may_read_names: bool) -> EditOut:
    changes = tuple(
        FieldChangeOut(c.which.value, c.before, c.after)
        if may_read_names or c.which is not EditedField.NAME
        else FieldChangeOut(c.which.value, None, None)
        for c in edit.fields
    )
    return EditOut(edit.change_type.value, changes, edit.found_at, edit.is_honoured)


def _believed(state: Carried, revision: int) -> Believable:
    if state == ABSENT:
        return "absent"
    if state == OTHER:
        return "other"
    if revision_of(state) != revision:
        return "earlier"
    return "as_declared" if is_enabled(state) else "held_disabled"
