"""Takes readings, or uses one that another pass took, and turns what was seen into what the model can match."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from lockstep.driver.changes import ObserveScope
from lockstep.driver.contract import Driver, ObservedEntry, Reading
from lockstep.kit.ids import new_id
from lockstep.model import events
from lockstep.model.belief import Seen
from lockstep.model.capabilities import Evidence
from lockstep.model.matching import ReadEntry
from lockstep.model.window import Window
from lockstep.operations import events as recorded
from lockstep.operations.gate import Gate, Tx
from lockstep.storage import accounts, claims, devices, domains, readings
from lockstep.storage.claims import Claim
from lockstep.storage.encoding import to_document
from lockstep.storage.readings import Observation
from lockstep.workers.reconciler.actor import RECONCILER
from lockstep.workers.reconciler.situation import Place

_HELD_FOR = timedelta(seconds=30)


class Looking:
    """Readings of all accounts that this process looks at; one at a time for each account."""

    def __init__(self, gate: Gate, between_readings: timedelta) -> None:
        """`between_readings`, real time: one reading of an account serves all its locks, so those that ask sooner
        than this after the last one wait, and share the next."""
        self._gate = gate
        self._between_readings = between_readings
        self._one_at_a_time: dict[UUID, asyncio.Lock] = {}
        self._last_ended: dict[UUID, float] = {}

    async def look(
        self, claim: Claim, place: Place, driver: Driver, after: datetime
    ) -> tuple[list[Observation], datetime | None]:
        """The newest observations of the domain's locks, from a reading begun at or after `after`; takes one if none
        is stored. With them, when to come back where the account's budget has no call left now."""
        key = (claim.workspace_id, place.account.id)
        whole = place.capabilities.reads_whole_account
        lock = self._one_at_a_time.setdefault(place.account.id if whole else place.domain.id, asyncio.Lock())
        async with lock:
            found = await self.stored(claim, place)
            if len(found) == len(place.locks) and all(o.begun_at >= after for o in found):
                return found, None
            if whole:
                await self._space_out(place.account.id)
            permit = new_id()
            wait_until = await self._take_call(key, place, permit)
            if wait_until is not None:
                return [], wait_until
            try:
                begun_at = self._gate.clock.now()
                reading = await driver.observe(ObserveScope(None if whole else frozenset(place.targets)))
            finally:
                self._last_ended[place.account.id] = asyncio.get_running_loop().time()
                async with self._gate.database.transaction(claim.workspace_id) as db:
                    await accounts.give_back(db, *key, permit)
            await self._store(claim, place, reading, min(begun_at, reading.begun_at))
            return await self.stored(claim, place), None

    async def stored(self, claim: Claim, place: Place) -> list[Observation]:
        async with self._gate.database.reading(claim.workspace_id) as db:
            return await readings.of_targets(db, claim.workspace_id, place.account.id, place.targets)

    async def _space_out(self, account_id: UUID) -> None:
        last = self._last_ended.get(account_id)
        if last is not None:
            left = last + self._between_readings.total_seconds() - asyncio.get_running_loop().time()
            if left > 0:
                await asyncio.sleep(left)

    async def _take_call(self, key: tuple[UUID, UUID], place: Place, permit: UUID) -> datetime | None:
        pace = place.capabilities.pace
        async with self._gate.database.transaction(key[0]) as db:
            return await accounts.take_call(
                db, *key, permit, self._gate.clock.now(), pace.calls_per_minute, pace.at_once, _HELD_FOR
            )

    async def _store(self, claim: Claim, place: Place, reading: Reading, begun_at: datetime) -> None:
        whole = place.capabilities.reads_whole_account
        scope = "account" if whole else place.domain.reference
        async with self._gate.transaction(claim.workspace_id) as tx:
            contents = _contents(tx, reading.entries, reading.complete_for)
            changed = await readings.store(
                tx.db,
                tx.workspace_id,
                place.account.id,
                scope,
                begun_at,
                sorted(reading.complete_for),
                contents,
            )
            known = await devices.of_account(tx.db, tx.workspace_id, place.account.id)
            elsewhere = {
                d.domain_id for d in known if d.reference in changed and d.domain_id != place.domain.id
            }
            await _store_states(tx, known, reading)
            await claims.wake(tx.db, tx.workspace_id, "domains", sorted(elsewhere), tx.now)
            if await accounts.note_success(tx.db, tx.workspace_id, place.account.id):
                await recorded.append(
                    tx,
                    RECONCILER,
                    events.ConnectedAccountRecovered(connected_account_id=place.account.public_id),
                )


def read_entries(observation: Observation) -> list[ReadEntry]:
    """What an observation holds, as the model matches it. Credentials that are no codes are left out."""
    return [
        ReadEntry(
            Seen(
                reference=c["reference"],
                evidence=Evidence(c["evidence"]),
                fingerprint=UUID(c["fingerprint"]) if c.get("fingerprint") else None,
                version=c.get("version"),
                window=_window(c.get("window")),
                is_enabled=c.get("is_enabled"),
                targets=frozenset(c["targets"]),
            ),
            c.get("name"),
        )
        for c in observation.content
        if c.get("is_code", True)
    ]


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


def _contents(
    tx: Tx, entries: Sequence[ObservedEntry], complete_for: frozenset[str]
) -> dict[str, list[dict[str, Any]]]:
    contents: dict[str, list[dict[str, Any]]] = {t: [] for t in complete_for}
    for entry in sorted(entries, key=lambda e: e.reference):
        content = {
            "reference": entry.reference,
            "targets": sorted(entry.targets),
            "evidence": int(entry.evidence),
            "name": entry.name,
            "fingerprint": str(tx.fingerprint(entry.digits)) if entry.digits else None,
            "version": entry.version,
            "window": _document(entry.window),
            "is_enabled": entry.is_enabled,
            "is_code": entry.is_code,
        }
        for target in entry.targets & complete_for:
            contents[target].append(content)
    return contents


async def _store_states(tx: Tx, known: Sequence[devices.DeviceRow], reading: Reading) -> None:
    """Health of the locks, written only where it changed (but `seen_at` alone is no change)."""
    for device in known:
        state = reading.states.get(device.reference)
        if state is None:
            continue
        document = to_document(state)
        before = {k: v for k, v in device.state.items() if k != "seen_at"}
        if before == {k: v for k, v in document.items() if k != "seen_at"}:
            continue
        await devices.set_state(tx.db, tx.workspace_id, device.id, document, state.is_online)
        await recorded.append(tx, RECONCILER, *_health_events(device, document))


def _health_events(device: devices.DeviceRow, after: dict[str, Any]) -> list[events.Event]:
    found: list[events.Event] = []
    before = device.state
    if before.get("is_online") is not False and after.get("is_online") is False:
        found.append(events.DeviceWentOffline(device_id=device.public_id))
    if before.get("is_online") is False and after.get("is_online"):
        found.append(events.DeviceCameOnline(device_id=device.public_id))
    if after.get("is_battery_critical") and not before.get("is_battery_critical"):
        found.append(events.DeviceLowBattery(device_id=device.public_id))
    if "subscription_required" in after.get("problems", ()) and "subscription_required" not in before.get(
        "problems", ()
    ):
        found.append(events.DeviceSubscriptionRequired(device_id=device.public_id))
    return found


def _document(window: Window | None) -> list[str | None] | None:
    if window is None:
        return None
    return [window.starts_at.isoformat(), window.ends_at.isoformat() if window.ends_at else None]


def _window(document: list[str | None] | None) -> Window | None:
    if not document or document[0] is None:
        return None
    ends_at = datetime.fromisoformat(document[1]) if document[1] else None
    return Window(datetime.fromisoformat(document[0]), ends_at)
