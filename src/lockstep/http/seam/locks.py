"""/locks: devices that lock, and what can be asked of them from afar."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from lockstep.http.seam import devices
from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.params import Id, Params
from lockstep.http.seam.present.action_attempt import action_attempt
from lockstep.http.seam.present.ids import asked
from lockstep.operations import attempts
from lockstep.operations.attempts import ActionAttempt, AutoLock
from lockstep.operations.errors import NotFound
from lockstep.operations.paces import Act

_MOST = 500
_AWAITED = timedelta(seconds=5)
"""At most, by a request with `sync`."""


class OfLock(Params):
    device_id: Id
    sync: bool = False


async def get(call: Asked, params: devices.Get) -> Answer:
    found = (await devices.get(call, params))["device"]
    if not _is_lock(found):
        raise NotFound("device", found["device_id"])
    # The contract names it twice; the SDKs read `device`.
    return {"device": found, "lock": found}


async def list_(call: Asked, params: devices.List) -> Answer:
    found, _ = await devices.listed(call, params, params.most(_MOST))
    locks = [it for it in found if _is_lock(it)]
    return {"devices": locks, "locks": locks}


def _is_lock(found: dict[str, Any]) -> bool:
    return "lock" in found["capabilities_supported"]


async def unlock_door(call: Asked, params: OfLock) -> Answer:
    device_id = asked("lock", params.device_id)
    made = await call.change_paced(
        Act.UNLOCK, [device_id], lambda tx: attempts.unlock(tx, call.actor, device_id)
    )
    return await _answered(call, made, is_awaited=params.sync)


async def lock_door(call: Asked, params: OfLock) -> Answer:
    device_id = asked("lock", params.device_id)
    made = await call.change_paced(Act.LOCK, [device_id], lambda tx: attempts.lock(tx, call.actor, device_id))
    return await _answered(call, made, is_awaited=params.sync)


class ConfigureAutoLock(Params):
    device_id: Id
    auto_lock_enabled: bool
    auto_lock_delay_seconds: Annotated[float, Field(ge=1, le=60, allow_inf_nan=False)] | None = None


async def configure_auto_lock(call: Asked, params: ConfigureAutoLock) -> Answer:
    device_id = asked("lock", params.device_id)
    command = AutoLock(params.auto_lock_enabled, params.auto_lock_delay_seconds)
    made = await call.change(lambda tx: attempts.configure_auto_lock(tx, call.actor, device_id, command))
    return await _answered(call, made, is_awaited=False)


async def _answered(call: Asked, made: ActionAttempt, *, is_awaited: bool) -> Answer:
    if is_awaited:
        made = await attempts.ended(call.gate, call.actor, made.action_attempt_id, _AWAITED)
    return {"action_attempt": action_attempt(made)}


PATHS: tuple[Path, ...] = (
    Path("/locks/get", devices.Get, get),
    Path("/locks/list", devices.List, list_),
    Path("/locks/unlock_door", OfLock, unlock_door),
    Path("/locks/lock_door", OfLock, lock_door),
    Path("/locks/configure_auto_lock", ConfigureAutoLock, configure_auto_lock),
)
