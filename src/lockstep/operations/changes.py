"""Tells those who look at a workspace that something in it has changed. Tells that, never what: they look again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from lockstep.operations.gate import Gate
from lockstep.storage.changes import CHANGED


class Watch:
    """One who looks at a workspace."""

    def __init__(self) -> None:
        self._told = asyncio.Event()

    async def wait(self, seconds: float) -> bool:
        """Until something has changed since the last wait ended, at most `seconds` of real time; whether it has."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._told.wait(), seconds)
        has_changed = self._told.is_set()
        self._told.clear()
        return has_changed

    def tell(self) -> None:
        """Look again."""
        self._told.set()


class Changes:
    """One for each process: a single connection hears for all who look, and only while somebody does.

    What is told may be lost together with that connection, so whoever waits looks now and then unasked.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._watches: dict[Watch, UUID] = {}
        self._ear: _Ear | None = None

    @asynccontextmanager
    async def watching(self, workspace_id: UUID) -> AsyncIterator[Watch]:
        """What changes from the moment of entering on is heard."""
        watch = Watch()
        self._watches[watch] = workspace_id
        self._ear = self._ear or _Ear(self._gate, self._hear)
        try:
            await self._ear.hears()
            yield watch
        finally:
            # Nothing is awaited here: whoever looked may be gone, and what is cancelled cannot wait.
            del self._watches[watch]
            if not self._watches and self._ear is not None:
                self._ear.stop()
                self._ear = None

    def tell_all(self) -> None:
        """Everybody looks again, such as when the process is to end."""
        for watch in self._watches:
            watch.tell()

    def _hear(self, told: str) -> None:
        for watch, workspace_id in self._watches.items():
            if str(workspace_id) == told:
                watch.tell()


class _Ear:
    """Listens in a task of its own, from being made until it is stopped."""

    def __init__(self, gate: Gate, hear: Callable[[str], None]) -> None:
        self._gate = gate
        self._hear = hear
        self._is_over = asyncio.Event()
        self._begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._listen())

    async def hears(self) -> None:
        """Return once it does. Raises what kept it from listening."""
        await asyncio.shield(self._begun)

    def stop(self) -> None:
        self._is_over.set()

    async def _listen(self) -> None:
        try:
            unlisten = await self._gate.database.listen(CHANGED, self._hear)
        except Exception as fault:  # noqa: BLE001 - told to everybody who waits
            self._begun.set_exception(fault)
            self._begun.exception()
            return
        self._begun.set_result(None)
        try:
            await self._is_over.wait()
        finally:
            await unlisten()
