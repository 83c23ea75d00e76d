"""/connect_webviews: links to a page on which somebody connects an account of theirs, in Seam's words."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.faults import invalid_input
from lockstep.http.seam.params import Id, Listed, Metadata, Params, ProviderCategory, Text
from lockstep.http.seam.present.connect_webview import connect_webview, vendors_of
from lockstep.http.seam.present.connected_account import kinds_of
from lockstep.http.seam.present.ids import asked
from lockstep.operations import connect_webviews
from lockstep.operations.connect_webviews import ConnectWebview, CreateWebview, ListWebviews
from lockstep.operations.offers import MAKERS, offers

_MOST = 500
Url = Annotated[str, Field(max_length=2000)]
Capability = Literal["lock", "thermostat", "noise_sensor", "access_control", "camera"]
Category = Literal[ProviderCategory, "internal_beta"]
_KINDS_OF_CATEGORY: dict[str, str] = {"thermostats": "thermostat", "noise_sensors": "noise_sensor"}
_NOT_HERE = ("access_control_systems", "cameras", "connectors")
"""Categories of which nothing can be connected here. The others stand for all."""


class Create(Params):
    accepted_providers: list[Text] | None = None
    excluded_providers: list[Text] | None = None
    provider_category: Category | None = None
    accepted_capabilities: list[Capability] | None = None
    automatically_manage_new_devices: bool | None = None
    custom_metadata: Metadata | None = None
    custom_redirect_url: Url | None = None
    custom_redirect_failure_url: Url | None = None
    customer_key: Text | None = None
    device_selection_mode: Literal["none", "single", "multiple"] | None = None
    wait_for_device_creation: bool = False


class OfWebview(Params):
    connect_webview_id: Id


class List(Listed):
    customer_key: Text | None = None
    custom_metadata_has: Metadata | None = None
    search: Text | None = None
    user_identifier_key: Text | None = None


async def create(call: Asked, params: Create) -> Answer:
    accepted = await _accepted(call, params)
    command = CreateWebview(
        accepted,
        None if params.accepted_capabilities is None else kinds_of(list(params.accepted_capabilities)),
        params.automatically_manage_new_devices is not False,
        params.customer_key,
        params.custom_metadata or {},
        params.custom_redirect_url,
        params.custom_redirect_failure_url,
        {
            "accepted_providers": list(params.accepted_providers or []),
            "device_selection_mode": params.device_selection_mode or "none",
            "wait_for_device_creation": params.wait_for_device_creation,
        },
    )
    made = await call.change(lambda tx: connect_webviews.create(call.gate, tx, call.actor, command))
    return {"connect_webview": _shown(call, made, await _offered(call))}


async def get(call: Asked, params: OfWebview) -> Answer:
    id = asked("webview", params.connect_webview_id)
    found = await call.read(lambda tx: connect_webviews.get(tx, call.actor, id))
    return {"connect_webview": _shown(call, found, await _offered(call))}


async def list_(call: Asked, params: List) -> Answer:
    most = params.most(_MOST)
    wanted = ListWebviews(most + 1, call.place(params), params.customer_key, params.custom_metadata_has)
    found = await call.read(lambda tx: connect_webviews.listed(tx, call.actor, wanted))
    page = call.page(params, found, most, lambda it: it.connect_webview_id)
    offered = await _offered(call)
    shown = [_shown(call, it, offered) for it in page.shown if _is_wanted(it, params.search)]
    return {"connect_webviews": shown, "pagination": page.pagination}


async def delete(call: Asked, params: OfWebview) -> Answer:
    id = asked("webview", params.connect_webview_id)
    await call.change(lambda tx: connect_webviews.delete(tx, call.actor, id))
    return {}


async def _accepted(call: Asked, params: Create) -> tuple[str, ...] | None:
    """Names of vendors and makers; None: all that there are. Raises SeamFault."""
    if params.provider_category in _NOT_HERE:
        raise invalid_input(f"Nothing of the category {params.provider_category} can be connected here.")
    names: set[str] | None = None
    if params.accepted_providers:
        names = {name for provider in params.accepted_providers for name in vendors_of(provider)}
    elif params.provider_category in _KINDS_OF_CATEGORY:
        kind = _KINDS_OF_CATEGORY[params.provider_category]
        names = {name for name, (_, of_kind) in MAKERS.items() if of_kind == kind}
    if params.excluded_providers:
        excluded = {name for provider in params.excluded_providers for name in vendors_of(provider)}
        names = (set(await _offered(call)) if names is None else names) - excluded
    return None if names is None else tuple(sorted(names))


async def _offered(call: Asked) -> list[str]:
    """All that can be connected in this workspace."""
    return [offer.vendor for offer in await call.read(lambda tx: offers(call.gate, tx, None))]


def _shown(call: Asked, it: ConnectWebview, offered: list[str]) -> dict[str, Any]:
    chosen = [vendor for vendor in offered if it.accepted_vendors is None or vendor in it.accepted_vendors]
    return connect_webview(it, call.workspace_id, call.link(it.path), chosen)


def _is_wanted(it: ConnectWebview, search: str | None) -> bool:
    """Seam looks into what callers gave it."""
    words = [it.customer_key or "", *(str(value) for value in it.custom_metadata.values())]
    return search is None or any(search.lower() in word.lower() for word in words)


PATHS: tuple[Path, ...] = (
    Path("/connect_webviews/create", Create, create),
    Path("/connect_webviews/get", OfWebview, get),
    Path("/connect_webviews/list", List, list_),
    Path("/connect_webviews/delete", OfWebview, delete),
)
