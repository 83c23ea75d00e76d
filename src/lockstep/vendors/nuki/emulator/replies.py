"""How the vendor's server words its answers (a Restlet behind nginx). Knows no state.

Sources of the bodies: nuki.md section 2, "HTTP errors".
"""

from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response

from lockstep.emulation.gate import Reply

_SUBSCRIPTION = "No active Smart Hosting subscription for the Smart Lock, please get one!"
_UNPROCESSABLE = (
    "The server understands the content type of the request entity and the syntax of the request entity is"
    " correct but was unable to process the contained instructions"
)


@dataclass
class Refused(Exception):
    """The emulated vendor refuses a call with this status and body."""

    status: int
    body: dict[str, Any]

    code = "refused"


def json(value: Any, status: int = 200) -> Response:
    """A JSON body."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def done() -> Response:
    """Validated and queued, or done: 204 does not tell which."""
    return Response(status_code=204)


def refused(refusal: Refused) -> Response:
    """The answer to a call that was refused."""
    return json(refusal.body, refusal.status)


def bad_parameter(name: str, value: Any) -> Refused:
    """400: the vendor repeats the value, digits included."""
    shown = "null" if value is None else str(value)
    return Refused(400, _restlet(f"The supplied value '{shown}' for parameter '{name}' is not valid"))


def not_authorized() -> Refused:
    """401: no such token, or it lacks the scope."""
    return Refused(401, _restlet("Your access token is not authorized"))


def no_subscription(status: int) -> Refused:
    """The subscription wall."""
    return Refused(status, {"error": _SUBSCRIPTION})


def not_found() -> Refused:
    """404: no such lock, authorization, path."""
    return Refused(404, _restlet(None))


def not_allowed() -> Refused:
    """405: this device cannot do that."""
    return Refused(405, _restlet(None))


def conflict(message: str | None = None) -> Refused:
    """409: digits, mail address or authorization exist already."""
    return Refused(409, _restlet(message))


def unprocessable() -> Refused:
    """422: a name that is missing or too long; the vendor does not say which."""
    return Refused(
        422,
        {
            "code": 422,
            "description": _UNPROCESSABLE,
            "homeRef": "/",
            "reasonPhrase": "Unprocessable Entity",
            "uri": "http://www.webdav.org/specs/rfc2518.html#STATUS_422",
        },
    )


def locked() -> Refused:
    """423: another operation is pending."""
    return Refused(423, _restlet(None))


def not_emulated(method: str, path: str) -> Refused:
    """501: documented by the vendor, not built here."""
    return Refused(501, {"error": "not_emulated", "detail": f"The emulator does not build {method} {path}."})


def too_fast() -> Reply:
    """429: nginx's bare page; no Retry-After, no header that tells of a rate."""
    title = "<head><title>429 Too Many Requests</title></head>"
    page = f"<html>\r\n{title}\r\n<body>\r\n<center><h1>429 Too Many Requests</h1></center>\r\n"
    return _nginx(429, f"{page}<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n")


def gateway_error(status: int) -> Reply:
    """5xx: nginx's page where the server behind it failed (a 502 is reported)."""
    page = (
        f"<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>\r\n"
    )
    return _nginx(status, f"{page}<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n")


def _restlet(message: str | None) -> dict[str, Any]:
    body: dict[str, Any] = {"stackTrace": [], "suppressedExceptions": []}
    return body if message is None else {"detailMessage": message, **body}


def _nginx(status: int, page: str) -> Reply:
    return Reply(status, [(b"content-type", b"text/html"), (b"server", b"nginx")], page.encode())
