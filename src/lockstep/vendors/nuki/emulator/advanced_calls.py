"""The advanced calls: answered with a request id at once, and with a web hook once the lock has spoken."""

from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from lockstep.kit.ids import new_id
from lockstep.vendors.nuki.emulator import actions
from lockstep.vendors.nuki.emulator.asked import Asked
from lockstep.vendors.nuki.emulator.auth_calls import checked_creation
from lockstep.vendors.nuki.emulator.grants import APP, Auth, Grant
from lockstep.vendors.nuki.emulator.lock_calls import movable, wanted_action
from lockstep.vendors.nuki.emulator.locks import Lock
from lockstep.vendors.nuki.emulator.log import LOCK, UNLOCK
from lockstep.vendors.nuki.emulator.replies import bad_parameter, json, no_subscription
from lockstep.vendors.nuki.emulator.world import World

_UNREACHABLE = "ff"
"""The firmware's "unknown", mostly a lock that is offline."""
_ACTION_TYPES = {UNLOCK: "UnlockAction", LOCK: "LockAction"}
"""`type` of the result; the vendor's documentation shows the first, the others are taken to be alike."""


@dataclass
class _Creation:
    request_id: str
    awaited: int
    detail: list[dict[str, Any]] = field(default_factory=list)


def create(world: World, asked: Asked) -> Response:
    """PUT /smartlock/auth/advanced: apps; locks without a subscription are left out and named."""
    fields = asked.fields()
    ids = fields.get("smartlockIds")
    if not isinstance(ids, list) or not ids:
        raise bad_parameter("smartlockIds", ids)
    all_locks = [world.lock(id) for id in dict.fromkeys(ids)]
    locks = [lock for lock in all_locks if world.is_served(lock)]
    if not locks:
        raise no_subscription(world.switches.subscription_status)
    grant = checked_creation(world, locks, {**fields, "type": APP})
    creation = _Creation(str(new_id()), awaited=len(locks))
    for lock in locks:
        _create(world, asked, lock, grant, creation)
    body = {"requestId": creation.request_id}
    unserved = [str(lock.id) for lock in all_locks if lock not in locks]
    if unserved:
        body["error"] = f"No active Smart Hosting subscription for: {', '.join(unserved)}"
    return json(body)


def share_key(world: World, asked: Asked) -> Response:
    """POST /smartlock/{smartlockId}/auth/advanced/sharedkey: an app authorization, there at once."""
    lock = world.lock(asked.path["smartlockId"], needs_subscription=True)
    body = {"remoteAllowed": True, **asked.fields(), "type": APP}
    grant = checked_creation(world, [lock], body, needs_account_user=False)
    device_id = lock.new_device_id()
    lock.store(device_id, grant)
    auth = Auth(world.new_object_id(), lock.id, grant, asked.at, asked.at, device_id=device_id)
    world.keep(auth, asked.at)
    return json([auth.json(returns_digits=world.switches.returns_digits)])


def act(world: World, asked: Asked) -> Response:
    """POST /smartlock/{smartlockId}/action/advanced."""
    lock, action = wanted_action(world, asked)
    return _act(world, asked, lock, action)


def lock_it(world: World, asked: Asked) -> Response:
    """POST /smartlock/{smartlockId}/action/lock/advanced."""
    return _act(world, asked, movable(world, asked, LOCK), LOCK)


def unlock_it(world: World, asked: Asked) -> Response:
    """POST /smartlock/{smartlockId}/action/unlock/advanced."""
    return _act(world, asked, movable(world, asked, UNLOCK), UNLOCK)


def _act(world: World, asked: Asked, lock: Lock, action: int) -> Response:
    request_id = str(new_id())
    kind = _ACTION_TYPES.get(action, "SmartlockAction")

    def tell(succeeded: bool) -> None:
        world.hooks.answer({"type": kind, "requestId": request_id, "success": succeeded})

    actions.start(world, world.visits, lock, action, asked.call, asked.fault, tell)
    return json({"requestId": request_id})


def _create(world: World, asked: Asked, lock: Lock, grant: Grant, creation: _Creation) -> None:
    def tell(auth: Auth | None) -> None:
        if auth is None:
            said: dict[str, Any] = {"success": False, "errorCode": _UNREACHABLE}
        else:
            said = {"success": True, "id": auth.id, "authId": auth.device_id}
        creation.detail.append({"smartlockId": lock.id, **said})
        if len(creation.detail) == creation.awaited:
            world.hooks.answer(_result(world, creation))

    world.writes.create(lock, grant, asked.call, asked.fault, limited=True, told=tell)


def _result(world: World, creation: _Creation) -> dict[str, Any]:
    succeeded = all(one["success"] for one in creation.detail)
    body = {"type": "AuthCreation", "requestId": creation.request_id, "success": succeeded}
    if any(one["success"] for one in creation.detail):
        letters = f"{world.new_number():09d}".translate(str.maketrans("0123456789", "ABCDEFGHIJ"))
        body["inviteCode"] = f"{letters[:3]}-{letters[3:6]}-{letters[6:]}"
    return {**body, "detail": creation.detail}
