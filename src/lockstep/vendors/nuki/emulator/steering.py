"""The part of the control surface that only this vendor has: tokens and the advanced integration."""

from typing import Any

from starlette.routing import Route

from lockstep.emulation.control import Asked, NotSettable, control_route
from lockstep.vendors.nuki.emulator.hooks import FEATURES
from lockstep.vendors.nuki.emulator.world import World


def own_routes(world: World) -> list[Route]:
    """Tokens (in bodies, never in a path), and the integration that advanced calls answer to."""

    def allow(asked: Asked) -> None:
        fields = asked.fields()
        scopes = fields.get("scopes", [])
        if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
            raise NotSettable("scopes has to be a list of scope names.")
        world.allow(_token(fields), *scopes)

    def revoke(asked: Asked) -> None:
        world.revoke(_token(asked.fields()))

    def integrate(asked: Asked) -> None:
        match asked.fields():
            case {"url": str() as url, "secret": str() as secret, **others}:
                world.subscribe_integration(url, secret, tuple(others.get("features", FEATURES)))
            case _:
                raise NotSettable("Say url and secret.")

    return [
        control_route("POST", "/tokens/allow", world, allow),
        control_route("POST", "/tokens/revoke", world, revoke),
        control_route("PUT", "/integration", world, integrate),
    ]


def _token(fields: dict[str, Any]) -> str:
    token = fields.get("token")
    if not isinstance(token, str) or not token:
        raise NotSettable("Say which token.")
    return token
