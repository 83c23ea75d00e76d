"""Takes readings, or uses one that another pass took, and turns what was seen into what the model can match."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from lockstep.driver.changes import ObserveScope
from lockstep.driver.contract import Driver, Reading
from lockstep.driver.outcomes import VendorUnreachable
from lockstep.model import events
from lockstep.model.capabilities import CodeChooser
from lockstep.model.matching import ReadEntry
from lockstep.operations import events as recorded
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.observed import entry_seen, sealed_digits, window_document
from lockstep.storage import accounts, claims, devices, domains, entries, readings
from lockstep.storage.claims import Claim
from lockstep.storage.devices import DeviceRow
from lockstep.storage.readings import Contents, Observation, Stored
from lockstep.workers.reconciler.actor import RECONCILER
from lockstep.workers.reconciler.health import store_states
from lockstep.workers.reconciler.permits import NO_TURN_WAIT, Permits
from lockstep.workers.reconciler.shared import Shared, scoped
from lockstep.workers.reconciler.situation import Place
from lockstep.workers.reconciler.visits import log_since, store_visits

_LONGEST = timedelta(seconds=30)
"""Real time after which a reading is given up."""


@dataclass(frozen=True, slots=True)
class Looked:
    """The newest observations of a domain's locks; a lock that the reading did not cover has none."""

    observed: list[Observation]
    begun_at: datetime | None
    """When the reading began; None where none was taken."""
    wait_until: datetime | None = None
    """When to come back, where the account's budget has no call left now."""
    is_lease_lost: bool = False


class Looking:
    """Readings of all accounts that this process looks at; one at a time for each account."""

    def __init__(
        self, gate: Gate, shared: Shared, permits: Permits, between_readings: timedelta, lease: timedelta
    ) -> None:
        """`between_readings`, real time: one reading of an account serves all its locks, so those that ask sooner
        than this after the last one wait, and share the next."""
        self._gate = gate
        self._shared = shared
        self._permits = permits
        self._between_readings = between_readings
        self._lease = lease
        self._one_at_a_time: dict[UUID, asyncio.Lock] = {}
        self._last_ended: dict[UUID, float] = {}

    async def look(
        self, claim: Claim, place: Place, driver: Driver, after: datetime, stored: Stored
    ) -> Looked:
        """What a reading begun at or after `after` shows; takes one if none is stored, be it `stored`, which the caller
        has, or one that came meanwhile. Raises DriverError."""
        if stored.begun_at is not None and stored.begun_at >= after:
            return Looked(stored.observed, stored.begun_at)
        whole = place.capabilities.reads_whole_account
        lock = self._one_at_a_time.setdefault(place.account.id if whole else place.domain.id, asyncio.Lock())
        async with lock:
            found = await self._shared.stored(claim, place)
            if found.begun_at is not None and found.begun_at >= after:
                return Looked(found.observed, found.begun_at)
            if whole:
                await self._space_out(place.account.id)
            return await self._read(claim, place, driver)

    async def _space_out(self, account_id: UUID) -> None:
        last = self._last_ended.get(account_id)
        if last is not None:
            left = last + self._between_readings.total_seconds() - asyncio.get_running_loop().time()
            if left > 0:
                await asyncio.sleep(left)

    async def _read(self, claim: Claim, place: Place, driver: Driver) -> Looked:
        workspace_id, account_id = claim.workspace_id, place.account.id
        async with self._gate.database.reading(workspace_id) as db:
            if not await claims.extend(db, claim, self._lease):
                return Looked([], None, is_lease_lost=True)
            known = await devices.of_account(db, workspace_id, account_id)
            since = await log_since(db, workspace_id, place.account, known)
        ticket = await self._permits.admit(workspace_id, account_id, place.capabilities.pace, _LONGEST)
        if isinstance(ticket, datetime):
            return Looked([], None, ticket)
        whole = place.capabilities.reads_whole_account
        scope = ObserveScope(None if whole else frozenset(place.targets), since)
        async with self._permits.calling(ticket) as may_call:
            begun_at = self._gate.clock.now()
            if not may_call:
                return Looked([], None, begun_at + NO_TURN_WAIT)
            try:
                reading = await _observe(driver, scope)
            finally:
                self._last_ended[account_id] = asyncio.get_running_loop().time()
        begun_at = min(begun_at, reading.begun_at)
        async with self._gate.transaction(workspace_id) as tx:
            await self._store(tx, place, known, reading, begun_at)
        return Looked((await self._shared.stored(claim, place)).observed, begun_at)

    async def _store(
        self, tx: Tx, place: Place, known: Sequence[DeviceRow], reading: Reading, begun_at: datetime
    ) -> None:
        account = place.account
        # Of devices that Lockstep does not look after nothing is kept: they are unread.
        covered = reading.complete_for - {d.reference for d in known if not d.is_managed}

        async def complete(changed: Contents) -> Contents:
            return await _with_digits(tx, account.id, known, reading, changed)

        changed = await readings.store(
            tx.db,
            tx.workspace_id,
            account.id,
            scoped(place).scope,
            begun_at,
            sorted(covered),
            _contents(tx, covered, reading),
            complete,
        )
        known = [d for d in known if d.is_managed]
        changed |= await store_states(tx, known, reading)
        elsewhere = {d.domain_id for d in known if d.reference in changed and d.domain_id != place.domain.id}
        await claims.wake(tx.db, tx.workspace_id, "domains", sorted(elsewhere), tx.now)
        await store_visits(tx, account.id, known, reading.log)
        await _find_listed(tx, account.id, known, reading, begun_at)
        if await accounts.note_success(tx.db, tx.workspace_id, account.id):
            recovered = events.ConnectedAccountRecovered(connected_account_id=account.public_id)
            await recorded.append(tx, RECONCILER, recovered)


def read_entries(observation: Observation) -> list[ReadEntry]:
    """What an observation holds, as the model matches it. Credentials that are no codes are left out."""
    return [ReadEntry(entry_seen(c)) for c in observation.content if c.get("is_code", True)]


async def domains_of_targets(tx: Tx, account_id: UUID, targets: Iterable[str] | None) -> list[UUID]:
    """The write domains of these targets; None: of the whole account."""
    known = await devices.of_account(tx.db, tx.workspace_id, account_id)
    wanted = None if targets is None else set(targets)
    return sorted({d.domain_id for d in known if wanted is None or d.reference in wanted})


async def look_again(tx: Tx, account_id: UUID, targets: Iterable[str] | None) -> None:
    """A hint: look at these targets now."""
    found = await domains_of_targets(tx, account_id, targets)
    await domains.look_now(tx.db, tx.workspace_id, found, tx.now)
    await claims.wake(tx.db, tx.workspace_id, "domains", found, tx.now)


async def _observe(driver: Driver, scope: ObserveScope) -> Reading:
    try:
        async with asyncio.timeout(_LONGEST.total_seconds()):
            return await driver.observe(scope)
    except TimeoutError as error:
        raise VendorUnreachable("the reading did not end in time") from error


def _contents(tx: Tx, covered: Set[str], reading: Reading) -> Contents:
    contents: Contents = {t: [] for t in covered}
    for entry in sorted(reading.entries, key=lambda e: e.reference):
        content = {
            "reference": entry.reference,
            "targets": sorted(entry.targets),
            "evidence": int(entry.evidence),
            "name": entry.name,
            "fingerprint": str(tx.fingerprint(entry.digits)) if entry.digits else None,
            "version": entry.version,
            "window": window_document(entry.window),
            "is_enabled": entry.is_enabled,
            "is_code": entry.is_code,
        }
        for target in entry.targets & covered:
            contents[target].append(content)
    return contents


async def _with_digits(
    tx: Tx, account_id: UUID, known: Sequence[DeviceRow], reading: Reading, changed: Contents
) -> Contents:
    """With sealed copies of digits that are known from nowhere else: those of codes that are not ours, and those that
    the vendor computes, for its answer may be lost."""
    locks = [d for d in known if d.reference in changed]
    issuing = {d.reference for d in locks if d.capabilities.chooser is CodeChooser.VENDOR}
    domain_ids = sorted({d.domain_id for d in locks})
    ours = await entries.standing_at(tx.db, tx.workspace_id, domain_ids)
    digits = {
        (t, e.reference): e.digits for e in reading.entries if e.is_code and e.digits for t in e.targets
    }

    def with_digits(target: str, content: dict[str, Any]) -> dict[str, Any]:
        place = (target, content["reference"])
        if place not in digits or (target not in issuing and place in ours):
            return content
        return content | {"sealed": sealed_digits(tx, account_id, digits[place])}

    return {target: [with_digits(target, c) for c in contents] for target, contents in changed.items()}


async def _find_listed(
    tx: Tx, account_id: UUID, known: Sequence[DeviceRow], reading: Reading, begun_at: datetime
) -> None:
    """Locks that the last description lacked, and that the vendor shows now. Of one that was taken as removed a
    description decides."""
    shown = reading.complete_for | reading.states.keys()
    back = [d for d in known if d.missed_since and d.missed_since < begun_at and d.reference in shown]
    if back:
        await devices.set_listed(tx.db, tx.workspace_id, [d.id for d in back])
        await claims.wake(tx.db, tx.workspace_id, "accounts", [account_id], tx.now)
