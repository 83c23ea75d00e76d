"""/locks: devices that lock, and what can be asked of them from afar."""

from __future__ import annotations

from lockstep.http.seam import devices
from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.params import Id, Params
from lockstep.http.seam.present.action_attempt import action_attempt
from lockstep.http.seam.present.ids import asked
from lockstep.operations import attempts

_MOST = 500


class OfLock(Params):
    device_id: Id
    sync: bool = False


async def get(call: Asked, params: devices.Get) -> Answer:
    found = (await devices.get(call, params))["device"]
    # The contract names it twice; the SDKs read `device`.
    return {"device": found, "lock": found}


async def list_(call: Asked, params: devices.List) -> Answer:
    found, _ = await devices.listed(call, params, int(params.limit or _MOST))
    locks = [it for it in found if "lock" in it["capabilities_supported"]]
    return {"devices": locks, "locks": locks}


async def unlock_door(call: Asked, params: OfLock) -> Answer:
    device_id = asked("lock", params.device_id)
    return {
        "action_attempt": action_attempt(
            await call.change(lambda tx: attempts.unlock(tx, call.actor, device_id))
        )
    }


PATHS: tuple[Path, ...] = (
    Path("/locks/get", devices.Get, get),
    Path("/locks/list", devices.List, list_),
    Path("/locks/unlock_door", OfLock, unlock_door),
)
