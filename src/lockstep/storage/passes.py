"""What a pass over a write domain begins with, in as few statements as it can be: a pass is made for every lock, and
asking row by row took more time than thinking."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from lockstep.model.declared import Spec
from lockstep.storage import intents
from lockstep.storage.accounts import AccountRow, account_columns, account_row
from lockstep.storage.database import Connection
from lockstep.storage.devices import DeviceRow, device_columns, device_row
from lockstep.storage.domains import DomainRow, domain_columns, domain_row
from lockstep.storage.entries import EntryRow, entry_columns, entry_row, spec_columns, spec_of
from lockstep.storage.intents import IntentRow

_DOMAIN, _ACCOUNT = (len(columns.split(", ")) for columns in (domain_columns("q"), account_columns("a")))

_PLACE = f"""
select {domain_columns("q")}, {account_columns("a")}, w.is_ruling, {device_columns("d")}
from domains q
  join accounts a on a.workspace_id = $1 and a.id = q.account_id
  join workspaces w on w.id = $1
  left join devices d on d.workspace_id = $1 and d.domain_id = q.id and d.given_up_at is null
where q.workspace_id = $1 and q.id = $2
order by d.removed_at is not null, d.id"""  # noqa: S608

_STOCK = f"""
select {entry_columns()}, {spec_columns("r")}, exists (select from intents i where i.workspace_id = $1
  and i.domain_id = $2 and (i.outcome is null or i.outcome = 'accepted')) as has_intents
from entries e left join entry_revisions r on r.workspace_id = $1 and r.entry_id = e.id
where e.workspace_id = $1 and e.domain_id = $2 and e.settled_at is null
order by e.id"""  # noqa: S608


async def place(
    db: Connection, workspace_id: UUID, domain_id: UUID
) -> tuple[DomainRow, AccountRow, bool, list[DeviceRow]] | None:
    """The domain, its account, whether this database rules, and the domain's locks; those taken as removed come
    last. None where it has gone."""
    rows = [tuple(r) for r in await db.fetch(_PLACE, workspace_id, domain_id)]
    if not rows:
        return None
    first, locks_at = rows[0], _DOMAIN + _ACCOUNT + 1
    account = account_row(first[_DOMAIN : locks_at - 1])
    locks = [device_row(r[locks_at:]) for r in rows if r[locks_at] is not None]
    return domain_row(first[:_DOMAIN]), account, first[locks_at - 1], locks


async def stock(
    db: Connection, workspace_id: UUID, domain_id: UUID
) -> tuple[Mapping[UUID, EntryRow], Mapping[UUID, Mapping[int, Spec]], list[IntentRow]]:
    """Every entry that is not settled, every revision of each that a lock may still carry, and the intents without an
    outcome (their worker died) or waiting for a job."""
    rows: dict[UUID, EntryRow] = {}
    specs: dict[UUID, dict[int, Spec]] = {}
    has_intents = True
    for record in await db.fetch(_STOCK, workspace_id, domain_id):
        id, has_intents = record["id"], record["has_intents"]
        if id not in rows:
            rows[id] = entry_row(record)
            specs[id] = {}
        if record["of_revision"] is not None:
            revision, spec = spec_of(record)
            specs[id][revision] = spec
    found = await intents.open_of_domain(db, workspace_id, domain_id) if has_intents else []
    return rows, specs, found
