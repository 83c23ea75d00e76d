"""What declaring access asks in few statements: what a grant is to reach and which digits are in use there; and a new
grant stored whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

from lockstep.kit.frozen import dataclass
from lockstep.model.window import Window
from lockstep.storage import claims
from lockstep.storage.accounts import LEAVING
from lockstep.storage.database import Connection
from lockstep.storage.devices import DeviceRow, device_columns, device_row
from lockstep.storage.entries import EntryRow
from lockstep.storage.events import Draft, tell_of_events, telling
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
    NOTHING_MOVED_ON = (
        "nothing: the digits came to be in use on a domain since this was asked, a lock is being left, or a space has "
        "other locks"
    )


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

    actor: str
    """Who declares it."""
    grant: GrantRow
    targets: Sequence[NewTarget]
    method: MethodRow
    entries: Sequence[EntryRow]
    codes: Sequence[NewCode]
    events: Sequence[Draft]
    domains: Mapping[UUID, int]
    """Write domain -> its generation when this was read: as long as it has no other, the digits are free there, and its
    locks are looked after."""
    due: Mapping[UUID, datetime]
    """Write domain -> when something is first to be done there for this."""
    furnished: Mapping[UUID, int]
    """Property of a space that is reached -> generation of its furnishing when this was read: as long as it has no
    other, the same locks stand there."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Devices that are asked for by either id, and the time for which digits matter."""

    window: Window
    public_ids: Sequence[str] = ()
    device_ids: Sequence[UUID] = ()
    but_method: UUID | None = None
    """Its own digits do not count as in use, nor where they were let go and stand on the lock still."""
    only: UUID | None = None
    """The fingerprint of the only digits that are asked for; `in_use` tells of no others, and costs the same however
    many codes a lock has."""


async def reached(db: Connection, workspace_id: UUID, asked: Reach) -> list[Reached]:
    """Devices in the order of their ids."""
    (found,) = await question_of(asked)(db, workspace_id, [asked])
    return found


def question_of(
    asked: Reach,
) -> Callable[[Connection, UUID, Sequence[Reach]], Awaitable[list[list[Reached]]]]:
    """What answers it, beside others that it answers too."""
    return reached_each if asked.only is None else reached_each_for_digits


async def reached_each(db: Connection, workspace_id: UUID, asked: Sequence[Reach]) -> list[list[Reached]]:
    """The same for several at once, none of which asks of some digits only."""
    return await _reached_each(db, workspace_id, _REACHED, asked)


async def reached_each_for_digits(
    db: Connection, workspace_id: UUID, asked: Sequence[Reach]
) -> list[list[Reached]]:
    """The same where each asks of some digits only."""
    return await _reached_each(db, workspace_id, _REACHED_ONE, asked)


async def _reached_each(
    db: Connection, workspace_id: UUID, statement: str, asked: Sequence[Reach]
) -> list[list[Reached]]:
    found: list[dict[UUID, Any]] = [{} for _ in asked]
    for row in await db.fetch(statement, workspace_id, [_asked(n, a) for n, a in enumerate(asked)]):
        found[row["number"]][row["id"]] = row
    return [[_reached_of(row) for _, row in sorted(rows.items())] for rows in found]


def _asked(number: int, asked: Reach) -> dict[str, object]:
    return {
        "number": number,
        "public_ids": asked.public_ids,
        "ids": asked.device_ids,
        "starts_at": asked.window.starts_at,
        "ends_at": asked.window.ends_at,
        "but_method": asked.but_method,
        "only_digits": asked.only,
    }


def _reached_of(row: Any) -> Reached:
    return Reached(
        device_row(row),
        row["account_public_id"],
        row["account_state"],
        row["account_label"],
        row["disconnected_at"],
        row["generation"],
        row["domain_failure"],
        row["domain_due_at"],
        row["read_at"],
        frozenset(row["declared"]).union(row["seen"]),
    )


# Row by row, and each part by its whole key: `offset 0` and subselects leave the planner no choice. From what it
# guesses of arrays it would rather read all devices, domains and readings of the workspace. And what is asked for
# stands in a table of its own: a planner that saw it would plan anew each time, which takes longer than the answer.
_DECLARED = """
      select r.fingerprint from entries e
        join entry_revisions r on r.workspace_id = $1 and r.entry_id = e.id and r.fingerprint is not null
      where e.workspace_id = $1 and e.domain_id = d.domain_id and e.settled_at is null"""
_DECLARED_ONE = """
      select r.fingerprint from (
          select entry_id, fingerprint from entry_revisions
          where workspace_id = $1 and fingerprint = asked.only_digits offset 0) r,
        lateral (select * from entries where workspace_id = $1 and id = r.entry_id offset 0) e
      where e.domain_id = d.domain_id and e.settled_at is null"""


def _statement(declared: str) -> str:
    return f"""
  with asked as materialized (
    select number, public_ids, ids, tstzrange(starts_at, ends_at) as span, but_method, only_digits
    from jsonb_to_recordset($2) as one (number int, public_ids text[], ids uuid[], starts_at timestamptz,
      ends_at timestamptz, but_method uuid, only_digits uuid))
  select {device_columns("d")}, a.public_id as account_public_id, a.state as account_state,
    a.label as account_label, a.disconnected_at, q.generation, q.failure as domain_failure, q.due_at as domain_due_at,
    asked.number, {newest_reading("d")} as read_at,
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


_REACHED, _REACHED_ONE = _statement(_DECLARED), _statement(_DECLARED_ONE)


async def insert(
    db: Connection, workspace_id: UUID, declared: Sequence[NewDeclaration], now: datetime
) -> list[Stored]:
    """Store each, tell of it, and make its domains due in time; provided that its digits are still free there, its
    locks are not left, and the same locks stand in its spaces. Each is stored whole or not at all, and by one
    statement: where that fails, nothing is. Properties are locked in the order of ids, then domains in that of theirs.
    """
    together = _together(declared)
    statement = _INSERT_IN_SPACES if any(new.furnished for new in together) else _INSERT
    rows = await db.fetch(statement, workspace_id, [_document(new) for new in together])
    came_of_it = {r["grant_id"]: _stored(r["is_free"], r["is_stored"]) for r in rows}
    stored = [new for new in together if came_of_it[new.grant.id] is Stored.ALL]
    if any(at < now + _RUNG_FOR for new in stored for at in new.due.values()):
        claims.ring(db, "domains")
    if stored:
        tell_of_events(db, workspace_id)
    return [came_of_it.get(new.grant.id, Stored.NOTHING_MOVED_ON) for new in declared]


def _stored(is_free: bool, is_stored: bool) -> Stored:
    if is_stored:
        return Stored.ALL
    return Stored.NOTHING_KEY_TAKEN if is_free else Stored.NOTHING_MOVED_ON


def _together(declared: Sequence[NewDeclaration]) -> list[NewDeclaration]:
    """Those that can be stored by one statement: of several with the same digits on a domain the first, for a statement
    does not see what it stores itself."""
    together: list[NewDeclaration] = []
    seen: set[tuple[UUID, UUID]] = set()
    for new in declared:
        mine = {
            (e.domain_id, e.declared.spec.fingerprint) for e in new.entries if e.declared.spec.fingerprint
        }
        if not mine & seen:
            together.append(new)
            seen |= mine
    return together


_RUNG_FOR = timedelta(hours=1)
"""Workers look by themselves this often at least: what is due later need not wake them."""
_DRAFTS = """(
      select x.*, stored.at, stored.actor from stored, jsonb_to_recordset(stored.document -> 'events')
        as x (id uuid, public_id text, kind text, subjects jsonb, payload jsonb)) v"""
# One statement instead of nine, for each costs a round trip and its part of the protocol on both sides; and one for
# all that requests declare at the same time. What it is given is one document: thirty arrays take asyncpg as long as
# all else. References between the rows are checked at its end. Domains are locked one by one in the order of ids; where
# one has been changed since it was read, whether this may be declared there is asked anew, once it is held.
# So are properties before them, where some of these reach spaces.
_FURNISHED = """, furnished as materialized (
    select one.grant_id, f.generation = one.generation as is_same
    from (
        select asked.grant_id, x.* from asked, jsonb_to_recordset(asked.document -> 'furnished')
          as x (property_id uuid, generation bigint)
        order by x.property_id) one,
      lateral (select generation from furnishings
        where workspace_id = $1 and property_id = one.property_id for share) f
  ), as_read as materialized (
    select asked.* from asked where (
        select count(*) from furnished where furnished.grant_id = asked.grant_id and is_same)
      = jsonb_array_length(asked.document -> 'furnished')
  )"""


_INSERTION = f"""
  with asked as materialized (
    select (d ->> 'id')::uuid as grant_id, (d ->> 'created_at')::timestamptz as at, d ->> 'actor' as actor,
      d as document
    from jsonb_array_elements($2::jsonb) d
  ){{furnished}}, held as materialized (
    select one.*, q.generation = one.generation as is_same
    from (
        select asked.grant_id, x.* from {{asked}} as asked, jsonb_to_recordset(asked.document -> 'domains')
          as x (id uuid, generation bigint, due_at timestamptz, device_ids uuid[], fingerprint uuid,
            starts_at timestamptz, ends_at timestamptz)
        order by x.id) one,
      lateral (select generation from domains where workspace_id = $1 and id = one.id for no key update) q
  ), refused as materialized (
    select coalesce(lockstep_refused($1, (
        select jsonb_agg(jsonb_build_object('grant_id', grant_id, 'domain_id', id, 'device_ids', device_ids,
          'fingerprint', fingerprint, 'starts_at', starts_at, 'ends_at', ends_at))
        from held where not is_same)), '{{{{}}}}') as grant_ids
  ), free as materialized (
    select asked.* from {{asked}} as asked, refused
    where (select count(*) from held where held.grant_id = asked.grant_id)
        = jsonb_array_length(asked.document -> 'domains')
      and asked.grant_id <> all (refused.grant_ids)
  ), g as (
    insert into grants (workspace_id, id, public_id, grant_key, name, guest_id, booking_id, starts_at, ends_at,
      space_public_ids, device_public_ids, created_at, changed_at, form, common_code_key, honours_edits)
    select $1, x.*
    from free, jsonb_to_record(free.document) as x (id uuid, public_id text, grant_key text, name text, guest_id uuid,
      booking_id uuid, starts_at timestamptz, ends_at timestamptz, space_public_ids text[], device_public_ids text[],
      created_at timestamptz, changed_at timestamptz, form text, common_code_key text, honours_edits boolean)
    on conflict (workspace_id, grant_key) do nothing returning id, honours_edits
  ), stored as materialized (
    select free.*, g.honours_edits from free join g on g.id = free.grant_id
  ), targets as (
    insert into grant_targets (workspace_id, grant_id, id, space_id, device_id)
    select $1, stored.grant_id, x.* from stored, jsonb_to_recordset(stored.document -> 'targets')
      as x (id uuid, space_id uuid, device_id uuid)
  ), method as (
    insert into access_methods (workspace_id, grant_id, digits, id, public_id, kind, fingerprint, warning, created_at)
    select $1, stored.grant_id, decode(x.digits, 'base64'), x.id, x.public_id, x.kind, x.fingerprint, x.warning,
      stored.at
    from stored, jsonb_to_record(stored.document -> 'method')
      as x (id uuid, public_id text, kind text, digits text, fingerprint uuid, warning text)
  ), entered as (
    insert into entries (workspace_id, id, domain_id, method_id, natural_key, tag, name, revision, starts_at, ends_at,
      digits, fingerprint, target_references, declared_at, honours_edits)
    select $1, x.id, x.domain_id, x.method_id, x.natural_key, x.tag, x.name, 1, x.starts_at, x.ends_at,
      decode(x.digits, 'base64'), x.fingerprint, x.target_references, stored.at, stored.honours_edits
    from stored, jsonb_to_recordset(stored.document -> 'entries')
      as x (id uuid, domain_id uuid, method_id uuid, natural_key text, tag text, name text, starts_at timestamptz,
        ends_at timestamptz, digits text, fingerprint uuid, target_references text[])
    returning id, starts_at, ends_at, fingerprint, name, target_references
  ), revised as (
    insert into entry_revisions (workspace_id, entry_id, revision, starts_at, ends_at, fingerprint, name,
      target_references)
    select $1, id, 1, starts_at, ends_at, fingerprint, name, target_references from entered
  ), codes as (
    insert into access_codes (workspace_id, grant_id, created_at, id, public_id, device_id, entry_id)
    select $1, stored.grant_id, stored.at, x.* from stored, jsonb_to_recordset(stored.document -> 'codes')
      as x (id uuid, public_id text, device_id uuid, entry_id uuid)
  ), {telling("v.actor", "v.at", _DRAFTS)}, woken as (
    update domains set generation = generation + 1, due_at = least(domains.due_at, w.due_at),
      urgent_at = least(urgent_at, w.starts_at)
    from (select id, min(due_at) as due_at, min(starts_at) as starts_at from held
        where grant_id in (select grant_id from stored) group by id) w
    where domains.workspace_id = $1 and domains.id = w.id
  )
  select grant_id, exists (select from free where free.grant_id = asked.grant_id) as is_free,
    exists (select from g where g.id = asked.grant_id) as is_stored
  from asked"""  # noqa: S608
_INSERT = _INSERTION.format(furnished="", asked="asked")
_INSERT_IN_SPACES = _INSERTION.format(furnished=_FURNISHED, asked="as_read")


def _document(new: NewDeclaration) -> dict[str, object]:
    """As the statement takes it, by the names of its columns."""
    g, m = new.grant, new.method
    return {
        "actor": new.actor,
        **{name: getattr(g, name) for name in _OF_GRANT},
        "space_public_ids": [t.public_id for t in new.targets if t.space_id],
        "device_public_ids": [t.public_id for t in new.targets if t.device_id],
        "targets": [{"id": t.id, "space_id": t.space_id, "device_id": t.device_id} for t in new.targets],
        "method": {name: getattr(m, name) for name in _OF_METHOD},
        "domains": list(_domains(new)),
        "entries": [_entry(e) for e in new.entries],
        "codes": [code._asdict() for code in new.codes],
        "events": [_event(draft) for draft in new.events],
        "furnished": [{"property_id": id, "generation": n} for id, n in new.furnished.items()],
    }


_OF_GRANT = (
    *("id", "public_id", "grant_key", "name", "guest_id", "booking_id", "starts_at", "ends_at", "created_at"),
    *("changed_at", "form", "common_code_key", "honours_edits"),
)
_OF_METHOD = ("id", "public_id", "kind", "digits", "fingerprint", "warning")


def _domains(new: NewDeclaration) -> Iterable[dict[str, object]]:
    digits = {e.domain_id: e.declared.spec.fingerprint for e in new.entries if e.declared.spec.fingerprint}
    domain_of = {e.id: e.domain_id for e in new.entries}
    for id, generation in new.domains.items():
        yield {
            "id": id,
            "generation": generation,
            "due_at": new.due[id],
            "device_ids": [code.device_id for code in new.codes if domain_of[code.entry_id] == id],
            "fingerprint": digits.get(id),
            "starts_at": new.grant.starts_at,
            "ends_at": new.grant.ends_at,
        }


def _event(draft: Draft) -> dict[str, object]:
    return {
        "id": draft.id,
        "public_id": draft.public_id,
        "kind": draft.kind,
        "subjects": draft.subjects,
        "payload": draft.payload,
    }


def _entry(row: EntryRow) -> dict[str, object]:
    d = row.declared
    return {
        "id": d.entry_id,
        "domain_id": row.domain_id,
        "method_id": row.method_id,
        "natural_key": row.natural_key,
        "tag": d.tag,
        "name": d.spec.name,
        "starts_at": d.spec.window.starts_at,
        "ends_at": d.spec.window.ends_at,
        "digits": row.digits,
        "fingerprint": d.spec.fingerprint,
        "target_references": sorted(d.spec.targets),
    }
