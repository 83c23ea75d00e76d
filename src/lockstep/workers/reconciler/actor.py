"""As whom the reconciler acts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerName:
    """Of an actor, events need only the name."""

    name: str


RECONCILER = WorkerName("worker:reconciler")
