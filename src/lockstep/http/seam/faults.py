"""What went wrong, in Seam's shape: a type, a message, and for parameters what zod would say of each. Knows no path.

The words are those of Seam's contract (zod's `format()`), since its users' programs look for them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from lockstep.http.seam.present.ids import shown
from lockstep.model import permissions
from lockstep.operations.errors import (
    AccountInError,
    Conflict,
    Invalid,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Problem,
    TooFast,
    Unavailable,
    VendorFailed,
)


class SeamFault(Exception):
    """Answered as it is."""

    def __init__(
        self,
        status: int,
        type: str,
        message: str,
        validation_errors: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.type = type
        self.message = message
        self.validation_errors = validation_errors
        self.headers = dict(headers or {})

    def document(self) -> dict[str, Any]:
        """Seam's envelope of an error."""
        error: dict[str, Any] = {"type": self.type, "message": self.message}
        if self.validation_errors is not None:
            error["validation_errors"] = self.validation_errors
        return {"error": error, "ok": False}


def invalid_input(message: str, validation_errors: Mapping[str, Any] | None = None) -> SeamFault:
    return SeamFault(HTTPStatus.BAD_REQUEST, "invalid_input", message, validation_errors)


def fault_of(problem: Problem | permissions.NotAllowed) -> SeamFault:
    """What an operation refused. The cause and the next step are said in one message."""
    if isinstance(problem, permissions.NotAllowed):
        return SeamFault(HTTPStatus.FORBIDDEN, "forbidden", str(problem))
    message = _in_seams_words(problem.code, f"{problem.cause} {problem.next_step}")
    if isinstance(problem, Unavailable):
        seconds = {"retry-after": str(problem.retry_after_seconds)}
        return SeamFault(HTTPStatus.SERVICE_UNAVAILABLE, problem.code, message, headers=seconds)
    if isinstance(problem, TooFast):
        seconds = {"retry-after": str(problem.retry_after_seconds)}
        return SeamFault(HTTPStatus.TOO_MANY_REQUESTS, problem.code, message, headers=seconds)
    if problem.code in _OWN:
        return SeamFault(*_OWN[problem.code], message)
    for kind, status, type in _KINDS:
        if isinstance(problem, kind):
            return SeamFault(status, type or _TYPES.get(problem.code, problem.code), message)
    return invalid_input(message)


def _in_seams_words(code: str, message: str) -> str:
    """With ids as this door shows them, and its name for a guest where the fault is a guest's."""
    message = _PUBLIC_ID.sub(lambda found: shown(found[0]), message)
    if code.startswith("guest_") or code in _OF_GUESTS:
        message = re.sub(r"\bguests\b", "user identities", message)
        message = re.sub(r"\bguest\b", "user identity", message)
    return message


_OF_GUESTS = ("merged_into_itself",)
_PUBLIC_ID = re.compile(r"\b[a-z]+_[0-9a-z]{26}\b")
_OWN = {
    "backup_needs_end": (HTTPStatus.BAD_REQUEST, "access_code_not_time_bound"),
    "no_backup_code": (HTTPStatus.NOT_FOUND, "backup_access_code_not_found"),
    "client_session_exists": (HTTPStatus.BAD_REQUEST, "client_session_token_already_exists"),
    "session_key_needed": (HTTPStatus.BAD_REQUEST, "missing_user_identifier_key"),
}
"""Where Seam answers with another status, too."""
_TYPES = {
    "code_taken": "duplicate_access_code",
    "guest_not_found": "user_identity_not_found",
    "guest_key_taken": "user_identity_already_exists",
    "guest_email_taken": "user_identity_already_exists",
    "guest_phone_taken": "user_identity_already_exists",
}
"""Where Seam has a word of its own for one of our codes."""
_KINDS: tuple[tuple[type[Problem], int, str | None], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND, None),
    (Conflict, HTTPStatus.CONFLICT, None),
    (NotSignedIn, HTTPStatus.UNAUTHORIZED, "unauthorized"),
    (NotAllowed, HTTPStatus.FORBIDDEN, "forbidden"),
    (AccountInError, HTTPStatus.FORBIDDEN, None),
    (VendorFailed, HTTPStatus.BAD_GATEWAY, None),
    (Invalid, HTTPStatus.BAD_REQUEST, "invalid_input"),
)


def of_validation(errors: Sequence[Mapping[str, Any]]) -> SeamFault:
    """Of what pydantic found. No value that was sent is repeated, since it may be digits."""
    told = _of_choices([(tuple(e["loc"]), _words(e)) for e in errors])
    tree: dict[str, Any] = {"_errors": []}
    for place, words in told:
        node = tree
        for part in place:
            node = node.setdefault(str(part), {"_errors": []})
        node["_errors"].append(words)
    lines = [_line(place, words) for place, words in told]
    message = lines[0] if len(lines) == 1 else f"{len(lines)} Input Errors: {', '.join(lines)}"
    return invalid_input(message, tree)


_MEMBERS = {"str", "bool", "int", "float", "function-before[_instant(), datetime]"}


def _of_choices(told: list[tuple[tuple[Any, ...], str]]) -> list[tuple[tuple[Any, ...], str]]:
    """What may be one of several types is refused once, where pydantic tells of each, and names it at the end."""
    refused: dict[tuple[Any, ...], set[Any]] = {}
    for place, _ in told:
        refused.setdefault(place[:-1], set()).add(place[-1] if place else None)
    choices = {place for place, last in refused.items() if len(last) > 1 and last <= _MEMBERS}
    once = dict.fromkeys(place[:-1] if place[:-1] in choices else place for place, _ in told)
    words = dict(told)
    return [(place, words.get(place, "Invalid input")) for place in once]


def _line(place: tuple[Any, ...], words: str) -> str:
    path = ".".join(str(part) for part in place)
    return f"{path} is required" if words == _REQUIRED else f'{words} for "{path}"'


_REQUIRED = "Required"
_EXPECTED = {
    "string_type": "string",
    "bool_type": "boolean",
    "int_type": "number",
    "float_type": "number",
    "list_type": "array",
    "dict_type": "object",
    "model_type": "object",
    "model_attributes_type": "object",
    "dataclass_type": "object",
}


def _words(error: Mapping[str, Any]) -> str:
    kind, context = error["type"], error.get("ctx", {})
    match kind:
        case "missing":
            return _REQUIRED
        case "literal_error" | "enum":
            choices = str(context["expected"]).replace(" or ", " | ").replace(", ", " | ")
            return f"Invalid enum value. Expected {choices}"
        case "string_too_short":
            return f"String must contain at least {context['min_length']} character(s)"
        case "string_too_long":
            return f"String must contain at most {context['max_length']} character(s)"
        case "too_short":
            return f"Array must contain at least {context['min_length']} element(s)"
        case "too_long":
            return f"Array must contain at most {context['max_length']} element(s)"
        case "greater_than_equal":
            return f"Number must be greater than or equal to {context['ge']:g}"
        case "less_than_equal":
            return f"Number must be less than or equal to {context['le']:g}"
        case "finite_number":
            return "Number must be finite"
        case "string_pattern_mismatch":
            return "Invalid"
        case "value_error":
            return str(context["error"])
    if kind in _EXPECTED:
        return f"Expected {_EXPECTED[kind]}, received {_name_of(error['input'])}"
    return str(error["msg"])


def _name_of(value: Any) -> str:
    """As JavaScript would name its type."""
    if value is None:
        return "null"
    for kinds, name in (
        (bool, "boolean"),
        (int | float, "number"),
        (str, "string"),
        (list, "array"),
        (dict, "object"),
    ):
        if isinstance(value, kinds):
            return name
    return "unknown"
