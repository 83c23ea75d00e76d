"""The virtual vendor's driver: describes, reads, writes, follows. Decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from lockstep.driver.changes import (
    Action,
    Change,
    EnsureAbsent,
    EnsurePresent,
    Intent,
    Issue,
    ObserveScope,
)
from lockstep.driver.contract import Description, Person, Reading
from lockstep.driver.outcomes import (
    Done,
    Outcome,
    Reason,
    Refused,
    Unknown,
)
from lockstep.kit.clock import Clock
from lockstep.model.capabilities import Evidence
from lockstep.model.window import Window
from lockstep.vendors.virtual import convert, wire
from lockstep.vendors.virtual.client import Answer, Client
from lockstep.vendors.virtual.desk import VirtualDesk
from lockstep.vendors.virtual.limits import SLOTS
from lockstep.vendors.virtual.reads import Readable, Reads
from lockstep.vendors.virtual.times import Times, times_of


class VirtualDriver:
    """One account at the virtual vendor; satisfies `lockstep.driver.contract.Driver`."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._reads = Reads(client, clock)

    @property
    def callbacks(self) -> VirtualDesk:
        """The account's hooks."""
        return VirtualDesk(self._client)

    async def describe(self) -> Description:
        """Every lock and door with its capabilities."""
        account = await self._reads.account()
        with Readable("GET /v1/account"):
            return Description(
                account.account,
                tuple(
                    convert.target_of(lock, has_subscription=account.subscription) for lock in account.locks
                ),
                tuple(Person(it.id, it.name, it.email, it.phone) for it in account.people),
            )

    async def observe(self, scope: ObserveScope) -> Reading:
        """Codes, states, and the log where it is asked for; in one listing where the account has one."""
        return await self._reads.reading(scope)

    def place(self, targets: frozenset[str], taken: frozenset[str], most: int | None) -> str | None:
        """The lowest slot that is free; None where the lock is known to have no slots, or none is free."""
        target = min(targets)
        lock = self._reads.known(target)
        if lock is not None and lock.features.addressing != "slot":
            return None
        places = (convert.slot_reference(target, slot) for slot in range(1, (most or SLOTS) + 1))
        return next((place for place in places if place not in taken), None)

    async def apply(self, intent: Intent, change: Change) -> Outcome:
        """One mutating call."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + intent.deadline_seconds
        lock = await self._reads.lock_for(change.targets, intent.deadline_seconds)

        def left() -> float:
            return deadline - loop.time()

        match change:
            case EnsurePresent():
                return await self._set(change, lock, left)
            case EnsureAbsent():
                return await self._remove(change, lock, left)
            case Issue():
                return await self._issue(change, lock, left)

    async def follow(self, token: str) -> Outcome:
        """What came of a job."""
        answer = await self._client.read(f"/v1/jobs/{token}")
        if answer.is_missing:
            return Unknown("the vendor has forgotten the job")
        with Readable("GET /v1/jobs/{job}"):
            job = msgspec.convert(answer.body["job"], wire.Job)
            return convert.outcome_of_job(job, self._clock.now())

    async def act(self, intent: Intent, action: Action) -> Outcome:
        """Unlock, lock, or configure the auto lock; the lock itself answers."""
        method, path, body = convert.call_of(action)
        answer = await self._client.write(method, path, body, intent.deadline_seconds)
        if isinstance(answer, Answer):
            return _missing(answer, "lock") or Done(Evidence.ACKNOWLEDGED)
        return answer

    async def _set(self, change: EnsurePresent, lock: wire.Lock, left: Callable[[], float]) -> Outcome:
        features = lock.features
        if len(change.targets) > features.locks_per_code:
            raise ValueError(f"{lock.id} holds codes for {features.locks_per_code} target(s) each.")
        if change.reference is not None and not features.updates:
            return Refused(Reason.OTHER, "this lock cannot change a code; remove it and set it anew")
        if not change.is_enabled and not features.schedule.holds_disabled:
            return Refused(Reason.RULE_BROKEN, "this lock cannot hold a disabled code")
        where = _where(change, lock)
        if where is None:
            return Refused(Reason.FULL, "no slot is free")
        times = times_of(change.window, lock, self._clock.now())
        answer = await self._client.write(*where, _body(change, lock, times), left())
        place = change.place if features.addressing == "slot" else None
        actual = times.window if times else change.window
        return self._outcome(answer, change.reference or place, change.window, actual)

    async def _remove(self, change: EnsureAbsent, lock: wire.Lock, left: Callable[[], float]) -> Outcome:
        answer = await self._client.write("DELETE", convert.path_of(change.reference, lock), None, left())
        if isinstance(answer, Answer) and answer.is_missing:
            return Done(Evidence.ACCEPTED, change.reference)
        return self._outcome(answer, change.reference, None, None)

    async def _issue(self, change: Issue, lock: wire.Lock, left: Callable[[], float]) -> Outcome:
        times = times_of(change.window, lock, self._clock.now())
        body = convert.body_of(change.name, times, lock)
        answer = await self._client.write("POST", f"/v1/locks/{lock.id}/issued", body, left())
        actual = times.window if times else change.window
        return self._outcome(answer, None, change.window, actual, is_issued=True)

    def _outcome(
        self,
        answer: Answer | Refused | Unknown,
        reference: str | None,
        asked: Window | None,
        actual: Window | None,
        *,
        is_issued: bool = False,
    ) -> Outcome:
        if not isinstance(answer, Answer):
            return answer
        if (refused := _missing(answer, "lock or code")) is not None:
            return refused
        try:
            written = msgspec.convert(answer.body, wire.Written)
            if written.job is not None:
                return convert.outcome_of_job(
                    msgspec.convert(written.job, wire.Job), self._clock.now(), reference
                )
            return convert.outcome_of(written, reference, asked, actual, is_issued=is_issued)
        except (msgspec.ValidationError, KeyError, ValueError):
            return Unknown("a yes in words that the manual does not know")


def _where(change: EnsurePresent, lock: wire.Lock) -> tuple[str, str] | None:
    """Method and path of a set; None where a slot is needed and none is given."""
    addressing = lock.features.addressing
    reference = change.reference or (change.place if addressing == "slot" else None)
    if reference is not None:
        return "PUT", convert.path_of(reference, lock)
    if addressing == "slot":
        return None
    return "POST", "/v1/persons" if addressing == "person" else f"/v1/locks/{lock.id}/codes"


def _body(change: EnsurePresent, lock: wire.Lock, times: Times | None) -> dict[str, Any]:
    body = convert.body_of(change.name, times, lock)
    if change.digits is not None:
        body["digits"] = change.digits
    if lock.features.schedule.holds_disabled:
        body["enabled"] = change.is_enabled
    if lock.features.addressing == "slot":
        # Whoever took the slot since it was found free keeps it.
        body["only_if_empty"] = change.reference is None
    if lock.features.addressing == "person":
        body["locks"] = sorted(change.targets)
    return body


def _missing(answer: Answer, what: str) -> Refused | None:
    return Refused(Reason.OTHER, f"not_found: there is no such {what}") if answer.is_missing else None
