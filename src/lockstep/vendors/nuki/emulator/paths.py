"""Every operation of the official OpenAPI 3.9.0, read from the list beside this file. Knows no behaviour."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path: the statuses the vendor documents, the scopes of which any one suffices."""

    method: str
    path: str
    statuses: frozenset[int]
    scopes: frozenset[str]
    name: str

    @property
    def order(self) -> tuple[int, str]:
        """Sorts by number of parameters, so that `/smartlock/auth` goes before `/smartlock/{id}`."""
        return (self.path.count("{"), self.path)


@cache
def operations() -> tuple[Operation, ...]:
    """Every documented operation."""
    text = files(__package__).joinpath("operations.txt").read_text("utf-8")
    return tuple(_operation(line) for line in text.splitlines() if line)


def operation_of(method: str, path: str) -> str | None:
    """The name the OpenAPI gives to this call; None where it knows none."""
    matching = (row for pattern, row in _patterns(method) if pattern.fullmatch(path))
    found = next(matching, None)
    return found.name if found else None


def is_mutating(method: str, path: str) -> bool:
    """Whether a call could change something on a lock or in the account; a sync only reads the device."""
    return method not in {"GET", "HEAD", "OPTIONS"} and not path.endswith("/sync")


def _operation(line: str) -> Operation:
    method, path, statuses, scopes, name = line.split(" ")
    return Operation(
        method,
        path,
        frozenset(int(status) for status in statuses.split(",")),
        frozenset() if scopes == "-" else frozenset(scopes.split("|")),
        name,
    )


@cache
def _patterns(method: str) -> tuple[tuple[re.Pattern[str], Operation], ...]:
    rows = sorted((row for row in operations() if row.method == method), key=lambda row: row.order)
    return tuple((re.compile(re.sub(r"\{[^}]+\}", "[^/]+", row.path)), row) for row in rows)
