"""The Nuki Web API as the driver contract wants it. Holds nothing that decides anything."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from lockstep.driver.changes import (
    Action,
    Change,
    ConfigureAutoLock,
    EnsureAbsent,
    EnsurePresent,
    Intent,
    ObserveScope,
)
from lockstep.driver.contract import Description, LogEntry, Reading
from lockstep.driver.outcomes import (
    CredentialsRefused,
    Done,
    DriverError,
    Outcome,
    Reason,
    Refused,
    Unknown,
)
from lockstep.kit.clock import Clock
from lockstep.model.capabilities import Evidence
from lockstep.vendors.nuki.acts import Settings, auto_lock_call, lock_path, movement_path
from lockstep.vendors.nuki.client import Client
from lockstep.vendors.nuki.convert import (
    ALL_WEEK,
    Account,
    Auth,
    Lock,
    Log,
    can_be_sent,
    creation,
    given_window,
    instant,
    log_entry_of,
    update,
)
from lockstep.vendors.nuki.desk import NukiDesk
from lockstep.vendors.nuki.replies import SubscriptionLacking, outcome_of
from lockstep.vendors.nuki.snapshot import Snapshot

_LOG_PAGE = 50
"""The most that one call gives (OpenAPI 3.9.0)."""


class NukiDriver:
    """One account at Nuki, reached with an API token."""

    def __init__(self, client: Client, clock: Clock, token: str) -> None:
        self._client = client
        self._clock = clock
        self._token_print = hashlib.sha256(token.encode()).hexdigest()[:16]

    @property
    def callbacks(self) -> NukiDesk:
        """Decentral webhooks; the token needs a right of its own for them."""
        return NukiDesk(self._client)

    async def describe(self) -> Description:
        """All locks of the account. Two calls; a third where there is no lock that tells its account."""
        snapshot = await self._snapshot()
        return snapshot.description(await self._account(snapshot.locks))

    async def observe(self, scope: ObserveScope) -> Reading:
        """One snapshot of the whole account, whatever the scope: two calls, and those for the log if wanted.

        It is complete for the locks that the vendor is in touch with and tells of.
        """
        snapshot = await self._snapshot()
        return snapshot.reading(() if scope.since is None else await self._log(scope.since))

    def place(self, targets: frozenset[str], taken: frozenset[str], most: int | None) -> str | None:
        """None: Nuki gives the reference itself."""
        return None

    async def apply(self, intent: Intent, change: Change) -> Outcome:
        """One call to one lock. `Done` means validated and queued by the vendor, no more."""
        if isinstance(change, EnsurePresent):
            return await self._ensure_present(intent, change)
        if isinstance(change, EnsureAbsent):
            return await self._ensure_absent(intent, change)
        return Refused(Reason.OTHER, "Nuki computes no digits; give them")

    async def follow(self, token: str) -> Outcome:
        """Nuki has no jobs, so that nothing is known of one."""
        return Unknown("Nuki has no jobs to follow")

    async def act(self, intent: Intent, action: Action) -> Outcome:
        """Unlock or lock now, or configure the auto lock, for which its settings are read first.

        `Done` means that the vendor passes it on; the lock's state, and the log, tell whether it did it."""
        if not isinstance(action, ConfigureAutoLock):
            path, body, seconds = movement_path(action), None, intent.deadline_seconds
        else:
            loop = asyncio.get_running_loop()
            deadline = loop.time() + intent.deadline_seconds
            call = auto_lock_call(action, await self._client.read(lock_path(action.target), Settings))
            if call is None:
                return Refused(Reason.OTHER, "This lock has no auto lock, or none that needs no delay.")
            (path, body), seconds = call, deadline - loop.time()
        reply = await self._client.write("POST", path, body, seconds=seconds)
        return outcome_of(reply, done=Done(Evidence.ACCEPTED))

    async def _snapshot(self) -> Snapshot:
        begun_at = self._clock.now()
        locks = await self._client.read("/smartlock", list[Lock])
        try:
            return Snapshot(begun_at, locks, await self._client.read("/smartlock/auth", list[Auth]))
        except SubscriptionLacking:
            return Snapshot(begun_at, locks, None)

    async def _ensure_present(self, intent: Intent, change: EnsurePresent) -> Outcome:
        if change.digits is None and change.reference is None:
            return Refused(Reason.RULE_BROKEN, "Nuki creates no code without digits")
        if change.digits is not None and not can_be_sent(change.digits):
            return Refused(Reason.RULE_BROKEN, "Nuki takes digits as a number: none may be a leading zero")
        if not change.name.isascii():
            return Refused(Reason.RULE_BROKEN, "A Nuki lock keeps names in bytes: ASCII alone is kept whole")
        if change.reference is None and not change.is_enabled:
            return Refused(Reason.RULE_BROKEN, "Nuki cannot create a code that is disabled")
        path = _auth_path(change.targets, change.reference)
        method, body = ("PUT", creation(change)) if change.reference is None else ("POST", update(change))
        reply = await self._client.write(
            method,
            path,
            body,
            seconds=intent.deadline_seconds,
            hidden=(change.digits,) if change.digits else (),
        )
        # A create is answered without the id, which only a later listing tells.
        given = given_window(change.window)
        done = Done(
            Evidence.ACCEPTED,
            reference=change.reference,
            version=ALL_WEEK,
            window=None if given == change.window else given,
        )
        return outcome_of(reply, done=done, writes_digits=True)

    async def _ensure_absent(self, intent: Intent, change: EnsureAbsent) -> Outcome:
        path = _auth_path(change.targets, change.reference)
        reply = await self._client.write("DELETE", path, seconds=intent.deadline_seconds)
        return outcome_of(reply, done=Done(Evidence.ACCEPTED), absent_is_done=True)

    async def _log(self, since: datetime) -> tuple[LogEntry, ...]:
        """Newest first, page by page. Nothing for a token without the scope for logs: the rest needs none."""
        found: list[LogEntry] = []
        params: dict[str, str | int] = {"fromDate": instant(since), "limit": _LOG_PAGE}
        while True:
            try:
                page = await self._client.read("/smartlock/log", list[Log], params)
            except CredentialsRefused:
                return ()
            found += [entry for log in page if log.date >= since and (entry := log_entry_of(log)) is not None]
            if len(page) < _LOG_PAGE or page[-1].id == params.get("id") or page[-1].date < since:
                return tuple(found)
            params["id"] = page[-1].id

    async def _account(self, locks: Sequence[Lock]) -> str:
        """The account's number, from its locks if there are any: few tokens may read the account itself."""
        numbers = {lock.account_id for lock in locks}
        if numbers:
            return str(min(numbers))
        try:
            return str((await self._client.read("/account", Account)).account_id)
        except DriverError:
            return f"token-{self._token_print}"


def _auth_path(targets: frozenset[str], reference: str | None) -> str:
    (lock,) = targets
    path = f"{lock_path(lock)}/auth"
    return path if reference is None else f"{path}/{quote(reference, safe='')}"
