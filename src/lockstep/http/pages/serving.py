"""What every page goes out with and every form comes in by: headers, routes that say which they are, our own origin."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lockstep.operations.errors import NotAllowed

# Scripts and styles are files of ours alone; nothing comes from, or goes to, another host.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'{}; base-uri 'none'; frame-ancestors {}"
)
POLICY = _POLICY.format("", "'none'")
POLICY_WITHIN_OTHERS = _POLICY.format("", "*")
"""Of a page on which nothing can be done, and which another site's page may show within itself."""
HEADERS = {
    "content-security-policy": POLICY,
    # Not no-referrer: under that a browser hides the origin of our own forms.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
_MOST_BODY_BYTES = 16_384
_MOST_FIELDS = 30


def policy_with_forms_to(addresses: Iterable[str | None]) -> str:
    """The policy of a page whose form may end at one of these: browsers hold it to where a form's answer leads, too."""
    origins = sorted({"{0.scheme}://{0.netloc}".format(urlsplit(a)) for a in addresses if a})
    return _POLICY.format("".join(f" {origin}" for origin in origins), "'none'")


class PageRoute(Route):
    """Also says which route answered, for whoever counts requests by it."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, found = super().matches(scope)
        return match, {**found, "route": self} if match is Match.FULL else found


class WithHeaders:
    """An application whose every answer has the headers of a page; a policy that an answer brings stands."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                policy = headers.get("content-security-policy", POLICY)
                headers.update({**HEADERS, "content-security-policy": policy})
            await send(message)

        await self._app(scope, receive, send_with_headers)


def require_own_page(request: Request, public_url: str | None) -> None:
    """Raises NotAllowed for a form that another site's page sent. Every browser names the origin of a POST."""
    origin = urlsplit(request.headers.get("origin", "")).netloc
    ours = {request.headers.get("host", ""), urlsplit(public_url or "").netloc} - {""}
    if origin not in ours:
        raise NotAllowed(
            "This form was not sent from a page of Lockstep.",
            code="foreign_form",
            next_step="Open the page again, and send it from there.",
        )


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form; none where more was sent than a form of ours can hold."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BODY_BYTES:
            return {}
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}
