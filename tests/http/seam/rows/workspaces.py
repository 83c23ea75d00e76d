"""Rows of /workspaces."""

from __future__ import annotations

from tests.http.seam.walk import Body, Row, Walk, nothing

from lockstep.operations import operators

PERSONAL = "seam_at1_of_the_walk"


async def another(walk: Walk) -> Body:
    """Asked for by a person."""
    gate = walk.home.house.gate
    if await operators.authenticate(gate, PERSONAL) is None:
        operator = await operators.create(gate, "Walker")
        await operators.create_token(gate, operator.operator_id, "Walk", known_secret=PERSONAL)
    return {"name": f"Workspace {walk.number()}", "connect_partner_name": "Acme", "is_sandbox": True}


async def changed(walk: Walk) -> Body:
    return {
        "name": "Quay flats",
        "connect_partner_name": "Acme",
        "is_publishable_key_auth_enabled": True,
        "connect_webview_customization": {"logo_shape": "circle", "success_message": "Welcome!"},
    }


ROWS = {
    "/workspaces/get": Row(nothing),
    "/workspaces/list": Row(nothing),
    "/workspaces/create": Row(
        another,
        bad=({"name": ""}, {"webview_logo_shape": "star"}, {"webview_primary_button_color": "red;}"}),
        headers={"authorization": f"Bearer {PERSONAL}"},
    ),
    "/workspaces/update": Row(
        changed,
        bad=(
            {"name": 7},
            {"organization_id": "acme"},
            {"connect_webview_customization": {"primary_button_color": "red"}},
        ),
    ),
}
