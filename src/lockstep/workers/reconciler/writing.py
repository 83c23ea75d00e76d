"""Makes one change: intent first, then the call, then its outcome. At most one mutating call for each intent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from lockstep.driver.changes import Change as VendorChange
from lockstep.driver.changes import EnsureAbsent, EnsurePresent, Intent, Issue
from lockstep.driver.contract import Driver
from lockstep.driver.outcomes import Accepted, Done, DriverError, Outcome, Refused, Unknown
from lockstep.kit.ids import new_id
from lockstep.model.belief import Belief, after_done, after_refusal, after_unknown, widen
from lockstep.model.capabilities import Addressing, Capabilities, Comparison, Scope
from lockstep.model.declared import effective_window, is_enabled
from lockstep.model.plan import Change, Kind
from lockstep.operations.gate import Gate, Tx
from lockstep.storage import accounts, claims, entries, intents, occupancies
from lockstep.storage.claims import Claim
from lockstep.storage.entries import EntryRow
from lockstep.storage.intents import IntentRow
from lockstep.workers.reconciler.remedies import Remedy, failure, of_error, of_refusal
from lockstep.workers.reconciler.situation import Place, Unit

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WriteSettings:
    call_timeout: timedelta = timedelta(seconds=10)
    """Real time after which a call is given up; its outcome is then unknown."""
    lease: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Written:
    """What came of one change. `belief` None: nothing was sent, see `wait_until` and `remedy`."""

    belief: Belief | None = None
    remedy: Remedy | None = None
    wait_until: datetime | None = None
    is_lease_lost: bool = False


class Writing:
    """Makes changes for one process. `made` is called before each vendor call, for the metrics."""

    def __init__(self, gate: Gate, settings: WriteSettings, made: Callable[[str, str], None]) -> None:
        self._gate = gate
        self._settings = settings
        self._made = made

    async def write(
        self,
        claim: Claim,
        place: Place,
        unit: Unit,
        driver: Driver,
        entry: EntryRow,
        change: Change,
        taken: frozenset[str],
    ) -> Written:
        """`taken`: references that are or may be in use in this unit."""
        try:
            begun = await self._begin(claim, place, unit, driver, entry, change, taken)
        except _NoCallLeft as empty:
            return Written(wait_until=empty.until)
        if isinstance(begun, Written):
            return begun
        intent, widened, wanted = begun
        self._made(place.account.vendor, change.kind)
        outcome = await self._call(driver, intent, wanted)
        return await self._end(claim, place, unit, replace_belief(entry, widened), intent, outcome)

    async def _begin(
        self,
        claim: Claim,
        place: Place,
        unit: Unit,
        driver: Driver,
        entry: EntryRow,
        change: Change,
        taken: frozenset[str],
    ) -> Written | tuple[IntentRow, Belief, VendorChange]:
        capabilities = unit.capabilities
        at = change.reference or _reference(entry.belief)
        slot = None
        if change.kind is not Kind.REMOVE and at is None:
            slot = _own_slot(entry.belief, capabilities)
            if slot is None and capabilities.addressing is Addressing.SLOT:
                slot = driver.place(entry.declared.spec.targets, taken, capabilities.most_codes)
        if change.kind is Kind.REMOVE and at is None:
            return Written(wait_until=entry.belief.late_until)
        async with self._gate.transaction(claim.workspace_id) as tx:
            if not await claims.extend(tx.db, claim, self._settings.lease):
                return Written(is_lease_lost=True)
            intent = _intent(tx, claim, entry, change, slot, self._settings.call_timeout)
            if change.kind is Kind.SET and not await _occupy(tx, place, unit, entry):
                return Written(remedy=_digits_elsewhere(unit, tx.now))
            widened = widen(entry.belief, change.state, at or slot, capabilities, intent.deadline_at)
            await intents.insert(tx.db, tx.workspace_id, intent)
            await entries.store_belief(tx.db, tx.workspace_id, entry.id, widened)
            wait_until = await accounts.take_call(
                tx.db,
                tx.workspace_id,
                place.account.id,
                intent.id,
                tx.now,
                capabilities.pace.calls_per_minute,
                capabilities.pace.at_once,
                self._settings.call_timeout * 2,
            )
            if wait_until is not None:
                raise _NoCallLeft(wait_until)
            return intent, widened, _vendor_change(tx, entry, change, at, slot)

    async def _call(self, driver: Driver, intent: IntentRow, change: VendorChange) -> Outcome | DriverError:
        seconds = self._settings.call_timeout.total_seconds()
        try:
            async with asyncio.timeout(seconds):
                return await driver.apply(Intent(intent.id, seconds), change)
        except DriverError as error:
            return error
        except TimeoutError:
            return Unknown("no answer in time")
        except Exception as fault:
            # A fault of a driver must not be taken for a refusal: a byte may have left us.
            log.exception("driver_failed", intent_id=str(intent.id))
            return Unknown(f"the driver failed: {type(fault).__name__}")

    async def _end(
        self,
        claim: Claim,
        place: Place,
        unit: Unit,
        entry: EntryRow,
        intent: IntentRow,
        outcome: Outcome | DriverError,
    ) -> Written:
        async with self._gate.transaction(claim.workspace_id) as tx:
            await accounts.give_back(tx.db, tx.workspace_id, place.account.id, intent.id)
            return await store_outcome(tx, claim, place, unit, entry, intent, outcome)


class _NoCallLeft(Exception):
    """The account's budget is spent for now: the intent is rolled back with its transaction."""

    def __init__(self, until: datetime) -> None:
        super().__init__("no call left")
        self.until = until


async def store_outcome(
    tx: Tx,
    claim: Claim,
    place: Place,
    unit: Unit,
    entry: EntryRow,
    intent: IntentRow,
    outcome: Outcome | DriverError,
) -> Written:
    """The outcome of an intent is stored always; what follows for the belief only under our own lease."""
    written = _judge(tx, unit, entry, intent, outcome, place)
    await _store_intent(tx, intent, outcome)
    if not await claims.holds(tx.db, claim, timedelta(0)):
        return Written(is_lease_lost=True)
    if written.belief is not None:
        await entries.store_belief(tx.db, tx.workspace_id, entry.id, written.belief)
    if isinstance(outcome, Done) and intent.kind == "issue" and outcome.material:
        await _keep_material(tx, place, unit, entry, outcome.material)
    if isinstance(outcome, Done) and intent.kind != "remove" and outcome.window is not None:
        await entries.store_actual_window(tx.db, tx.workspace_id, entry.id, outcome.window)
    return written


def replace_belief(entry: EntryRow, belief: Belief) -> EntryRow:
    return replace(entry, belief=belief)


def _judge(
    tx: Tx, unit: Unit, entry: EntryRow, intent: IntentRow, outcome: Outcome | DriverError, place: Place
) -> Written:
    belief, capabilities = entry.belief, unit.capabilities
    match outcome:
        case Done(evidence=evidence, reference=reference, version=version):
            at = reference or (intent.place if intent.kind != "remove" else None)
            return Written(after_done(belief, intent.state, at, version, evidence, capabilities, tx.now))
        case Accepted():
            return Written(belief, wait_until=outcome.look_at)
        case Refused():
            before = frozenset(intent.possible_before)
            return Written(
                after_refusal(belief, before, intent.last_write_before),
                of_refusal(outcome, unit.label, tx.now),
            )
        case Unknown(horizon=horizon):
            return Written(after_unknown(belief, tx.now, capabilities, horizon))
    return Written(_as_before(belief, intent), of_error(outcome, unit.label, place.domain.failures, tx.now))


def _as_before(belief: Belief, intent: IntentRow) -> Belief:
    """Nothing was sent: the belief from before the intent."""
    restored = after_refusal(belief, frozenset(intent.possible_before), intent.last_write_before)
    return replace(restored, tried=belief.tried[:-1])


async def _store_intent(tx: Tx, intent: IntentRow, outcome: Outcome | DriverError) -> None:
    match outcome:
        case Done():
            await intents.end(tx.db, tx.workspace_id, intent.id, "done", tx.now)
        case Accepted():
            await intents.end(
                tx.db,
                tx.workspace_id,
                intent.id,
                "accepted",
                tx.now,
                token=outcome.token,
                look_at=outcome.look_at,
                give_up_at=outcome.give_up_at,
            )
        case Refused():
            await intents.end(
                tx.db, tx.workspace_id, intent.id, "refused", tx.now, reason=outcome.reason, said=outcome.said
            )
        case Unknown():
            await intents.end(tx.db, tx.workspace_id, intent.id, "unknown", tx.now, said=outcome.said)
        case _:
            await intents.end(
                tx.db, tx.workspace_id, intent.id, "not_sent", tx.now, reason=outcome.code, said=outcome.said
            )


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


async def _occupy(tx: Tx, place: Place, unit: Unit, entry: EntryRow) -> bool:
    """Digits may be on the lock from now on; refused by the database where another entry's may be."""
    spec, duplicates = entry.declared.spec, unit.capabilities.duplicates
    if spec.fingerprint is None:
        return True
    window = effective_window(spec.window, unit.capabilities)
    by_window = duplicates.compared_by is Comparison.WINDOW
    return await occupancies.take(
        tx.db,
        tx.workspace_id,
        scopes_of(place, unit, spec.targets),
        entry.id,
        spec.fingerprint,
        window.starts_at if by_window else tx.now,
        window.ends_at if by_window else None,
    )


def scopes_of(place: Place, unit: Unit, targets: frozenset[str]) -> list[UUID]:
    """Where digits must be unique: the locks themselves, or the whole account as one site."""
    if unit.capabilities.duplicates.scope is Scope.SITE:
        return [place.account.id]
    return [d.id for d in unit.locks if d.reference in targets]


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


async def _keep_material(tx: Tx, place: Place, unit: Unit, entry: EntryRow, material: str) -> None:
    fingerprint = tx.fingerprint(material)
    sealed = tx.seal(material, "entries", "digits", entry.id)
    await entries.store_digits(tx.db, tx.workspace_id, entry.id, entry.declared.revision, sealed, fingerprint)
    await occupancies.take(
        tx.db,
        tx.workspace_id,
        scopes_of(place, unit, entry.declared.spec.targets),
        entry.id,
        fingerprint,
        tx.now,
        None,
    )


def _digits_elsewhere(unit: Unit, now: datetime) -> Remedy:
    noted = failure(
        "digits_may_be_on_lock",
        f"{unit.label}: another guest's code with the same digits is or may still be on the lock.",
        "Lockstep sets it as soon as the other is proven gone; give other digits if that is too late.",
        now,
    )
    return Remedy(noted, entry_wait=timedelta(seconds=30))


def _reference(belief: Belief) -> str | None:
    """Where the entry stands, if it may stand anywhere. Several: the first is dealt with, the next pass the rest."""
    if not belief.may_be_present or not belief.references:
        return None
    return min(belief.references)


def _own_slot(belief: Belief, capabilities: Capabilities) -> str | None:
    """A write of ours may still appear in this slot: the next one goes there too, so that there are never two."""
    if capabilities.addressing is not Addressing.SLOT or not belief.references:
        return None
    return min(belief.references)
