"""/v1/workspace: the one that the key belongs to."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET
from pydantic import Field, StrictBool, StrictInt
from starlette.responses import Response

from lockstep.http.api.call import Asked, answer
from lockstep.http.api.fields import Sent, Text
from lockstep.http.api.routing import Router
from lockstep.operations import workspaces
from lockstep.operations.workspaces import LONGEST_RETENTION_DAYS, ChangeWorkspace, Workspace

router = Router(prefix="/v1/workspace", tags=["Workspace"])


class WorkspaceChange(Sent):
    """What is left out stays."""

    name: Annotated[Text | None, Field(examples=["Harbour flats"])] = None
    retention_days: Annotated[StrictInt, Field(ge=1, le=LONGEST_RETENTION_DAYS)] | None = None
    is_publishable_key_enabled: StrictBool | None = None
    """Whether whoever reads the publishable key in an app may get client sessions with it."""
    is_paced: StrictBool | None = None
    """Whether callers at Seam's door are held to Seam's limits: so many acts a minute on each device."""


@router.get("", response_model=Workspace)
async def get_workspace(call: Asked) -> Response:
    """Show the workspace of this key."""
    return answer(await call.read(lambda tx: workspaces.get(tx, call.actor)))


@router.patch("", response_model=Workspace)
async def change_workspace(call: Asked, body: WorkspaceChange) -> Response:
    """Change the workspace: its name, how long personal data is kept after a departure, whether apps without a server
    get client sessions."""
    command = ChangeWorkspace(
        name=UNSET if body.name is None else body.name,
        retention_days=UNSET if body.retention_days is None else body.retention_days,
        is_publishable_key_enabled=(
            UNSET if body.is_publishable_key_enabled is None else body.is_publishable_key_enabled
        ),
        is_paced=UNSET if body.is_paced is None else body.is_paced,
    )
    return await call.change(lambda tx: workspaces.change(tx, call.actor, command), lambda w: w)


@router.post("/confirm", response_model=Workspace)
async def confirm_workspace(call: Asked) -> Response:
    """Confirm that this database rules: one that was restored or copied only looks at locks until then."""
    return await call.change(lambda tx: workspaces.confirm(tx, call.actor), lambda w: w)
