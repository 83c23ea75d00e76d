"""What may be asked of an account that is connected: other details, and a look at all of it now."""

from __future__ import annotations

from lockstep.model import connecting_events
from lockstep.model.permissions import Actor, Scope, require, require_whole_workspace
from lockstep.operations import account_details, accounts
from lockstep.operations import events as recorded
from lockstep.operations.account_details import Details
from lockstep.operations.accounts import ConnectedAccount
from lockstep.operations.gate import Tx
from lockstep.storage import claims, domains


async def change(tx: Tx, actor: Actor, account_public_id: str, given: Details) -> ConnectedAccount:
    """Another label, customer, values of the caller's own, or what becomes of new devices. Raises NotFound, Invalid."""
    require(actor, Scope.ACCOUNTS_WRITE)
    require_whole_workspace(actor)
    before = await accounts.get(tx, actor, account_public_id)
    after = await account_details.give(tx, before, given)
    if after != before:
        changed = connecting_events.ConnectedAccountChanged(connected_account_id=after.public_id)
        await recorded.append(tx, actor, changed)
    return accounts.shown(after)


async def read_again(tx: Tx, actor: Actor, account_public_id: str) -> None:
    """Ask its vendor soon what is under it, and read all its locks. Raises NotFound, Conflict where it is leaving."""
    account = await accounts.look_now(tx, actor, account_public_id)
    rows = await domains.of_account(tx.db, tx.workspace_id, account.id)
    domain_ids = sorted(row.id for row in rows)
    await domains.look_now(tx.db, tx.workspace_id, domain_ids, tx.now)
    await claims.wake(tx.db, tx.workspace_id, "domains", domain_ids, tx.now)
