"""Ids at Seam's door. Its contract calls them UUIDs: ours say the noun first and are the same number. What is no such
id, as in a seeded sandbox, passes as it is. See docs/decisions/0021."""

from __future__ import annotations

import functools
from uuid import UUID

from lockstep.kit.ids import number_of, public_id


# Ids of workspaces, accounts, devices and spaces come again in each answer.
@functools.lru_cache(maxsize=4096)
def shown(ours: str) -> str:
    """How Seam's callers see a public id."""
    number = number_of(ours)
    return ours if number is None else str(number)


@functools.lru_cache(maxsize=4096)
def asked(prefix: str, theirs: str) -> str:
    """The public id of a noun whose ids begin with `prefix`."""
    try:
        return public_id(prefix, UUID(theirs))
    except ValueError:
        return theirs


def asked_or_none(prefix: str, theirs: str | None) -> str | None:
    """The same of what may be left out."""
    return None if theirs is None else asked(prefix, theirs)
