"""One action attempt: sent at most once, since an act that may have happened is never repeated blindly."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from lockstep.driver.changes import Action, ConfigureAutoLock, Intent, Lock, Unlock
from lockstep.driver.outcomes import Accepted, Done, DriverError, Outcome, Refused, Unknown
from lockstep.model import events
from lockstep.model.capabilities import Evidence
from lockstep.operations import events as recorded
from lockstep.operations.gate import Gate, Tx
from lockstep.storage import accounts, attempts, claims, devices, domains
from lockstep.storage.accounts import AccountRow
from lockstep.storage.attempts import AttemptRow
from lockstep.storage.claims import Claim
from lockstep.storage.devices import DeviceRow
from lockstep.workers.reconciler.actor import WorkerName
from lockstep.workers.reconciler.drivers import Drivers
from lockstep.workers.reconciler.remedies import failure, of_act

_ACTOR = WorkerName("worker:attempts")


class Performer:
    """Processes claims of the queue `attempts`."""

    def __init__(self, gate: Gate, drivers: Drivers, call_timeout: timedelta = timedelta(seconds=15)) -> None:
        self._gate = gate
        self._drivers = drivers
        self._call_timeout = call_timeout

    async def process(self, claim: Claim) -> None:
        async with self._gate.transaction(claim.workspace_id) as tx:
            found = await _load(tx, claim)
            if found is None or found[0].is_forced:
                await claims.release(tx.db, claim, None)
                return
            attempt, device, account = found
            if attempt.state != "pending":
                # It has ended, and the lock has had the time to do what its vendor only passed on.
                await _look(tx, device)
                await claims.release(tx.db, claim, None)
                return
            if not await attempts.mark_sent(tx.db, tx.workspace_id, attempt.id, tx.now):
                await _end(tx, claim, attempt, device, Unknown("the worker ended before an answer"))
                return
            if tx.now > attempt.deadline_at or account.state != "active":
                await _end(tx, claim, attempt, device, TooLateToAct(account))
                return
        outcome = await self._act(claim, attempt, device, account)
        async with self._gate.transaction(claim.workspace_id) as tx:
            await _end(tx, claim, attempt, device, outcome)

    async def _act(
        self, claim: Claim, attempt: AttemptRow, device: DeviceRow, account: AccountRow
    ) -> Outcome | DriverError:
        seconds = self._call_timeout.total_seconds()
        driver = await self._drivers.of(claim.workspace_id, account)
        try:
            async with asyncio.timeout(seconds):
                outcome = await driver.act(Intent(attempt.id, seconds), _action_of(attempt, device))
                while isinstance(outcome, Accepted) and self._gate.clock.now() < outcome.give_up_at:
                    await self._gate.clock.wait_until(outcome.look_at)
                    outcome = await driver.follow(outcome.token)
                return outcome
        except DriverError as error:
            return error
        except TimeoutError:
            return Unknown("no answer in time")


class TooLateToAct(DriverError):
    """The lock's account could not be used before the attempt's deadline. See the connected account, then ask again."""

    code = "account_not_active"

    def __init__(self, account: AccountRow) -> None:
        super().__init__(account.state)


async def _load(tx: Tx, claim: Claim) -> tuple[AttemptRow, DeviceRow, AccountRow] | None:
    attempt = await attempts.get(tx.db, tx.workspace_id, claim.row_id)
    if attempt is None:
        return None
    locks = await devices.get_many(tx.db, tx.workspace_id, [attempt.device_id])
    account = await accounts.get(tx.db, tx.workspace_id, locks[0].account_id) if locks else None
    return (attempt, locks[0], account) if account is not None else None


def _action_of(attempt: AttemptRow, device: DeviceRow) -> Action:
    match attempt.action:
        case "lock":
            return Lock(device.reference)
        case "configure_auto_lock":
            request = attempt.request or {}
            return ConfigureAutoLock(device.reference, request["is_enabled"], request["delay_seconds"])
    return Unlock(device.reference)


async def _end(
    tx: Tx, claim: Claim, attempt: AttemptRow, device: DeviceRow, outcome: Outcome | DriverError
) -> None:
    noted = evidence = None
    match outcome:
        case Done():
            evidence = outcome.evidence.name.lower()
        case Refused():
            noted = of_act(outcome, device.name, tx.now)
        case Unknown() | Accepted():
            noted = failure(
                "unknown_outcome",
                f"{device.name}: no clear answer came; it may have been done.",
                "Look at the lock's state, then ask again if need be.",
                tx.now,
            )
        case _:
            noted = of_act(outcome, device.name, tx.now)
    state = "success" if noted is None else "error"
    if await attempts.end(tx.db, tx.workspace_id, attempt.id, state, noted, tx.now, evidence):
        event = events.ActionAttemptSucceeded if noted is None else events.ActionAttemptFailed
        of = {"action_attempt_id": attempt.public_id, "device_id": device.public_id}
        await recorded.append(tx, _ACTOR, event(**of, action=attempt.action))
    if isinstance(outcome, Refused | DriverError):
        await claims.release(tx.db, claim, None)
    elif isinstance(outcome, Done) and outcome.evidence >= Evidence.ACKNOWLEDGED:
        await _look(tx, device)
        await claims.release(tx.db, claim, None)
    else:
        await claims.release(tx.db, claim, tx.now + device.capabilities.settling)


async def _look(tx: Tx, device: DeviceRow) -> None:
    """What was done shows in the lock's state."""
    await domains.look_now(tx.db, tx.workspace_id, [device.domain_id], tx.now)
    await claims.wake(tx.db, tx.workspace_id, "domains", [device.domain_id], tx.now)
