"""Codes on locks that are not Lockstep's: who each is from reading to reading. What it is like, observations tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from lockstep.storage import changes
from lockstep.storage.database import Connection
from lockstep.storage.devices import NOTHING, Given
from lockstep.storage.readings import newest_reading


@dataclass(frozen=True, slots=True)
class UnmanagedCodeRow:
    """A code that the newest observation of its lock shows."""

    id: UUID
    public_id: str
    device_id: UUID
    reference: str
    first_seen_at: datetime
    removal_id: UUID | None
    """The entry that takes it off the lock, where somebody asked for that."""
    removal_failure: dict[str, Any] | None
    content: dict[str, Any] = field(repr=False)
    """As `readings.Observation` has it."""
    seen_at: datetime | None
    """When the newest reading of its lock began; None: it is unread since then."""


class Sighting(NamedTuple):
    """A code seen on a lock; `id` and `public_id` are those that it gets where it is new."""

    id: UUID
    public_id: str
    device_id: UUID
    reference: str


class Told(NamedTuple):
    """What an event says of a code."""

    public_id: str
    device_public_id: str


def standing_on(device: str) -> str:
    """For statements elsewhere in storage that join devices under this name: the references of its codes."""
    return f"""array(select u.reference from unmanaged_codes u where u.workspace_id = {device}.workspace_id
      and u.device_id = {device}.id and u.gone_at is null)"""  # noqa: S608


async def appear(
    db: Connection, workspace_id: UUID, seen: Sequence[Sighting], at: datetime, *, may_return: bool
) -> list[Told]:
    """These stand on their locks now; returns those that did not before. `may_return`: what was gone and stands under
    the same reference again is the same code."""
    told = []
    if may_return:
        told = await db.fetch(
            """update unmanaged_codes u set gone_at = null, removal_id = null
               from (select distinct on (o.device_id, o.reference) o.id from unmanaged_codes o
                   join unnest($2::uuid[], $3::text[]) s (device_id, reference) using (device_id, reference)
                 where o.workspace_id = $1 order by o.device_id, o.reference, o.gone_at desc nulls first) last,
                 devices d
               where u.workspace_id = $1 and u.id = last.id and u.gone_at is not null
                 and d.workspace_id = $1 and d.id = u.device_id
               returning u.public_id, d.public_id as device_public_id""",
            workspace_id,
            [s.device_id for s in seen],
            [s.reference for s in seen],
        )
    told += await db.fetch(
        """with new as (
             insert into unmanaged_codes (workspace_id, id, public_id, device_id, reference, first_seen_at)
             select $1, s.id, s.public_id, s.device_id, s.reference, $6
             from unnest($2::uuid[], $3::text[], $4::uuid[], $5::text[]) s (id, public_id, device_id, reference)
             on conflict do nothing returning id, public_id, device_id)
           select n.public_id, d.public_id as device_public_id from new n
             join devices d on d.workspace_id = $1 and d.id = n.device_id order by n.id""",
        workspace_id,
        [s.id for s in seen],
        [s.public_id for s in seen],
        [s.device_id for s in seen],
        [s.reference for s in seen],
        at,
    )
    return [Told(*r) for r in told]


async def vanish(
    db: Connection, workspace_id: UUID, gone: Sequence[tuple[UUID, str]], at: datetime
) -> list[Told]:
    """These, by device and reference, stand on their locks no more; returns those that did."""
    rows = await db.fetch(
        """update unmanaged_codes u set gone_at = $4
           from unnest($2::uuid[], $3::text[]) s (device_id, reference), devices d
           where u.workspace_id = $1 and u.device_id = s.device_id and u.reference = s.reference and u.gone_at is null
             and d.workspace_id = $1 and d.id = u.device_id
           returning u.public_id, d.public_id as device_public_id""",
        workspace_id,
        [device_id for device_id, _ in gone],
        [reference for _, reference in gone],
        at,
    )
    return [Told(*r) for r in rows]


# Those that an observation does not show (any more) are gone as soon as the next pass has seen to it.
_SHOWN = f"""
  select u.id, u.public_id, u.device_id, u.reference, u.first_seen_at, u.removal_id, e.failure as removal_failure,
    c.content, {newest_reading("d")} as seen_at
  from unmanaged_codes u
    join devices d on d.workspace_id = u.workspace_id and d.id = u.device_id
    join observations o on o.workspace_id = u.workspace_id and o.account_id = d.account_id and o.target = d.reference
    cross join lateral (select c as content from jsonb_array_elements(o.content) c
      where c ->> 'reference' = u.reference limit 1) c
    left join entries e on e.workspace_id = u.workspace_id and e.id = u.removal_id
  where u.workspace_id = $1 and u.gone_at is null"""  # noqa: S608


async def by_public_id(db: Connection, workspace_id: UUID, public_id: str) -> UnmanagedCodeRow | None:
    """None also where it is gone."""
    row = await db.fetchrow(_SHOWN + " and u.public_id = $2", workspace_id, public_id)
    return UnmanagedCodeRow(**dict(row)) if row else None


async def of_entry(
    db: Connection, workspace_id: UUID, device_ids: Sequence[UUID], reference: str
) -> list[UnmanagedCodeRow]:
    """What stands under one reference on several locks."""
    rows = await db.fetch(
        _SHOWN + " and u.device_id = any($2) and u.reference = $3 order by u.id",
        workspace_id,
        list(device_ids),
        reference,
    )
    return [UnmanagedCodeRow(**dict(r)) for r in rows]


@dataclass(frozen=True, slots=True)
class UnmanagedFilter:
    """None: all."""

    device_ids: Sequence[UUID] | None = None
    property_ids: list[UUID] | None = None
    """Only on locks that stand anywhere in one of these properties."""
    besides: Given = NOTHING
    """With those of `property_ids`: what an actor who is confined to these was given besides."""
    name_contains: str | None = field(default=None, repr=False)
    fingerprint: UUID | None = None
    device_kind: str | None = None
    is_left: bool = True
    """Those too on locks of accounts that were disconnected."""


async def listed(
    db: Connection, workspace_id: UUID, after: UUID | None, most: int, wanted: UnmanagedFilter
) -> list[UnmanagedCodeRow]:
    """In the order of ids, which is that in which they were first seen."""
    rows = await db.fetch(
        _SHOWN  # noqa: S608
        + """ and ($2::uuid is null or u.id > $2) and ($4::uuid[] is null or u.device_id = any($4))
              and ($5::uuid[] is null or exists (select from space_devices sd
                join spaces s on s.workspace_id = sd.workspace_id and s.id = sd.space_id
                where sd.workspace_id = $1 and sd.device_id = u.device_id and s.property_id = any($5))
                or d.account_id = any($6) or d.id = any($7))
              and ($8::text is null or strpos(lower(c.content ->> 'name'), lower($8)) > 0)
              and ($9::uuid is null or (c.content ->> 'fingerprint')::uuid = $9)
              and ($10::text is null or d.kind = $10)
              and ($11 or not exists (select from accounts a
                where a.workspace_id = $1 and a.id = d.account_id and a.state = 'disconnected'))
            order by u.id limit $3""",
        workspace_id,
        after,
        most,
        None if wanted.device_ids is None else list(wanted.device_ids),
        wanted.property_ids,
        *wanted.besides,
        wanted.name_contains,
        wanted.fingerprint,
        wanted.device_kind,
        wanted.is_left,
    )
    return [UnmanagedCodeRow(**dict(r)) for r in rows]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An entry of another workspace that is connected to the same account of a vendor."""

    workspace_id: UUID
    entry_id: UUID


async def managed_elsewhere(
    db: Connection,
    workspace_id: UUID,
    vendor: str,
    vendor_account: str,
    targets: Sequence[str],
    reference: str,
) -> list[Elsewhere]:
    """Who else in this installation has an entry under this reference. Needs a connection across all workspaces."""
    rows = await db.fetch(
        """select e.workspace_id, e.id as entry_id from accounts a
             join domains q on q.workspace_id = a.workspace_id and q.account_id = a.id
             join entries e on e.workspace_id = q.workspace_id and e.domain_id = q.id
           where a.workspace_id <> $1 and a.vendor = $2 and a.vendor_account = $3 and e.settled_at is null
             and e.target_references && $4::text[] and $5 = any(e.vendor_references) order by e.workspace_id, e.id""",
        workspace_id,
        vendor,
        vendor_account,
        list(targets),
        reference,
    )
    return [Elsewhere(**dict(r)) for r in rows]


async def keep(db: Connection, workspace_id: UUID, seen: Sighting, first_seen_at: datetime) -> None:
    """A code of ours is left on its lock as one that is not."""
    await db.execute(
        """insert into unmanaged_codes (workspace_id, id, public_id, device_id, reference, first_seen_at)
           values ($1, $2, $3, $4, $5, $6)
           on conflict (workspace_id, device_id, reference) where gone_at is null do nothing""",
        workspace_id,
        *seen,
        first_seen_at,
    )


async def note_removal(
    db: Connection, workspace_id: UUID, ids: Sequence[UUID], removal_id: UUID | None
) -> None:
    await db.execute(
        "update unmanaged_codes set removal_id = $3 where workspace_id = $1 and id = any($2)",
        workspace_id,
        list(ids),
        removal_id,
    )
    await changes.tell(db, workspace_id)


async def drop(db: Connection, workspace_id: UUID, ids: Sequence[UUID]) -> None:
    """These are unmanaged no more."""
    await db.execute(
        "delete from unmanaged_codes where workspace_id = $1 and id = any($2)", workspace_id, list(ids)
    )


async def forget(db: Connection, workspace_id: UUID, before: datetime, most: int) -> int:
    """Codes that were gone before `before`; how many."""
    result = await db.execute(
        """delete from unmanaged_codes where workspace_id = $1 and id in (
             select id from unmanaged_codes where workspace_id = $1 and gone_at < $2
             order by id limit $3 for no key update skip locked)""",
        workspace_id,
        before,
        most,
    )
    return int(result.split()[-1])
