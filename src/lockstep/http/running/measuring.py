"""Counts and times every request, by the template of its path: an address itself may carry secrets."""

from __future__ import annotations

import functools
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lockstep.kit.metrics import REQUEST_SECONDS, REQUESTS

# Looking one up takes as long as counting ten times.
_counter = functools.cache(REQUESTS.labels)
_timer = functools.cache(REQUEST_SECONDS.labels)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Measuring:
    """ASGI middleware around everything that is served."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        # Where nothing was answered, the server will answer 500, or the caller has gone.
        status = 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            route = _template(scope)
            _counter(method, route, str(status)).inc()
            _timer(method, route).observe(time.perf_counter() - begun)


def _template(scope: Scope) -> str:
    """Of the route that answered; anything else is one word, so that strangers cannot make up labels."""
    path = getattr(scope.get("route"), "path", None)
    if isinstance(path, str):
        return path
    for known in ("/static", "/health", "/metrics"):
        if scope["path"].startswith(known):
            return known
    return "other"
