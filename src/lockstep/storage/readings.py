"""Readings: when each began and what it covered; what was seen of a target is written only where it changed."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lockstep.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Observation:
    """What the newest reading showed of one target: `content` is a list of entries, digits only as fingerprints
    (with a sealed copy, as `sealed`, where the vendor computes them, and of codes that are not ours)."""

    target: str
    begun_at: datetime
    content: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Stored:
    """The newest observations of some targets, and when the newest reading of their scope began; None: none was."""

    begun_at: datetime | None
    observed: list[Observation]


Contents = dict[str, list[dict[str, Any]]]
"""By target, as an observation has it."""
Complete = Callable[[Contents], Awaitable[Contents]]

_BEGUN_AT = """(select max(r.begun_at) from readings r where r.workspace_id = o.workspace_id
  and r.account_id = o.account_id and o.target = any(r.covers))"""


def newest_reading(device: str) -> str:
    """For statements elsewhere in storage that join devices under this name: when the newest reading that covers it
    began; null: it is unread."""
    return f"""(select max(r.begun_at) from readings r where r.workspace_id = {device}.workspace_id
      and r.account_id = {device}.account_id and {device}.reference = any(r.covers))"""  # noqa: S608


async def store(
    db: Connection,
    workspace_id: UUID,
    account_id: UUID,
    scope: str,
    begun_at: datetime,
    covers: Sequence[str],
    contents: Contents,
    complete: Complete | None = None,
) -> set[str]:
    """Keep a reading unless a newer one of this scope is stored; returns the targets whose content changed.

    `complete` adds to these what is no difference by itself: sealed copies, which are made only where they are kept."""
    is_newest = await db.fetchval(
        """insert into readings (workspace_id, account_id, scope, begun_at, covers) values ($1, $2, $3, $4, $5)
           on conflict (workspace_id, account_id, scope) do update
             set begun_at = excluded.begun_at, covers = excluded.covers
             where readings.begun_at < excluded.begun_at
           returning true""",
        workspace_id,
        account_id,
        scope,
        begun_at,
        sorted(covers),
    )
    if not is_newest:
        return set()
    known = await _digests(db, workspace_id, account_id, sorted(covers))
    changed = {t: d for t in sorted(covers) if (d := _digest(contents.get(t, []))) != known.get(t)}
    if changed:
        kept = {t: contents.get(t, []) for t in changed}
        if complete is not None:
            kept = await complete(kept)
        await db.executemany(
            """insert into observations (workspace_id, account_id, target, content, digest, changed_at)
               values ($1, $2, $3, $4, $5, $6)
               on conflict (workspace_id, account_id, target) do update
                 set content = excluded.content, digest = excluded.digest, changed_at = excluded.changed_at""",
            [(workspace_id, account_id, t, kept[t], d, begun_at) for t, d in changed.items()],
        )
    return set(changed)


async def keep_digits(
    db: Connection, workspace_id: UUID, account_id: UUID, target: str, reference: str, sealed: str
) -> None:
    """What stands under this reference has these digits, whose sealed copy is kept with what was seen."""
    await db.execute(
        """update observations o set content = (
             select jsonb_agg(
               case when c ->> 'reference' = $4 then c || jsonb_build_object('sealed', $5::text) else c end order by n)
             from jsonb_array_elements(o.content) with ordinality as e (c, n))
           where o.workspace_id = $1 and o.account_id = $2 and o.target = $3
             and exists (select from jsonb_array_elements(o.content) c where c ->> 'reference' = $4)""",
        workspace_id,
        account_id,
        target,
        reference,
        sealed,
    )


async def of_targets(
    db: Connection, workspace_id: UUID, account_id: UUID, targets: Sequence[str]
) -> list[Observation]:
    """The newest observation of each target; a target that no reading covers is missing: unread, not empty."""
    rows = await db.fetch(
        f"""select o.target, o.content, {_BEGUN_AT} as begun_at
            from observations o where o.workspace_id = $1 and o.account_id = $2 and o.target = any($3)""",  # noqa: S608
        workspace_id,
        account_id,
        list(targets),
    )
    return [_observation(r) for r in rows if r["begun_at"] is not None]


@dataclass(frozen=True, slots=True)
class Scoped:
    """Targets of an account, and the scope of the readings that should cover them."""

    account_id: UUID
    scope: str
    targets: Sequence[str]


async def of_scopes(db: Connection, workspace_id: UUID, asked: Sequence[Scoped]) -> list[Stored]:
    """For each: as `of_targets`, and when the newest reading of this scope began, whatever it covers."""
    # As a document and not as arrays: the server would make a new plan for each length.
    rows = await db.fetch(
        f"""select k.number, o.target, o.content, {_BEGUN_AT} as begun_at, s.begun_at as of_scope
            from jsonb_to_recordset($2::jsonb) as k (number int, account_id uuid, scope text, targets text[])
              left join lateral (select r.begun_at from readings r
                where r.workspace_id = $1 and r.account_id = k.account_id and r.scope = k.scope offset 0) s on true
              left join lateral (select b.* from observations b
                where b.workspace_id = $1 and b.account_id = k.account_id and b.target = any(k.targets)
                offset 0) o on true""",  # noqa: S608
        workspace_id,
        [
            {
                "number": number,
                "account_id": str(one.account_id),
                "scope": one.scope,
                "targets": list(one.targets),
            }
            for number, one in enumerate(asked)
        ],
    )
    observed: list[list[Observation]] = [[] for _ in asked]
    begun: list[datetime | None] = [None] * len(asked)
    for r in rows:
        begun[r["number"]] = r["of_scope"]
        if r["begun_at"] is not None:
            observed[r["number"]].append(_observation(r))
    return [Stored(*each) for each in zip(begun, observed, strict=True)]


async def _digests(
    db: Connection, workspace_id: UUID, account_id: UUID, targets: list[str]
) -> dict[str, bytes]:
    rows = await db.fetch(
        "select target, digest from observations where workspace_id = $1 and account_id = $2 and target = any($3)",
        workspace_id,
        account_id,
        targets,
    )
    return {r["target"]: r["digest"] for r in rows}


def _observation(record: Any) -> Observation:
    return Observation(record["target"], record["begun_at"], record["content"])


def _digest(content: list[dict[str, Any]]) -> bytes:
    # Sealed copies differ at each sealing: they are no difference.
    plain = [{k: v for k, v in entry.items() if k != "sealed"} for entry in content]
    return hashlib.sha256(msgspec.json.encode(plain, order="deterministic")).digest()
