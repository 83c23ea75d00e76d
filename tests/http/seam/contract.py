"""Holds answers to Seam's own OpenAPI document: the witness stands between the SDK and Lockstep, and looks at each."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OFFICIAL = Path(__file__).with_name("official") / "seam-openapi-1.1038.0-locks.json"

_DOCUMENT = "https://seam.example/openapi.json"
"""What the validators call it."""

OLDER = Path(__file__).with_name("official") / "required-by-1.977.0.json"
OTHERS_REQUIRED = {"device": {"location"}, "access_code": {"display_status"}}
"""What types of versions in between rely on besides: resource -> fields."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One that was given."""

    path: str
    verb: str
    status: int
    body: Any
    headers: dict[str, str]


class Witness:
    """An ASGI application around the door: keeps what was answered, and what is wrong with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.answers: list[Answer] = []
        self.wrong: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()
        status, headers = 0, {}

        async def hear(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                body.extend(message.get("body", b""))
            await send(message)

        await self._app(scope, receive, hear)
        if scope["type"] != "http":
            return
        said = json.loads(bytes(body)) if body else None
        answer = Answer(scope["path"], scope["method"], status, said, headers)
        self.answers.append(answer)
        try:
            self.wrong += faults_of(answer)
        except Exception as fault:
            # The answer is given: whoever asked would not hear of it.
            self.wrong.append(f"{answer.verb} {answer.path}: not held to the contract: {fault!r}")


def faults_of(answer: Answer) -> list[str]:
    """What is wrong with an answer, in words; empty where it is as the contract says."""
    where = f"{answer.verb} {answer.path} ({answer.status})"
    found = []
    if not answer.headers.get("seam-request-id", "").startswith("request"):
        found.append(f"{where}: seam-request-id is {answer.headers.get('seam-request-id')!r}")
    if answer.status != 200:
        return found + [f"{where}: {fault}" for fault in _of_error(answer)]
    validator = _validator(answer.path)
    if validator is None:
        return [*found, f"{where}: the contract has no such path"]
    found += [f"{where}: {_told(fault)}" for fault in validator.iter_errors(answer.body)]
    is_of_unmanaged = "unmanaged" in answer.path
    for noun, fields in older_required().items():
        if noun.startswith("unmanaged_") != is_of_unmanaged:
            continue
        for one in _resources(answer.body, noun.removeprefix("unmanaged_")):
            if fields - one.keys():
                found.append(f"{where}: {noun} lacks {sorted(fields - one.keys())}")
    return found


@functools.cache
def older_required() -> dict[str, set[str]]:
    """What other versions that are in use require: resource -> fields."""
    found = {noun: set(fields) for noun, fields in json.loads(OLDER.read_text("utf-8")).items()}
    for noun, fields in OTHERS_REQUIRED.items():
        found[noun] |= fields
    return found


def paths() -> dict[str, Any]:
    """Of the document: path -> verb -> operation."""
    found: dict[str, Any] = document()["paths"]
    return found


@functools.cache
def document() -> dict[str, Any]:
    """The contract."""
    found: dict[str, Any] = _without_discriminators(json.loads(OFFICIAL.read_text("utf-8")))
    return found


def _without_discriminators(part: Any) -> Any:
    """They name members of choices that have no names in the document; without them the choice is made by trying."""
    if isinstance(part, dict):
        return {k: _without_discriminators(v) for k, v in part.items() if k != "discriminator"}
    return [_without_discriminators(it) for it in part] if isinstance(part, list) else part


@functools.cache
def _json_schemas() -> dict[str, Any]:
    """The contract's, for a validator that is fast enough to look at every answer: trying 114 types of events one after
    the other took seconds."""
    found: dict[str, Any] = _as_json_schema(document())
    return found


def _as_json_schema(part: Any) -> Any:
    """OpenAPI 3.0 says `nullable` where JSON Schema has null among the types, and says by a flag that a bound is
    outside."""
    if isinstance(part, list):
        return [_as_json_schema(it) for it in part]
    if not isinstance(part, dict):
        return part
    found = {k: _as_json_schema(v) for k, v in part.items() if k != "nullable"}
    for bound, outside in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(found.get(outside), bool) and found.pop(outside):
            found[outside] = found.pop(bound)
    if part.get("nullable") is True:
        if isinstance(part.get("type"), str):
            found["type"] = [part["type"], "null"]
        if "enum" in part:
            found["enum"] = [*part["enum"], None]
    return found


@functools.cache
def _registry() -> Any:
    """The document, held once for all validators."""
    return jsonschema_rs.Registry([(_DOCUMENT, {"$id": _DOCUMENT, **_json_schemas()})])


@functools.cache
def _validator(path: str) -> Any:
    operation = _json_schemas()["paths"].get(path, {}).get("post")
    if operation is None:
        return None
    if "content" not in operation["responses"]["200"]:
        # The contract does not say what is answered: as elsewhere, that it is ok.
        return jsonschema_rs.Draft7Validator({"properties": {"ok": {"const": True}}, "required": ["ok"]})
    escaped = path.replace("/", "~1")
    place = f"/paths/{escaped}/post/responses/200/content/application~1json/schema"
    return jsonschema_rs.Draft7Validator(
        {"$ref": f"{_DOCUMENT}#{place}"}, registry=_registry(), validate_formats=True
    )


def _told(fault: Any) -> str:
    """Where, and why; long choices are cut short."""
    place = ".".join(str(part) for part in fault.instance_path)
    return f"{place}: {fault.message[:600]}"


def _of_error(answer: Answer) -> list[str]:
    if answer.status == 503 and answer.body is None:
        return []
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    if not isinstance(error, dict):
        return ["no envelope of an error"]
    found = [
        f"error.{name} is no text" for name in ("type", "message") if not isinstance(error.get(name), str)
    ]
    if "validation_errors" in error and "_errors" not in error["validation_errors"]:
        found.append("validation_errors has no _errors")
    return found


def _resources(body: Any, noun: str) -> list[dict[str, Any]]:
    one, many = body.get(noun), body.get(f"{noun}s")
    return [it for it in [one, *(many or [])] if isinstance(it, dict)]
