"""/workspaces: the tenant that a key belongs to, or those that a person does."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

from msgspec import UNSET, UnsetType
from pydantic import Field

from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.faults import SeamFault
from lockstep.http.seam.params import Params, Text
from lockstep.http.seam.present.workspace import workspace
from lockstep.operations import operators, workspaces
from lockstep.operations.workspaces import ChangeWorkspace, CreateWorkspace

_UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
Shape = Literal["circle", "square"]
_OLD_LOOK = {
    "webview_logo_shape": "logo_shape",
    "webview_primary_button_color": "primary_button_color",
    "webview_primary_button_text_color": "primary_button_text_color",
    "webview_success_message": "success_message",
}


class Nothing(Params):
    """It takes no parameters."""


class Customization(Params):
    logo_shape: Shape | None = None
    primary_button_color: Text | None = None
    primary_button_text_color: Text | None = None
    success_message: Annotated[str, Field(min_length=1, max_length=500)] | None = None


class Create(Params):
    name: Text
    is_sandbox: bool = False
    connect_partner_name: Text | None = None
    company_name: Text | None = None
    organization_id: Annotated[str, Field(pattern=_UUID)] | None = None
    connect_webview_customization: Customization | None = None
    webview_logo_shape: Shape | None = None
    webview_primary_button_color: Text | None = None
    webview_primary_button_text_color: Text | None = None
    webview_success_message: Annotated[str, Field(min_length=1, max_length=500)] | None = None


class Update(Params):
    name: Text | None = None
    connect_partner_name: Text | None = None
    organization_id: Annotated[str, Field(pattern=_UUID)] | None = None
    is_publishable_key_auth_enabled: bool | None = None
    is_suspended: bool | None = None
    connect_webview_customization: Customization | None = None


async def get(call: Asked, params: Nothing) -> Answer:
    return {"workspace": workspace(await call.read(lambda tx: workspaces.get(tx, call.actor)))}


async def list_(call: Asked, params: Nothing) -> Answer:
    """A person sees all that they belong to, others their own."""
    if call.operator is not None:
        found = await operators.workspaces_of(call.gate, call.operator)
    else:
        found = [await call.read(lambda tx: workspaces.get(tx, call.actor))]
    return {"workspaces": [workspace(it) for it in found]}


async def create(call: Asked, params: Create) -> Answer:
    if call.operator is None:
        raise SeamFault(
            HTTPStatus.FORBIDDEN,
            "forbidden",
            "Workspaces are made by a person: use a personal token, which `lockstep tokens create` makes.",
        )
    look = _look(params.connect_webview_customization)
    look |= {new: getattr(params, old) for old, new in _OLD_LOOK.items() if params.was_given(old)}
    partner = params.connect_partner_name or params.company_name
    command = CreateWorkspace(params.name, params.is_sandbox, partner, look, params.organization_id)
    return {"workspace": workspace(await operators.create_workspace(call.gate, call.operator, command))}


async def update(call: Asked, params: Update) -> Answer:
    change = ChangeWorkspace(
        name=params.name or UNSET,
        is_publishable_key_enabled=_told(params.is_publishable_key_auth_enabled),
        partner_name=params.connect_partner_name or UNSET,
        webview_look=_look(params.connect_webview_customization),
        organization_key=params.organization_id or UNSET,
        is_suspended=_told(params.is_suspended),
    )
    await call.change(lambda tx: workspaces.change(tx, call.actor, change))
    return {}


def _look(customization: Customization | None) -> dict[str, str | None]:
    return {} if customization is None else customization.model_dump(exclude_unset=True)


def _told(flag: bool | None) -> bool | UnsetType:
    return UNSET if flag is None else flag


PATHS: tuple[Path, ...] = (
    Path("/workspaces/get", Nothing, get),
    Path("/workspaces/list", Nothing, list_, is_without_workspace=True),
    Path("/workspaces/create", Create, create, is_without_workspace=True),
    Path("/workspaces/update", Update, update),
)
