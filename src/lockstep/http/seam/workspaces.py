"""/workspaces: the tenant that a key belongs to."""

from __future__ import annotations

from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.params import Params
from lockstep.http.seam.present.workspace import workspace
from lockstep.operations import workspaces


class Nothing(Params):
    """It takes no parameters."""


async def get(call: Asked, params: Nothing) -> Answer:
    return {"workspace": workspace(await call.read(lambda tx: workspaces.get(tx, call.actor)))}


async def list_(call: Asked, params: Nothing) -> Answer:
    return {"workspaces": [workspace(await call.read(lambda tx: workspaces.get(tx, call.actor)))]}


PATHS: tuple[Path, ...] = (
    Path("/workspaces/get", Nothing, get),
    Path("/workspaces/list", Nothing, list_),
)
