"""Pages of a list: what a route takes and answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import Field

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=100, description="How many to return at most.")]
"""Of a route's parameter: `limit: Limit = 50`."""
Cursor = Annotated[
    str | None,
    Query(max_length=1000, description="`next_cursor` of the page before; leave out for the first page."),
]
"""Of a route's parameter: `cursor: Cursor = None`."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list. `next_cursor` leads to what follows; null where nothing does."""

    items: list[T]
    next_cursor: Annotated[str | None, Field(examples=["WzQyXZ2Qe3cP0n8r2w5u7Q"])]
    has_more: bool
