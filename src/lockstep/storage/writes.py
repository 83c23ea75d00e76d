"""A write's beginning and end, each one statement: lease, occupancy, intent and belief stand or fall together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from lockstep.model.belief import Belief
from lockstep.storage.claims import Claim
from lockstep.storage.database import Connection, one_or_several
from lockstep.storage.encoding import to_document
from lockstep.storage.events import Draft, draft_columns, tell_of_events, telling
from lockstep.storage.intents import IntentRow


class Begun(StrEnum):
    YES = "yes"
    LEASE_LOST = "lease_lost"
    OCCUPIED = "occupied"
    """These digits are or may be on one of the locks for another entry."""
    OUTDATED = "outdated"
    """Declared anew since it was read."""


@dataclass(frozen=True, slots=True)
class Occupation:
    """Digits that a write may bring onto these locks (or this site) over this time."""

    scope_ids: Sequence[UUID]
    fingerprint: UUID
    starts_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ending:
    """An outcome as it is stored with its intent."""

    outcome: str
    reason: str | None = None
    said: str | None = None
    token: str | None = None
    look_at: datetime | None = None
    give_up_at: datetime | None = None


BELIEF_COLUMNS = """possible = b.possible, evidence = b.evidence, vendor_references = b.refs, accepted = b.accepted,
  version = b.version, last_write_at = b.last_write_at, late_until = b.late_until, read_at = b.read_at,
  proven_at = b.proven_at, tried = b.tried, overwritten = b.overwritten, overwritten_at = b.overwritten_at,
  edit = b.edit"""

# The check of the declaration stands at the update of its row: that sees what a declaration under way has committed
# by then, which a plain read in this statement would not.
_BEGIN = f"""
with leased as (
  update domains set leased_until = clock_timestamp() + $4::interval
  where workspace_id = $1 and id = $2 and lease_epoch = $3 returning id
), taken as (
  insert into occupancies (workspace_id, scope_id, entry_id, fingerprint, span)
  select $1, s, $5, $17, tstzrange($18, $19) from leased, unnest($16::uuid[]) s
  on conflict do nothing returning scope_id
), had as (
  select scope_id from occupancies where workspace_id = $1 and entry_id = $5 and fingerprint = $17
    and scope_id = any($16::uuid[]) and span @> tstzrange($18, $19)
), free as (
  select leased.id from leased
  where (select count(*) from (select scope_id from taken union select scope_id from had) t) = cardinality($16::uuid[])
), believed as (
  update entries set {BELIEF_COLUMNS} from free, jsonb_to_record($15::jsonb) b (possible text[], evidence smallint,
    refs text[], accepted text, version text, last_write_at timestamptz, late_until timestamptz,
    read_at timestamptz, proven_at timestamptz, tried text[], overwritten integer, overwritten_at timestamptz,
    edit jsonb)
  where workspace_id = $1 and entries.id = $5 and revision = $9 and (withdrawn_at is not null) = $20
  returning entries.id
), intended as (
  insert into intents (workspace_id, id, domain_id, entry_id, kind, state, revision, epoch, place, begun_at,
    deadline_at, possible_before, last_write_before)
  select $1, $6, $2, $5, $7, $8, $9, $3, $10, $11, $12, $13, $14 from believed
)
select case when not exists (select from leased) then 'lease_lost'
  when not exists (select from free) then 'occupied'
  when not exists (select from believed) then 'outdated' else 'yes' end"""  # noqa: S608

# An outcome that a crash of the database loses was unknown anyway: a reading decides. So it need not wait for the disk.
_END = f"""
with quick as materialized (select set_config('synchronous_commit', 'off', true)),
ended as (
  update intents set outcome = $4, ended_at = $5, reason = $6, said = $7, token = coalesce($8, token),
    look_at = $9, give_up_at = coalesce($10, give_up_at)
  from quick where workspace_id = $1 and intents.id = $2 and (outcome is null or outcome = 'accepted')
), given_back as (
  update accounts set permits = permits - coalesce($16::text, ''), tokens = tokens - $15
  from quick where workspace_id = $1 and accounts.id = $11 and ($16::text is not null or $15 > 0)
), mine as (
  select id from domains where workspace_id = $1 and id = $12 and lease_epoch = $13
), believed as (
  update entries set {BELIEF_COLUMNS} from mine, jsonb_to_record($14::jsonb) b (possible text[], evidence smallint,
    refs text[], accepted text, version text, last_write_at timestamptz, late_until timestamptz,
    read_at timestamptz, proven_at timestamptz, tried text[], overwritten integer, overwritten_at timestamptz,
    edit jsonb)
  where workspace_id = $1 and entries.id = $3
)
select exists (select from mine)"""  # noqa: S608


# It need not wait for the disk, as nothing that is found under a lease: the next pass finds anew what a crash loses.
_DRAFTS = """held, unnest($7::uuid[], $8::text[], $9::text[], $10::jsonb[], $11::jsonb[], $12::uuid[])
  as v (id, public_id, kind, subjects, payload, domain_id) where v.domain_id = held.id"""


def _store_findings(source: str) -> str:
    return f"""
with quick as materialized (select set_config('synchronous_commit', 'off', true)),
held as materialized (
  select q.id from quick, {source} as f (id, epoch)
    join domains q on q.workspace_id = $1 and q.id = f.id and q.lease_epoch = f.epoch
  where q.leased_until >= clock_timestamp() order by q.id for no key update of q
), believed as (
  update entries set {BELIEF_COLUMNS}
  from held, jsonb_to_recordset($4::jsonb) b (id uuid, domain_id uuid, possible text[], evidence smallint, refs text[],
    accepted text, version text, last_write_at timestamptz, late_until timestamptz, read_at timestamptz,
    proven_at timestamptz, tried text[], overwritten integer, overwritten_at timestamptz,
    edit jsonb)
  where workspace_id = $1 and entries.id = b.id and held.id = b.domain_id
), {telling("$5", "$6", _DRAFTS)}
select id from held"""  # noqa: S608


_STORE_ONE, _STORE_SEVERAL = (_store_findings(source) for source in one_or_several(2, ("uuid", "bigint")))


async def begin(
    db: Connection,
    workspace_id: UUID,
    claim: Claim,
    lease: timedelta,
    intent: IntentRow,
    widened: Belief,
    occupation: Occupation | None,
    *,
    is_withdrawn: bool,
) -> Begun:
    """Before the call: renew the lease, take the digits' place, store the intent and the wider belief, or nothing."""
    o = occupation
    answer: str = await db.fetchval(
        _BEGIN,
        workspace_id,
        claim.row_id,
        claim.epoch,
        lease,
        intent.entry_id,
        intent.id,
        intent.kind,
        intent.state,
        intent.revision,
        intent.place,
        intent.begun_at,
        intent.deadline_at,
        intent.possible_before,
        intent.last_write_before,
        belief_document(widened),
        list(o.scope_ids) if o else [],
        o.fingerprint if o else None,
        o.starts_at if o else None,
        o.ends_at if o else None,
        is_withdrawn,
    )
    return Begun(answer)


async def end(
    db: Connection,
    workspace_id: UUID,
    claim: Claim,
    account_id: UUID,
    intent: IntentRow,
    ending: Ending,
    belief: Belief,
    at: datetime,
    permit_id: UUID | None = None,
    further_calls: int = 0,
) -> bool:
    """After the call: store the outcome always, the belief only under our own lease; False where that was lost.
    `permit_id` is free now, if the call still has it."""
    is_ours: bool = await db.fetchval(
        _END,
        workspace_id,
        intent.id,
        intent.entry_id,
        ending.outcome,
        at,
        ending.reason,
        ending.said,
        ending.token,
        ending.look_at,
        ending.give_up_at,
        account_id,
        claim.row_id,
        claim.epoch,
        belief_document(belief),
        float(further_calls),
        str(permit_id) if permit_id else None,
    )
    return is_ours


@dataclass(frozen=True, slots=True)
class Findings:
    """What a reading leaves possible of entries of one domain, and the events that tell of it."""

    claim: Claim
    beliefs: Mapping[UUID, Belief]
    told: Sequence[Draft]


async def store_findings(
    db: Connection, workspace_id: UUID, actor: str, at: datetime, found: Sequence[Findings]
) -> list[bool]:
    """Each under its own lease, all in one statement; False where that was lost, and nothing was stored. The domains
    are locked, as by `claims.holds`, in the order of ids."""
    told = [(f.claim.row_id, draft) for f in found for draft in f.told]
    claims = [(f.claim.row_id, f.claim.epoch) for f in found]
    rows = await db.fetch(
        _STORE_ONE if len(claims) == 1 else _STORE_SEVERAL,
        workspace_id,
        *(claims[0] if len(claims) == 1 else zip(*claims, strict=True)),
        [
            {"id": str(id), "domain_id": str(f.claim.row_id), **belief_document(f.beliefs[id])}
            for f in found
            for id in sorted(f.beliefs)
        ],
        *(actor, at),
        *draft_columns([draft for _, draft in told]),
        [domain_id for domain_id, _ in told],
    )
    held = {r["id"] for r in rows}
    if told and held:
        tell_of_events(db, workspace_id)
    return [f.claim.row_id in held for f in found]


async def believe(db: Connection, workspace_id: UUID, entry_id: UUID, belief: Belief) -> None:
    """Store what is believed of an entry that stands on its lock already."""
    await db.execute(
        f"""update entries set {BELIEF_COLUMNS} from jsonb_to_record($3::jsonb) b (possible text[], evidence smallint,
              refs text[], accepted text, version text, last_write_at timestamptz, late_until timestamptz,
              read_at timestamptz, proven_at timestamptz, tried text[], overwritten integer,
              overwritten_at timestamptz, edit jsonb)
            where workspace_id = $1 and entries.id = $2""",  # noqa: S608
        workspace_id,
        entry_id,
        belief_document(belief),
    )


def belief_document(belief: Belief) -> dict[str, object]:
    """A belief as the statements here read it."""

    def instant(at: datetime | None) -> str | None:
        return at.isoformat() if at is not None else None

    return {
        "possible": sorted(belief.possible),
        "evidence": int(belief.evidence),
        "refs": sorted(belief.references),
        "accepted": belief.accepted,
        "version": belief.version,
        "last_write_at": instant(belief.last_write_at),
        "late_until": instant(belief.late_until),
        "read_at": instant(belief.read_at),
        "proven_at": instant(belief.proven_at),
        "tried": list(belief.tried),
        "overwritten": belief.overwritten,
        "overwritten_at": instant(belief.overwritten_at),
        "edit": to_document(belief.edit) if belief.edit else None,
    }
