"""Routes that are declared when their module is read in, and made by FastAPI when they are first asked for.

To make all of them at once takes FastAPI longer than everything else that the API needs to begin, most of it for models
of answers, which serve the description alone. One route is made in milliseconds. Knows no noun.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, cast

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send


class Router(APIRouter):
    """Of one noun: `router = Router(prefix="/v1/<nouns>", tags=["<Nouns>"])`. What FastAPI's decorators declare."""

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self.routes.append(LateRoute(self, path, endpoint, options))


class LateRoute(Route):
    """A route as it was declared, found by path and method as any other."""

    def __init__(
        self, router: APIRouter, path: str, endpoint: Callable[..., Any], options: dict[str, Any]
    ) -> None:
        super().__init__(router.prefix + path, endpoint, methods=options["methods"])
        # Routes are for the methods that they name, and no others.
        self.methods = set(options["methods"])
        self._router = router
        self._declared_path = path
        self._options = options
        self._made: APIRoute | None = None

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, found = super().matches(scope)
        # For whoever measures requests by their route.
        return match, {**found, "route": self} if match is not Match.NONE else found

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._made is None:
            # Answers are encoded as they are: no model of them.
            self._made = self._make(response_model=None)
        await self._made.handle(scope, receive, send)

    def described(self) -> APIRoute:
        """The same with the model of what it answers, for the description."""
        return self._make()

    def _make(self, **options: Any) -> APIRoute:
        maker = APIRouter(
            prefix=self._router.prefix,
            tags=self._router.tags,
            generate_unique_id_function=lambda route: route.name,
        )
        maker.add_api_route(self._declared_path, self.endpoint, **self._options | options)
        made = cast(APIRoute, maker.routes[0])
        if made.body_field is not None:
            _build(made.body_field)
        return made


def _build(field: Any) -> None:
    """Have a model that was left unbuilt built now. FastAPI gives models attributes that are not for such, and keeps
    Pydantic from warning of them where they are built at once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        field.validate({})


def late_routes(routers: Iterable[APIRouter]) -> Iterator[LateRoute]:
    """All of these routers', in their order."""
    for route in chain.from_iterable(router.routes for router in routers):
        assert isinstance(route, LateRoute), "routers of the API are lockstep.http.api.routing.Router"
        yield route
