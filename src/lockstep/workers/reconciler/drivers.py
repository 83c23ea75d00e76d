"""Drivers of connected accounts, made from their sealed credentials and kept while these stay the same."""

from __future__ import annotations

from uuid import UUID

import msgspec

from lockstep.driver.contract import Driver
from lockstep.kit.sealing import Place
from lockstep.operations.gate import Gate
from lockstep.storage.accounts import AccountRow
from lockstep.workers.reconciler.calls import count_calls_of
from lockstep.workers.reconciler.permits import Permits


class Drivers:
    """One driver for each account; made anew after its credentials were changed. `permits`: whoever calls one asks
    there first."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._made: dict[UUID, tuple[bytes, Driver]] = {}
        self.permits = Permits(gate)
        count_calls_of(gate.vendor_http)

    async def of(self, workspace_id: UUID, account: AccountRow) -> Driver:
        assert account.credentials is not None, "nobody asks for a disconnected account"
        kept = self._made.get(account.id)
        if kept is not None and kept[0] == account.credentials:
            return kept[1]
        opened = self._gate.sealer.open(
            account.credentials, Place(workspace_id, "accounts", "credentials", account.id)
        )
        credentials = msgspec.json.decode(opened, type=dict[str, str])
        vendor = self._gate.vendors[account.vendor]
        driver = vendor.connect(credentials, http=self._gate.vendor_http, clock=self._gate.clock)
        self._made[account.id] = (account.credentials, driver)
        return driver
