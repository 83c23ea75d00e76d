"""Seam's way of writing parameters into a query string, read back by what each parameter is. Knows no path.

Written by @seamapi/url-search-params-serializer: arrays repeated, an empty one as `name=`, null as `name=`, records
with dots, and `_strict=true` at the end. Without `_strict` a person wrote it, and more is understood. What cannot be
read as what it should be stays text, and is refused with everything else that does not fit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_STRICT = {"true": True, "false": False}
_GENEROUS = {**_STRICT, "1": True, "0": False, "yes": True, "no": False}
STRICT_MARK = "_strict"


class Kind(Enum):
    """What a parameter is."""

    TEXT = "text"
    FLAG = "flag"
    NUMBER = "number"
    LIST = "list"
    RECORD = "record"


class QueryInvalid(Exception):
    """The query string cannot be read."""


def read_query(query: str, kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """The parameters of a query string. `kinds`: of those that the path takes; others are left out. Raises
    QueryInvalid."""
    pairs = parse_qsl(query, keep_blank_values=True)
    is_strict = (STRICT_MARK, "true") in pairs
    given: dict[str, list[str]] = {}
    records: dict[str, dict[str, list[str]]] = {}
    for name, value in pairs:
        name, inner = _name(name, kinds, is_strict=is_strict)
        value = value if is_strict else value.strip()
        if inner is not None:
            records.setdefault(name, {}).setdefault(inner, []).append(value)
        elif name in kinds:
            given.setdefault(name, []).append(value)
    read = {name: _value(name, values, kinds[name], is_strict) for name, values in given.items()}
    for name, inner_values in records.items():
        if name in read:
            raise QueryInvalid(f"the parameter '{name}' is given both as a value and by its parts")
        read[name] = {inner: _of_record(name, inner, v, is_strict) for inner, v in inner_values.items()}
    return read


def _name(name: str, kinds: Mapping[str, Kind], *, is_strict: bool) -> tuple[str, str | None]:
    """The parameter's name, and which part of a record it is."""
    if not is_strict and name.endswith("[]"):
        name = name.removesuffix("[]")
    outer, dot, inner = name.partition(".")
    if dot and kinds.get(outer) is Kind.RECORD:
        return outer, inner
    return name, None


def _value(name: str, values: list[str], kind: Kind, is_strict: bool) -> Any:
    if kind is Kind.LIST:
        return _list(name, values, is_strict)
    if len(values) > 1:
        raise QueryInvalid(f"the parameter '{name}' is given more than once and is not a list")
    (value,) = values
    if value == "":
        return {} if kind is Kind.RECORD else None
    if kind is Kind.FLAG:
        return _flag(value, is_strict)
    return _number(value) if kind is Kind.NUMBER else value


def _list(name: str, values: list[str], is_strict: bool) -> list[str]:
    if values == [""]:
        return []
    if "" in values:
        raise QueryInvalid(f"the list '{name}' is given as empty and as not empty")
    if not is_strict and len(values) == 1:
        return [part.strip() for part in values[0].split(",")]
    return values


def _of_record(name: str, inner: str, values: list[str], is_strict: bool) -> Any:
    if len(values) > 1:
        raise QueryInvalid(f"the parameter '{name}.{inner}' is given more than once")
    return None if values[0] == "" else _flag(values[0], is_strict)


def _flag(value: str, is_strict: bool) -> bool | str:
    known = _STRICT if is_strict else _GENEROUS
    return known.get(value if is_strict else value.lower(), value)


def _number(value: str) -> int | float | str:
    if not _NUMBER.fullmatch(value):
        return value
    return int(value) if value.lstrip("-").isdigit() else float(value)
