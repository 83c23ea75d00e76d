"""What is told when an account is disconnected: its devices and codes are nobody's here any more, and what stands on
the locks stays there."""

from __future__ import annotations

from uuid import UUID

from lockstep.model import events
from lockstep.operations.gate import Tx
from lockstep.storage import access_codes, devices, domains, entries


async def told_of_leaving(tx: Tx, account_public_id: str, account_id: UUID) -> list[events.Event]:
    """Of the account, its devices, and each code of ours that is not over, whether it is on its lock or not."""
    open_entries = [
        entry
        for domain in await domains.of_account(tx.db, tx.workspace_id, account_id)
        for entry in await entries.open_of_domain(tx.db, tx.workspace_id, domain.id)
    ]
    on_locks = {e.id for e in open_entries if e.belief.may_be_present}
    codes = await access_codes.shown_of_entries(tx.db, tx.workspace_id, [e.id for e in open_entries])
    found = await devices.of_account(tx.db, tx.workspace_id, account_id)
    return [
        events.ConnectedAccountDisconnected(connected_account_id=account_public_id, codes_left=len(on_locks)),
        *(events.DeviceLeft(device_id=d.public_id) for d in found if d.removed_at is None),
        *(
            events.AccessCodeLeft(
                access_code_id=code.public_id,
                device_id=code.device_public_id,
                access_grant_id=code.grant_public_id,
                is_on_lock=code.entry_id in on_locks,
            )
            for code in codes
        ),
    ]
