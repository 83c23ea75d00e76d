"""What a path is given: who asks, and the one way to ask an operation. Knows no path."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any, Generic, TypeVar

import msgspec

from lockstep.http.cursors import CursorInvalid, Cursors
from lockstep.http.seam.dialect import write_query
from lockstep.http.seam.faults import SeamFault
from lockstep.http.seam.params import Listed, Params
from lockstep.kit.frozen import dataclass
from lockstep.model.permissions import Actor
from lockstep.operations import again, paces, vendors
from lockstep.operations.gate import Gate, TransactionNeeded, Tx
from lockstep.operations.operators import SignedInOperator
from lockstep.operations.paces import Act

T = TypeVar("T")
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of one actor. `url`: the path, as the caller reaches it."""

    gate: Gate
    actor: Actor
    workspace_id: str
    """The public id of the actor's workspace."""
    cursors: Cursors
    verb: str
    path: str
    url: str
    operator: SignedInOperator | None = None
    """The person, where a person asks."""
    is_paced: bool | None = None
    """Whether callers' paces are kept in the workspace, where who asks was found with it."""
    is_sandbox: bool = False
    """Whether the workspace is one."""

    def link(self, path: str) -> str:
        """An address of a page of ours, as people reach it."""
        return self.url.removesuffix(self.path) + path

    def label_of(self, vendor: str) -> str:
        """A vendor's name for people."""
        return vendors.label_of(self.gate, vendor)

    def is_emulated(self, vendor: str) -> bool:
        """Whether what stands under this vendor's accounts is part of a sandbox, where everything can be simulated."""
        emulator = self.gate.emulator
        return self.is_sandbox and emulator is not None and emulator.vendor == vendor

    async def read(self, operation: Callable[[Tx], Awaitable[T]]) -> T:
        """Ask an operation that only reads."""
        return await again.read(self.gate, self.actor.workspace_id, operation)

    async def change(self, operation: Callable[[Tx], Awaitable[T]]) -> T:
        """Ask an operation that changes something, all or nothing."""
        return await again.change(self.gate, self.actor.workspace_id, operation)

    async def change_paced(
        self, act: Act, device_ids: Sequence[str], operation: Callable[[Tx], Awaitable[T]]
    ) -> T:
        """The same, where this act may be asked of these devices now. Raises TooFast, with nothing done."""

        async def paced(tx: Tx) -> T:
            for device_id in sorted(set(device_ids)):
                await paces.spend(tx, act, device_id)
            return await operation(tx)

        return await self.change(paced)

    async def change_paced_at_once(
        self, act: Act, device_id: str, operation: Callable[[Tx], Awaitable[T]]
    ) -> T:
        """The same for an operation that says that it writes by one statement: where nobody counts, that is the
        transaction."""
        if self.is_paced:
            return await self.change_paced(act, [device_id], operation)

        async def unpaced(tx: Tx) -> T:
            if self.is_paced is None:
                await paces.require_none(tx)
            return await operation(tx)

        try:
            return await again.change_at_once(self.gate, self.actor.workspace_id, unpaced)
        except TransactionNeeded:
            return await self.change_paced(act, [device_id], operation)

    async def change_code_paced(
        self, act: Act, access_code_id: str, operation: Callable[[Tx], Awaitable[T]]
    ) -> T:
        """The same for the device that a code stands on."""

        async def paced(tx: Tx) -> T:
            await paces.spend_on_code(tx, act, access_code_id)
            return await operation(tx)

        return await self.change(paced)

    def digest(self, params: Params) -> bytes:
        """Of the path and all that it was given."""
        given = params.model_dump(mode="json", exclude_none=True)
        return hashlib.sha256(self.path.encode() + msgspec.json.encode(given, order="sorted")).digest()

    def place(self, params: Listed) -> Any:
        """Where a list goes on; None at its beginning. Raises SeamFault where the other parameters are not those of the
        page before."""
        if params.page_cursor is None:
            return None
        try:
            return self.cursors.read(self.actor.workspace_id, self._of(params), params.page_cursor)
        except CursorInvalid:
            raise SeamFault(
                HTTPStatus.BAD_REQUEST,
                "mismatched_page_parameters",
                "All parameters but `page_cursor` must be those of the first page.",
            ) from None

    def page(self, params: Listed, found: Sequence[T], most: int, place: Callable[[T], Any]) -> Page[T]:
        """Of `most + 1` that were asked for, a page, and the way to what follows."""
        shown = found[:most]
        if len(found) <= most:
            return Page(shown, {"has_next_page": False, "next_page_cursor": None, "next_page_url": None})
        cursor = self.cursors.write(self.actor.workspace_id, self._of(params), place(shown[-1]))
        next_page = {
            "has_next_page": True,
            "next_page_cursor": cursor,
            "next_page_url": f"{self.url}?{write_query({**self._given(params), 'page_cursor': cursor})}",
        }
        return Page(shown, next_page)

    def _of(self, params: Listed) -> str:
        given = msgspec.json.encode(self._given(params), order="sorted")
        return f"{self.path} {hashlib.sha256(given).hexdigest()}"

    def _given(self, params: Listed) -> dict[str, Any]:
        """All but where the page begins."""
        return params.model_dump(mode="json", exclude={"page_cursor"}, exclude_none=True)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list, and Seam's `pagination`."""

    shown: Sequence[T]
    pagination: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Path:
    """A path that is built: what it takes, and what it does."""

    path: str
    params: type[Params]
    answer: Callable[[Asked, Any], Awaitable[Answer]]
    is_public: bool = False
    """Whoever shows a publishable key may ask, too."""
    is_without_workspace: bool = False
    """Whoever shows a personal token may ask without saying which workspace."""
