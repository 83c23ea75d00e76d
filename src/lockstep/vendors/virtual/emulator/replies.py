"""How the virtual vendor words its answers. Knows no state."""

from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response

from lockstep.emulation.gate import Reply

RETRY_AFTER_SECONDS = 7


@dataclass
class Refused(Exception):
    """The emulated vendor refuses a call: status, the word for it, a sentence, perhaps seconds to wait."""

    status: int
    error: str
    detail: str
    retry_after_seconds: float | None = None

    code = "refused"


def json(value: Any, status: int = 200) -> Response:
    """A JSON body."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def refused(refusal: Refused) -> Response:
    """The answer to a call that was refused."""
    body: dict[str, Any] = {"error": refusal.error, "detail": refusal.detail}
    response = json(body, refusal.status)
    if refusal.retry_after_seconds is not None:
        response.headers["retry-after"] = str(round(refusal.retry_after_seconds))
    return response


def unauthorized() -> Refused:
    """No such token."""
    return Refused(401, "unauthorized", "No such token. Make one in the app, under Account.")


def not_found(what: str) -> Refused:
    """No such lock, code, job, hook or path."""
    return Refused(404, "not_found", f"There is no {what}.")


def malformed(detail: str) -> Refused:
    """The body is not what the manual says."""
    return Refused(400, "malformed", detail)


def rule_broken(detail: str) -> Refused:
    """Digits, a name or a window against the lock's rules."""
    return Refused(422, "rule_broken", detail)


def unsupported(what: str) -> Refused:
    """This lock cannot do that."""
    return Refused(422, "unsupported", f"This lock cannot {what}.")


def lock_offline(lock: str) -> Refused:
    """The lock cannot be reached."""
    return Refused(409, "lock_offline", f"{lock} cannot be reached.")


def busy(gateway: str, seconds: float) -> Refused:
    """The gateway is still at an earlier write."""
    return Refused(409, "busy", f"{gateway} is still writing.", seconds)


def too_many() -> Reply:
    """429, with the seconds to wait."""
    return _reply(429, "too_many", [(b"retry-after", str(RETRY_AFTER_SECONDS).encode())])


def failed(status: int) -> Reply:
    """The answer of a fault: a server that failed, or (409) a gateway that is at an earlier write."""
    return _reply(status, "busy" if status == 409 else "failed", [])


def _reply(status: int, error: str, headers: list[tuple[bytes, bytes]]) -> Reply:
    body = msgspec.json.encode({"error": error, "detail": ""})
    return Reply(status, [(b"content-type", b"application/json"), *headers], body)
