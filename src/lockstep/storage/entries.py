"""Entries of write domains: what is declared of them and what is believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any
from uuid import UUID

from lockstep.kit.frozen import dataclass
from lockstep.model.belief import Belief
from lockstep.model.capabilities import Evidence
from lockstep.model.declared import Declared, Spec
from lockstep.model.edit import Edit
from lockstep.model.window import Window
from lockstep.storage import changes
from lockstep.storage.database import Connection
from lockstep.storage.encoding import from_document


@dataclass(frozen=True, slots=True)
class FormerDigits:
    """What was declared before, sealed."""

    digits: bytes = field(repr=False)
    fingerprint: UUID


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One entry: the declaration, the belief, and what the reconciler noted beside them."""

    declared: Declared
    belief: Belief
    domain_id: UUID
    method_id: UUID | None
    natural_key: str
    digits: bytes | None = field(repr=False)
    failure: dict[str, Any] | None = None
    not_before: datetime | None = None
    alarms: frozenset[str] = frozenset()
    settled_at: datetime | None = None
    actual: Window | None = None
    """The window as the vendor gave it, where it is another than the declared one."""
    started: int | None = None
    """The revision of which it was told that it opens, having been written ahead."""
    pool_device_id: UUID | None = None
    """The device in whose pool of backup codes it stands."""
    former: FormerDigits | None = None
    """The last digits of another declaration that came to be on the lock, or may have."""

    @property
    def id(self) -> UUID:
        return self.declared.entry_id

    @property
    def is_removal(self) -> bool:
        """It is there only to take somebody else's code off the lock."""
        return self.method_id is None and self.natural_key.startswith(REMOVAL)


REMOVAL = "unmanaged:"
"""How the natural key of an entry begins that takes somebody else's code off the lock."""


_COLUMNS = (
    "e.id, e.domain_id, e.method_id, e.natural_key, e.tag, e.name, e.revision, e.starts_at, e.ends_at, e.digits, "
    "e.fingerprint, e.target_references, e.declared_at, e.withdrawn_at, e.is_compromised, e.honours_edits, "
    "e.possible, e.evidence, "
    "e.vendor_references, e.accepted, e.version, e.last_write_at, e.late_until, e.read_at, e.proven_at, e.tried, "
    "e.overwritten, e.overwritten_at, e.edit, e.failure, e.not_before, e.alarms, e.settled_at, "
    "e.actual_starts_at, e.actual_ends_at, e.started, e.pool_device_id, e.former_digits, e.former_fingerprint"
)


def entry_row(record: Any) -> EntryRow:
    """An EntryRow from a record that has the columns of `entry_columns`."""
    r = record
    spec = Spec(
        r["fingerprint"], Window(r["starts_at"], r["ends_at"]), r["name"], frozenset(r["target_references"])
    )
    declared = Declared(
        r["id"],
        r["revision"],
        spec,
        r["tag"],
        r["declared_at"],
        r["withdrawn_at"],
        r["is_compromised"],
        r["pool_device_id"] is not None,
        r["honours_edits"],
    )
    belief = Belief(
        frozenset(r["possible"]),
        Evidence(r["evidence"]),
        frozenset(r["vendor_references"]),
        r["accepted"],
        r["version"],
        r["last_write_at"],
        r["late_until"],
        r["read_at"],
        r["proven_at"],
        tuple(r["tried"]),
        r["overwritten"],
        r["overwritten_at"],
        from_document(r["edit"], Edit) if r["edit"] else None,
    )
    return EntryRow(
        declared,
        belief,
        r["domain_id"],
        r["method_id"],
        r["natural_key"],
        r["digits"],
        r["failure"],
        r["not_before"],
        frozenset(r["alarms"]),
        r["settled_at"],
        Window(r["actual_starts_at"], r["actual_ends_at"]) if r["actual_starts_at"] else None,
        r["started"],
        r["pool_device_id"],
        FormerDigits(r["former_digits"], r["former_fingerprint"]) if r["former_digits"] else None,
    )


def entry_columns() -> str:
    """For statements elsewhere in storage that join entries as `e`."""
    return _COLUMNS


def spec_columns(alias: str) -> str:
    """For statements elsewhere in storage that join revisions of entries under this name; `spec_of` reads them."""
    return ", ".join(
        f"{alias}.{column} as of_{column}"
        for column in ("revision", "fingerprint", "starts_at", "ends_at", "name", "target_references")
    )


def spec_of(record: Any) -> tuple[int, Spec]:
    """A revision and what it declared, from a record that has the columns of `spec_columns`."""
    window = Window(record["of_starts_at"], record["of_ends_at"])
    targets = frozenset(record["of_target_references"])
    return record["of_revision"], Spec(record["of_fingerprint"], window, record["of_name"], targets)


async def insert(db: Connection, workspace_id: UUID, row: EntryRow) -> None:
    d = row.declared
    await db.execute(
        """insert into entries (workspace_id, id, domain_id, method_id, natural_key, tag, name, revision, starts_at,
             ends_at, digits, fingerprint, target_references, declared_at, pool_device_id, honours_edits)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)""",
        workspace_id,
        d.entry_id,
        row.domain_id,
        row.method_id,
        row.natural_key,
        d.tag,
        d.spec.name,
        d.revision,
        d.spec.window.starts_at,
        d.spec.window.ends_at,
        row.digits,
        d.spec.fingerprint,
        sorted(d.spec.targets),
        d.declared_at,
        row.pool_device_id,
        d.honours_edits,
    )
    await _keep_revision(db, workspace_id, d)


async def redeclare(db: Connection, workspace_id: UUID, row: EntryRow) -> None:
    """Store a changed declaration under its next revision; failures and alarms of the old one are over, and so is an
    edit that was honoured."""
    d = row.declared
    await db.execute(
        """update entries set revision = $3, name = $4, starts_at = $5, ends_at = $6, digits = $7, fingerprint = $8,
             target_references = $9, declared_at = $10, withdrawn_at = $11, is_compromised = $12, method_id = $13,
             honours_edits = $14, edit = case when edit ->> 'is_honoured' = 'true' then null else edit end,
             failure = null, not_before = null, alarms = '{}', settled_at = null,
             actual_starts_at = null, actual_ends_at = null, former_digits = $15, former_fingerprint = $16
           where workspace_id = $1 and id = $2""",
        workspace_id,
        d.entry_id,
        d.revision,
        d.spec.name,
        d.spec.window.starts_at,
        d.spec.window.ends_at,
        row.digits,
        d.spec.fingerprint,
        sorted(d.spec.targets),
        d.declared_at,
        d.withdrawn_at,
        d.is_compromised,
        row.method_id,
        d.honours_edits,
        row.former.digits if row.former else None,
        row.former.fingerprint if row.former else None,
    )
    await _keep_revision(db, workspace_id, d)


async def withdraw(
    db: Connection,
    workspace_id: UUID,
    entry_ids: Sequence[UUID],
    at: datetime,
    *,
    is_compromised: bool = False,
) -> None:
    """From now on nothing of these may stay on the lock."""
    await db.execute(
        """update entries set withdrawn_at = coalesce(withdrawn_at, $3), is_compromised = is_compromised or $4,
             failure = null, not_before = null, alarms = '{}', settled_at = null
           where workspace_id = $1 and id in (
             select id from entries where workspace_id = $1 and id = any($2) order by id for no key update)""",
        workspace_id,
        list(entry_ids),
        at,
        is_compromised,
    )


async def set_honours_edits(
    db: Connection, workspace_id: UUID, entry_ids: Sequence[UUID], *, honours_edits: bool
) -> None:
    """What is declared of these stays, and its revision."""
    await db.execute(
        """update entries set honours_edits = $3 where workspace_id = $1 and id in (
             select id from entries where workspace_id = $1 and id = any($2) order by id for no key update)""",
        workspace_id,
        list(entry_ids),
        honours_edits,
    )


async def open_of_domain(db: Connection, workspace_id: UUID, domain_id: UUID) -> list[EntryRow]:
    """Every entry that is not settled: what a pass must think about."""
    rows = await db.fetch(
        f"""select {_COLUMNS} from entries e
            where e.workspace_id = $1 and e.domain_id = $2 and e.settled_at is null order by e.id""",  # noqa: S608
        workspace_id,
        domain_id,
    )
    return [entry_row(r) for r in rows]


async def of_method(db: Connection, workspace_id: UUID, method_id: UUID) -> list[EntryRow]:
    rows = await db.fetch(
        f"select {_COLUMNS} from entries e where e.workspace_id = $1 and e.method_id = $2 order by e.id",  # noqa: S608
        workspace_id,
        method_id,
    )
    return [entry_row(r) for r in rows]


async def get(db: Connection, workspace_id: UUID, entry_id: UUID) -> EntryRow | None:
    row = await db.fetchrow(
        f"select {_COLUMNS} from entries e where e.workspace_id = $1 and e.id = $2",  # noqa: S608
        workspace_id,
        entry_id,
    )
    return entry_row(row) if row else None


async def has_open_tag(db: Connection, workspace_id: UUID, domain_id: UUID, tag: str) -> bool:
    """Whether an entry that is not settled carries this tag."""
    return bool(
        await db.fetchval(
            """select exists (select from entries
                 where workspace_id = $1 and domain_id = $2 and tag = $3 and settled_at is null)""",
            workspace_id,
            domain_id,
            tag,
        )
    )


async def by_references(
    db: Connection, workspace_id: UUID, account_id: UUID, references: Sequence[str]
) -> Mapping[tuple[str, str], UUID]:
    """(target, reference) -> the entry of ours that stands there."""
    rows = await db.fetch(
        """select d.reference as target, r.reference, max(e.id::text) as id from entries e
             join devices d on d.workspace_id = e.workspace_id and d.domain_id = e.domain_id
               and d.account_id = $2 and d.reference = any(e.target_references)
             cross join lateral unnest(e.vendor_references) r(reference)
           where e.workspace_id = $1 and e.vendor_references && $3::text[] and r.reference = any($3)
           group by d.reference, r.reference having count(*) = 1""",
        workspace_id,
        account_id,
        list(references),
    )
    return {(r["target"], r["reference"]): UUID(r["id"]) for r in rows}


async def standing_at(db: Connection, workspace_id: UUID, domain_ids: Sequence[UUID]) -> set[tuple[str, str]]:
    """(target, reference) at which codes of ours stand, or may, in these domains, and what somebody else makes of them
    is never taken over."""
    rows = await db.fetch(
        """select t.target, r.reference from entries e
             cross join lateral unnest(e.target_references) t(target)
             cross join lateral unnest(e.vendor_references) r(reference)
           where e.workspace_id = $1 and e.domain_id = any($2) and e.settled_at is null and not e.honours_edits
             and not (e.method_id is null and starts_with(e.natural_key, $3))""",
        workspace_id,
        list(domain_ids),
        REMOVAL,
    )
    return {(r["target"], r["reference"]) for r in rows}


async def specs_of(
    db: Connection, workspace_id: UUID, entry_ids: Sequence[UUID]
) -> Mapping[UUID, Mapping[int, Spec]]:
    """Every revision of these entries that a lock may still carry."""
    rows = await db.fetch(
        f"""select r.entry_id, {spec_columns("r")} from entry_revisions r
            where r.workspace_id = $1 and r.entry_id = any($2)""",  # noqa: S608
        workspace_id,
        list(entry_ids),
    )
    found: dict[UUID, dict[int, Spec]] = {i: {} for i in entry_ids}
    for r in rows:
        revision, spec = spec_of(r)
        found[r["entry_id"]][revision] = spec
    return found


async def store_notes(
    db: Connection,
    workspace_id: UUID,
    entry_id: UUID,
    *,
    failure: dict[str, Any] | None,
    not_before: datetime | None,
    alarms: frozenset[str],
    started: int | None,
) -> None:
    """What the reconciler notes beside the belief. Writes nothing where nothing differs."""
    result = await db.execute(
        """update entries set failure = $3, not_before = $4, alarms = $5, started = $6
           where workspace_id = $1 and id = $2
             and (failure, not_before, alarms, started) is distinct from ($3, $4, $5, $6)""",
        workspace_id,
        entry_id,
        failure,
        not_before,
        sorted(alarms),
        started,
    )
    if result != "UPDATE 0":
        await changes.tell(db, workspace_id)


async def settle(db: Connection, workspace_id: UUID, entry_ids: Sequence[UUID], at: datetime) -> None:
    """These are over and proven gone: nothing looks at them again."""
    await db.execute(
        "update entries set settled_at = $3 where workspace_id = $1 and id = any($2) and settled_at is null",
        workspace_id,
        list(entry_ids),
        at,
    )


async def let_go(db: Connection, workspace_id: UUID, entry_ids: Sequence[UUID], at: datetime) -> None:
    """These are Lockstep's no more, whatever stands on the lock: nothing looks at them, and nothing is theirs."""
    await db.execute(
        """update entries set withdrawn_at = coalesce(withdrawn_at, $3), settled_at = $3, possible = '{absent}',
             vendor_references = '{}', accepted = null, version = null, late_until = null, tried = '{}',
             failure = null, not_before = null, alarms = '{}'
           where workspace_id = $1 and id in (
             select id from entries where workspace_id = $1 and id = any($2) order by id for no key update)""",
        workspace_id,
        list(entry_ids),
        at,
    )


async def reopen(db: Connection, workspace_id: UUID, domain_id: UUID) -> None:
    """The lock of these is back: looked at again are those that were settled without proof."""
    await db.execute(
        """update entries set settled_at = null where workspace_id = $1 and domain_id = $2
             and settled_at is not null and (possible <> '{absent}' or late_until is not null)""",
        workspace_id,
        domain_id,
    )


async def store_digits(
    db: Connection, workspace_id: UUID, entry_id: UUID, revision: int, digits: bytes, fingerprint: UUID
) -> None:
    """Digits that the vendor computed for this revision."""
    await db.execute(
        "update entries set digits = $4, fingerprint = $5 where workspace_id = $1 and id = $2 and revision = $3",
        workspace_id,
        entry_id,
        revision,
        digits,
        fingerprint,
    )
    await db.execute(
        "update entry_revisions set fingerprint = $4 where workspace_id = $1 and entry_id = $2 and revision = $3",
        workspace_id,
        entry_id,
        revision,
        fingerprint,
    )


async def store_actual_window(
    db: Connection, workspace_id: UUID, entry_id: UUID, window: Window | None
) -> None:
    """The window as the vendor really gave it, where it differs."""
    await db.execute(
        """update entries set actual_starts_at = $3, actual_ends_at = $4 where workspace_id = $1 and id = $2
             and (actual_starts_at, actual_ends_at) is distinct from ($3, $4)""",
        workspace_id,
        entry_id,
        window.starts_at if window else None,
        window.ends_at if window else None,
    )


async def _keep_revision(db: Connection, workspace_id: UUID, d: Declared) -> None:
    await db.execute(
        """insert into entry_revisions (workspace_id, entry_id, revision, starts_at, ends_at, fingerprint, name,
             target_references) values ($1, $2, $3, $4, $5, $6, $7, $8)""",
        workspace_id,
        d.entry_id,
        d.revision,
        d.spec.window.starts_at,
        d.spec.window.ends_at,
        d.spec.fingerprint,
        d.spec.name,
        sorted(d.spec.targets),
    )
