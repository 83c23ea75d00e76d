"""/connected_accounts: one set of credentials at a vendor, in Seam's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.faults import invalid_input
from lockstep.http.seam.params import Id, Listed, Metadata, Params, Text
from lockstep.http.seam.present.connected_account import connected_account, kinds_of, login_of
from lockstep.http.seam.present.ids import asked
from lockstep.operations import account_changes, accounts, callbacks, devices
from lockstep.operations.account_details import Details
from lockstep.operations.accounts import ConnectedAccount
from lockstep.operations.devices import ListDevices
from lockstep.operations.errors import NotFound

_MOST = 11_000
_MOST_DEVICES = 10_000
_SEARCHED = ("connected_account_id", "account_type_display_name", "customer_key", "display_name")
Capability = Literal["lock", "thermostat", "noise_sensor", "access_control", "camera"]


class Get(Params):
    connected_account_id: Id | None = None
    email: Text | None = None


class List(Listed):
    customer_key: Text | None = None
    custom_metadata_has: Metadata | None = None
    search: Text | None = None
    space_id: Id | None = None
    user_identifier_key: Text | None = None


class Update(Params):
    connected_account_id: Id
    display_name: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    customer_key: Text | None = None
    custom_metadata: Metadata | None = None
    accepted_capabilities: list[Capability] | None = None
    automatically_manage_new_devices: bool | None = None


class OfAccount(Params):
    connected_account_id: Id


class Delete(OfAccount):
    sync: bool = False


async def get(call: Asked, params: Get) -> Answer:
    """By its id, or by what its vendor calls it."""
    if params.connected_account_id is not None:
        return {"connected_account": _shown(call, await _found(call, params.connected_account_id))}
    if params.email is None:
        raise invalid_input("Must specify connected_account_id or email")
    for account in await _all(call):
        login = login_of(account, is_emulated=call.is_emulated(account.vendor))
        if params.email in (login, account.label):
            return {"connected_account": _shown(call, account)}
    raise NotFound("connected account", "of this email")


async def list_(call: Asked, params: List) -> Answer:
    most = params.most(_MOST)
    place = call.place(params)
    standing = None if params.space_id is None else await _accounts_of_space(call, params.space_id)
    found = [
        account
        for account in _behind(place, await _all(call))
        if (standing is None or account.connected_account_id in standing)
        and _is_wanted(account, params)
        and (params.search is None or _says(_shown(call, account), params.search.lower()))
    ]
    page = call.page(params, found[: most + 1], most, lambda it: it.connected_account_id)
    shown = [_shown(call, it) for it in page.shown]
    return {"connected_accounts": shown, "pagination": page.pagination}


async def update(call: Asked, params: Update) -> Answer:
    account = await _found(call, params.connected_account_id)
    capabilities = params.accepted_capabilities
    given = Details(
        params.display_name,
        params.customer_key,
        params.custom_metadata or {},
        None if capabilities is None else kinds_of(list(capabilities)),
        params.automatically_manage_new_devices,
    )
    id = account.connected_account_id
    changed = await call.change(lambda tx: account_changes.change(tx, call.actor, id, given))
    return {"connected_account": _shown(call, changed)}


async def delete(call: Asked, params: Delete) -> Answer:
    """As Seam has it: it is gone here, and what is on its locks stays on them."""
    id = (await _found(call, params.connected_account_id)).connected_account_id
    await callbacks.withdraw(call.gate, call.actor, id, "leave")
    await call.change(lambda tx: accounts.disconnect(tx, call.actor, id, "leave"))
    return {}


async def sync(call: Asked, params: OfAccount) -> Answer:
    id = (await _found(call, params.connected_account_id)).connected_account_id
    await call.change(lambda tx: account_changes.read_again(tx, call.actor, id))
    return {}


async def _found(call: Asked, their_id: str) -> ConnectedAccount:
    """One that was disconnected is gone, at this door. Raises NotFound."""
    id = asked("account", their_id)
    account = accounts.shown(await call.read(lambda tx: accounts.get(tx, call.actor, id)))
    if account.state == "disconnected":
        raise NotFound("connected account", their_id)
    return account


async def _all(call: Asked) -> list[ConnectedAccount]:
    rows = await call.read(lambda tx: accounts.listed(tx, call.actor))
    return [accounts.shown(row) for row in rows if row.state != "disconnected"]


def _behind(place: str | None, accounts: list[ConnectedAccount]) -> Sequence[ConnectedAccount]:
    """By their order, which their ids do not show in a seeded sandbox. One that is gone since has none."""
    ids = [account.connected_account_id for account in accounts]
    if place is None:
        return accounts
    return (
        accounts[ids.index(place) + 1 :]
        if place in ids
        else [a for a in accounts if a.connected_account_id > place]
    )


async def _accounts_of_space(call: Asked, space_id: str) -> set[str]:
    wanted = ListDevices(_MOST_DEVICES, space_id=asked("space", space_id))
    found = await call.read(lambda tx: devices.list_shown(tx, call.actor, wanted))
    return {device.connected_account_id for device in found}


def _is_wanted(account: ConnectedAccount, params: List) -> bool:
    if params.customer_key is not None and account.customer_key != params.customer_key:
        return False
    has = params.custom_metadata_has or {}
    return all(account.custom_metadata.get(name) == value for name, value in has.items())


def _says(account: dict[str, Any], wanted: str) -> bool:
    """Whether somebody who reads it finds this in what Seam looks through."""
    said = [account.get(name) for name in _SEARCHED] + list(account.get("user_identifier", {}).values())
    return any(wanted in text.lower() for text in said if text)


def _shown(call: Asked, account: ConnectedAccount) -> dict[str, Any]:
    is_emulated = call.is_emulated(account.vendor)
    return connected_account(account, call.label_of(account.vendor), is_emulated=is_emulated)


PATHS: tuple[Path, ...] = (
    Path("/connected_accounts/get", Get, get),
    Path("/connected_accounts/list", List, list_),
    Path("/connected_accounts/update", Update, update),
    Path("/connected_accounts/delete", Delete, delete),
    Path("/connected_accounts/sync", OfAccount, sync),
)
