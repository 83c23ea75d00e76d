"""/devices: locks and what else stands under an account, in Seam's words."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from msgspec import UNSET, UnsetType
from pydantic import AfterValidator, Field

from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.catalogue import device_words
from lockstep.http.seam.faults import invalid_input, of_validation
from lockstep.http.seam.params import Id, Ids, Instant, Listed, Metadata, Params, ProviderCategory, Text
from lockstep.http.seam.present.device import device
from lockstep.http.seam.present.device_provider import device_provider
from lockstep.http.seam.present.ids import asked
from lockstep.operations import backup_codes, devices, managing, offers
from lockstep.operations.backup_codes import SetPool
from lockstep.operations.devices import ChangeDevice, Device, ListDevices
from lockstep.operations.errors import NotFound
from lockstep.operations.gate import Tx

MOST = 500
GONE = "disconnected"
"""Of an account: it was deleted, and at this door its devices went with it."""

Flag = Literal[
    "can_remotely_unlock",
    "can_remotely_lock",
    "can_program_offline_access_codes",
    "can_program_online_access_codes",
    "can_hvac_heat",
    "can_hvac_cool",
    "can_hvac_heat_cool",
    "can_turn_off_hvac",
    "can_simulate_removal",
    "can_simulate_connection",
    "can_simulate_disconnection",
    "can_unlock_with_code",
    "can_run_thermostat_programs",
    "can_program_thermostat_programs_as_weekday_weekend",
    "can_program_thermostat_programs_as_different_each_day",
    "can_program_thermostat_programs_as_same_each_day",
    "can_simulate_hub_connection",
    "can_simulate_hub_disconnection",
    "can_simulate_paid_subscription",
    "can_configure_auto_lock",
]
"""What a device may be able to do, and what can be simulated of it: a closed list at Seam."""


def _device_type(given: str) -> str:
    if given not in device_words().device_types:
        raise ValueError(_expected(device_words().device_types))
    return given


def _expected(known: Iterable[str]) -> str:
    """In zod's words."""
    return f"Invalid enum value. Expected {' | '.join(repr(it) for it in known)}"


DeviceType = Annotated[str, AfterValidator(_device_type)]


class Get(Params):
    device_id: Id | None = None
    name: Text | None = None


class List(Listed):
    device_ids: Ids | None = None
    device_type: DeviceType | None = None
    device_types: list[DeviceType] | None = None
    manufacturer: Text | None = None
    connected_account_id: Id | None = None
    connected_account_ids: Ids | None = None
    connect_webview_id: Id | None = None
    space_id: Id | None = None
    unstable_location_id: Id | None = None
    customer_key: Text | None = None
    user_identifier_key: Text | None = None
    search: Text | None = None
    created_before: Instant | None = None
    custom_metadata_has: Metadata | None = None
    include_if: list[Flag] | None = None
    exclude_if: list[Flag] | None = None


class Properties(Params):
    name: Annotated[str, Field(max_length=200)] | None = None


class ListProviders(Params):
    provider_category: ProviderCategory | None = None


async def found_device(call: Asked, params: Get, *, is_managed: bool = True) -> Device:
    """By its id, or the one of this name. Those that Lockstep does not look after have paths of their own: here they
    are not there. Raises SeamFault, NotFound."""
    if params.device_id is not None:
        device_id = asked("lock", params.device_id)
        found = await call.read(lambda tx: devices.shown(tx, call.actor, device_id))
    elif params.name is not None:
        name = params.name
        found = await call.read(lambda tx: devices.named(tx, call.actor, name))
    else:
        raise invalid_input("Must specify device_id or name")
    if found.is_managed != is_managed or found.account_state == GONE:
        raise NotFound("device", params.device_id or found.device_id)
    return found


def shown_device(call: Asked, it: Device) -> dict[str, Any]:
    label = call.label_of(it.vendor)
    return device(it, call.workspace_id, label, is_emulated=call.is_emulated(it.vendor))


async def get(call: Asked, params: Get) -> Answer:
    return {"device": shown_device(call, await found_device(call, params))}


async def list_(call: Asked, params: List) -> Answer:
    most = params.most(MOST)
    shown, pagination = await listed(call, params, most)
    return {"devices": shown, "pagination": pagination}


async def listed(
    call: Asked, params: List, most: int, *, is_managed: bool = True
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A page of devices in Seam's shape, and its `pagination`."""
    _require_maker(call, params.manufacturer)
    accounts = [*(params.connected_account_ids or []), *_one(params.connected_account_id)]
    space_id = params.space_id or params.unstable_location_id
    wanted = ListDevices(
        most + 1,
        call.place(params),
        space_id=None if space_id is None else asked("space", space_id),
        device_ids=None
        if params.device_ids is None
        else tuple(asked("lock", id) for id in params.device_ids),
        connected_account_ids=tuple(asked("account", id) for id in accounts) or None,
        name_contains=params.search,
        created_before=params.created_before,
        is_managed=is_managed,
        customer_key=params.customer_key,
        connect_webview_id=None
        if params.connect_webview_id is None
        else asked("webview", params.connect_webview_id),
        guest_key=params.user_identifier_key,
    )
    found = await call.read(lambda tx: devices.list_shown(tx, call.actor, wanted))
    page = call.page(params, found, most, lambda it: it.device_id)
    shown = [shown_device(call, it) for it in page.shown if it.account_state != GONE]
    return [it for it in shown if _is_wanted(it, params)], page.pagination


def _require_maker(call: Asked, maker: str | None) -> None:
    """Besides those of the contract, whoever is told to have made a device here. Raises SeamFault."""
    known = dict.fromkeys([*device_words().manufacturers, *offers.MAKERS, *call.gate.vendors])
    if maker is not None and maker not in known:
        fault = {"loc": ("manufacturer",), "type": "value_error", "ctx": {"error": _expected(known)}}
        raise of_validation([fault])


def _is_wanted(shown: dict[str, Any], params: List) -> bool:
    """By what only Seam's shape knows."""
    types = [*(params.device_types or []), *_one(params.device_type)]
    if types and shown["device_type"] not in types:
        return False
    if params.manufacturer is not None and shown["properties"].get("manufacturer") != params.manufacturer:
        return False
    if any(not shown.get(flag) for flag in params.include_if or []):
        return False
    if any(shown.get(flag) for flag in params.exclude_if or []):
        return False
    metadata = shown["custom_metadata"]
    return all(metadata.get(name) == value for name, value in (params.custom_metadata_has or {}).items())


async def list_device_providers(call: Asked, params: ListProviders) -> Answer:
    offered = await call.read(lambda tx: offers.listed(call.gate, tx, call.actor))
    shown = [device_provider(it) for it in offered]
    category = params.provider_category
    return {
        "device_providers": [it for it in shown if category is None or category in it["provider_categories"]]
    }


class Update(Params):
    device_id: Id
    name: Annotated[str, Field(max_length=200)] | None = None
    properties: Properties | None = None
    custom_metadata: Metadata | None = None
    is_managed: bool | None = None
    backup_access_code_pool_enabled: bool | None = None


async def update(call: Asked, params: Update) -> Answer:
    device_id = asked("lock", params.device_id)
    properties = params.properties
    nickname: str | UnsetType | None = UNSET
    if params.was_given("name"):
        nickname = params.name
    elif properties is not None and properties.was_given("name"):
        nickname = properties.name
    change = ChangeDevice(nickname, UNSET if params.custom_metadata is None else params.custom_metadata)
    enabled = params.backup_access_code_pool_enabled

    async def apply(tx: Tx) -> None:
        await devices.change(tx, call.actor, device_id, change)
        if enabled is not None:
            pool = SetPool(device_id, size=None if enabled else 0)
            await backup_codes.set_pool(tx, call.actor, pool)
        if params.is_managed is False:
            await managing.unmanage(tx, call.actor, device_id)

    await call.change(apply)
    return {}


class ProviderMetadata(Params):
    device_id: Id


class ReportMetadata(Params):
    devices: Annotated[list[ProviderMetadata], Field(max_length=500)]


async def report_provider_metadata(call: Asked, params: ReportMetadata) -> Answer:
    """Of Omnitec and Ultraloq alone, which no driver here has: the devices are looked up, and nothing is kept."""
    for one in params.devices:
        device_id = asked("lock", one.device_id)
        await call.read(functools.partial(devices.get, actor=call.actor, device_public_id=device_id))
    return {}


def _one(value: str | None) -> list[str]:
    return [] if value is None else [value]


PATHS: tuple[Path, ...] = (
    Path("/devices/get", Get, get),
    Path("/devices/list", List, list_),
    Path("/devices/list_device_providers", ListProviders, list_device_providers),
    Path("/devices/update", Update, update),
    Path("/devices/report_provider_metadata", ReportMetadata, report_provider_metadata),
)
