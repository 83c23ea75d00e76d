"""Every call that reached an emulator, and what came of it. Digits are kept only where it was told to."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

MASK = "******"


@dataclass(frozen=True, slots=True)
class Came:
    """Something that came of a call, then or later."""

    at: datetime
    what: str


@dataclass(slots=True)
class Call:
    """One request. `status` is None where the client was sent none."""

    number: int
    at: datetime
    method: str
    path: str
    query: str
    operation: str | None
    body: Any
    is_mutating: bool
    status: int | None = None
    fault: str | None = None
    came_of_it: list[Came] = field(default_factory=list)

    def note(self, at: datetime, what: str) -> None:
        """Add to what came of it."""
        self.came_of_it.append(Came(at, what))


class Journal:
    """Calls in the order of their arrival. Headers, and so credentials, are never kept."""

    def __init__(self, *, digit_fields: Iterable[str] = ("code",)) -> None:
        self.keeps_digits = False
        self._digit_fields = frozenset(digit_fields)
        self._calls: list[Call] = []
        self._numbered = 0

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._calls))

    def __len__(self) -> int:
        return len(self._calls)

    def begin(
        self,
        at: datetime,
        method: str,
        path: str,
        query: str,
        body: Any,
        *,
        operation: str | None,
        is_mutating: bool,
    ) -> Call:
        """Write down a request as it arrives; the caller adds status and outcome."""
        self._numbered += 1
        kept = body if self.keeps_digits else self._masked(body)
        call = Call(self._numbered, at, method, path, query, operation, kept, is_mutating)
        self._calls.append(call)
        return call

    def mutating(self) -> list[Call]:
        """The calls that could have changed something."""
        return [call for call in self._calls if call.is_mutating]

    def clear(self) -> None:
        """Forget the calls; numbering goes on."""
        self._calls.clear()

    def _masked(self, body: Any) -> Any:
        if isinstance(body, dict):
            return {
                name: MASK if name in self._digit_fields and value is not None else self._masked(value)
                for name, value in body.items()
            }
        return [self._masked(part) for part in body] if isinstance(body, list) else body
