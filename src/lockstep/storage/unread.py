"""A database that was just restored, or that begins to rule, has read no lock, nor has anybody read those of an account
that was disconnected: what happened there meanwhile is not known, so nothing counts as proven until a reading that
began since."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg

from lockstep.storage.database import Connection

_LOCKS_TO_READ = """
update domains q set generation = generation + 1, look_at = $2, think_at = null,
  due_at = $2, doubt_at = null, leased_until = null, lease_epoch = lease_epoch + 1
where q.workspace_id = $1 and q.id in (
  select d.id from domains d join accounts a on a.workspace_id = d.workspace_id and a.id = d.account_id
  where d.workspace_id = $1 and a.state <> 'disconnected' and ($3::uuid is null or a.id = $3)
  order by d.id for no key update of d)"""

# What no reading shows may be there no more: only writing it again can prove it. What nobody can take back either stays
# as the vendor said it is.
_NOT_PROVEN = """
update entries e set proven_at = null, possible = case
    when can.be_read or 'absent' = any(possible) then possible else possible || '{absent}' end
from (
  select domain_id, bool_and(capabilities ->> 'read_back' <> 'none') as be_read,
    bool_and(capabilities ->> 'delete' <> 'impossible') as be_taken_back
  from devices where workspace_id = $1 and ($2::uuid is null or account_id = $2) group by domain_id) can
where e.workspace_id = $1 and e.domain_id = can.domain_id and e.settled_at is null
  and (can.be_read or can.be_taken_back)"""


async def forget_what_was_read(
    db: Connection | asyncpg.Connection, workspace_id: UUID, since: datetime, account_id: UUID | None = None
) -> None:
    """Each lock is due to be read, by a reading that begins at `since` or later; with an account, each of its locks.

    Passes under way lose their leases, so that nothing they read before is believed.
    """
    await db.execute(_LOCKS_TO_READ, workspace_id, since, account_id)
    await db.execute(
        "delete from readings where workspace_id = $1 and ($2::uuid is null or account_id = $2)",
        workspace_id,
        account_id,
    )
    await db.execute(_NOT_PROVEN, workspace_id, account_id)
    # Nor is it known whether the vendor still calls the address that it was told, and with which secret.
    await db.execute(
        """update accounts set callbacks_checked_at = null
           where workspace_id = $1 and ($2::uuid is null or id = $2)""",
        workspace_id,
        account_id,
    )
