"""What is told of a grant once for all of its locks: that its code is proven on each, that it is late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class MetGrant:
    """A grant whose code has come to be proven on all of its locks; `is_again`: not for the first time."""

    public_id: str
    booking_public_id: str | None
    is_again: bool


async def newly_met(db: Connection, workspace_id: UUID, public_ids: Sequence[str]) -> list[MetGrant]:
    """Of these, each whose living codes are all proven as they are declared now, once for each such declaration; what
    a name alone changes is none. Single codes are not looked at."""
    rows = await db.fetch(
        f"""with held as (
              select id, public_id, booking_id, met from grants
              where workspace_id = $1 and public_id = any($2) and form = 'grant' and cancelled_at is null
              order by id for no key update
            ), found as (
              select held.id, held.public_id, held.booking_id, held.met, bool_and({_IS_PROVEN}) as is_met,
                md5(string_agg(concat_ws(',', e.id, c.device_id, e.starts_at, e.ends_at, e.fingerprint), ';'
                  order by c.id)) as stands
              from held
                join access_codes c on c.workspace_id = $1 and c.grant_id = held.id and c.withdrawn_at is null
                join entries e on e.workspace_id = $1 and e.id = c.entry_id
              group by held.id, held.public_id, held.booking_id, held.met
            ), told as (
              update grants set met = found.stands from found
              where workspace_id = $1 and grants.id = found.id and found.is_met
                and found.met is distinct from found.stands
              returning grants.id
            )
            select found.public_id, b.public_id as booking_public_id, found.met is not null as is_again
            from told join found on found.id = told.id
              left join bookings b on b.workspace_id = $1 and b.id = found.booking_id
            order by found.id""",  # noqa: S608
        workspace_id,
        list(public_ids),
    )
    return [MetGrant(**dict(row)) for row in rows]


async def newly_late(
    db: Connection, workspace_id: UUID, public_ids: Sequence[str], *, has_begun: bool
) -> list[tuple[str, str | None]]:
    """Of these living grants, each with its booking, of which it was not told yet that it is late for its start;
    `has_begun`: that it missed it. Single codes are not looked at."""
    told = "missed_for" if has_begun else "late_for"
    rows = await db.fetch(
        f"""with held as (
              select id, public_id, booking_id, starts_at from grants
              where workspace_id = $1 and public_id = any($2) and form = 'grant' and cancelled_at is null
                and {told} is distinct from starts_at
              order by id for no key update
            ), told as (
              update grants set {told} = held.starts_at from held
              where workspace_id = $1 and grants.id = held.id
            )
            select held.public_id, b.public_id as booking_public_id from held
              left join bookings b on b.workspace_id = $1 and b.id = held.booking_id
            order by held.id""",  # noqa: S608
        workspace_id,
        list(public_ids),
    )
    return [(row["public_id"], row["booking_public_id"]) for row in rows]


# As model.belief.is_proven has it, of the revision that is declared.
_IS_PROVEN = """(e.withdrawn_at is null and cardinality(e.possible) = 1
  and e.possible[1] in (e.revision::text, e.revision || '-') and e.proven_at is not null
  and (e.last_write_at is null or e.proven_at >= e.last_write_at))"""
