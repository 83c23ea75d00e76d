"""Makes one change: intent first, then the call, then its outcome. At most one mutating call for each intent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from lockstep.driver.changes import Change as VendorChange
from lockstep.driver.changes import EnsureAbsent, EnsurePresent, Intent, Issue
from lockstep.driver.contract import Driver
from lockstep.driver.outcomes import DriverError, Outcome, Unknown
from lockstep.kit.ids import new_id
from lockstep.model.belief import Belief, widen
from lockstep.model.capabilities import Addressing
from lockstep.model.declared import is_enabled
from lockstep.model.plan import Change, Kind
from lockstep.operations.gate import Gate, Tx
from lockstep.storage import accounts, claims, entries, intents
from lockstep.storage.claims import Claim
from lockstep.storage.entries import EntryRow
from lockstep.storage.intents import IntentRow
from lockstep.workers.reconciler.calls import counted_calls
from lockstep.workers.reconciler.digits import occupy
from lockstep.workers.reconciler.remedies import of_unfree_digits, of_unknown_place
from lockstep.workers.reconciler.situation import Work
from lockstep.workers.reconciler.storing import Begun, Written, store_outcome

__all__ = ["WriteSettings", "Writing", "Written"]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WriteSettings:
    call_timeout: timedelta = timedelta(seconds=10)
    """Real time after which a call is given up; its outcome is then unknown."""
    lease: timedelta = timedelta(seconds=60)


class Writing:
    """Makes changes for one process. `made` is called before each vendor call, for the metrics."""

    def __init__(self, gate: Gate, settings: WriteSettings, made: Callable[[str, str], None]) -> None:
        self._gate = gate
        self._settings = settings
        self._made = made

    async def write(
        self, work: Work, driver: Driver, entry: EntryRow, change: Change, taken: frozenset[str]
    ) -> Written:
        """`taken`: references that are or may be in use in this unit."""
        at = change.reference or _reference(entry.belief)
        slot = None
        if change.kind is Kind.REMOVE and at is None:
            return Written(remedy=of_unknown_place(work.unit.label, self._gate.clock.now()))
        if change.kind is not Kind.REMOVE and at is None:
            slot = _slot(work, driver, entry, taken)
        try:
            begun = await self._begin(work, entry, change, at, slot)
        except _NoCallLeft as empty:
            return Written(wait_until=empty.until)
        if isinstance(begun, Written):
            return begun
        sent, wanted = begun
        self._made(work.place.account.vendor, change.kind)
        with counted_calls() as calls:
            outcome = await self._call(driver, sent.intent, wanted)
        async with self._gate.transaction(work.claim.workspace_id) as tx:
            await accounts.give_back(
                tx.db, tx.workspace_id, work.place.account.id, sent.intent.id, calls.beyond_the_first
            )
            return await store_outcome(tx, work, sent, outcome)

    async def _begin(
        self, work: Work, entry: EntryRow, change: Change, at: str | None, slot: str | None
    ) -> Written | tuple[Begun, VendorChange]:
        """The intent, the widened belief, the digits and the call's budget: all committed before the call, or none."""
        capabilities = work.unit.capabilities
        async with self._gate.transaction(work.claim.workspace_id) as tx:
            if not await claims.extend(tx.db, work.claim, self._settings.lease):
                return Written(is_lease_lost=True)
            d = entry.declared
            if not await entries.is_declared(tx.db, tx.workspace_id, d.entry_id, d.revision, d.is_withdrawn):
                # Declared anew since this pass began: the next one is due already.
                return Written(is_outdated=True)
            intent = _intent(tx, work.claim, entry, change, slot, self._settings.call_timeout)
            if change.kind is Kind.SET and not await occupy(tx, work, entry):
                return Written(remedy=of_unfree_digits(work.unit.label, tx.now))
            widened = widen(entry.belief, change.state, at or slot, capabilities, intent.deadline_at)
            await intents.insert(tx.db, tx.workspace_id, intent)
            await entries.store_belief(tx.db, tx.workspace_id, entry.id, widened)
            wait_until = await accounts.take_call(
                tx.db,
                tx.workspace_id,
                work.place.account.id,
                intent.id,
                tx.now,
                capabilities.pace.calls_per_minute,
                capabilities.pace.at_once,
                self._settings.call_timeout * 2,
            )
            if wait_until is not None:
                raise _NoCallLeft(wait_until)
            return Begun(entry, widened, intent), _vendor_change(tx, entry, change, at, slot)

    async def _call(self, driver: Driver, intent: IntentRow, change: VendorChange) -> Outcome | DriverError:
        seconds = self._settings.call_timeout.total_seconds()
        try:
            async with asyncio.timeout(seconds):
                return await driver.apply(Intent(intent.id, seconds), change)
        except DriverError as error:
            return error
        except TimeoutError:
            return Unknown("no answer in time")
        except Exception as fault:  # noqa: BLE001
            # A fault of a driver must not be taken for a refusal: a byte may have left us. Its words may hold digits.
            log.error("driver_failed", intent_id=str(intent.id), error=type(fault).__name__)  # noqa: TRY400
            return Unknown(f"the driver failed: {type(fault).__name__}")


class _NoCallLeft(Exception):
    """The account's budget is spent for now: the intent is rolled back with its transaction."""

    def __init__(self, until: datetime) -> None:
        super().__init__("no call left")
        self.until = until


def _intent(
    tx: Tx, claim: Claim, entry: EntryRow, change: Change, slot: str | None, call_timeout: timedelta
) -> IntentRow:
    return IntentRow(
        id=new_id(),
        domain_id=claim.row_id,
        entry_id=entry.id,
        kind=change.kind.value,
        state=change.state,
        revision=entry.declared.revision,
        epoch=claim.epoch,
        place=slot,
        begun_at=tx.now,
        deadline_at=tx.now + call_timeout,
        possible_before=sorted(entry.belief.possible),
        last_write_before=entry.belief.last_write_at,
    )


def _vendor_change(
    tx: Tx, entry: EntryRow, change: Change, reference: str | None, slot: str | None
) -> VendorChange:
    spec = entry.declared.spec
    if change.kind is Kind.REMOVE:
        return EnsureAbsent(spec.targets, str(reference))
    if change.kind is Kind.ISSUE:
        return Issue(spec.targets, spec.window, spec.name, slot)
    digits = tx.open(entry.digits or b"", "entries", "digits", entry.id)
    return EnsurePresent(
        spec.targets, digits, spec.window, spec.name, is_enabled(change.state), reference, slot
    )


def _reference(belief: Belief) -> str | None:
    """Where the entry stands, if it may stand anywhere. Several: the first is dealt with, the next pass the rest."""
    if not belief.may_be_present or not belief.references:
        return None
    return min(belief.references)


def _slot(work: Work, driver: Driver, entry: EntryRow, taken: frozenset[str]) -> str | None:
    """The numbered place for a new entry. Where a write of ours may still appear in one, the next goes there too, so
    that there are never two."""
    capabilities = work.unit.capabilities
    if capabilities.addressing is not Addressing.SLOT:
        return None
    if entry.belief.references:
        return min(entry.belief.references)
    return driver.place(entry.declared.spec.targets, taken, capabilities.most_codes)
