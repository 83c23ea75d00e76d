"""Tells what a pass found: events, alarms, notes for people; and settles what is over. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.model import events
from lockstep.model.access_code import is_gone
from lockstep.model.belief import Belief, is_proven
from lockstep.model.capabilities import Capabilities
from lockstep.model.code_events import CodeFact, alarms_due, events_of_belief
from lockstep.model.declared import ABSENT, carried, due_state, effective_window
from lockstep.operations import events as recorded
from lockstep.operations.gate import Tx
from lockstep.storage import access_codes, entries, occupancies
from lockstep.storage.accounts import AccountRow
from lockstep.storage.entries import EntryRow
from lockstep.workers.reconciler.actor import RECONCILER
from lockstep.workers.reconciler.remedies import Remedy
from lockstep.workers.reconciler.situation import Place, Stock, Unit, units_of


def facts_of(unit: Unit, entry: EntryRow, after: Belief, now: datetime) -> list[CodeFact]:
    """What a change of belief means."""
    return events_of_belief(entry.declared, entry.belief, after, unit.capabilities, now)


async def tell_beliefs(tx: Tx, unit: Unit, changed: Sequence[tuple[EntryRow, Belief]]) -> None:
    """Append what changes of belief mean, once for each lock that shows the code."""
    await _append_for(tx, {e.id: facts_of(unit, e, after, tx.now) for e, after in changed})


async def tell_account(tx: Tx, account: AccountRow, state: str) -> None:
    if state == "credentials_refused":
        await recorded.append(
            tx,
            RECONCILER,
            events.ConnectedAccountCredentialsRefused(connected_account_id=account.public_id),
        )


async def settle_and_tell(tx: Tx, place: Place, stock: Stock, notes: Mapping[UUID, Remedy]) -> None:
    """Notes and alarms of every entry; what is over and proven gone is settled."""
    settled: list[UUID] = []
    covered: set[UUID] = set()
    for unit in units_of(place, stock):
        for entry in unit.entries:
            covered.add(entry.id)
            if _is_over(entry, unit.capabilities, tx.now) and is_gone(entry.belief):
                settled.append(entry.id)
            else:
                await _note_and_alarm(tx, unit, entry, notes.get(entry.id))
    # Entries of locks that the vendor no longer shows: nothing can be done for them, and nothing opens.
    settled += [i for i, e in stock.entries.items() if i not in covered and e.declared.is_withdrawn]
    if settled:
        await entries.settle(tx.db, tx.workspace_id, settled, tx.now)
        for entry_id in settled:
            await occupancies.keep_only(tx.db, tx.workspace_id, entry_id, [])


async def _note_and_alarm(tx: Tx, unit: Unit, entry: EntryRow, remedy: Remedy | None) -> None:
    failure: dict[str, Any] | None = entry.failure
    not_before = entry.not_before
    if remedy is not None:
        failure = _same_or_new(entry.failure, remedy.failure)
        if remedy.entry_wait is not None:
            not_before = tx.now + remedy.entry_wait
    elif stands_as_wanted(entry, unit.capabilities, tx.now):
        failure, not_before = None, None
    due = alarms_due(entry.declared, entry.belief, unit.capabilities, tx.now, entry.alarms)
    if due:
        await _append_for(tx, {entry.id: due})
    raised = entry.alarms | {fact.alarm for fact in due if fact.alarm}
    if (failure, not_before, raised) != (entry.failure, entry.not_before, entry.alarms):
        await entries.store_notes(
            tx.db, tx.workspace_id, entry.id, failure=failure, not_before=not_before, alarms=raised
        )


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


async def _append_for(tx: Tx, told: Mapping[UUID, Sequence[CodeFact]]) -> None:
    """One event for each lock that shows the code, all in one statement."""
    of_entries = [entry_id for entry_id, facts in told.items() if facts]
    if not of_entries:
        return
    appended = [
        fact.about(
            access_code_id=code.public_id,
            device_id=code.device_public_id,
            access_grant_id=code.grant_public_id,
        )
        for code in await access_codes.shown_of_entries(tx.db, tx.workspace_id, of_entries)
        for fact in told[code.entry_id]
    ]
    await recorded.append(tx, RECONCILER, *appended)
