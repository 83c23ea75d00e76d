"""What a path takes: a pydantic model for each, read from a query string, a JSON body, or both."""

from __future__ import annotations

import functools
import types
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from lockstep.http.seam.dialect import STRICT_MARK, Kind, QueryInvalid, read_query
from lockstep.http.seam.faults import SeamFault, invalid_input, of_validation
from lockstep.http.storable import what_cannot_be_stored


class Params(BaseModel):
    """What a path takes. Unknown parameters are left out, as Seam does; nothing is turned into another type."""

    # Built when a path is first asked: for all of them at once it takes a quarter of what a start takes.
    model_config = ConfigDict(
        strict=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
        defer_build=True,
    )

    def __repr__(self) -> str:
        """Never with values: they may be digits."""
        return type(self).__name__

    __str__ = __repr__

    def was_given(self, name: str) -> bool:
        """Also where it was given as null."""
        return name in self.model_fields_set


P = TypeVar("P", bound=Params)
_DEEPEST = 50
"""Levels of a body; what Seam's contract has are five."""


def _instant(value: Any) -> Any:
    if not isinstance(value, str):
        # pydantic would say "datetime"; on the wire it is text. It takes a ValueError for a fault of the value.
        raise ValueError(  # noqa: TRY004
            f"Expected string, received {_JSON_NAMES.get(type(value), 'object')}"
        )
    try:
        at = datetime.fromisoformat(value)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("Invalid datetime") from None


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 2.0 is 2."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, float):
        raise ValueError("Expected integer, received float")  # noqa: TRY004 as above
    return value


_JSON_NAMES = {bool: "boolean", int: "number", float: "number", list: "array", type(None): "null"}

Instant = Annotated[datetime, BeforeValidator(_instant)]
"""ISO 8601; without an offset it is UTC."""
Whole = Annotated[int, BeforeValidator(_whole)]
"""A number without a fraction, however it is written."""
Digits = Annotated[str, Field(min_length=4, max_length=12, pattern="^[0-9]+$")]
Id = Annotated[str, Field(max_length=200)]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Ids = Annotated[list[Id], Field(max_length=1000)]
"""Many at a time: each may be a question to the database."""
Keys = Annotated[list[Text], Field(max_length=1000)]
ProviderCategory = Literal[
    "stable",
    "consumer_smartlocks",
    "beta",
    "thermostats",
    "noise_sensors",
    "access_control_systems",
    "cameras",
    "connectors",
]
"""Of vendors, as Seam sorts them."""
Metadata = dict[str, str | bool | None]
"""Values that only callers understand."""


class Listed(Params):
    """Of a list that comes in pages."""

    limit: Annotated[Whole, Field(ge=1)] | None = None
    page_cursor: str | None = None

    def most(self, longest: int) -> int:
        """How many to answer: as many as are asked for, and at most a page."""
        return longest if self.limit is None else min(int(self.limit), longest)


def read_params(model: type[P], query: str, body: bytes, content_type: str | None) -> P:
    """The body wins over the query. Raises SeamFault."""
    given = _from_query(model, query)
    if body:
        given |= _from_body(body, content_type)
    given.pop(STRICT_MARK, None)
    # What JSON holds unescaped, can be stored.
    if query or b"\\u" in body:
        _require_storable(given)
    try:
        return model.model_validate(given)
    except ValidationError as fault:
        raise of_validation(fault.errors(include_url=False)) from None


def _require_storable(value: Any, depth: int = 0) -> None:
    """Wherever it stands, also in what the path does not take. Raises SeamFault, which does not repeat it."""
    if depth > _DEEPEST:
        raise _too_deep()
    if isinstance(value, str):
        fault = what_cannot_be_stored(value)
        if fault is not None:
            raise invalid_input(fault)
    elif isinstance(value, dict):
        for name, inner in value.items():
            _require_storable(name)
            _require_storable(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _require_storable(inner, depth + 1)


def _too_deep() -> SeamFault:
    return invalid_input(f"The body is nested more than {_DEEPEST} levels deep.")


def _from_query(model: type[Params], query: str) -> dict[str, Any]:
    if not query:
        return {}
    try:
        return read_query(query, kinds_of(model))
    except QueryInvalid as fault:
        raise SeamFault(HTTPStatus.BAD_REQUEST, "invalid_query_params", str(fault)) from None


def _from_body(body: bytes, content_type: str | None) -> Mapping[str, Any]:
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise SeamFault(
            HTTPStatus.BAD_REQUEST,
            "invalid_content_type",
            "Send parameters as JSON, with the header `content-type: application/json`.",
        )
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise invalid_input("The body is not JSON.") from None
    except RecursionError:
        raise _too_deep() from None
    if not isinstance(found, dict):
        raise invalid_input("The body is not a JSON object.")
    return found


@functools.cache
def kinds_of(model: type[Params]) -> Mapping[str, Kind]:
    """How each parameter stands in a query string."""
    return {name: _kind(field.annotation) for name, field in model.model_fields.items()}


def _kind(annotation: Any) -> Kind:
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return _kind(next(a for a in get_args(annotation) if a is not type(None)))
    if origin is Annotated:
        return _kind(get_args(annotation)[0])
    if origin is Literal:
        return Kind.TEXT
    plain = origin or annotation
    if plain is list and _kind(get_args(annotation)[0]) is Kind.NUMBER:
        return Kind.NUMBERS
    found = {bool: Kind.FLAG, int: Kind.NUMBER, float: Kind.NUMBER, list: Kind.LIST, dict: Kind.RECORD}
    return found.get(plain, Kind.TEXT)
