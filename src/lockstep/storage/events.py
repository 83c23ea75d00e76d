"""Events, and the positions that one sequencer for each workspace gives them once they are committed.

Ids made before a commit can be overtaken by a later commit, so a cursor over ids would lose events.
Appending touches no row that others write too: `unsequenced` is the queue, and a workspace without rows
there is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.kit.frozen import dataclass
from lockstep.storage.changes import CHANGED
from lockstep.storage.database import Connection, tell

WAKE = "lockstep_work"
"""As storage.claims.WAKE; the payload for events is `events`."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before it has a position."""

    id: UUID
    public_id: str
    kind: str
    subjects: Mapping[str, str]
    payload: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class EventRow:
    id: UUID
    public_id: str
    occurred_at: datetime
    kind: str
    actor: str
    subjects: dict[str, str]
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PositionedRow:
    """An event with its place in the chain."""

    position: int
    hash: bytes
    event: EventRow
    listed_at: datetime
    """When it got its place: later places have no earlier time."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a workspace's chain ends."""

    position: int
    hash: bytes


_COLUMNS = "e.id, e.public_id, e.occurred_at, e.kind, e.actor, e.subjects, e.payload"


def telling(actor: str, at: str, drafts: str) -> str:
    """Two parts of a WITH, `told` and `queued`: events are added and put before the sequencer, by a statement that
    stores what they tell of. `$1` is the workspace; `drafts`, what stands behind FROM: it gives `v` with the columns
    id, public_id, kind, subjects and payload, of which `draft_columns` makes the arrays."""
    return f"""told as (
    insert into events (workspace_id, id, occurred_at, public_id, kind, actor, subjects, payload)
    select $1, v.id, {at}, v.public_id, v.kind, {actor}, v.subjects, v.payload from {drafts}
    returning id, occurred_at
  ), queued as (
    insert into unsequenced (workspace_id, event_id, occurred_at) select $1, id, occurred_at from told
  )"""  # noqa: S608


def draft_columns(drafts: Sequence[Draft]) -> tuple[list[object], ...]:
    """An array for each column, as `telling` takes them."""
    return (
        [d.id for d in drafts],
        [d.public_id for d in drafts],
        [d.kind for d in drafts],
        [dict(d.subjects) for d in drafts],
        [dict(d.payload) for d in drafts],
    )


_DRAFTS = """unnest($4::uuid[], $5::text[], $6::text[], $7::jsonb[], $8::jsonb[])
  as v (id, public_id, kind, subjects, payload)"""
_APPEND = f"with {telling('$2', '$3', _DRAFTS)} select"


async def append(
    db: Connection, workspace_id: UUID, actor: str, at: datetime, drafts: Sequence[Draft]
) -> None:
    """Add events and put them before the sequencer, which hears of it when this commits."""
    if not drafts:
        return
    await db.execute(_APPEND, workspace_id, actor, at, *draft_columns(drafts))
    tell_of_events(db, workspace_id)


def tell_of_events(db: Connection, workspace_id: UUID) -> None:
    """The sequencer, and whoever looks at the workspace, hear of new events when they are committed."""
    tell(db, WAKE, "events")
    tell(db, CHANGED, str(workspace_id))


async def waiting(db: Connection) -> list[UUID]:
    """The workspaces that have events without a position (across workspaces)."""
    return [r["workspace_id"] for r in await db.fetch("select distinct workspace_id from unsequenced")]


async def head(db: Connection, workspace_id: UUID, *, is_held: bool = False) -> Head:
    """Where the chain ends. `is_held`: nobody else moves it before the caller's transaction ends."""
    # Not `for update`: that would hold up every insert that refers to the workspace.
    lock = "for no key update" if is_held else ""
    row = await db.fetchrow(
        f"select event_position, event_hash from workspaces where id = $1 {lock}",  # noqa: S608
        workspace_id,
    )
    if row is None:
        raise LookupError(f"no workspace {workspace_id}")
    return Head(row["event_position"], row["event_hash"])


async def without_position(db: Connection, workspace_id: UUID, most: int) -> list[EventRow]:
    """Committed events that await a position, oldest first."""
    rows = await db.fetch(
        # Row by row, by the whole key: where the planner knows nothing of either table, it reads all events.
        f"""select {_COLUMNS} from (
              select event_id, occurred_at from unsequenced where workspace_id = $1 order by event_id limit $2) u,
            lateral (select * from events
              where workspace_id = $1 and id = u.event_id and occurred_at = u.occurred_at offset 0) e
            order by e.id""",  # noqa: S608
        workspace_id,
        most,
    )
    return [EventRow(*row) for row in rows]


async def give_positions(db: Connection, workspace_id: UUID, placed: Sequence[PositionedRow]) -> None:
    """Store places that follow on the head which the caller took, and move the head to the last of them. A clock that
    was set back lists nothing before what is listed."""
    ids = [p.event.id for p in placed]
    await db.execute(
        """insert into event_positions (workspace_id, position, event_id, occurred_at, hash, listed_at)
           select $1, p.*, greatest($6, (
             select listed_at from event_positions where workspace_id = $1 and position = $7))
           from unnest($2::bigint[], $3::uuid[], $4::timestamptz[], $5::bytea[]) p""",
        workspace_id,
        [p.position for p in placed],
        ids,
        [p.event.occurred_at for p in placed],
        [p.hash for p in placed],
        placed[-1].listed_at,
        placed[0].position - 1,
    )
    await db.execute(
        "delete from unsequenced where workspace_id = $1 and event_id = any($2)", workspace_id, ids
    )
    await db.execute(
        "update workspaces set event_position = $2, event_hash = $3 where id = $1",
        workspace_id,
        placed[-1].position,
        placed[-1].hash,
    )


_JOINED = (
    "join events e on (e.workspace_id, e.id, e.occurred_at) = (p.workspace_id, p.event_id, p.occurred_at)"
)
# One by one in the order of positions: joined at once, all events of a workspace would be read for the first few.
_ONE_BY_ONE = """, lateral (
  select * from events where workspace_id = $1 and id = p.event_id and occurred_at = p.occurred_at offset 0) e"""


async def after(
    db: Connection,
    workspace_id: UUID,
    position: int,
    most: int,
    *,
    kinds: Sequence[str] | None = None,
) -> list[PositionedRow]:
    """Events behind `position`, in order; of these kinds only, where any are given."""
    rows = await db.fetch(
        f"""select p.position, p.hash, p.listed_at, {_COLUMNS} from event_positions p {_ONE_BY_ONE}
            where p.workspace_id = $1 and p.position > $2
              and ($4::text[] is null or e.kind = any($4))
            order by p.position limit $3""",  # noqa: S608
        workspace_id,
        position,
        most,
        list(kinds) if kinds is not None else None,
    )
    return [_positioned(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Search:
    """Which events are wanted: those that meet all that is given. None: any."""

    most: int
    behind: int = 0
    """Only behind this position; newest first, only before it, where it is not 0."""
    since: datetime | None = None
    """Listed at or after this instant; `until`: before that one."""
    until: datetime | None = None
    kinds: Sequence[str] | None = None
    public_ids: Sequence[str] | None = None
    about: Sequence[Mapping[str, Sequence[str]]] = ()
    """Of each of these, at least one subject must be among its ids: name of the subject -> public ids."""
    is_newest_first: bool = False


async def search(db: Connection, workspace_id: UUID, wanted: Search) -> list[PositionedRow]:
    """In the order of positions, from where they begin on; what is listed at an instant is found by its position."""
    values: list[object] = [workspace_id, wanted.most]
    conditions = ["p.workspace_id = $1"]

    def given(value: object) -> str:
        values.append(value)
        return f"${len(values)}"

    if wanted.behind:
        order = "<" if wanted.is_newest_first else ">"
        conditions.append(f"p.position {order} {given(wanted.behind)}")
    if wanted.since is not None:
        conditions.append(f"p.position >= {_first_listed(given(wanted.since))}")
    if wanted.until is not None:
        conditions.append(
            f"p.position < (select coalesce({_first_listed(given(wanted.until))}, {_NO_POSITION}))"
        )
    if wanted.kinds is not None:
        conditions.append(f"e.kind = any({given(list(wanted.kinds))}::text[])")
    if wanted.public_ids is not None:
        conditions.append(f"e.public_id = any({given(list(wanted.public_ids))}::text[])")
    for either in wanted.about:
        subjects = [{name: id} for name, ids in either.items() for id in ids]
        conditions.append(f"e.subjects @> any({given(subjects)}::jsonb[])")
    direction = "desc" if wanted.is_newest_first else "asc"
    is_of_any_time = bool(wanted.about) and wanted.since is None and not wanted.is_newest_first
    is_for_few = wanted.public_ids is not None or is_of_any_time
    rows = await db.fetch(
        f"""select p.position, p.hash, p.listed_at, {_COLUMNS}
            from event_positions p {_JOINED if is_for_few else _ONE_BY_ONE}
            where {" and ".join(conditions)} order by p.position {direction} limit $2""",  # noqa: S608
        *values,
    )
    return [_positioned(row) for row in rows]


_NO_POSITION = 2**63 - 1


def _first_listed(at: str) -> str:
    return f"""(select position from event_positions where workspace_id = $1 and listed_at >= {at}
        order by listed_at, position limit 1)"""  # noqa: S608


async def at_position(db: Connection, workspace_id: UUID, position: int) -> PositionedRow | None:
    rows = await after(db, workspace_id, position - 1, 1)
    return rows[0] if rows and rows[0].position == position else None


async def find(db: Connection, workspace_id: UUID, public_id: str) -> PositionedRow | None:
    row = await db.fetchrow(
        f"""select p.position, p.hash, p.listed_at, {_COLUMNS} from events e
            join event_positions p on p.workspace_id = e.workspace_id and p.event_id = e.id
            where e.workspace_id = $1 and e.public_id = $2""",  # noqa: S608
        workspace_id,
        public_id,
    )
    return _positioned(row) if row else None


def _positioned(row: Any) -> PositionedRow:
    position, hash_, listed_at, *event = row
    return PositionedRow(position, hash_, EventRow(*event), listed_at)
