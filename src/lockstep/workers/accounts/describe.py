"""One connected account: what is under it, whether its vendor calls us, whether its disconnection is complete."""

from __future__ import annotations

from datetime import datetime, timedelta

from lockstep.driver.outcomes import DriverError
from lockstep.model.capabilities import Pace
from lockstep.model.listing import next_description
from lockstep.operations import accounts as operations
from lockstep.operations.gate import Gate
from lockstep.storage import accounts, claims, devices
from lockstep.storage.claims import Claim
from lockstep.workers.accounts.callbacks import Registrar
from lockstep.workers.reconciler.actor import RECONCILER
from lockstep.workers.reconciler.drivers import Drivers
from lockstep.workers.reconciler.permits import NO_TURN_WAIT
from lockstep.workers.reconciler.remedies import of_error
from lockstep.workers.reconciler.telling import tell_account

_LOOK_AT_DISCONNECTION = timedelta(seconds=30)
_LONGEST = timedelta(seconds=30)


class Describer:
    """Processes claims of the queue `accounts`."""

    def __init__(self, gate: Gate, drivers: Drivers) -> None:
        self._gate = gate
        self._drivers = drivers
        self._registrar = Registrar(gate)

    async def process(self, claim: Claim) -> None:
        async with self._gate.database.reading(claim.workspace_id) as db:
            account = await accounts.get(db, claim.workspace_id, claim.row_id)
        if account is None:
            return
        if account.state == "disconnecting":
            await self._finish_disconnection(claim)
            return
        due_at = None
        if account.state == "active":
            due_at = self._gate.clock.now() + await self._describe(claim, account)
        async with self._gate.database.transaction(claim.workspace_id) as db:
            await claims.release(db, claim, due_at)

    async def _describe(self, claim: Claim, account: accounts.AccountRow) -> timedelta:
        now = self._gate.clock.now()
        driver = await self._drivers.of(claim.workspace_id, account)
        permits, pace = self._drivers.permits, await self._pace(claim)
        ticket = await permits.admit(claim.workspace_id, account.id, pace, _LONGEST)
        if isinstance(ticket, datetime):
            return ticket - now
        try:
            async with permits.calling(ticket) as may_call:
                if not may_call:
                    return NO_TURN_WAIT
                description = await driver.describe()
                async with self._gate.transaction(claim.workspace_id) as tx:
                    missing_since = await operations.take_description(tx, RECONCILER, account.id, description)
                await self._registrar.see_to(claim.workspace_id, account, driver)
        except DriverError as error:
            return await self._fail(claim, account, error, now)
        return next_description(missing_since, self._gate.clock.now())

    async def _fail(
        self, claim: Claim, account: accounts.AccountRow, error: DriverError, now: datetime
    ) -> timedelta:
        remedy = of_error(error, account.label, account.failures, now)
        async with self._gate.transaction(claim.workspace_id) as tx:
            wait = remedy.account_wait or timedelta(minutes=5)
            await accounts.note_failure(tx.db, tx.workspace_id, account.id, remedy.failure, now + wait)
            if remedy.account_state is not None and await accounts.set_state(
                tx.db,
                tx.workspace_id,
                account.id,
                remedy.account_state,
                remedy.failure,
                now,
                with_credentials=account.credentials,
            ):
                await tell_account(tx, account, remedy.account_state)
        return wait

    async def _pace(self, claim: Claim) -> Pace:
        """That of the account's locks, as far as they are known."""
        async with self._gate.database.reading(claim.workspace_id) as db:
            known = await devices.of_account(db, claim.workspace_id, claim.row_id)
        return known[0].capabilities.pace if known else Pace()

    async def _finish_disconnection(self, claim: Claim) -> None:
        async with self._gate.transaction(claim.workspace_id) as tx:
            is_done = await operations.finish_disconnection(tx, RECONCILER, claim.row_id)
            due_at = None if is_done else tx.now + _LOOK_AT_DISCONNECTION
            await claims.release(tx.db, claim, due_at)
