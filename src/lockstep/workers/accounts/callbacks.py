"""Sees to it that a vendor calls us: registers the account's address there, asks from time to time, withdraws it.

Nothing depends on it. What a vendor refuses is noted, and everything goes on by the clock."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from lockstep.driver.contract import CallbackDesk, CallbacksRefused, Driver
from lockstep.driver.outcomes import DriverError, VendorUnreachable, words_of
from lockstep.operations import callbacks
from lockstep.operations.callbacks import Told
from lockstep.operations.gate import Gate
from lockstep.storage import callbacks as stored
from lockstep.storage.accounts import AccountRow
from lockstep.workers.reconciler.remedies import failure

CHECK_EVERY = timedelta(hours=6)
"""How often the vendor is asked whether it still has the address, or refuses it still."""
_WITHIN_SECONDS = 30.0

_NOT_OFFERED = (
    "callbacks_not_offered",
    "This vendor cannot be told whom to call.",
    "Nothing to do: Lockstep looks by the clock.",
)
_BY_HAND = (
    "callbacks_by_hand",
    "A webhook_secret was given, so the vendor calls only if somebody registered Lockstep's address there by hand.",
    "To have Lockstep register its address itself, give the credentials again without webhook_secret.",
)
_NO_ADDRESS = (
    "no_public_address",
    "The vendor cannot call: Lockstep has no public address that begins with https.",
    "Set LOCKSTEP_PUBLIC_URL, or leave it: Lockstep looks by the clock.",
)

_TRIED_AGAIN = "Lockstep tries again with the next description, and looks by the clock meanwhile."


class Registrar:
    """Asked at every description of an active account, at its turn at the vendor."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def see_to(self, workspace_id: UUID, account: AccountRow, driver: Driver) -> None:
        """Asks nobody where nothing is due. Raises nothing of the vendor's."""
        told, desk = callbacks.told(self._gate, workspace_id, account), driver.callbacks
        obstacle = _obstacle(told, desk, self._gate.callback_origin)
        if obstacle is None and not self._is_due(account, told):
            return
        if obstacle is not None and told.url is None and _code(account) == obstacle[0]:
            return
        async with self._gate.reading(workspace_id) as tx:
            if not await callbacks.is_ruling(tx):
                return
        if obstacle is not None:
            await _withdraw(desk, told.url)
            async with self._gate.transaction(workspace_id) as tx:
                await stored.forget(tx.db, workspace_id, account.id, failure(*obstacle, tx.now))
            return
        assert desk is not None, "else that is an obstacle"
        await self._ask(workspace_id, account, told, desk)

    def _is_due(self, account: AccountRow, told: Told) -> bool:
        origin, checked_at = self._gate.callback_origin, account.callbacks_checked_at
        # A process that was not told the public address leaves it to those that were.
        if origin is None:
            return False
        is_late = checked_at is None or self._gate.clock.now() - checked_at >= CHECK_EVERY
        return is_late or not told.is_below(origin)

    async def _ask(self, workspace_id: UUID, account: AccountRow, told: Told, desk: CallbackDesk) -> None:
        now = self._gate.clock.now()
        try:
            async with asyncio.timeout(_WITHIN_SECONDS):
                await self._register(workspace_id, account, told, desk)
            return
        except CallbacksRefused as refused:
            noted, checked_at = failure(refused.code, refused.cause, refused.next_step, now), now
        except (DriverError, TimeoutError) as fault:
            error = fault if isinstance(fault, DriverError) else VendorUnreachable()
            cause = f"The vendor could not be told whom to call. {words_of(error)[0]}"
            noted, checked_at = failure(error.code, cause, _TRIED_AGAIN, now), None
        if _code(account) == noted["code"]:
            # It began earlier.
            noted |= {"at": (account.no_callbacks or noted)["at"]}
        assert account.credentials is not None, "with these it was asked"
        async with self._gate.transaction(workspace_id) as tx:
            await stored.note(tx.db, workspace_id, account.id, account.credentials, noted, checked_at)

    async def _register(
        self, workspace_id: UUID, account: AccountRow, told: Told, desk: CallbackDesk
    ) -> None:
        origin = self._gate.callback_origin
        assert origin is not None, "else nothing is due"
        url, secret = told.url, None
        if url is not None and not told.is_below(origin):
            await _withdraw(desk, url)
        # A registration that was begun, and of which nobody knows how it ended, is made anew: its secret is told once.
        is_known = told.is_below(origin) and told.has_secret and account.callbacks_checked_at is not None
        if url is None or not is_known or not await desk.is_registered(url):
            async with self._gate.transaction(workspace_id) as tx:
                url = await callbacks.begin(tx, account, told, origin)
            secret = await desk.register(url)
        async with self._gate.transaction(workspace_id) as tx:
            is_kept = await callbacks.keep(tx, account, url, secret)
        if not is_kept and secret is not None:
            await _withdraw(desk, url)


def _obstacle(told: Told, desk: CallbackDesk | None, origin: str | None) -> tuple[str, str, str] | None:
    """Why the vendor is not to be told anything: code, cause, next step."""
    if desk is None:
        return _NOT_OFFERED
    if told.is_by_hand:
        return _BY_HAND
    return _NO_ADDRESS if origin is None and told.url is None else None


def _code(account: AccountRow) -> Any:
    return None if account.no_callbacks is None else account.no_callbacks["code"]


async def _withdraw(desk: CallbackDesk | None, url: str | None) -> None:
    """As far as it can be asked; a call to an address that nobody knows wakes nothing."""
    if desk is not None and url is not None:
        with suppress(CallbacksRefused, DriverError):
            await desk.withdraw(url)
