"""What the docstrings under fields say, put into the API's description. Knows no noun."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import is_dataclass
from typing import Any, get_args, get_type_hints

from fastapi.routing import APIRoute
from pydantic import BaseModel


def describe_fields(routes: Iterable[APIRoute], schemas: dict[str, Any]) -> None:
    """Fill in `description` of the properties of all answers and request bodies."""
    told: set[type] = set()
    for route in routes:
        body = None if route.body_field is None else route.body_field.field_info.annotation
        for kind in (*_kinds_in(route.response_model, told), *_kinds_in(body, told)):
            properties = schemas.get(kind.__name__, {}).get("properties", {})
            for name, text in _docstrings(kind).items():
                if name in properties:
                    # A property that is no more than a reference may carry a description beside it (3.1).
                    properties[name].setdefault("description", text)


def _kinds_in(kind: Any, told: set[type]) -> Iterator[type]:
    """Dataclasses and models within a type, and within their fields; each once."""
    for part in get_args(kind):
        yield from _kinds_in(part, told)
    kind = getattr(kind, "__origin__", kind)
    if not isinstance(kind, type) or kind in told:
        return
    if not _has_fields(kind):
        return
    told.add(kind)
    yield kind
    for hint in get_type_hints(kind).values():
        yield from _kinds_in(hint, told)


def _has_fields(kind: type) -> bool:
    return is_dataclass(kind) or (issubclass(kind, BaseModel) and kind is not BaseModel)


def _docstrings(kind: type) -> dict[str, str]:
    """Field -> the text that stands under it in the source; those of what it derives from, too."""
    found: dict[str, str] = {}
    for each in filter(_has_fields, reversed(kind.__mro__)):
        found |= _own_docstrings(each)
    return found


def _own_docstrings(kind: type) -> dict[str, str]:
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for field, under in zip(tree.body, tree.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(under, ast.Expr)
            and isinstance(under.value, ast.Constant)
            and isinstance(under.value.value, str)
        ):
            found[field.target.id] = inspect.cleandoc(under.value.value)
    return found
