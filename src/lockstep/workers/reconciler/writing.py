"""Makes one change: intent first, then the call, then its outcome. At most one mutating call for each intent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from lockstep.driver.changes import Change as VendorChange
from lockstep.driver.changes import EnsureAbsent, EnsurePresent, Intent, Issue
from lockstep.driver.contract import Driver
from lockstep.driver.outcomes import DriverError, Outcome, Unknown, VendorBusy
from lockstep.kit.ids import new_id
from lockstep.kit.sealing import Place
from lockstep.model.belief import Belief, widen
from lockstep.model.capabilities import Addressing
from lockstep.model.declared import is_enabled
from lockstep.model.plan import Change, Kind
from lockstep.operations.gate import Gate
from lockstep.storage import intents, occupancies, writes
from lockstep.storage.claims import Claim
from lockstep.storage.entries import EntryRow
from lockstep.storage.intents import IntentRow
from lockstep.storage.writes import Occupation
from lockstep.workers.reconciler.calls import counted_calls
from lockstep.workers.reconciler.digits import occupation_of
from lockstep.workers.reconciler.permits import NO_TURN_WAIT, Permits, Ticket
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

    def __init__(
        self, gate: Gate, permits: Permits, settings: WriteSettings, made: Callable[[str, str], None]
    ) -> None:
        self._gate = gate
        self._permits = permits
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
            slot = await self._slot(work, driver, entry, taken)
        intent = _intent(work.claim, entry, change, slot, self._gate.clock.now(), self._settings.call_timeout)
        # Before the intent and not with it: see storage/budgets.py.
        ticket = await self._permits.admit(
            work.claim.workspace_id,
            work.place.account.id,
            work.unit.capabilities.pace,
            self._settings.call_timeout,
        )
        if isinstance(ticket, datetime):
            return Written(wait_until=ticket)
        begun: Begun | Written | None = None
        try:
            begun = await self._begin(work, entry, change, at, intent)
        finally:
            if not isinstance(begun, Begun):
                await self._permits.abandon(ticket)
        if isinstance(begun, Written):
            return begun
        wanted = self._wanted(work, entry, change, at, slot)
        with counted_calls() as calls:
            outcome, permit = await self._call_in_turn(ticket, work, driver, intent, wanted)
        return await store_outcome(self._gate, work, begun, outcome, permit, calls.beyond_the_first)

    async def _slot(self, work: Work, driver: Driver, entry: EntryRow, taken: frozenset[str]) -> str | None:
        """The numbered place for a new entry. Where a write of ours may still appear in one, the next goes there too,
        so that there are never two; one that was refused is somebody's whom the lock does not show."""
        capabilities = work.unit.capabilities
        if capabilities.addressing is not Addressing.SLOT:
            return None
        refused = frozenset[str]()
        if entry.belief.tried:
            workspace_id = work.claim.workspace_id
            async with self._gate.database.reading(workspace_id) as db:
                refused = await intents.refused_places(db, workspace_id, entry.id)
        mine = entry.belief.references - refused
        if mine:
            return min(mine)
        return driver.place(entry.declared.spec.targets, taken | refused, capabilities.most_codes)

    async def _begin(
        self, work: Work, entry: EntryRow, change: Change, at: str | None, intent: IntentRow
    ) -> Written | Begun:
        """The intent, the widened belief and the digits' place: all committed before the call, or none."""
        widened = widen(
            entry.belief, change.state, at or intent.place, work.unit.capabilities, intent.deadline_at
        )
        occupation = occupation_of(work, entry, intent.begun_at) if change.kind is Kind.SET else None
        answer = await self._store(work, entry, intent, widened, occupation)
        if answer is writes.Begun.OCCUPIED and occupation is not None:
            # Its own time on the lock may only have to grow; that takes a statement of its own, and is rare.
            async with self._gate.database.transaction(work.claim.workspace_id) as db:
                is_free = await occupancies.take(
                    db,
                    work.claim.workspace_id,
                    list(occupation.scope_ids),
                    entry.id,
                    occupation.fingerprint,
                    occupation.starts_at,
                    occupation.ends_at,
                )
            if is_free:
                answer = await self._store(work, entry, intent, widened, occupation)
        match answer:
            case writes.Begun.LEASE_LOST:
                return Written(is_lease_lost=True)
            case writes.Begun.OUTDATED:
                # Declared anew since this pass began: the next one is due already.
                return Written(is_outdated=True)
            case writes.Begun.OCCUPIED:
                return Written(remedy=of_unfree_digits(work.unit.label, intent.begun_at))
        return Begun(entry, widened, intent)

    async def _store(
        self,
        work: Work,
        entry: EntryRow,
        intent: IntentRow,
        widened: Belief,
        occupation: Occupation | None,
    ) -> writes.Begun:
        async with self._gate.database.reading(work.claim.workspace_id) as db:
            return await writes.begin(
                db,
                work.claim.workspace_id,
                work.claim,
                self._settings.lease,
                intent,
                widened,
                occupation,
                is_withdrawn=entry.declared.is_withdrawn,
            )

    def _wanted(
        self, work: Work, entry: EntryRow, change: Change, reference: str | None, slot: str | None
    ) -> VendorChange:
        spec = entry.declared.spec
        if change.kind is Kind.REMOVE:
            return EnsureAbsent(spec.targets, str(reference))
        if change.kind is Kind.ISSUE:
            return Issue(spec.targets, spec.window, spec.name, slot)
        sealed_at = Place(work.claim.workspace_id, "entries", "digits", entry.id)
        digits = None if entry.digits is None else self._gate.sealer.open(entry.digits, sealed_at)
        return EnsurePresent(
            spec.targets, digits, spec.window, spec.name, is_enabled(change.state), reference, slot
        )

    async def _call_in_turn(
        self, ticket: Ticket, work: Work, driver: Driver, intent: IntentRow, wanted: VendorChange
    ) -> tuple[Outcome | DriverError, UUID | None]:
        """The outcome, and the permit to give back with it. Waiting for the turn is part of the call's time: its
        deadline stands in the intent."""
        now = asyncio.get_running_loop().time
        ends_at = now() + self._settings.call_timeout.total_seconds()
        outcome: Outcome | DriverError = VendorBusy(
            "no turn among the calls of the account", NO_TURN_WAIT, is_account_wide=False
        )
        try:
            if await self._permits.turn(ticket):
                self._made(work.place.account.vendor, intent.kind)
                outcome = await self._call(driver, intent, wanted, ends_at - now())
                if isinstance(outcome, VendorBusy) and outcome.is_account_wide:
                    self._permits.stop(ticket)
        finally:
            permit = self._permits.leave(ticket)
        return outcome, permit

    async def _call(
        self, driver: Driver, intent: IntentRow, change: VendorChange, seconds: float
    ) -> Outcome | DriverError:
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


def _intent(
    claim: Claim, entry: EntryRow, change: Change, slot: str | None, now: datetime, call_timeout: timedelta
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
        begun_at=now,
        deadline_at=now + call_timeout,
        possible_before=sorted(entry.belief.possible),
        last_write_before=entry.belief.last_write_at,
    )


def _reference(belief: Belief) -> str | None:
    """Where the entry stands, if it may stand anywhere. Several: the first is dealt with, the next pass the rest."""
    if not belief.may_be_present or not belief.references:
        return None
    return min(belief.references)
