"""What a route is given: who asks, and the one way to ask an operation and answer. Knows no noun."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from lockstep.http.api import idempotency
from lockstep.http.api.paging import Page
from lockstep.http.cursors import Cursors
from lockstep.model.permissions import Actor
from lockstep.operations import again
from lockstep.operations.gate import Gate, TransactionNeeded, Tx

T = TypeVar("T")
A = TypeVar("A")
SCOPE = "lockstep.call"
"""Where the front puts the call within the ASGI scope."""

_encode = msgspec.json.Encoder().encode


class Call:
    """One request of one actor."""

    __slots__ = ("actor", "cursors", "gate", "keys_changed", "request", "request_id")

    def __init__(
        self, gate: Gate, actor: Actor, request_id: str, cursors: Cursors, keys_changed: Callable[[], None]
    ) -> None:
        self.gate = gate
        self.actor = actor
        self.request_id = request_id
        self.cursors = cursors
        self.keys_changed = keys_changed
        self.request: Request

    async def read(self, operation: Callable[[Tx], Awaitable[T]]) -> T:
        """Ask an operation that only reads."""
        return await again.read(self.gate, self.actor.workspace_id, operation)

    async def change(
        self,
        operation: Callable[[Tx], Awaitable[T]],
        present: Callable[[T], Any] | None = None,
        *,
        status: int = 200,
        at_once: bool = False,
    ) -> Response:
        """Ask an operation that changes something, in one transaction, once for each Idempotency-Key.

        `present` makes of its value what is answered; without it the answer is empty, 204. `at_once`: the operation
        says that it writes by one statement, which then is the transaction.
        """
        key = idempotency.key_of(self.request)
        if key is None:
            value = await (self._changed_at_once if at_once else self._changed)(operation)
            return _done(present, value, status)
        digest = idempotency.digest_of(self.request, await self.request.body())

        async def change_once(tx: Tx) -> Response:
            once = await idempotency.begin(tx, self.actor, key, digest)
            if once.kept is not None:
                return idempotency.replay(once.kept)
            response = _done(present, await operation(tx), status)
            await once.keep(tx, response)
            return response

        return await self._changed(change_once)

    async def _changed(self, operation: Callable[[Tx], Awaitable[T]]) -> T:
        return await again.change(self.gate, self.actor.workspace_id, operation)

    async def _changed_at_once(self, operation: Callable[[Tx], Awaitable[T]]) -> T:
        try:
            return await again.change_at_once(self.gate, self.actor.workspace_id, operation)
        except TransactionNeeded:
            return await self._changed(operation)

    def place(self, of: str, cursor: str | None) -> Any:
        """Where a list goes on; None at its beginning. `of` names the list with its filters. Raises Invalid."""
        return None if cursor is None else self.cursors.read(self.actor.workspace_id, of, cursor)

    def cursor(self, of: str, place: Any) -> str:
        """The cursor that leads to `place`."""
        return self.cursors.write(self.actor.workspace_id, of, place)

    def page(self, of: str, found: Sequence[T], limit: int, place: Callable[[T], Any]) -> Response:
        """Of `limit + 1` that were asked for, a page, and the cursor behind it where there is more."""
        shown = list(found[:limit])
        has_more = len(found) > limit
        next_cursor = self.cursor(of, place(shown[-1])) if has_more else None
        return answer(Page(shown, next_cursor, has_more))

    async def change_after(
        self,
        ask: Callable[[Gate], Awaitable[A]],
        operation: Callable[[Tx, A], Awaitable[T]],
        present: Callable[[T], Any],
        *,
        status: int = 200,
    ) -> Response:
        """As `change`, for what has to ask a vendor first: outside of any transaction, and not for a replay."""
        key = idempotency.key_of(self.request)
        if key is not None:
            digest = idempotency.digest_of(self.request, await self.request.body())
            kept = await self.read(lambda tx: idempotency.look_up(tx, self.actor, key, digest))
            if kept is not None:
                return idempotency.replay(kept)
        asked = await ask(self.gate)
        return await self.change(lambda tx: operation(tx, asked), present, status=status)


async def _call_of(request: Request) -> Call:
    call: Call = request.scope[SCOPE]
    call.request = request
    return call


Asked = Annotated[Call, Depends(_call_of)]
"""Of a route's parameter: `call: Asked`."""


def answer(value: Any, status: int = 200) -> Response:
    """`value` as JSON: dataclasses, lists, instants, numbers, text."""
    return Response(_encode(value), status, media_type="application/json")


def _done(present: Callable[[Any], Any] | None, value: Any, status: int) -> Response:
    if present is None:
        return Response(status_code=204)
    return answer(present(value), status)
