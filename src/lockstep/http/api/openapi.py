"""The API's description, OpenAPI 3.1: what FastAPI gathers, with the problems and headers that all routes share."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from lockstep.http.api.examples import add_examples_of_ids
from lockstep.http.api.field_docs import describe_fields
from lockstep.http.api.problems import MEDIA_TYPE, ProblemOut
from lockstep.http.api.routing import LateRoute

_DESCRIPTION = """\
Lockstep keeps what is on every lock equal to what was declared, and can prove it. You declare (a booking, an access
grant); Lockstep writes to the locks, reads them, and tells lock by lock what is proven to be there.

To begin: `POST /v1/connected_accounts` with the credentials of your locks, `POST /v1/spaces` for the property and the
locks in it, `POST /v1/calendars` with the calendar's address, or `POST /v1/bookings` by hand; then `GET /v1/arrivals`.

* **Keys**: send `Authorization: Bearer seam_lockstep_...`. A key has scopes, and may be confined to some properties.
  Digits are masked without `codes:read`; doors are opened from afar with `devices:unlock` alone. Neither is given
  unasked.
* **Lists** come in pages: pass `next_cursor` as `cursor`.
* **Once only**: send an `Idempotency-Key` with whatever changes something; the same request again is not done again
  and gets the same answer for 24 hours.
* **Problems** are `application/problem+json` (RFC 9457) with a `code` for programs, a `cause` and a `next_step`.
* **Pace**: `RateLimit` and `RateLimit-Policy` say how many requests are left, `Retry-After` how long to wait.
* **Instants** are UTC, windows are half-open: `[starts_at, ends_at)`. Days and hours are those of the property.
"""
_TAGS = {
    "Connected accounts": "One set of credentials at a vendor, with everything under it.",
    "Devices": "Locks and doors under connected accounts.",
    "Properties and spaces": "Where devices stand. A property is a space at the top; it has a time zone and hours.",
    "Calendars": "Booking feeds (iCal) of Airbnb, Booking.com, Vrbo and others. What looks like a fault is held, not "
    "obeyed.",
    "Bookings": "Stays. Each gets one code for all doors of its space.",
    "Guests": "Who is let in; all that is personal stands here, and can be erased.",
    "Access grants": "This guest, these spaces or devices, this window: made by bookings, or by you.",
    "Access codes": "One code on one lock: what is declared of it, what is believed, and on what evidence.",
    "Action attempts": "Asked-for acts, such as unlocking now, and what came of them.",
    "Workspace": "What all of this belongs to.",
    "API keys": "Who may use this API, and for what.",
    "Events": "What happened, in an order that never changes.",
    "Webhooks": "The same events, sent to you as they happen, signed (Standard Webhooks).",
    "Audit": "The same events as a hash chain that can be checked.",
}
_CHANGING = {"post", "put", "patch", "delete"}
_CAUSES = {
    "400": "Something that was sent cannot be taken; `errors` names the fields.",
    "401": "No API key, or one that is not known, revoked or expired.",
    "403": "The key lacks the scope, or the connected account is in error.",
    "404": "There is no such thing in this workspace.",
    "409": "It contradicts what is there, or the Idempotency-Key came with another request before.",
    "413": "The request is too large.",
    "429": "Too many requests with this key; see `Retry-After`.",
    "500": "A fault of Lockstep's own; see what is there before you send it again.",
    "503": "Lockstep cannot do it at this moment, and nothing was done; see `Retry-After`.",
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text of your own, such as a UUID: the same request under the same key is done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": "0190f5de-6f6e-7d6a-8a40-4f7a3c3a3f55",
}


def describe(app: FastAPI, declared: Iterable[LateRoute]) -> dict[str, Any]:
    """The whole document; made once. `app` gives title and version."""
    routes = [route.described() for route in declared]
    document = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        description=_DESCRIPTION,
        routes=routes,
        tags=[{"name": name, "description": text} for name, text in _TAGS.items()],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = TypeAdapter(ProblemOut).json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem | {"title": "Problem"}
    components["securitySchemes"] = {
        "api_key": {"type": "http", "scheme": "bearer", "description": "An API key: `seam_lockstep_...`"}
    }
    document["security"] = [{"api_key": []}]
    describe_fields(routes, schemas)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _complete(operation, method, names_things="{" in path or _names_things(operation, schemas))
    add_examples_of_ids(document)
    return _with_plain_names(document)


def _names_things(operation: dict[str, Any], schemas: dict[str, Any]) -> bool:
    """Whether a filter or the body names something by its id, which may not be there."""
    names = [parameter["name"] for parameter in operation.get("parameters", ())]
    content = operation.get("requestBody", {}).get("content", {})
    for body in content.values():
        of = [body["schema"], *body["schema"].get("anyOf", ())]
        for schema in (schemas[s["$ref"].rpartition("/")[2]] for s in of if "$ref" in s):
            names += schema.get("properties", ())
    return any(name.endswith(("_id", "_ids")) for name in names)


def _with_plain_names(document: dict[str, Any]) -> dict[str, Any]:
    """Schemas as a reader would name them: `AccessCode` for AccessCodeOut, `PageOfAccessCode` for its pages."""
    text = json.dumps(document)
    for name in sorted(document["components"]["schemas"], key=len, reverse=True):
        page = re.fullmatch(r"Page_(\w+?)(Out)?_", name)
        plain = f"PageOf{page[1]}" if page else name.removesuffix("Out")
        if plain != name:
            text = text.replace(f'schemas/{name}"', f'schemas/{plain}"').replace(
                f'"{name}": {{', f'"{plain}": {{'
            )
            text = text.replace(f'"title": "{name}"', f'"title": "{plain}"')
    text = re.sub(r'"title": "Page\[(\w+?)(?:Out)?\]"', r'"title": "PageOf\1"', text)
    return dict(json.loads(text))


def _complete(operation: dict[str, Any], method: str, *, names_things: bool) -> None:
    # What stands before the first pause.
    operation["summary"] = re.split(r"[.:;](?:\s|$)", operation["description"], maxsplit=1)[0]
    responses = operation["responses"]
    # FastAPI's own way of telling of bad values, which we tell of as 400.
    responses.pop("422", None)
    statuses = {"400", "401", "403", "429", "500", "503"}
    if names_things:
        statuses.add("404")
    if method in _CHANGING:
        statuses.add("409")
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    if "requestBody" in operation:
        statuses.add("413")
    for status in sorted(statuses):
        responses.setdefault(
            status,
            {
                "description": _CAUSES[status],
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        )
    operation["responses"] = dict(sorted(responses.items()))
