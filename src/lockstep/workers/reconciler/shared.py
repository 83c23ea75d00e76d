"""Statements that passes under way in this process make together: a reading of an account brings up all its locks at
once, and what each of their passes asks and stores differs by ids alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar
from uuid import UUID

from lockstep.kit.together import Questions
from lockstep.operations.gate import Gate
from lockstep.storage import access_codes, domains, passes, readings, writes
from lockstep.storage.access_codes import ShownCode
from lockstep.storage.claims import Claim
from lockstep.storage.database import UNDONE, Connection
from lockstep.storage.domains import Finish
from lockstep.storage.readings import Scoped, Stored
from lockstep.storage.writes import Findings
from lockstep.workers.reconciler.actor import RECONCILER
from lockstep.workers.reconciler.situation import Place, Stock

K = TypeVar("K")
V = TypeVar("V")
Ask = Callable[[Connection, UUID, Sequence[K]], Awaitable[Sequence[V]]]

_MOST = 32
"""So many of them in one statement."""


class Shared:
    """One for the process. What it stores, it stores under the lease of each claim."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._place = _Question(gate, _places)
        self._stock = _Question(gate, _stocks)
        self._stored = _Question(gate, readings.of_scopes)
        self._shown = _Question(gate, _shown)
        self._keep = _Question(gate, self._kept)
        self._finish = _Question(gate, domains.finish)

    async def place(self, claim: Claim) -> Place | None:
        """None where the domain has gone meanwhile."""
        return await self._place.ask(claim.workspace_id, claim.row_id)

    async def stock(self, claim: Claim) -> Stock:
        return await self._stock.ask(claim.workspace_id, claim.row_id)

    async def stored(self, claim: Claim, place: Place) -> Stored:
        """The newest observations of the place's locks."""
        return await self._stored.ask(claim.workspace_id, scoped(place))

    async def shown(self, claim: Claim, entry_ids: Sequence[UUID]) -> Sequence[ShownCode]:
        """The access codes that these entries stand for."""
        return await self._shown.ask(claim.workspace_id, entry_ids)

    async def keep(self, found: Findings) -> bool:
        """False where the lease had passed to another, and nothing was stored."""
        return await self._keep.ask(found.claim.workspace_id, found)

    async def finish(self, claim: Claim, finish: Finish) -> bool:
        """End a pass; False as with `keep`."""
        return await self._finish.ask(claim.workspace_id, (claim, finish))

    async def _kept(self, db: Connection, workspace_id: UUID, found: Sequence[Findings]) -> Sequence[bool]:
        now = self._gate.clock.now()
        return await writes.store_findings(db, workspace_id, RECONCILER.name, now, found)


def scoped(place: Place) -> Scoped:
    """What a reading of this place covers."""
    whole = place.capabilities.reads_whole_account
    return Scoped(place.account.id, "account" if whole else place.domain.reference, place.targets)


class _Question(Generic[K, V]):
    """One statement, asked for each workspace by itself."""

    def __init__(self, gate: Gate, ask: Ask[K, V]) -> None:
        self._gate = gate
        self._ask = ask
        self._questions = Questions(_MOST, is_undone=UNDONE)

    async def ask(self, workspace_id: UUID, key: K) -> V:
        async def ask(keys: Sequence[K]) -> Sequence[V]:
            async with self._gate.database.reading(workspace_id) as db:
                return await self._ask(db, workspace_id, keys)

        return await self._questions.one(workspace_id, ask, key)


async def _places(db: Connection, workspace_id: UUID, ids: Sequence[UUID]) -> list[Place | None]:
    found = await passes.places(db, workspace_id, ids)
    return [Place.of(found[id]) if id in found else None for id in ids]


async def _stocks(db: Connection, workspace_id: UUID, ids: Sequence[UUID]) -> list[Stock]:
    found = await passes.stocks(db, workspace_id, ids)
    return [Stock.of(found[id]) for id in ids]


async def _shown(
    db: Connection, workspace_id: UUID, asked: Sequence[Sequence[UUID]]
) -> list[list[ShownCode]]:
    of_entries: dict[UUID, list[ShownCode]] = {id: [] for ids in asked for id in ids}
    for code in await access_codes.shown_of_entries(db, workspace_id, sorted(of_entries)):
        of_entries[code.entry_id].append(code)
    return [[code for id in ids for code in of_entries[id]] for ids in asked]
