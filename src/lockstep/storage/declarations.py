"""What declaring access asks in few statements: what a grant is to reach and which digits are in use there; and a new
grant stored whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from lockstep.model.window import Window
from lockstep.storage import claims
from lockstep.storage.accounts import LEAVING
from lockstep.storage.database import Connection
from lockstep.storage.devices import DeviceRow, device_columns, device_row
from lockstep.storage.entries import EntryRow
from lockstep.storage.events import Draft, draft_columns, tell_of_events, telling
from lockstep.storage.grants import GrantRow, MethodRow
from lockstep.storage.readings import newest_reading


@dataclass(frozen=True, slots=True)
class Reached:
    """A device that a grant is to reach, how its account stands, and the digits that are not free there."""

    device: DeviceRow
    account_public_id: str
    account_state: str
    account_label: str
    disconnected_at: datetime | None
    """Of its account."""
    generation: int
    """Of its write domain: another one means that declarations there have changed since."""
    domain_failure: dict[str, Any] | None
    domain_due_at: datetime | None
    read_at: datetime | None
    """When the newest reading of it began."""
    in_use: frozenset[UUID]
    """Fingerprints declared on its domain for a time that overlaps, or that may still be on a lock; and those that the
    newest reading shows on it and no entry of ours explains."""

    @property
    def is_connected(self) -> bool:
        """Whether anything new may be declared on it."""
        return self.account_state not in LEAVING


class Stored(Enum):
    """What came of storing a new grant; nothing of it is stored unless all of it is."""

    ALL = "all"
    NOTHING_KEY_TAKEN = "nothing: the grant key is in use"
    NOTHING_MOVED_ON = "nothing: declarations of a domain have changed since they were read"


class NewTarget(NamedTuple):
    """What a grant reaches: a space or a device."""

    id: UUID
    space_id: UUID | None
    device_id: UUID | None
    public_id: str
    """Of the space or device."""


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
    domains: Mapping[UUID, int]
    """Write domain -> its generation when the digits in use there were read."""
    due: Mapping[UUID, datetime]
    """Write domain -> when something is first to be done there for this."""


async def reached(
    db: Connection,
    workspace_id: UUID,
    window: Window,
    *,
    public_ids: Sequence[str] = (),
    device_ids: Sequence[UUID] = (),
    but_method: UUID | None = None,
    only: UUID | None = None,
) -> list[Reached]:
    """Devices by either id, in the order of their ids. `but_method`: its own digits do not count as in use, nor where
    they were let go and stand on the lock still. `only`: the fingerprint of the only digits that are asked for;
    `in_use` tells of no others, and costs the same however many codes a lock has."""
    asked = (workspace_id, public_ids, device_ids, window.starts_at, window.ends_at, but_method)
    rows = await (db.fetch(_REACHED, *asked) if only is None else db.fetch(_REACHED_ONE, *asked, only))
    found = {r["id"]: r for r in rows}
    return [
        Reached(
            device_row(r),
            r["account_public_id"],
            r["account_state"],
            r["account_label"],
            r["disconnected_at"],
            r["generation"],
            r["domain_failure"],
            r["domain_due_at"],
            r["read_at"],
            frozenset(r["declared"]).union(r["seen"]),
        )
        for _, r in sorted(found.items())
    ]


# Row by row, and each part by its whole key: `offset 0` and subselects leave the planner no choice. From what it
# guesses of arrays it would rather read all devices, domains and readings of the workspace. And what is asked for
# stands in a table of its own: a planner that saw it would plan anew each time, which takes longer than the answer.
_DECLARED = """
      select r.fingerprint from entries e
        join entry_revisions r on r.workspace_id = $1 and r.entry_id = e.id and r.fingerprint is not null
      where e.workspace_id = $1 and e.domain_id = d.domain_id and e.settled_at is null"""
_DECLARED_ONE = """
      select r.fingerprint from (
          select entry_id, fingerprint from entry_revisions where workspace_id = $1 and fingerprint = $7 offset 0) r,
        lateral (select * from entries where workspace_id = $1 and id = r.entry_id offset 0) e
      where e.domain_id = d.domain_id and e.settled_at is null"""


def _reached(declared: str) -> str:
    return f"""
  with asked as materialized (
    select $2::text[] as public_ids, $3::uuid[] as ids, tstzrange($4, $5) as span, $6::uuid as but_method)
  select {device_columns("d")}, a.public_id as account_public_id, a.state as account_state,
    a.label as account_label, a.disconnected_at, q.generation, q.failure as domain_failure, q.due_at as domain_due_at,
    {newest_reading("d")} as read_at,
    array({declared}
        and (asked.but_method is null or e.method_id is distinct from asked.but_method)
        and tstzrange(e.starts_at, e.ends_at) && asked.span) as declared,
    array(select (c ->> 'fingerprint')::uuid from observations o, jsonb_array_elements(o.content) c
      where o.workspace_id = $1 and o.account_id = d.account_id and o.target = d.reference
        and c ->> 'fingerprint' is not null
        and c ->> 'reference' <> all (array(select unnest(e.vendor_references) from entries e
          where e.workspace_id = $1 and e.domain_id = d.domain_id and e.settled_at is null))
        and (asked.but_method is null or not exists (select from entries own
          where own.workspace_id = $1 and own.method_id = asked.but_method and own.settled_at is not null
            and own.fingerprint = (c ->> 'fingerprint')::uuid and d.reference = any(own.target_references)))) as seen
  from asked, lateral (
      select d.* from unnest(asked.public_ids) as one (public_id), lateral (
        select * from devices where workspace_id = $1 and public_id = one.public_id offset 0) d
      union all
      select d.* from unnest(asked.ids) as one (id), lateral (
        select * from devices where workspace_id = $1 and id = one.id offset 0) d
    ) d, lateral (
      select public_id, state, label, disconnected_at from accounts
      where workspace_id = $1 and id = d.account_id offset 0) a, lateral (
      select generation, failure, due_at from domains where workspace_id = $1 and id = d.domain_id offset 0) q"""  # noqa: S608


_REACHED, _REACHED_ONE = _reached(_DECLARED), _reached(_DECLARED_ONE)


async def insert(
    db: Connection, workspace_id: UUID, new: NewDeclaration, actor: str, now: datetime
) -> Stored:
    """Store it, tell of it, and make its domains due in time; provided that these are still at the generations which
    `new.domains` names, so that the digits are still free. Domains are locked in the order of ids."""
    g, m = new.grant, new.method
    came_of_it = await db.fetchrow(
        _INSERT,
        *(workspace_id, actor, now),
        *(g.id, g.public_id, g.grant_key, g.name, g.guest_id, g.booking_id, g.starts_at, g.ends_at),
        *(m.id, m.public_id, m.kind, m.digits, m.fingerprint, m.warning),
        *_columns([t[:3] for t in new.targets], 3),
        [t.public_id for t in new.targets if t.space_id],
        [t.public_id for t in new.targets if t.device_id],
        *_columns([_entry(e) for e in new.entries], 10),
        *_columns(new.codes, 4),
        *draft_columns(new.events),
        *(list(new.domains), list(new.domains.values())),
        *(g.form, g.common_code_key, g.honours_edits),
        [new.due[id] for id in new.domains],
    )
    assert came_of_it is not None
    is_current, is_stored = came_of_it
    if not is_stored:
        return Stored.NOTHING_KEY_TAKEN if is_current else Stored.NOTHING_MOVED_ON
    if any(at < now + _RUNG_FOR for at in new.due.values()):
        claims.ring(db, "domains")
    tell_of_events(db, workspace_id)
    return Stored.ALL


_RUNG_FOR = timedelta(hours=1)
"""Workers look by themselves this often at least: what is due later need not wake them."""
_DRAFTS = """g, unnest($37::uuid[], $38::text[], $39::text[], $40::jsonb[], $41::jsonb[])
  as v (id, public_id, kind, subjects, payload)"""
# One statement instead of nine, for each costs a round trip and its part of the protocol on both sides. References
# between the rows are checked at its end. What was read of the domains stands in a table of its own for the reason
# above, and they are locked one by one in the order of ids.
_INSERT = f"""
  with read as materialized (
    select $42::uuid[] as ids, $43::bigint[] as generations, $47::timestamptz[] as due
  ), held as materialized (
    select q.id, one.due_at from read, lateral (
        select id, generation, due_at from unnest(read.ids, read.generations, read.due)
          as one (id, generation, due_at) order by id) one,
      lateral (select id from domains where workspace_id = $1 and id = one.id and generation = one.generation
        for no key update) q
  ), current as (
    select from held having count(*) = cardinality($42::uuid[])
  ), g as (
    insert into grants (workspace_id, id, public_id, grant_key, name, guest_id, booking_id, starts_at, ends_at,
      space_public_ids, device_public_ids, created_at, changed_at, form, common_code_key, honours_edits)
    select $1, $4, $5, $6, $7, $8::uuid, $9::uuid, $10::timestamptz, $11::timestamptz,
      $21::text[], $22::text[], $3, $3, $44::text, $45::text, $46::boolean
    from current
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
    from g, unnest($23::uuid[], $24::uuid[], $25::text[], $26::text[], $27::text[], $28::timestamptz[],
        $29::timestamptz[], $30::bytea[], $31::uuid[], $32::text[])
      as e (id, domain_id, natural_key, tag, name, starts_at, ends_at, digits, fingerprint, targets)
  ), entered as (
    insert into entries (workspace_id, id, domain_id, method_id, natural_key, tag, name, revision, starts_at, ends_at,
      digits, fingerprint, target_references, declared_at, honours_edits)
    select $1, id, domain_id, $12, natural_key, tag, name, 1, starts_at, ends_at, digits, fingerprint,
      target_references, $3, $46::boolean from given
  ), revised as (
    insert into entry_revisions (workspace_id, entry_id, revision, starts_at, ends_at, fingerprint, name,
      target_references)
    select $1, id, 1, starts_at, ends_at, fingerprint, name, target_references from given
  ), codes as (
    insert into access_codes (workspace_id, id, public_id, device_id, entry_id, grant_id, created_at)
    select $1, c.id, c.public_id, c.device_id, c.entry_id, g.id, $3
    from g, unnest($33::uuid[], $34::text[], $35::uuid[], $36::uuid[]) as c (id, public_id, device_id, entry_id)
  ), {telling("$2", "$3", _DRAFTS)}, woken as (
    update domains set generation = generation + 1, due_at = least(domains.due_at, held.due_at),
      urgent_at = least(urgent_at, $10)
    from g, held where domains.workspace_id = $1 and domains.id = held.id
  )
  select exists (select from current), exists (select from g)"""  # noqa: S608


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
