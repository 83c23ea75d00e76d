"""/v1/spaces: properties, and the spaces in them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from lockstep.http.api.call import Asked, answer
from lockstep.http.api.fields import (
    HourOfDay,
    LongText,
    PathId,
    PublicId,
    QueryId,
    Sent,
    Text,
    if_sent,
    or_unset,
)
from lockstep.http.api.paging import Cursor, Limit, Page
from lockstep.http.api.routing import Router
from lockstep.operations import devices, spaces
from lockstep.operations.devices import Device, ListDevices
from lockstep.operations.spaces import (
    AddDevices,
    ChangeSpace,
    CreateSpace,
    GetSpace,
    ListSpaces,
    RemoveDevices,
    RemoveSpace,
    Space,
)

router = Router(prefix="/v1/spaces", tags=["Properties and spaces"])

Name = Annotated[Text, Field(examples=["Canal House"])]
Address = Annotated[LongText, Field(examples=["Prinsengracht 1, Amsterdam"])]
TimeZone = Annotated[Text, Field(examples=["Europe/Amsterdam"])]
DeviceIds = Annotated[tuple[PublicId, ...], Field(max_length=1000)]


class SpaceCreation(Sent):
    """Without a parent it is a property, which needs a time zone; address and hours are a property's alone.

    A booking of a space opens its devices, those of every space around it (the front door), and those within it.
    """

    name: Name
    parent_space_id: PublicId | None = None
    space_key: Annotated[Text | None, Field(examples=["house-7"])] = None
    """Your own id for it."""
    address: Address | None = None
    time_zone: TimeZone | None = None
    check_in: HourOfDay | None = None
    """Left out: 15:00."""
    check_out: Annotated[HourOfDay | None, Field(examples=["11:00"])] = None
    """Left out: 11:00."""
    device_ids: DeviceIds = ()


class SpaceChange(Sent):
    """What is left out stays. Stays that were told in dates follow new hours."""

    name: Name | None = None
    address: Address | None = None
    """Null takes it away."""
    time_zone: TimeZone | None = None
    check_in: HourOfDay | None = None
    check_out: Annotated[HourOfDay | None, Field(examples=["11:00"])] = None


class DevicesPlaced(Sent):
    """Devices that stand in the space."""

    device_ids: Annotated[DeviceIds, Field(min_length=1)]


@router.get("", response_model=Page[Space])
async def list_spaces(
    call: Asked,
    limit: Limit = 50,
    cursor: Cursor = None,
    parent_space_id: QueryId = None,
    only_properties: Annotated[bool, Query(description="Leave out the spaces within them.")] = False,
) -> Response:
    """List properties and spaces, oldest first."""
    of = f"spaces {parent_space_id} {only_properties}"
    command = ListSpaces(limit + 1, call.place(of, cursor), parent_space_id, only_properties)
    found = await call.read(lambda tx: spaces.listed(tx, call.actor, command))
    return call.page(of, found, limit, lambda space: space.space_id)


@router.post("", response_model=Space, status_code=201)
async def create_space(call: Asked, body: SpaceCreation) -> Response:
    """Make a property, or a space within one."""
    command = CreateSpace(**body.model_dump())
    return await call.change(
        lambda tx: spaces.create(tx, call.actor, command), lambda space: space, status=201
    )


@router.get("/{space_id}", response_model=Space)
async def get_space(call: Asked, space_id: PathId) -> Response:
    """Show one space."""
    return answer(await call.read(lambda tx: spaces.get(tx, call.actor, GetSpace(space_id))))


@router.patch("/{space_id}", response_model=Space)
async def change_space(call: Asked, space_id: PathId, body: SpaceChange) -> Response:
    """Change a space: its name, or a property's address, time zone and hours."""
    command = ChangeSpace(
        space_id,
        or_unset(body.name),
        if_sent(body, "address"),
        or_unset(body.time_zone),
        or_unset(body.check_in),
        or_unset(body.check_out),
    )
    return await call.change(lambda tx: spaces.change(tx, call.actor, command), lambda space: space)


@router.delete("/{space_id}", status_code=204)
async def remove_space(call: Asked, space_id: PathId) -> Response:
    """Remove a space that holds nothing but devices; these stay connected."""
    return await call.change(lambda tx: spaces.remove(tx, call.actor, RemoveSpace(space_id)))


@router.get("/{space_id}/devices", response_model=Page[Device])
async def list_devices_of_space(
    call: Asked, space_id: PathId, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """List the devices that stand in this space itself."""
    of = f"devices of space {space_id}"
    command = ListDevices(limit + 1, call.place(of, cursor), space_id=space_id)
    found = await call.read(lambda tx: devices.list_shown(tx, call.actor, command))
    return call.page(of, found, limit, lambda device: device.device_id)


@router.post("/{space_id}/devices", response_model=Space)
async def add_devices_to_space(call: Asked, space_id: PathId, body: DevicesPlaced) -> Response:
    """Put devices into this space. Whoever may enter it now opens them too."""
    command = AddDevices(space_id, body.device_ids)
    return await call.change(lambda tx: spaces.add_devices(tx, call.actor, command), lambda space: space)


@router.delete("/{space_id}/devices/{device_id}", response_model=Space)
async def remove_device_from_space(call: Asked, space_id: PathId, device_id: PathId) -> Response:
    """Take a device out of this space. Codes that were on it because of the space are withdrawn."""
    command = RemoveDevices(space_id, (device_id,))
    return await call.change(lambda tx: spaces.remove_devices(tx, call.actor, command), lambda space: space)
