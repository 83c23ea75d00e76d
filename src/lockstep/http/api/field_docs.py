"""What the docstrings under fields say, put into the API's description. Knows no noun."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import is_dataclass
from itertools import chain
from typing import Any, get_args, get_type_hints

from fastapi import APIRouter
from fastapi.routing import APIRoute


def describe_fields(routers: Iterable[APIRouter], schemas: dict[str, Any]) -> None:
    """Fill in `description` of the properties of all answers. Request bodies have theirs from Pydantic."""
    told: set[type] = set()
    for route in chain.from_iterable(router.routes for router in routers):
        if isinstance(route, APIRoute):
            for kind in _dataclasses_in(route.response_model, told):
                schema = schemas.get(kind.__name__, {})
                for name, text in _docstrings(kind).items():
                    found = schema.get("properties", {}).get(name)
                    if found is not None:
                        # A property that is no more than a reference may carry a description beside it (3.1).
                        found.setdefault("description", text)


def _dataclasses_in(kind: Any, told: set[type]) -> Iterator[type]:
    """Dataclasses within a type, and within their fields; each once."""
    for part in get_args(kind):
        yield from _dataclasses_in(part, told)
    kind = getattr(kind, "__origin__", kind)
    if not isinstance(kind, type) or not is_dataclass(kind) or kind in told:
        return
    told.add(kind)
    yield kind
    for hint in get_type_hints(kind).values():
        yield from _dataclasses_in(hint, told)


def _docstrings(kind: type) -> dict[str, str]:
    """Field -> the text that stands under it in the source."""
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
