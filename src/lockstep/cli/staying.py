"""Runs a process that stays."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_to_stay(work: Coroutine[Any, Any, T]) -> T:
    """Run a process that stays: on uvloop where the system has it, for asking the database costs a third less there."""
    _collect_seldom()
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _collect_seldom() -> None:
    """Nearly all that a request makes goes away by itself. Looking for circles after each 700 objects, as is usual, and
    through all that was read in, was a twelfth of creating a code."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
