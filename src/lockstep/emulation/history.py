"""A mapping that can be asked what it held before: what a stale read is answered from."""

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class History(Generic[K, V]):
    """A dict of immutable values that keeps the last `versions` of each, with their instants."""

    def __init__(self, *, versions: int = 16) -> None:
        self._versions = versions
        self._now: dict[K, V] = {}
        self._past: dict[K, deque[tuple[datetime, V | None]]] = {}

    def __iter__(self) -> Iterator[V]:
        return iter(tuple(self._now.values()))

    def __len__(self) -> int:
        return len(self._now)

    def __contains__(self, key: K) -> bool:
        return key in self._now

    def get(self, key: K) -> V | None:
        """The present value."""
        return self._now.get(key)

    def put(self, key: K, value: V, at: datetime) -> None:
        """Hold `value` from `at` on."""
        self._now[key] = value
        self._remember(key, value, at)

    def drop(self, key: K, at: datetime) -> V | None:
        """Hold nothing from `at` on; returns what was there."""
        gone = self._now.pop(key, None)
        if gone is not None:
            self._remember(key, None, at)
        return gone

    def as_of(self, at: datetime) -> list[V]:
        """The values held at `at`; a key whose older versions were forgotten counts as absent."""
        return [value for key in self._past if (value := self._version(key, at)) is not None]

    def _remember(self, key: K, value: V | None, at: datetime) -> None:
        self._past.setdefault(key, deque(maxlen=self._versions)).append((at, value))

    def _version(self, key: K, at: datetime) -> V | None:
        return next((value for since, value in reversed(self._past[key]) if since <= at), None)
