"""What is wrong in a workspace, and with the work in all of them, each with its next step: for `lockstep doctor`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lockstep.kit.wording import counted
from lockstep.model.permissions import Actor, Scope, require
from lockstep.operations import accounts, webhooks
from lockstep.operations.accounts import ConnectedAccount
from lockstep.operations.figures import Figures
from lockstep.operations.gate import Tx
from lockstep.operations.today import AskToday, Today, today

QUEUE_LATE_SECONDS = 60.0
"""Work that has been due for longer is waiting for a worker that is not there."""
UNSEQUENCED_LATE_SECONDS = 60.0
_MOST_WEBHOOKS = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong. `check` names the question that it answers, `subject` what it is about."""

    check: str
    subject: str
    cause: str
    next_step: str


CHECKS_OF_WORKSPACE = ("ruling", "accounts", "locks", "calendars", "bookings", "stays", "codes", "webhooks")
CHECKS_OF_WORK = ("queues", "events")


async def of_workspace(tx: Tx, actor: Actor) -> list[Finding]:
    """Its accounts, locks, calendars, held bookings, stays without a door, late codes and webhooks."""
    require(actor, Scope.WEBHOOKS_READ)
    page = await today(tx, actor, AskToday())
    found = []
    if not page.is_ruling:
        found.append(
            Finding(
                "ruling",
                page.workspace,
                "This database was restored or copied, so it only looks: no lock is written.",
                "Once the database it was made from works no more: lockstep confirm-ruling",
            )
        )
    found += [
        *_accounts(page),
        *_locks(page),
        *_calendars(page),
        *_bookings(page),
        *_stays(page),
        *_codes(page),
    ]
    return found + await _webhooks(tx, actor)


async def notes_of_workspace(tx: Tx, actor: Actor) -> list[Finding]:
    """What is not wrong and still good to know: accounts whose vendor does not call."""
    return [
        Finding("callbacks", _name_of(account), account.no_callbacks.cause, account.no_callbacks.next_step)
        for row in await accounts.listed(tx, actor)
        if (account := accounts.shown(row)).no_callbacks is not None
    ]


def of_work(figures: Figures) -> list[Finding]:
    """Whether somebody does the work, in all workspaces."""
    found = [
        Finding(
            "queues",
            queue.queue,
            f"{queue.due} rows are due and nobody works on them, the first for {queue.age_seconds:.0f} seconds.",
            "Start workers (lockstep serve or lockstep work), or more of them; their log tells why they fail.",
        )
        for queue in figures.queues
        if queue.age_seconds > QUEUE_LATE_SECONDS
    ]
    if figures.unsequenced_age_seconds > UNSEQUENCED_LATE_SECONDS:
        found.append(
            Finding(
                "events",
                "sequencer",
                f"{counted(figures.unsequenced, 'event')} without a position yet, the first for "
                f"{figures.unsequenced_age_seconds:.0f} seconds, so webhooks and cursors stand still.",
                "Start workers (lockstep serve or lockstep work); their log tells why sequencing fails.",
            )
        )
    return found


def _name_of(account: ConnectedAccount) -> str:
    return f"{account.label} ({account.connected_account_id})"


def _accounts(page: Today) -> Iterable[Finding]:
    for account in page.accounts:
        subject = _name_of(account)
        if account.failure is not None:
            yield Finding("accounts", subject, account.failure.cause, account.failure.next_step)
        elif account.state not in ("active", "disconnecting"):
            yield Finding(
                "accounts",
                subject,
                f"The account is {account.state.replace('_', ' ')}.",
                "Give it new credentials through the API or the first page.",
            )


def _locks(page: Today) -> Iterable[Finding]:
    for lock in page.ailing:
        for trouble in lock.troubles:
            yield Finding("locks", f"{lock.name} ({lock.lock_id})", trouble.cause, trouble.next_step)


def _calendars(page: Today) -> Iterable[Finding]:
    for calendar in page.calendars:
        subject = f"{calendar.name} ({calendar.calendar_id})"
        if calendar.held is not None:
            yield Finding(
                "calendars",
                subject,
                f"The feed lost {len(calendar.held.lost_booking_ids)} of {calendar.held.live} stays at once; "
                "it is held, and none was cancelled.",
                "Look at the calendar, then confirm the loss or release the feed.",
            )
        elif calendar.failure is not None:
            yield Finding("calendars", subject, calendar.failure.cause, calendar.failure.next_step)
        for warning in calendar.warnings:
            if warning.may_lack_a_stay:
                yield Finding("calendars", subject, warning.what, warning.next_step)


def _bookings(page: Today) -> Iterable[Finding]:
    for booking in page.held:
        assert booking.held is not None, "only such are listed"
        yield Finding(
            "bookings",
            f"{booking.booking_id}, from {booking.arrives}",
            f"The stay has no code as it should. {booking.held.cause}",
            booking.held.next_step,
        )


def _stays(page: Today) -> Iterable[Finding]:
    """Those that open nothing, and what waits to be told whether it is one."""
    for stay in (*page.doorless, *page.awaiting):
        if stay.obstacle is not None:
            subject = f"{stay.id}, from {stay.starts_at:%Y-%m-%d %H:%M} UTC"
            yield Finding("stays", subject, stay.obstacle.cause, stay.way_on)
    for ahead in page.ahead:
        where = ", ".join(ahead.locks) or ahead.row.space_name
        cause = f"{ahead.obstacle.cause} Closed to {ahead.row.stays} in the coming week."
        yield Finding("stays", where, cause, ahead.obstacle.next_step)


def _codes(page: Today) -> Iterable[Finding]:
    for late in page.late:
        what = "should be gone" if late.is_removal else "is not proven"
        yield Finding(
            "codes",
            f"{late.door.lock}: {late.stay.access_grant_id}",
            f"{f'The code {what}. ' if late.door.access_code_id else ''}{late.door.reason.cause}",
            late.door.reason.next_step,
        )


async def _webhooks(tx: Tx, actor: Actor) -> list[Finding]:
    return [
        Finding(
            "webhooks",
            f"{webhook.url_host} ({webhook.webhook_id})",
            f"It was disabled on {webhook.disabled_at:%Y-%m-%d %H:%M} UTC after failing for long.",
            "Mend what listens there, then enable the webhook; events since then can be listed.",
        )
        for webhook in await webhooks.listed(tx, actor, None, _MOST_WEBHOOKS)
        if webhook.disabled_at is not None
    ]
