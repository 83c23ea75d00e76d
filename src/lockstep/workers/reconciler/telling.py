"""Tells what a pass found: events, alarms, notes for people; and settles what is over. Decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.model import events
from lockstep.model.access_code import as_known, is_gone
from lockstep.model.belief import Belief, is_proven
from lockstep.model.capabilities import Capabilities
from lockstep.model.code_events import CodeFact, alarms_due, events_of_belief, refusal_due, start_due
from lockstep.model.declared import ABSENT, carried, due_state, effective_window
from lockstep.operations import events as recorded
from lockstep.operations.gate import Tx
from lockstep.storage import access_codes, entries, occupancies
from lockstep.storage.access_codes import ShownCode
from lockstep.storage.accounts import AccountRow
from lockstep.storage.entries import EntryRow
from lockstep.workers.reconciler.actor import RECONCILER
from lockstep.workers.reconciler.remedies import Remedy
from lockstep.workers.reconciler.situation import Place, Stock, Unit, units_of


def facts_of(unit: Unit, entry: EntryRow, after: Belief, now: datetime) -> list[CodeFact]:
    """What a change of belief means."""
    return events_of_belief(entry.declared, entry.belief, after, unit.capabilities, now)


def facts_of_beliefs(
    unit: Unit, changed: Sequence[tuple[EntryRow, Belief]], now: datetime
) -> dict[UUID, list[CodeFact]]:
    """What changes of belief mean, by entry; those that mean nothing are left out."""
    return {e.id: facts for e, after in changed if (facts := facts_of(unit, e, after, now))}


async def tell_beliefs(tx: Tx, unit: Unit, changed: Sequence[tuple[EntryRow, Belief]]) -> None:
    """Append what changes of belief mean."""
    await _append_for(tx, facts_of_beliefs(unit, changed, tx.now))


def events_of(
    facts: Mapping[UUID, Sequence[CodeFact]], shown: Sequence[ShownCode]
) -> list[events.AccessCodeEvent]:
    """One event for each lock that shows the code."""
    return [
        fact.about(
            access_code_id=code.public_id,
            device_id=code.device_public_id,
            access_grant_id=code.grant_public_id,
            is_at_door=code.is_at_door,
        )
        for code in shown
        for fact in facts[code.entry_id]
    ]


async def tell_account(tx: Tx, account: AccountRow, state: str) -> None:
    if state == "credentials_refused":
        await recorded.append(
            tx,
            RECONCILER,
            events.ConnectedAccountCredentialsRefused(connected_account_id=account.public_id),
        )


@dataclass(frozen=True, slots=True)
class Noted:
    """What is to be noted of one entry, and the alarms that are due."""

    entry: EntryRow
    failure: dict[str, Any] | None
    not_before: datetime | None
    raised: frozenset[str]
    due: Sequence[CodeFact]
    started: int | None
    """The revision of which it is told that it opens."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a pass has to store besides beliefs: mostly nothing."""

    settled: Sequence[UUID]
    """Over, and proven gone."""
    gone: Sequence[UUID]
    """Of these, what was withdrawn."""
    noted: Sequence[Noted]

    def __bool__(self) -> bool:
        return bool(self.settled or self.noted)


def find(place: Place, stock: Stock, notes: Mapping[UUID, Remedy], now: datetime) -> Findings:
    """Notes and alarms of every entry; what is over and proven gone is to be settled. Writes nothing."""
    settled: list[EntryRow] = []
    noted: list[Noted] = []
    for unit in units_of(place, stock):
        for entry in unit.entries:
            if _is_over(entry, unit.capabilities, now) and is_gone(entry.belief):
                settled.append(entry)
            elif (found := _noted(unit, entry, notes.get(entry.id), now)) is not None:
                noted.append(found)
    gone = [e.id for e in settled if e.declared.is_withdrawn]
    return Findings([e.id for e in settled], gone, noted)


async def settle_and_tell(tx: Tx, findings: Findings) -> None:
    """Store and tell them, under the lease and with the stock as it is under that lock."""
    for noted in findings.noted:
        if noted.due:
            await _append_for(tx, {noted.entry.id: noted.due})
        await entries.store_notes(
            tx.db,
            tx.workspace_id,
            noted.entry.id,
            failure=noted.failure,
            not_before=noted.not_before,
            alarms=noted.raised,
            started=noted.started,
        )
    if findings.settled:
        await _tell_gone(tx, findings.gone)
        await entries.settle(tx.db, tx.workspace_id, findings.settled, tx.now)
        for entry_id in findings.settled:
            await occupancies.keep_only(tx.db, tx.workspace_id, entry_id, [])


async def _tell_gone(tx: Tx, entry_ids: Collection[UUID]) -> None:
    if entry_ids:
        shown = await access_codes.shown_of_entries(tx.db, tx.workspace_id, sorted(entry_ids))
        await recorded.append(
            tx,
            RECONCILER,
            *(
                events.AccessCodeGone(
                    access_code_id=code.public_id,
                    device_id=code.device_public_id,
                    access_grant_id=code.grant_public_id,
                    is_replaced=code.is_replaced,
                )
                for code in shown
            ),
        )


def _noted(unit: Unit, entry: EntryRow, remedy: Remedy | None, now: datetime) -> Noted | None:
    failure: dict[str, Any] | None = entry.failure
    not_before = entry.not_before
    if remedy is not None:
        failure = _same_or_new(entry.failure, remedy.failure)
        if remedy.entry_wait is not None:
            not_before = now + remedy.entry_wait
    elif stands_as_wanted(entry, unit.capabilities, now):
        failure, not_before = None, None
    belief = as_known(entry.belief, unit.unlisted_since(entry), now)
    due = alarms_due(entry.declared, belief, unit.capabilities, now, entry.alarms)
    if remedy is not None and _is_lasting(entry, remedy):
        refused = refusal_due(entry.declared, belief, unit.capabilities, now, remedy.failure, entry.alarms)
        due += [refused] if refused is not None else []
    raised = entry.alarms | {fact.alarm for fact in due if fact.alarm}
    started = start_due(entry.declared, belief, unit.capabilities, now, entry.started)
    due += [started] if started is not None else []
    if not due and (failure, not_before, raised) == (entry.failure, entry.not_before, entry.alarms):
        return None
    told = entry.declared.revision if started is not None else entry.started
    return Noted(entry, failure, not_before, raised, due, told)


def _is_lasting(entry: EntryRow, remedy: Remedy) -> bool:
    """A refusal is one at once. What is only held back may have its place or its digits free in the next pass."""
    is_refused = remedy.entry_wait is not None
    return is_refused or (entry.failure is not None and entry.failure["code"] == remedy.failure["code"])


def _same_or_new(before: dict[str, Any] | None, now: dict[str, Any]) -> dict[str, Any]:
    """The same failure again keeps its first instant, so that a lasting one writes nothing."""
    if before is not None and {k: v for k, v in before.items() if k != "at"} == {
        k: v for k, v in now.items() if k != "at"
    }:
        return before
    return now


def stands_as_wanted(entry: EntryRow, capabilities: Capabilities, now: datetime) -> bool:
    """Whether it is proven to be on the lock, or gone from it, just as it should be at `now`."""
    want = due_state(entry.declared, capabilities, now)
    if want is None:
        want = carried(entry.declared.revision) if entry.belief.may_be_present else ABSENT
    return is_proven(entry.belief, want, capabilities)


def _is_over(entry: EntryRow, capabilities: Capabilities, now: datetime) -> bool:
    window = effective_window(entry.declared.spec.window, capabilities)
    return entry.declared.is_withdrawn or window.is_over(now)


async def _append_for(tx: Tx, facts: Mapping[UUID, Sequence[CodeFact]]) -> None:
    if facts:
        shown = await access_codes.shown_of_entries(tx.db, tx.workspace_id, sorted(facts))
        await recorded.append(tx, RECONCILER, *events_of(facts, shown))
