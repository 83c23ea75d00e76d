"""Rows of the paths that simulate what happens to the locks of a sandbox."""

from __future__ import annotations

from tests.http.seam.walk import Body, Row, Walk

from lockstep.http.seam.present.ids import shown
from lockstep.model.permissions import ALL_SCOPES, Actor, system
from lockstep.operations import api_keys, devices, sandboxes, workspaces
from lockstep.operations.api_keys import CreateApiKey
from lockstep.operations.emulator import EmulatedDevice
from lockstep.operations.sandboxes import EmulatedAccount
from lockstep.operations.workspaces import CreateWorkspace

SECRET = "seam_lockstep_of_the_walk_in_the_sandbox"
HEADERS = {"authorization": f"Bearer {SECRET}"}


async def _sandbox(walk: Walk) -> Actor:
    """Whoever may do everything in the walk's sandbox."""
    gate = walk.home.house.gate
    known = await api_keys.authenticate(gate, SECRET)
    if known is not None:
        return system(known.actor.workspace_id, "test")
    actor = system(await workspaces.create(gate, CreateWorkspace("Sandbox", is_sandbox=True)), "test")
    async with gate.transaction(actor.workspace_id) as tx:
        await api_keys.import_secret(tx, actor, CreateApiKey("Walk", sorted(ALL_SCOPES)), SECRET)
    return actor


async def _account(walk: Walk) -> tuple[Actor, str]:
    gate, actor, name = walk.home.house.gate, await _sandbox(walk), f"account {walk.number()}"
    account = EmulatedAccount(name, name, (EmulatedDevice("front", "Front door", "august"),))
    return actor, (await sandboxes.connect(gate, actor, account)).account.public_id


async def account(walk: Walk) -> Body:
    """A fresh one."""
    return {"connected_account_id": shown((await _account(walk))[1])}


async def device(walk: Walk) -> Body:
    """A lock of a fresh account."""
    actor, account_id = await _account(walk)
    async with walk.home.house.gate.reading(actor.workspace_id) as tx:
        (lock,) = await devices.listed(tx, actor, None, 2, account_id)
    return {"device_id": shown(lock.public_id)}


async def subscription(walk: Walk) -> Body:
    return {**await device(walk), "is_expired": True}


async def entry(walk: Walk) -> Body:
    return {**await device(walk), "code": "4711"}


async def strangers(walk: Walk) -> Body:
    return {**await device(walk), "name": "Gardener", "code": "734512"}


async def anew(walk: Walk) -> Body:
    """It takes no parameters."""
    await _sandbox(walk)
    return {}


_DEVICE = ("device_id", "device_not_found")
ROWS = {
    **{
        f"/devices/simulate/{what}": Row(device, bad=({"device_id": 7},), missing=_DEVICE, headers=HEADERS)
        for what in ("connect", "disconnect", "remove", "connect_to_hub", "disconnect_from_hub")
    },
    "/devices/simulate/paid_subscription": Row(
        subscription, bad=({"is_expired": "soon"},), missing=_DEVICE, headers=HEADERS
    ),
    "/connected_accounts/simulate/disconnect": Row(
        account, missing=("connected_account_id", "connected_account_not_found"), headers=HEADERS
    ),
    "/access_codes/simulate/create_unmanaged_access_code": Row(
        strangers,
        bad=({"code": "abcd"}, {"code": "123"}, {"name": None}),
        missing=_DEVICE,
        headers=HEADERS,
    ),
    "/locks/simulate/keypad_code_entry": Row(
        entry, bad=({"code": "abcd"}, {"code": "12"}), missing=_DEVICE, headers=HEADERS
    ),
    "/locks/simulate/manual_lock_via_keypad": Row(device, missing=_DEVICE, headers=HEADERS),
    "/workspaces/reset_sandbox": Row(anew, headers=HEADERS),
}
