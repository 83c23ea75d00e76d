"""The pages put together: routes, what a fault looks like, and the headers of every answer."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from lockstep.http.console.live import Live
from lockstep.http.console.sessions import Sessions
from lockstep.http.console.settings import ConsoleSettings
from lockstep.http.console.sign_in import SignInPage
from lockstep.http.console.today import TodayPage
from lockstep.http.console.visits import Doorman
from lockstep.http.pages.faults import tell_of_faults
from lockstep.http.pages.rendering import Templates
from lockstep.http.pages.serving import WithHeaders
from lockstep.kit.clock import Clock, SystemClock
from lockstep.kit.sealing import derive
from lockstep.operations.changes import Changes
from lockstep.operations.gate import Gate

log = structlog.get_logger()


class Console:
    """An ASGI application: all pages. The files that they load are served at /static by whoever mounts this."""

    def __init__(self, app: Starlette, live: Live) -> None:
        self._app = WithHeaders(app)
        self._live = live

    def stop(self) -> None:
        """End what never ends by itself: open pages that follow changes."""
        self._live.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def create_console(
    gate: Gate,
    settings: ConsoleSettings | None = None,
    *,
    clock: Clock | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Console:
    """`clock` is real time, by which sessions end, whatever time the gate lives by."""
    settings = settings or ConsoleSettings()
    secret = derive(gate.sealer.fingerprint_key, "sessions of the console")
    sessions = Sessions(secret, settings.session_lasts, clock or SystemClock())
    doorman = Doorman(gate, sessions, settings)
    templates = Templates("lockstep.http.console")
    live = Live(Changes(gate), settings)
    app = Starlette(
        routes=[
            *TodayPage(gate, doorman, templates, live).routes(),
            *SignInPage(gate, doorman, templates, settings, monotonic).routes(),
        ]
    )
    tell_of_faults(app, templates)
    return Console(app, live)
