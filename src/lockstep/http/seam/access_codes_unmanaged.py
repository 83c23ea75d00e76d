"""/access_codes/unmanaged: codes on locks that are not Lockstep's, in Seam's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from pydantic import Field

from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.faults import invalid_input
from lockstep.http.seam.params import Id, Listed, Params, Text
from lockstep.http.seam.present.action_attempt import done
from lockstep.http.seam.present.ids import asked, shown
from lockstep.http.seam.present.unmanaged_access_code import unmanaged_access_code
from lockstep.operations import adopting, unmanaged_codes
from lockstep.operations.adopting import AdoptCode
from lockstep.operations.errors import NotFound
from lockstep.operations.unmanaged_codes import ListUnmanagedCodes

_MOST = 1000
"""A page; Seam's own default is 300,000."""


class Get(Params):
    access_code_id: Id | None = None
    device_id: Id | None = None
    code: Annotated[str, Field(min_length=1, max_length=20)] | None = None


class List(Listed):
    device_id: Id
    search: Text | None = None
    user_identifier_key: Text | None = None


class _OfCode(Params):
    access_code_id: Id
    force: bool | None = None
    allow_external_modification: bool | None = None
    is_external_modification_allowed: bool | None = None
    sync: bool = False

    def command(self) -> AdoptCode:
        honours_edits = self.allow_external_modification or self.is_external_modification_allowed
        return AdoptCode(asked("code", self.access_code_id), bool(self.force), bool(honours_edits))


class Convert(_OfCode):
    pass


class Update(_OfCode):
    is_managed: bool


class Delete(Params):
    access_code_id: Id
    sync: bool = False


async def get(call: Asked, params: Get) -> Answer:
    with _named_as_there():
        if params.access_code_id is not None:
            code_id = asked("code", params.access_code_id)
            found = await call.read(lambda tx: unmanaged_codes.get(tx, call.actor, code_id))
        elif params.device_id is not None and params.code is not None:
            device_id, digits = asked("lock", params.device_id), params.code
            found = await call.read(lambda tx: unmanaged_codes.with_digits(tx, call.actor, device_id, digits))
        else:
            raise invalid_input("Must specify either access_code_id or device_id and code")
    return {"access_code": unmanaged_access_code(found, call.workspace_id)}


async def list_(call: Asked, params: List) -> Answer:
    most = params.most(_MOST)
    wanted = ListUnmanagedCodes(
        most + 1,
        call.place(params),
        asked("lock", params.device_id),
        name_contains=params.search,
        is_left=False,
    )
    found = await call.read(lambda tx: unmanaged_codes.listed(tx, call.actor, wanted))
    page = call.page(params, found, most, lambda code: code.unmanaged_code_id)
    return {
        "access_codes": [unmanaged_access_code(code, call.workspace_id) for code in page.shown],
        "pagination": page.pagination,
    }


async def convert_to_managed(call: Asked, params: _OfCode) -> Answer:
    with _named_as_there():
        await call.change(lambda tx: adopting.adopt(tx, call.actor, params.command()))
    return {}


async def update(call: Asked, params: Update) -> Answer:
    if params.is_managed:
        return await convert_to_managed(call, params)
    code_id = asked("code", params.access_code_id)
    with _named_as_there():
        await call.read(lambda tx: unmanaged_codes.get(tx, call.actor, code_id))
    return {}


async def delete(call: Asked, params: Delete) -> Answer:
    code_id = asked("code", params.access_code_id)
    with _named_as_there():
        await call.change(lambda tx: adopting.remove(tx, call.actor, code_id))
    return {"action_attempt": done("DELETE_ACCESS_CODE", shown(code_id), {})}


@contextmanager
def _named_as_there() -> Iterator[None]:
    """Seam has one name for codes that are not found, whosever they would be."""
    try:
        yield
    except NotFound as fault:
        if fault.noun != "unmanaged code":
            raise
        raise NotFound("access code", fault.public_id) from None


PATHS: tuple[Path, ...] = (
    Path("/access_codes/unmanaged/get", Get, get),
    Path("/access_codes/unmanaged/list", List, list_),
    Path("/access_codes/unmanaged/convert_to_managed", Convert, convert_to_managed),
    Path("/access_codes/unmanaged/update", Update, update),
    Path("/access_codes/unmanaged/delete", Delete, delete),
)
