"""Events, and the positions that one sequencer for each workspace gives them once they are committed.

Ids made before a commit can be overtaken by a later commit, so a cursor over ids would lose events.
Appending touches no row that others write too: `unsequenced` is the queue, and a workspace without rows
there is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.kit.frozen import dataclass
from lockstep.model.event_variety import variety_of
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
    about = [(subject, p.position) for p in placed for subject in {*p.event.subjects.values()}]
    await db.execute(
        """with about as (
             insert into event_subjects (workspace_id, subject, position)
             select $1, s.* from unnest($9::text[], $10::bigint[]) s)
           insert into event_positions (workspace_id, position, event_id, occurred_at, hash, variety, listed_at)
           select $1, p.*, greatest($7, (
             select listed_at from event_positions where workspace_id = $1 and position = $8))
           from unnest($2::bigint[], $3::uuid[], $4::timestamptz[], $5::bytea[], $6::text[]) p""",
        workspace_id,
        [p.position for p in placed],
        ids,
        [p.event.occurred_at for p in placed],
        [p.hash for p in placed],
        [variety_of(p.event.kind, p.event.subjects, p.event.payload) for p in placed],
        placed[-1].listed_at,
        placed[0].position - 1,
        [subject for subject, _ in about],
        [position for _, position in about],
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


# One by one in the order of positions: joined at once, all events of a workspace would be read for the first few.
_ONE_BY_ONE = """, lateral (
  select * from events where workspace_id = $1 and id = p.event_id and occurred_at = p.occurred_at offset 0) e"""


async def after(db: Connection, workspace_id: UUID, position: int, most: int) -> list[PositionedRow]:
    """Events behind `position`, in order."""
    rows = await db.fetch(
        f"""select p.position, p.hash, p.listed_at, {_COLUMNS} from event_positions p {_ONE_BY_ONE}
            where p.workspace_id = $1 and p.position > $2
            order by p.position limit $3""",  # noqa: S608
        workspace_id,
        position,
        most,
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
    varieties: Sequence[str] | None = None
    """As `event_variety` names them; see `varieties`."""
    public_ids: Sequence[str] | None = None
    about: Sequence[Mapping[str, Sequence[str]]] = ()
    """Of each of these, at least one subject must be among its ids: name of the subject -> public ids."""
    is_newest_first: bool = False


async def varieties(db: Connection, workspace_id: UUID) -> list[str]:
    """Those that there are events of. Each is found by the index, whatever the number of events."""
    rows = await db.fetch(
        """with recursive found (variety) as (
             (select variety from event_positions where workspace_id = $1 order by variety limit 1)
             union all
             select (select variety from event_positions
                 where workspace_id = $1 and variety > found.variety order by variety limit 1)
               from found where found.variety is not null)
           select variety from found where variety is not null""",
        workspace_id,
    )
    return [row["variety"] for row in rows]


async def search(db: Connection, workspace_id: UUID, wanted: Search) -> list[PositionedRow]:
    """In the order of positions, from where they begin on; what is listed at an instant is found by its position.

    Where it is said what they are about, or which few varieties, it reads no more than there is of these."""
    text, values = _Statement(workspace_id, wanted).text_and_values()
    return [_positioned(row) for row in await db.fetch(text, *values)]


_FEW = 50
"""Things or varieties that are looked for one by one: of each as many events are read as are wanted at most."""
_SHOWN = f"p.position, p.hash, p.listed_at, {_COLUMNS}"
# Row by row, by whole keys: the planner would rather read all events of a workspace.
_PLACE = """lateral (
  select * from event_positions where workspace_id = $1 and position = s.position offset 0) p"""
_PLACE_OF_EVENT = """lateral (
  select * from event_positions where workspace_id = $1 and event_id = e.id offset 0) p"""


class _Statement:
    """The statement of a search, by whichever way is the shortest."""

    def __init__(self, workspace_id: UUID, wanted: Search) -> None:
        self._wanted = wanted
        self._values: list[object] = [workspace_id, wanted.most]
        self._direction = "desc" if wanted.is_newest_first else "asc"

    def text_and_values(self) -> tuple[str, list[object]]:
        wanted = self._wanted
        if wanted.public_ids is not None:
            return self._by_ids(), self._values
        if wanted.about:
            return self._by_things(), self._values
        if wanted.varieties is not None and len(wanted.varieties) <= _FEW:
            return self._by_varieties(wanted.varieties), self._values
        return self._in_turn(), self._values

    def _in_turn(self) -> str:
        conditions = ["p.workspace_id = $1", *self._places("p"), *self._of_varieties()]
        return self._in_order(f"select {_SHOWN} from event_positions p {_ONE_BY_ONE}", conditions)  # noqa: S608

    def _by_ids(self) -> str:
        ids = self._given(list(self._wanted.public_ids or ()))
        things = (
            f"(select * from events where workspace_id = $1 and public_id = any({ids}::text[]) offset 0) e"  # noqa: S608
        )
        conditions = [*self._places("p"), *self._of_varieties(), *self._facts()]
        return self._in_order(f"select {_SHOWN} from {things}, {_PLACE_OF_EVENT}", conditions)  # noqa: S608

    def _by_things(self) -> str:
        """All conditions stand within: of each thing no more is read than is wanted."""
        several = min(
            ({id for ids in either.values() for id in ids} for either in self._wanted.about), key=len
        )
        subjects = self._given(sorted(several))
        conditions = ["s.workspace_id = $1", *self._places("s"), *self._of_varieties(), *self._facts()]
        if len(several) > _FEW:
            conditions.append(f"s.subject = any({subjects}::text[])")
            found = f"select distinct {_SHOWN} from event_subjects s, {_PLACE} {_ONE_BY_ONE}"  # noqa: S608
            return self._in_order(found, conditions)
        of_each = self._in_order(
            f"select {_SHOWN} from event_subjects s, {_PLACE} {_ONE_BY_ONE}",  # noqa: S608
            ["s.subject = v.subject", *conditions],
            "s",
        )
        found = f"select distinct p.* from unnest({subjects}::text[]) v (subject), lateral ({of_each}) p"  # noqa: S608
        return self._in_order(found, [])

    def _by_varieties(self, several: Sequence[str]) -> str:
        of_each = self._in_order(
            "select s.position from event_positions s",
            ["s.workspace_id = $1", "s.variety = v.variety", *self._places("s")],
            "s",
        )
        places = f"unnest({self._given(list(several))}::text[]) v (variety), lateral ({of_each}) s"
        first = self._in_order(f"select s.position from {places}", [], "s")  # noqa: S608
        return self._in_order(f"select {_SHOWN} from ({first}) s, {_PLACE} {_ONE_BY_ONE}", [])  # noqa: S608

    def _in_order(self, found: str, conditions: Sequence[str], by: str = "p") -> str:
        where = f"where {' and '.join(conditions)}" if conditions else ""
        return f"{found} {where} order by {by}.position {self._direction} limit $2"

    def _places(self, by: str) -> Iterator[str]:
        wanted = self._wanted
        if wanted.behind:
            yield f"{by}.position {'<' if wanted.is_newest_first else '>'} {self._given(wanted.behind)}"
        if wanted.since is not None:
            yield f"{by}.position >= {_first_listed(self._given(wanted.since))}"
        if wanted.until is not None:
            first = _first_listed(self._given(wanted.until))
            yield f"{by}.position < (select coalesce({first}, {_NO_POSITION}))"

    def _of_varieties(self) -> Iterator[str]:
        if self._wanted.varieties is not None:
            yield f"p.variety = any({self._given(list(self._wanted.varieties))}::text[])"

    def _facts(self) -> Iterator[str]:
        for either in self._wanted.about:
            subjects = [{name: id} for name, ids in either.items() for id in ids]
            yield f"e.subjects @> any({self._given(subjects)}::jsonb[])"

    def _given(self, value: object) -> str:
        self._values.append(value)
        return f"${len(self._values)}"


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
