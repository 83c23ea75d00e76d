"""What declaring access asks in few statements: the locks it reaches, held; digits in use; a new grant stored whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from lockstep.model.window import Window
from lockstep.storage import claims
from lockstep.storage.accounts import LEAVING
from lockstep.storage.database import Connection
from lockstep.storage.devices import DeviceRow, device_columns, device_row
from lockstep.storage.entries import EntryRow
from lockstep.storage.events import Draft, tell_of_events
from lockstep.storage.grants import GrantRow, MethodRow


@dataclass(frozen=True, slots=True)
class Reached:
    """A device that a grant is to reach, and how its account stands."""

    device: DeviceRow
    account_public_id: str
    account_state: str

    @property
    def is_connected(self) -> bool:
        """Whether anything new may be declared on it."""
        return self.account_state not in LEAVING


class NewTarget(NamedTuple):
    """What a grant reaches: a space or a device."""

    id: UUID
    space_id: UUID | None
    device_id: UUID | None


class NewCode(NamedTuple):
    """A code on one lock, carried by an entry."""

    id: UUID
    public_id: str
    device_id: UUID
    entry_id: UUID


@dataclass(frozen=True, slots=True)
class NewDeclaration:
    """A grant that is not stored yet, with all that belongs to it. Its entries are at their first revision."""

    grant: GrantRow
    targets: Sequence[NewTarget]
    method: MethodRow
    entries: Sequence[EntryRow]
    codes: Sequence[NewCode]
    events: Sequence[Draft]


async def reached(
    db: Connection, workspace_id: UUID, public_ids: Sequence[str], device_ids: Sequence[UUID]
) -> list[Reached]:
    """Devices by either id, in the order of their ids. Their domains are locked, in the order of ids: declarations on
    one domain are made one after another."""
    rows = await db.fetch(
        f"""select {device_columns("d")}, a.public_id as account_public_id, a.state as account_state
            from devices d
              join accounts a on a.workspace_id = d.workspace_id and a.id = d.account_id
              join domains q on q.workspace_id = d.workspace_id and q.id = d.domain_id
            where d.workspace_id = $1 and (d.public_id = any($2) or d.id = any($3))
            order by q.id, d.id for update of q""",  # noqa: S608
        workspace_id,
        public_ids,
        device_ids,
    )
    found = [Reached(device_row(r), r["account_public_id"], r["account_state"]) for r in rows]
    return sorted(found, key=lambda f: f.device.id)


async def fingerprints_in_use(
    db: Connection,
    workspace_id: UUID,
    domain_ids: Sequence[UUID],
    device_ids: Sequence[UUID],
    window: Window,
    but_method: UUID | None,
) -> set[UUID]:
    """Digits declared on these domains for a time that overlaps `window`, or that may still be on a lock; and those
    that the newest readings show on these locks and no entry of ours explains."""
    rows = await db.fetch(
        """select r.fingerprint from entries e join entry_revisions r
             on r.workspace_id = e.workspace_id and r.entry_id = e.id
           where e.workspace_id = $1 and e.domain_id = any($2) and e.settled_at is null
             and r.fingerprint is not null and ($5::uuid is null or e.method_id is distinct from $5)
             and tstzrange(e.starts_at, e.ends_at) && tstzrange($3, $4)
           union
           select (c ->> 'fingerprint')::uuid
           from devices d
             join observations o on o.workspace_id = d.workspace_id and o.account_id = d.account_id
               and o.target = d.reference
             cross join lateral jsonb_array_elements(o.content) c
           where d.workspace_id = $1 and d.id = any($6) and c ->> 'fingerprint' is not null
             and (d.domain_id, c ->> 'reference') not in (
               select e.domain_id, unnest(e.vendor_references) from entries e
               where e.workspace_id = $1 and e.domain_id = any($2) and e.settled_at is null)""",
        workspace_id,
        domain_ids,
        window.starts_at,
        window.ends_at,
        but_method,
        device_ids,
    )
    return {r["fingerprint"] for r in rows}


async def insert(db: Connection, workspace_id: UUID, new: NewDeclaration, actor: str, now: datetime) -> bool:
    """Store it, tell of it, and make its domains (which the caller has locked) due now.

    False where the grant key is in use: then nothing is stored.
    """
    g, m = new.grant, new.method
    stored: bool = await db.fetchval(
        _INSERT,
        *(workspace_id, actor, now),
        *(g.id, g.public_id, g.grant_key, g.name, g.guest_id, g.booking_id, g.starts_at, g.ends_at),
        *(m.id, m.public_id, m.kind, m.digits, m.fingerprint, m.warning),
        *_columns(new.targets, 3),
        *_columns([_entry(e) for e in new.entries], 10),
        *_columns(new.codes, 4),
        *_columns([(d.id, d.public_id, d.kind, dict(d.subjects), dict(d.payload)) for d in new.events], 5),
    )
    if stored:
        claims.ring(db, "domains")
        tell_of_events(db, workspace_id)
    return stored


# One statement instead of nine, for each costs a round trip and its part of the protocol on both sides. References
# between the rows are checked at its end.
_INSERT = """
  with g as (
    insert into grants (workspace_id, id, public_id, grant_key, name, guest_id, booking_id, starts_at, ends_at,
      created_at, changed_at)
    values ($1, $4, $5, $6, $7, $8, $9, $10, $11, $3, $3)
    on conflict (workspace_id, grant_key) do nothing returning id
  ), targets as (
    insert into grant_targets (workspace_id, grant_id, id, space_id, device_id)
    select $1, g.id, t.* from g, unnest($18::uuid[], $19::uuid[], $20::uuid[]) t
  ), method as (
    insert into access_methods (workspace_id, id, public_id, grant_id, kind, digits, fingerprint, warning, created_at)
    select $1, $12, $13, g.id, $14, $15, $16, $17, $3 from g
  ), given as (
    select e.id, e.domain_id, e.natural_key, e.tag, e.name, e.starts_at, e.ends_at, e.digits, e.fingerprint,
      array(select jsonb_array_elements_text(e.targets::jsonb)) as target_references
    from g, unnest($21::uuid[], $22::uuid[], $23::text[], $24::text[], $25::text[], $26::timestamptz[],
        $27::timestamptz[], $28::bytea[], $29::uuid[], $30::text[])
      as e (id, domain_id, natural_key, tag, name, starts_at, ends_at, digits, fingerprint, targets)
  ), entered as (
    insert into entries (workspace_id, id, domain_id, method_id, natural_key, tag, name, revision, starts_at, ends_at,
      digits, fingerprint, target_references, declared_at)
    select $1, id, domain_id, $12, natural_key, tag, name, 1, starts_at, ends_at, digits, fingerprint,
      target_references, $3 from given
  ), revised as (
    insert into entry_revisions (workspace_id, entry_id, revision, starts_at, ends_at, fingerprint, name,
      target_references)
    select $1, id, 1, starts_at, ends_at, fingerprint, name, target_references from given
  ), codes as (
    insert into access_codes (workspace_id, id, public_id, device_id, entry_id, grant_id, created_at)
    select $1, c.id, c.public_id, c.device_id, c.entry_id, g.id, $3
    from g, unnest($31::uuid[], $32::text[], $33::uuid[], $34::uuid[]) as c (id, public_id, device_id, entry_id)
  ), told as (
    insert into events (workspace_id, id, occurred_at, public_id, kind, actor, subjects, payload)
    select $1, v.id, $3, v.public_id, v.kind, $2, v.subjects, v.payload
    from g, unnest($35::uuid[], $36::text[], $37::text[], $38::jsonb[], $39::jsonb[])
      as v (id, public_id, kind, subjects, payload)
    returning id, occurred_at
  ), queued as (
    insert into unsequenced (workspace_id, event_id, occurred_at) select $1, id, occurred_at from told
  ), woken as (
    update domains set generation = generation + 1, due_at = least(due_at, $3),
      urgent_at = least(urgent_at, $10)
    from g where domains.workspace_id = $1 and domains.id = any($22)
  )
  select exists (select from g)"""


def _entry(row: EntryRow) -> tuple[object, ...]:
    d = row.declared
    # As text, since lists within a list would be taken for an array of two dimensions.
    targets = msgspec.json.encode(sorted(d.spec.targets)).decode()
    return (
        *(d.entry_id, row.domain_id, row.natural_key, d.tag, d.spec.name),
        *(d.spec.window.starts_at, d.spec.window.ends_at, row.digits, d.spec.fingerprint, targets),
    )


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> list[Sequence[object]]:
    """Rows as unnest takes them: an array for each column."""
    return list(zip(*rows, strict=True)) if rows else [()] * width
