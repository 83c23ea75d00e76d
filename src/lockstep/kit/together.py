"""What several callers ask for while one of them is being answered is asked together, as one question."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar

from lockstep.kit.frozen import dataclass

K = TypeVar("K")
V = TypeVar("V")


class CannotTell(Exception):
    """Whoever asked for all of them failed, and it is not known what came of the question."""


@dataclass(slots=True, eq=False)
class _Waiting(Generic[K]):
    key: K
    told: asyncio.Future[Any]


class Questions:
    """Several questions, each by its name asked together by itself."""

    def __init__(self, most: int, *, is_undone: tuple[type[Exception], ...]) -> None:
        """As for `Together`."""
        self._most = most
        self._is_undone = is_undone
        self._of: dict[Hashable, Together[Any, Any]] = {}

    async def one(self, name: Hashable, ask: Callable[[Sequence[K]], Awaitable[Sequence[V]]], key: K) -> V:
        """`ask` may differ from caller to caller, and that of whoever asks for all is taken: each must do for all keys
        of this name. Raises what it raises, or CannotTell."""
        together = self._of.get(name)
        if together is None:
            together = self._of[name] = Together(_of_the_first, self._most, is_undone=self._is_undone)
        try:
            value: V = await together.one((ask, key))
            return value
        finally:
            if together.is_idle and self._of.get(name) is together:
                # What is asked about comes and goes, as workspaces do.
                del self._of[name]


async def _of_the_first(asked: Sequence[tuple[Any, Any]]) -> Sequence[Any]:
    found: Sequence[Any] = await asked[0][0]([key for _, key in asked])
    return found


_TURNS = 3
"""Of the event loop, which a request that has just come in needs until it asks."""
_LEAD = object()
"""It is this one's turn to ask, for itself and for all who wait."""


class Together(Generic[K, V]):
    """`ask` answers several keys at once, in their order. The one who finds nobody asking asks at once, for itself and
    for those who are about to; those who come meanwhile wait, and the first of them then asks for all. Whoever is ended
    while asking for others too ends when these have their answers: nothing goes on after all callers have ended."""

    def __init__(
        self,
        ask: Callable[[Sequence[K]], Awaitable[Sequence[V]]],
        most: int,
        *,
        is_undone: tuple[type[Exception], ...],
    ) -> None:
        """`most`: so many keys in one question. `is_undone`: errors after which it is certain that nothing came of the
        question. Then each one asks again for itself, so that one bad key is nobody else's trouble; after others all
        get CannotTell."""
        self._ask = ask
        self._most = most
        self._is_undone = is_undone
        self._is_asking = False
        self._waiting: list[_Waiting[K]] = []

    @property
    def is_idle(self) -> bool:
        return not self._is_asking and not self._waiting

    async def one(self, key: K) -> V:
        """Raises what `ask` raises, or CannotTell."""
        if self._is_asking:
            told = await self._wait(_Waiting(key, asyncio.get_running_loop().create_future()))
            if told is not _LEAD:
                return (await self._ask([key]))[0] if isinstance(told, Exception) else told[0]
        self._is_asking = True
        others: list[_Waiting[K]] = []
        is_ended = False
        try:
            # Whoever is about to ask too comes along: what arrived together stays together, a fraction of the
            # questions. Where nobody else is at work, this is no time.
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            others = self._take()
            if not others:
                return (await self._ask([key]))[0]
            asking = asyncio.ensure_future(self._ask([key, *(w.key for w in others)]))
            is_ended = await _outlast(asking, others)
            values = asking.result()
        except self._is_undone as error:
            if not others:
                raise
            _tell(others, [error] * len(others))
            if is_ended:
                raise asyncio.CancelledError from error
            return (await self._ask([key]))[0]
        except BaseException as error:
            for w in others:
                if not w.told.done():
                    w.told.set_exception(CannotTell("what was asked together failed"))
            if is_ended:
                raise asyncio.CancelledError from error
            raise
        finally:
            self._hand_on()
        _tell(others, [(value,) for value in values[1:]])
        if is_ended:
            raise asyncio.CancelledError
        return values[0]

    def _take(self) -> list[_Waiting[K]]:
        """Those who wait, as many as go into a question beside the one who asks."""
        waiting = [w for w in self._waiting if not w.told.done()]
        taken, self._waiting = waiting[: self._most - 1], waiting[self._most - 1 :]
        return taken

    async def _wait(self, waiting: _Waiting[K]) -> Any:
        self._waiting.append(waiting)
        try:
            return await waiting.told
        except asyncio.CancelledError:
            told = waiting.told
            if told.done() and not told.cancelled() and told.exception() is None and told.result() is _LEAD:
                self._hand_on()
            raise

    def _hand_on(self) -> None:
        self._is_asking = False
        while self._waiting:
            first = self._waiting.pop(0)
            if not first.told.done():
                # Nobody comes in between before it goes on.
                self._is_asking = True
                first.told.set_result(_LEAD)
                return


async def _outlast(asking: asyncio.Future[Any], others: Sequence[_Waiting[Any]]) -> bool:
    """Wait for its end, since others wait for it too; whether whoever asks was ended meanwhile."""
    is_ended = False
    while not asking.done():
        try:
            await asyncio.wait([asking])
        except asyncio.CancelledError:
            is_ended = True
            if all(w.told.done() for w in others):
                asking.cancel()
    return is_ended


def _tell(others: Sequence[_Waiting[Any]], answers: Sequence[Any]) -> None:
    for waiting, answer in zip(others, answers, strict=True):
        if not waiting.told.done():
            waiting.told.set_result(answer)
