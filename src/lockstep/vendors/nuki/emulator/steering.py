"""The part of the control surface that only this vendor has: tokens and the advanced integration."""

from functools import cache
from typing import Any, cast

from starlette.routing import Route

from lockstep.emulation.control import Asked, NotSettable, control_route
from lockstep.vendors.nuki.emulator.hooks import FEATURES
from lockstep.vendors.nuki.emulator.world import World


@cache
def own_routes() -> tuple[Route, ...]:
    """Tokens (in bodies, never in a path), and the integration that advanced calls answer to."""
    return (
        control_route("POST", "/tokens/allow", _allow),
        control_route("POST", "/tokens/revoke", _revoke),
        control_route("PUT", "/integration", _integrate),
    )


def _allow(asked: Asked) -> None:
    fields = asked.fields()
    scopes = fields.get("scopes", [])
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise NotSettable("scopes has to be a list of scope names.")
    _world(asked).allow(_token(fields), *scopes)


def _revoke(asked: Asked) -> None:
    _world(asked).revoke(_token(asked.fields()))


def _integrate(asked: Asked) -> None:
    match asked.fields():
        case {"url": str() as url, "secret": str() as secret, **others}:
            features = tuple(others.get("features", FEATURES))
            _world(asked).subscribe_integration(url, secret, features)
        case _:
            raise NotSettable("Say url and secret.")


def _world(asked: Asked) -> World:
    return cast(World, asked.world)


def _token(fields: dict[str, Any]) -> str:
    token = fields.get("token")
    if not isinstance(token, str) or not token:
        raise NotSettable("Say which token.")
    return token
