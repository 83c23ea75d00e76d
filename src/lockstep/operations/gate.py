"""Opens transactions for operations: the only way from a way in, or a worker, to what Lockstep remembers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import field
from datetime import datetime
from types import TracebackType
from typing import Protocol, TypeVar, cast
from uuid import UUID

import httpx2

from lockstep.driver.contract import Vendor
from lockstep.kit.clock import Clock
from lockstep.kit.frozen import dataclass
from lockstep.kit.outbound import OutboundPolicy
from lockstep.kit.sealing import Place, Sealer
from lockstep.kit.together import CannotTell, Questions
from lockstep.model.code_choice import RandomSource
from lockstep.model.event import RecordedEvent
from lockstep.operations.emulator import Emulator
from lockstep.storage import workspaces
from lockstep.storage.away import Away, AwayBefore
from lockstep.storage.database import UNDONE, Borrowed, Connection, Database

K = TypeVar("K")
V = TypeVar("V")
Ask = Callable[[Connection, UUID, Sequence[K]], Awaitable[Sequence[V]]]
_MOST_TOGETHER = 8
"""Questions in one statement. What came together stays together, and were it all who ask, this process would wait while
the database answers and the database while this process goes on: of sixteen, one half is here and the other there.
Fewer in a statement take more for each, about 2 ms being what each statement takes by itself."""


class TransactionNeeded(Exception):
    """An operation that was to write by one statement alone finds that it needs more. Ask it again in a transaction."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What others of this process ask at the same time. Nobody waits for their answer while holding a connection, for
    which whoever asks for all may be waiting."""

    questions: Questions
    database: Database
    borrowed: Borrowed

    @property
    def holds_one(self) -> bool:
        return self.borrowed.is_held


@dataclass(frozen=True, slots=True)
class Tx:
    """One transaction within one workspace, with all that an operation may need besides."""

    db: Connection = field(repr=False)
    workspace_id: UUID
    now: datetime
    sealer: Sealer = field(repr=False)
    salt: bytes = field(repr=False)
    random: RandomSource = field(repr=False)
    outbound: OutboundPolicy = field(default_factory=OutboundPolicy, repr=False)
    """Which addresses that customers give may be called."""
    is_transaction: bool = True
    """False: each statement stands by itself."""
    fingerprints: dict[str, UUID] = field(default_factory=dict, repr=False)
    """Of digits that were asked for here before: a declaration asks for its own at each of its steps."""
    sealed: dict[tuple[bytes, UUID], str] = field(default_factory=dict, repr=False)
    """What was sealed here, by what came of it and its row: a new code is shown in the same breath."""
    shared: Shared | None = field(default=None, repr=False)
    """Where each statement stands by itself."""

    async def ask(self, ask: Ask[K, V], key: K, *, only_reads: bool = False) -> V:
        """A statement that answers for several keys at once: asked for this one, and where it stands by itself, for
        all who ask it at the same time. Raises CannotTell where it failed for somebody else; where it `only_reads`,
        AwayBefore instead, for nothing was done."""
        shared = self.shared
        if shared is None or shared.holds_one:
            return (await ask(self.db, self.workspace_id, [key]))[0]

        async def together(keys: Sequence[K]) -> Sequence[V]:
            async with shared.database.reading(self.workspace_id) as db:
                return await ask(db, self.workspace_id, keys)

        try:
            return await shared.questions.one((self.workspace_id, ask), together, key)
        except (Away, CannotTell) as lost:
            if only_reads:
                raise AwayBefore("What was asked of the database was not answered.") from lost
            raise

    def seal(self, text: str, table: str, column: str, row_id: UUID) -> bytes:
        sealed = self.sealer.seal(text, Place(self.workspace_id, table, column, row_id))
        self.sealed[sealed, row_id] = text
        return sealed

    def open(self, sealed: bytes, table: str, column: str, row_id: UUID) -> str:
        known = self.sealed.get((sealed, row_id))
        if known is not None:
            return known
        return self.sealer.open(sealed, Place(self.workspace_id, table, column, row_id))

    def keyed_digest(self, of: bytes) -> bytes:
        """Of a request, which may hold digits: without the key nobody can try which they are."""
        return self.sealer.keyed_digest(of.hex(), self.salt)

    def fingerprint(self, digits: str) -> UUID:
        """Keyed: equal digits of one workspace have equal fingerprints."""
        known = self.fingerprints.get(digits)
        if known is None:
            known = self.fingerprints[digits] = self.sealer.fingerprint(digits, self.salt)
        return known


@dataclass(frozen=True, slots=True)
class Told:
    """A message to a webhook: its id, the same in every try, and what it says (JSON)."""

    id: str
    body: bytes = field(repr=False)


class Form(Protocol):
    """Shapes in which events are told."""

    @property
    def header_families(self) -> tuple[str, ...]:
        """How the headers begin that hold id, time and signature, such as `webhook`."""
        ...

    def types_of(self, event: RecordedEvent) -> Sequence[str]:
        """Types that it is told as, each in a message of its own, in this order; none: it is not told. Depends on the
        event alone."""
        ...

    async def tell(
        self, tx: Tx, event: RecordedEvent, as_type: str, workspace_id: str, *, with_digits: bool
    ) -> Told:
        """The message for one of its types. `workspace_id`: the public one. `with_digits`: whoever gets it may read
        codes."""
        ...


class Gate:
    """Built once by the wiring. `vendors` is the roster, by name; `vendor_http` makes calls to vendors, and
    these may call `callback_origin`, a public address without a path; None: there is none. `forms`, by name, are those
    besides Lockstep's own in which webhooks are told of events. `emulator` plays the vendor of sandboxes."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sealer: Sealer,
        random: RandomSource,
        vendors: Mapping[str, Vendor],
        vendor_http: httpx2.AsyncClient,
        outbound: OutboundPolicy | None = None,
        callback_origin: str | None = None,
        forms: Mapping[str, Form] | None = None,
        emulator: Emulator | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.sealer = sealer
        self.random = random
        self.vendors = vendors
        self.vendor_http = vendor_http
        self.outbound = outbound or OutboundPolicy()
        self.callback_origin = callback_origin
        self.emulator = emulator
        self.forms = forms or {}
        self.questions = Questions(_MOST_TOGETHER, is_undone=UNDONE)
        self._salts: dict[UUID, bytes] = {}
        self._workspaces: dict[UUID, tuple[str, bool]] = {}

    @asynccontextmanager
    async def transaction(self, workspace_id: UUID) -> AsyncIterator[Tx]:
        """All or nothing: what an operation does, commits or is as if it had never been."""
        salt = await self.salt(workspace_id)
        async with self.database.transaction(workspace_id) as db:
            yield self.tx(db, workspace_id, salt)

    def reading(self, workspace_id: UUID) -> AbstractAsyncContextManager[Tx]:
        """For operations that only read: no transaction around them, one round trip less each way."""
        return _Reading(self, workspace_id)

    async def public_id_of(self, workspace_id: UUID) -> str:
        """How callers know this workspace; asked for once in a process, since it never changes."""
        return (await self._of_workspace(workspace_id))[0]

    async def is_sandbox(self, workspace_id: UUID) -> bool:
        """Whether its locks are emulated; asked for once in a process, since it never changes."""
        return (await self._of_workspace(workspace_id))[1]

    async def _of_workspace(self, workspace_id: UUID) -> tuple[str, bool]:
        if workspace_id not in self._workspaces:
            async with self.database.reading(workspace_id) as db:
                row = await workspaces.get(db, workspace_id)
            assert row is not None, "whoever asks was found in it"
            self._workspaces[workspace_id] = row.public_id, row.is_sandbox
        return self._workspaces[workspace_id]

    def at_once(self, workspace_id: UUID) -> AbstractAsyncContextManager[Tx]:
        """For operations that say that they write by one statement, which is all or nothing by itself: no transaction
        around it, two round trips of four less. Raises TransactionNeeded where they cannot, with nothing done."""
        return self.reading(workspace_id)

    def tx(self, db: Connection, workspace_id: UUID, salt: bytes, shared: Shared | None = None) -> Tx:
        now = self.clock.now()
        return Tx(
            db,
            workspace_id,
            now,
            self.sealer,
            salt,
            self.random,
            self.outbound,
            shared is None,
            shared=shared,
        )

    async def salt(self, workspace_id: UUID) -> bytes:
        """What its fingerprints are made with; asked for once in a process."""
        if workspace_id not in self._salts:
            async with self.database.reading(workspace_id) as db:
                self._salts[workspace_id] = await workspaces.salt(db, workspace_id)
        return self._salts[workspace_id]


class _Reading(AbstractAsyncContextManager[Tx]):
    """Of one request, mostly around one question that is asked together with others. As a generator it takes three
    times as long, which each request would notice."""

    def __init__(self, gate: Gate, workspace_id: UUID) -> None:
        self._gate = gate
        self._workspace_id = workspace_id
        self._borrowed = Borrowed(gate.database, workspace_id)

    async def __aenter__(self) -> Tx:
        gate, borrowed = self._gate, self._borrowed
        salt = await gate.salt(self._workspace_id)
        shared = Shared(gate.questions, gate.database, borrowed)
        return gate.tx(cast(Connection, borrowed), self._workspace_id, salt, shared)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._borrowed.is_held:
            await self._borrowed.give_back(error)
