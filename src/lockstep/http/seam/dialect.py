"""Seam's way of writing parameters into a query string, read back by what each parameter is. Knows no path.

Written by @seamapi/url-search-params-serializer: arrays repeated, an empty one as `name=`, null as `name=`, records
with dots, and `_strict=true` at the end. Without `_strict` a person wrote it, and more is understood: `name[]=a`,
`name=a,b`, `Yes`, `+5`, and spaces around what is no text. What cannot be read as what it should be stays text, and is
refused with everything else that does not fit; what can be read in two ways is refused here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl, urlencode

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_NUMBER_BY_HAND = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LONGEST_NUMBER = 300
_STRICT = {"true": True, "false": False}
_GENEROUS = {**_STRICT, "1": True, "0": False, "yes": True, "no": False}
STRICT_MARK = "_strict"
_MANY = "[]"


class Kind(Enum):
    """What a parameter is."""

    TEXT = "text"
    FLAG = "flag"
    NUMBER = "number"
    LIST = "list"
    NUMBERS = "numbers"
    RECORD = "record"


_LISTS = (Kind.LIST, Kind.NUMBERS)


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
        outer, dot, inner = name.partition(".")
        if dot and kinds.get(outer) is Kind.RECORD:
            records.setdefault(outer, {}).setdefault(inner, []).append(value)
        elif kinds.get(name.removesuffix(_MANY)) is not None:
            given.setdefault(name, []).append(value)
    read = {}
    for name, values in _without_brackets(given, kinds, is_strict=is_strict).items():
        read[name.removesuffix(_MANY)] = _value(name, values, kinds[name.removesuffix(_MANY)], is_strict)
    for name, inner_values in records.items():
        if name in read:
            raise QueryInvalid(f"the parameter '{name}' is given both as a value and by its parts")
        read[name] = {inner: _of_record(name, inner, v) for inner, v in inner_values.items()}
    return read


def write_query(given: Mapping[str, Any]) -> str:
    """The other way round, as the SDKs write it; without nulls."""
    pairs = [pair for name in sorted(given) for pair in _pairs(name, given[name])]
    return urlencode([*pairs, (STRICT_MARK, "true")])


def _pairs(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [pair for inner in sorted(value) for pair in _pairs(f"{name}.{inner}", value[inner])]
    if isinstance(value, list):
        return [(name, str(it)) for it in value] or [(name, "")]
    if value is None:
        return [(name, "")]
    return [(name, str(value).lower() if isinstance(value, bool) else str(value))]


def _without_brackets(
    given: dict[str, list[str]], kinds: Mapping[str, Kind], *, is_strict: bool
) -> dict[str, list[str]]:
    """`name[]` stands for a list alone, and in one of its two forms."""
    kept = {}
    for name, values in given.items():
        plain = name.removesuffix(_MANY)
        if plain != name:
            if kinds[plain] not in _LISTS:
                continue
            if is_strict:
                raise QueryInvalid(f"the list '{plain}' is written with brackets, and the query is strict")
            if plain in given:
                raise QueryInvalid(f"the list '{plain}' is written with brackets and without")
        kept[name] = values
    return kept


def _value(name: str, values: list[str], kind: Kind, is_strict: bool) -> Any:
    if kind in _LISTS:
        found = _list(name, values, is_strict)
        return [_number(it, is_strict) for it in found] if kind is Kind.NUMBERS else found
    if len(values) > 1:
        raise QueryInvalid(f"the parameter '{name}' is given more than once and is not a list")
    (value,) = values
    if kind is not Kind.TEXT and not is_strict:
        value = value.strip()
    if value == "":
        return None
    if kind is Kind.FLAG:
        return _flag(value, is_strict)
    return _number(value, is_strict) if kind is Kind.NUMBER else value


def _list(name: str, values: list[str], is_strict: bool) -> list[str]:
    def is_empty(value: str) -> bool:
        return not (value if is_strict else value.strip())

    if len(values) == 1 and is_empty(values[0]):
        return []
    if any(is_empty(value) for value in values):
        raise QueryInvalid(f"the list '{name}' is given as empty and as not empty")
    if is_strict or not any("," in value for value in values):
        return values
    if len(values) > 1 or name.endswith(_MANY):
        raise QueryInvalid(f"the list '{name}' is written both with commas and by repeating")
    parts = values[0].split(",")
    if any(is_empty(part) for part in parts):
        raise QueryInvalid(f"the list '{name}' has an empty part between commas")
    return parts


def _of_record(name: str, inner: str, values: list[str]) -> Any:
    if len(values) > 1:
        raise QueryInvalid(f"the parameter '{name}.{inner}' is given more than once")
    # Of text or flags: only what is written as the SDKs write a flag is one, since "1" may be text.
    return None if values[0] == "" else _STRICT.get(values[0], values[0])


def _flag(value: str, is_strict: bool) -> bool | str:
    known = _STRICT if is_strict else _GENEROUS
    return known.get(value if is_strict else value.lower(), value)


def _number(value: str, is_strict: bool) -> int | float | str:
    value = value if is_strict else value.strip()
    if not (_NUMBER if is_strict else _NUMBER_BY_HAND).fullmatch(value):
        return value
    # Python reads no whole number of thousands of digits; as a float it is infinite, and refused as such.
    is_whole = value.lstrip("+-").isdigit() and len(value) <= _LONGEST_NUMBER
    return int(value) if is_whole else float(value)
