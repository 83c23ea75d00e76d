"""What passes over write domains begin with, in as few statements as it can be: a pass is made for every lock, and
asking row by row took more time than thinking. Several passes that begin together share the statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
where q.workspace_id = $1 and q.id = any($2)
order by q.id, d.removed_at is not null, d.id"""  # noqa: S608

_STOCK = f"""
select {entry_columns()}, {spec_columns("r")}, exists (select from intents i where i.workspace_id = $1
  and i.domain_id = e.domain_id and (i.outcome is null or i.outcome = 'accepted')) as has_intents
from entries e left join entry_revisions r on r.workspace_id = $1 and r.entry_id = e.id
where e.workspace_id = $1 and e.domain_id = any($2) and e.settled_at is null
order by e.id"""  # noqa: S608


FoundPlace = tuple[DomainRow, AccountRow, bool, list[DeviceRow]]
"""The domain, its account, whether this database rules, and the domain's locks; those taken as removed come last."""
FoundStock = tuple[dict[UUID, EntryRow], dict[UUID, dict[int, Spec]], list[IntentRow]]
"""Every entry that is not settled, every revision of each that a lock may still carry, and the intents without an
outcome (their worker died) or waiting for a job."""


async def places(db: Connection, workspace_id: UUID, domain_ids: Iterable[UUID]) -> Mapping[UUID, FoundPlace]:
    """By domain; one that has gone is missing."""
    locks_at = _DOMAIN + _ACCOUNT + 1
    found: dict[UUID, FoundPlace] = {}
    for record in await db.fetch(_PLACE, workspace_id, list(domain_ids)):
        row = tuple(record)
        domain = domain_row(row[:_DOMAIN])
        if domain.id not in found:
            found[domain.id] = (domain, account_row(row[_DOMAIN : locks_at - 1]), row[locks_at - 1], [])
        if row[locks_at] is not None:
            found[domain.id][-1].append(device_row(row[locks_at:]))
    return found


async def stocks(db: Connection, workspace_id: UUID, domain_ids: Sequence[UUID]) -> Mapping[UUID, FoundStock]:
    """By domain."""
    found: dict[UUID, FoundStock] = {id: ({}, {}, []) for id in domain_ids}
    have_intents = set(domain_ids)
    for record in await db.fetch(_STOCK, workspace_id, list(domain_ids)):
        id, domain_id = record["id"], record["domain_id"]
        rows, specs, _ = found[domain_id]
        if id not in rows:
            rows[id] = entry_row(record)
            specs[id] = {}
            if not record["has_intents"]:
                have_intents.discard(domain_id)
        if record["of_revision"] is not None:
            revision, spec = spec_of(record)
            specs[id][revision] = spec
    if have_intents:
        for intent in await intents.open_of_domains(db, workspace_id, sorted(have_intents)):
            found[intent.domain_id][-1].append(intent)
    return found
