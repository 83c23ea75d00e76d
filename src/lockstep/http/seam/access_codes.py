"""/access_codes: codes of one lock, in Seam's words."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.faults import invalid_input
from lockstep.http.seam.params import Digits, Id, Ids, Instant, Listed, Params, Text, Whole
from lockstep.http.seam.present.access_code import access_code, generated_code
from lockstep.http.seam.present.action_attempt import done
from lockstep.http.seam.present.ids import asked, shown
from lockstep.model.code_choice import PREFERRED_LENGTH
from lockstep.operations import access_codes as shown_codes
from lockstep.operations import backup_codes, devices, lock_codes, paces, releasing
from lockstep.operations.access_codes import AccessCode, ListCodes
from lockstep.operations.errors import NotFound
from lockstep.operations.gate import Tx
from lockstep.operations.lock_codes import ChangeCode, CreateCode, CreateCodes
from lockstep.operations.paces import Act

_MOST = 1000
"""A page; Seam's own default is 55,000, which no caller could use at once."""
_ROUNDING = Literal["1hour", "1day", "1h", "1d"]


class _OfCode(Params):
    """What a new code may be."""

    name: Annotated[str, Field(max_length=200)] | None = None
    code: Digits | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    preferred_code_length: Annotated[float, Field(ge=1, le=20)] | None = None
    allow_external_modification: bool | None = None
    is_external_modification_allowed: bool | None = None
    attempt_for_offline_device: bool = True
    prefer_native_scheduling: bool | None = None
    use_backup_access_code_pool: bool | None = None

    def command(self, device_id: str, common_code_key: str | None = None) -> CreateCode:
        return CreateCode(
            asked("lock", device_id),
            self.name,
            self.starts_at,
            self.ends_at,
            self.code,
            int(self.preferred_code_length or PREFERRED_LENGTH),
            common_code_key,
            uses_backup_pool=bool(self.use_backup_access_code_pool),
            honours_edits=bool(_follows_the_app(self)),
        )


class Create(_OfCode):
    device_id: Id
    common_code_key: Text | None = None
    is_offline_access_code: bool | None = None
    use_offline_access_code: bool | None = None
    is_one_time_use: bool | None = None
    max_time_rounding: _ROUNDING | None = None
    sync: bool = False


class CreateMultiple(_OfCode):
    device_ids: Ids
    behavior_when_code_cannot_be_shared: Literal["throw", "create_random_code"] = "throw"


class Update(Params):
    access_code_id: Id
    device_id: Id | None = None
    name: Annotated[str, Field(max_length=200)] | None = None
    code: Digits | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    type: Literal["ongoing", "time_bound"] | None = None
    is_managed: bool | None = None
    allow_external_modification: bool | None = None
    is_external_modification_allowed: bool | None = None
    attempt_for_offline_device: bool = True
    sync: bool = False


class UpdateMultiple(Params):
    common_code_key: Text
    name: Annotated[str, Field(max_length=200)] | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None


class Get(Params):
    access_code_id: Id | None = None
    device_id: Id | None = None
    code: Annotated[str, Field(min_length=1, max_length=20)] | None = None


class Delete(Params):
    access_code_id: Id
    device_id: Id | None = None
    sync: bool = False


class List(Listed):
    access_code_ids: Ids | None = None
    device_id: Id | None = None
    access_grant_id: Id | None = None
    access_grant_key: Text | None = None
    access_method_id: Id | None = None
    customer_key: Text | None = None
    search: Text | None = None
    user_identifier_key: Text | None = None


class PullBackup(Params):
    access_code_id: Id


class OfDevice(Params):
    device_id: Id


class ReportConstraints(OfDevice):
    supported_code_lengths: list[Annotated[Whole, Field(ge=4, le=20)]] | None = None
    min_code_length: Annotated[Whole, Field(ge=4, le=20)] | None = None
    max_code_length: Annotated[Whole, Field(ge=4, le=20)] | None = None


async def create(call: Asked, params: Create) -> Answer:
    _refuse_what_is_not_here(params)
    command = params.command(params.device_id, params.common_code_key)
    made = await call.change_paced_at_once(
        Act.CREATE_CODE, command.device_id, lambda tx: lock_codes.create(tx, call.actor, command)
    )
    code = _shown(call, made)
    return {
        "action_attempt": done("CREATE_ACCESS_CODE", code["access_code_id"], {"access_code": code}),
        "access_code": code,
    }


async def create_multiple(call: Asked, params: CreateMultiple) -> Answer:
    device_ids = tuple(asked("lock", id) for id in params.device_ids)
    command = CreateCodes(
        device_ids,
        params.command(params.device_ids[0] if params.device_ids else ""),
        params.behavior_when_code_cannot_be_shared == "create_random_code",
    )
    if call.verb == "PUT":
        # The SDKs send it again by themselves where the answer was lost.
        digest = call.digest(params)
        made = await call.change_paced(
            Act.CREATE_CODE,
            device_ids,
            lambda tx: lock_codes.create_multiple_once(tx, call.actor, command, digest),
        )
    else:
        made = await call.change_paced(
            Act.CREATE_CODE, device_ids, lambda tx: lock_codes.create_multiple(tx, call.actor, command)
        )
    return {"access_codes": [_shown(call, code) for code in made]}


async def update(call: Asked, params: Update) -> Answer:
    code_id = asked("code", params.access_code_id)
    if params.is_managed is False:
        return await _let_go(call, code_id, params.device_id)
    change = _change(params)

    async def change_there(tx: Tx) -> AccessCode:
        await _require_at(tx, call, code_id, params.device_id)
        return await lock_codes.change(tx, call.actor, code_id, change)

    changed = await call.change_code_paced(Act.UPDATE_CODE, code_id, change_there)
    code = _shown(call, changed)
    return {"action_attempt": done("UPDATE_ACCESS_CODE", code["access_code_id"], {"access_code": code})}


async def _let_go(call: Asked, code_id: str, device_id: str | None) -> Answer:
    async def release(tx: Tx) -> None:
        await _require_at(tx, call, code_id, device_id)
        await releasing.release(tx, call.actor, code_id)

    await call.change(release)
    return {"action_attempt": done("UPDATE_ACCESS_CODE", shown(code_id), {})}


async def update_multiple(call: Asked, params: UpdateMultiple) -> Answer:
    change = ChangeCode(params.name, params.starts_at, params.ends_at)

    async def paced(tx: Tx) -> None:
        await paces.spend_on_key(tx, Act.UPDATE_CODE, params.common_code_key)
        await lock_codes.change_multiple(tx, call.actor, params.common_code_key, change)

    await call.change(paced)
    return {}


async def get(call: Asked, params: Get) -> Answer:
    code_id, device_id, digits = params.access_code_id, params.device_id, params.code
    if code_id is not None:
        found = await call.read(lambda tx: lock_codes.get(tx, call.actor, asked("code", code_id)))
        if device_id is not None and asked("lock", device_id) != found.row.device_public_id:
            raise NotFound("access code", code_id)
    elif device_id is not None and digits is not None:
        at = asked("lock", device_id)
        found = await call.read(lambda tx: lock_codes.with_digits(tx, call.actor, at, digits))
    else:
        raise invalid_input("Must specify either access_code_id or device_id and code")
    return {"access_code": _shown(call, found)}


async def delete(call: Asked, params: Delete) -> Answer:
    code_id = asked("code", params.access_code_id)

    async def cancel_there(tx: Tx) -> AccessCode:
        await _require_at(tx, call, code_id, params.device_id)
        return await lock_codes.cancel(tx, call.actor, code_id)

    gone = await call.change_code_paced(Act.DELETE_CODE, code_id, cancel_there)
    return {"action_attempt": done("DELETE_ACCESS_CODE", shown(gone.row.public_id), {})}


async def list_(call: Asked, params: List) -> Answer:
    most = params.most(_MOST)
    wanted = ListCodes(
        most + 1,
        call.place(params),
        None if params.device_id is None else asked("lock", params.device_id),
        None if params.access_grant_id is None else asked("grant", params.access_grant_id),
        None if params.access_code_ids is None else tuple(asked("code", id) for id in params.access_code_ids),
        name_contains=params.search,
        forgotten=False,
        is_left=False,
        access_method_id=None
        if params.access_method_id is None
        else asked("method", params.access_method_id),
        access_grant_key=params.access_grant_key,
        customer_key=params.customer_key,
        guest_key=params.user_identifier_key,
    )
    found = await call.read(lambda tx: shown_codes.list_shown(tx, call.actor, wanted))
    page = call.page(params, found, most, _place)
    return {
        "access_codes": [_shown(call, code) for code in page.shown],
        "pagination": page.pagination,
    }


async def pull_backup_access_code(call: Asked, params: PullBackup) -> Answer:
    code_id = asked("code", params.access_code_id)
    pulled = await call.change(lambda tx: backup_codes.pull(tx, call.actor, code_id))
    # Twice the same: the SDKs of today return `access_code`, and whoever calls them shares its digits with the guest.
    backup = _shown(call, pulled.backup)
    return {"access_code": backup, "backup_access_code": backup}


async def generate_code(call: Asked, params: OfDevice) -> Answer:
    device_id = asked("lock", params.device_id)
    digits = await call.read(lambda tx: lock_codes.generate(tx, call.actor, device_id))
    return {"generated_code": generated_code(device_id, digits, call.workspace_id, call.gate.clock.now())}


async def report_device_constraints(call: Asked, params: ReportConstraints) -> Answer:
    lengths = set(params.supported_code_lengths or ())
    shortest, longest = params.min_code_length, params.max_code_length
    if (shortest is None) != (longest is None) or bool(lengths) == (shortest is not None):
        raise invalid_input("Give either supported_code_lengths, or min_code_length and max_code_length.")
    if shortest is not None and longest is not None:
        if shortest > longest:
            raise invalid_input("min_code_length is more than max_code_length.")
        lengths = set(range(shortest, longest + 1))
    device_id = asked("lock", params.device_id)
    await call.change(lambda tx: devices.report_code_lengths(tx, call.actor, device_id, lengths))
    return {}


async def _require_at(tx: Tx, call: Asked, code_id: str, device_id: str | None) -> None:
    """Raises NotFound where it stands on another device than the one that the caller means."""
    if device_id is not None:
        found = await lock_codes.get(tx, call.actor, code_id)
        if asked("lock", device_id) != found.row.device_public_id:
            raise NotFound("access code", code_id)


def _shown(call: Asked, code: AccessCode) -> Answer:
    return access_code(code, call.workspace_id, call.gate.clock.now())


def _place(code: AccessCode) -> str:
    return code.row.public_id


def _change(params: Update) -> ChangeCode:
    is_ongoing = params.type == "ongoing"
    if is_ongoing and (params.ends_at is not None or params.starts_at is not None):
        raise invalid_input("A code of the type `ongoing` has neither `starts_at` nor `ends_at`.")
    return ChangeCode(
        params.name,
        params.starts_at,
        params.ends_at,
        is_ongoing,
        params.type == "time_bound",
        params.code,
        _follows_the_app(params),
    )


def _follows_the_app(params: _OfCode | Update) -> bool | None:
    """Either name is taken; None: neither was given."""
    if params.allow_external_modification is None:
        return params.is_external_modification_allowed
    return params.allow_external_modification


def _refuse_what_is_not_here(params: Create) -> None:
    if params.is_offline_access_code or params.use_offline_access_code:
        raise invalid_input("No lock here can have offline access codes. Leave `is_offline_access_code` out.")
    if params.is_one_time_use:
        raise invalid_input("No lock here can have one-time codes. Leave `is_one_time_use` out.")


PATHS: tuple[Path, ...] = (
    Path("/access_codes/create", Create, create),
    Path("/access_codes/create_multiple", CreateMultiple, create_multiple),
    Path("/access_codes/update", Update, update),
    Path("/access_codes/update_multiple", UpdateMultiple, update_multiple),
    Path("/access_codes/get", Get, get),
    Path("/access_codes/delete", Delete, delete),
    Path("/access_codes/list", List, list_),
    Path("/access_codes/pull_backup_access_code", PullBackup, pull_backup_access_code),
    Path("/access_codes/generate_code", OfDevice, generate_code),
    Path("/access_codes/report_device_constraints", ReportConstraints, report_device_constraints),
)
