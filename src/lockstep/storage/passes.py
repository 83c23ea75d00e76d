"""What passes over write domains begin with, in as few statements as it can be: a pass is made for every lock, and
asking row by row took more time than thinking. Several passes that begin together share the statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from lockstep.model.declared import Spec
from lockstep.storage import intents
from lockstep.storage.accounts import AccountRow, account_columns, account_row
from lockstep.storage.database import Connection
from lockstep.storage.devices import DeviceRow, device_columns, device_row
from lockstep.storage.domains import DomainRow, domain_columns, domain_row
from lockstep.storage.entries import EntryRow, entry_columns, entry_row, spec_columns, spec_of
from lockstep.storage.intents import IntentRow
from lockstep.storage.unmanaged_codes import standing_on

_DOMAIN, _ACCOUNT = (len(columns.split(", ")) for columns in (domain_columns("q"), account_columns("a")))

# One domain is asked for by a statement of its own: for an array, whose length it does not know, the server makes a new
# plan at each call, and that takes longer than the answer.
_ONE, _SEVERAL = "= $2", "= any($2)"


def _place(which: str) -> str:
    return f"""
select {domain_columns("q")}, {account_columns("a")}, w.is_ruling, {device_columns("d")}, {standing_on("d")}
from domains q
  join accounts a on a.workspace_id = $1 and a.id = q.account_id
  join workspaces w on w.id = $1
  left join devices d on d.workspace_id = $1 and d.domain_id = q.id and d.given_up_at is null and d.is_managed
where q.workspace_id = $1 and q.id {which}
order by q.id, d.removed_at is not null, d.id"""  # noqa: S608


def _stock(which: str) -> str:
    return f"""
select {entry_columns()}, {spec_columns("r")}, exists (select from intents i where i.workspace_id = $1
  and i.domain_id = e.domain_id and (i.outcome is null or i.outcome = 'accepted')) as has_intents
from entries e left join entry_revisions r on r.workspace_id = $1 and r.entry_id = e.id
where e.workspace_id = $1 and e.domain_id {which} and e.settled_at is null
order by e.id"""  # noqa: S608


_PLACES, _STOCKS = (_place(_ONE), _place(_SEVERAL)), (_stock(_ONE), _stock(_SEVERAL))

FoundPlace = tuple[DomainRow, AccountRow, bool, list[DeviceRow], dict[UUID, frozenset[str]]]
"""The domain, its account, whether this database rules, the domain's locks that Lockstep looks after, of which those
taken as removed come last, and by lock the references of codes on it that are known not to be ours."""
FoundStock = tuple[dict[UUID, EntryRow], dict[UUID, dict[int, Spec]], list[IntentRow]]
"""Every entry that is not settled, every revision of each that a lock may still carry, and the intents without an
outcome (their worker died) or waiting for a job."""


async def places(db: Connection, workspace_id: UUID, domain_ids: Sequence[UUID]) -> Mapping[UUID, FoundPlace]:
    """By domain; one that has gone is missing."""
    locks_at = _DOMAIN + _ACCOUNT + 1
    found: dict[UUID, FoundPlace] = {}
    for record in await _fetch(db, _PLACES, workspace_id, domain_ids):
        row = tuple(record)
        domain = domain_row(row[:_DOMAIN])
        if domain.id not in found:
            found[domain.id] = (domain, account_row(row[_DOMAIN : locks_at - 1]), row[locks_at - 1], [], {})
        if row[locks_at] is not None:
            _, _, _, locks, strangers = found[domain.id]
            locks.append(device_row(row[locks_at:-1]))
            strangers[locks[-1].id] = frozenset(row[-1])
    return found


async def stocks(db: Connection, workspace_id: UUID, domain_ids: Sequence[UUID]) -> Mapping[UUID, FoundStock]:
    """By domain."""
    found: dict[UUID, FoundStock] = {id: ({}, {}, []) for id in domain_ids}
    have_intents = set(domain_ids)
    for record in await _fetch(db, _STOCKS, workspace_id, domain_ids):
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


async def _fetch(
    db: Connection, statements: tuple[str, str], workspace_id: UUID, domain_ids: Sequence[UUID]
) -> list[Any]:
    of_one, of_several = statements
    if len(domain_ids) == 1:
        return await db.fetch(of_one, workspace_id, domain_ids[0])
    return await db.fetch(of_several, workspace_id, list(domain_ids))
