"""Everything that is served, put together: API, pages, vendors' callbacks, files, health and metrics."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from lockstep.cli.crew import Crew
from lockstep.cli.metrics import running_parts
from lockstep.cli.wiring import Built
from lockstep.http.api.app import create_api
from lockstep.http.callbacks.app import callback_routes
from lockstep.http.connect.app import create_connect_pages
from lockstep.http.console.app import create_console
from lockstep.http.console.settings import ConsoleSettings
from lockstep.http.guest.app import create_guest_pages
from lockstep.http.portal.app import create_portal_page
from lockstep.http.running.app import running_routes
from lockstep.http.running.measuring import Measuring
from lockstep.http.seam.app import Seam
from lockstep.http.seam.catalogue import first_part, namespaces
from lockstep.http.seam.credentials import shows_credentials
from lockstep.http.static_files import static_files
from lockstep.operations import connect_webviews, instant_keys, portals

_API = "v1"


class Site:
    """The application that listens on the one port."""

    def __init__(self, built: Built, crew: Crew | None) -> None:
        self._pages = create_console(built.gate, ConsoleSettings(built.settings.http.public_url))
        self._api = create_api(built.gate, built.settings.api)
        self._seam = Seam(
            built.gate,
            built.settings.api.requests_per_second,
            built.settings.api.burst,
            built.settings.api.most_body_bytes,
            public_url=built.settings.http.public_url,
        )
        self._seam_names = namespaces()
        self._by_link = {
            connect_webviews.PAGE.strip("/"): create_connect_pages(
                built.gate, built.settings.http.public_url
            ),
            portals.PAGE.strip("/"): create_portal_page(built.gate),
            instant_keys.PAGE.strip("/"): create_guest_pages(built.gate, built.settings.http.public_url),
        }
        self._others = Starlette(
            routes=[
                *running_routes(running_parts(built, crew)),
                static_files(),
                *callback_routes(built.gate),
                Mount("/", self._pages),
            ],
        )
        paths = (route.path for route in self._others.routes if isinstance(route, Route | Mount))
        self._other_names = {first_part(path) for path in paths if path}
        self._app = Measuring(self._api_or_others)

    def stop(self) -> None:
        """End what never ends by itself: pages that follow changes."""
        self._pages.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    async def _api_or_others(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Each tells in its own way, programs or people, what does not exist. The API is asked most, so it is asked
        before all the routes of the others."""
        first = first_part(scope.get("path", ""))
        if first == _API:
            await self._api(scope, receive, send)
        elif first in self._seam_names:
            await self._seam(scope, receive, send)
        elif first in self._by_link:
            await self._by_link[first](scope, receive, send)
        elif first not in self._other_names and shows_credentials(scope):
            # A program of Seam's, and no person: it is told in JSON that there is no such path.
            await self._seam(scope, receive, send)
        else:
            await self._others(scope, receive, send)
