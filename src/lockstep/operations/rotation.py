"""Seals everything anew under the newest master key, while all processes go on. Of the installation, not a workspace.

Can be broken off and begun again at any time: what is sealed under the newest version is passed over."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from lockstep.kit.sealing import CannotUnseal, Place, Sealer, sealed_version
from lockstep.operations.gate import Gate
from lockstep.storage import rotation, workspaces
from lockstep.storage.rotation import OBSERVED, SEALED, SealedColumn, SealedDocument, SealedRow

Advance = Callable[[int, int | None, str], None]
"""Values done, values in all, and the table that is at hand."""


async def versions_in_use(gate: Gate, *, with_passing: bool = True) -> dict[int, int]:
    """How many values are sealed under each version of the master key."""
    async with gate.database.reading(None) as db:
        return await rotation.versions_in_use(db, with_passing=with_passing)


async def reseal(gate: Gate, advance: Advance, *, at_once: int = 200) -> int:
    """Seal anew whatever is sealed under another version than the newest; returns how many values were.

    `at_once` values are sealed in one transaction. Whoever began before the newest version was there may still store
    an older one, so it looks again until a look finds nothing.
    """
    done = 0
    while True:
        in_use = await versions_in_use(gate, with_passing=False)
        left = sum(n for version, n in in_use.items() if version != gate.sealer.version)
        if not left:
            return done
        before = done
        advance(0, left, "")
        for workspace_id in await _workspaces(gate):
            for where in SEALED:
                done += await _column(gate, workspace_id, where, at_once)
                advance(done - before, left, where.table)
            done += await _observed(gate, workspace_id, at_once)
            advance(done - before, left, OBSERVED.table)
        if done == before:
            return done


async def unopenable(gate: Gate) -> list[str]:
    """Columns of which a sample does not open with the keys that there are, as `table.column`."""
    found = []
    for workspace_id in await _workspaces(gate):
        async with gate.database.reading(workspace_id) as db:
            for where in (*SEALED, OBSERVED):
                row = await rotation.sample(db, workspace_id, where)
                if row is not None and not _opens(
                    gate.sealer, _place(workspace_id, where, row.id), row.sealed
                ):
                    found.append(f"{where.table}.{where.column}")
    return sorted(set(found))


async def _workspaces(gate: Gate) -> list[UUID]:
    async with gate.database.reading(None) as db:
        return [w.id for w in await workspaces.every(db)]


async def _column(gate: Gate, workspace_id: UUID, where: SealedColumn, at_once: int) -> int:
    done = 0
    while True:
        async with gate.database.transaction(workspace_id) as db:
            rows = await rotation.behind(db, workspace_id, where, gate.sealer.version, at_once)
            fresh = [_anew(gate.sealer, _place(workspace_id, where, row.id), row) for row in rows]
            if fresh:
                await rotation.replace(db, workspace_id, where, fresh)
        done += len(rows)
        if len(rows) < at_once:
            return done


async def _observed(gate: Gate, workspace_id: UUID, at_once: int) -> int:
    """As `_column`, for the documents of observations; returns how many values in them were sealed anew."""
    done = 0
    while True:
        async with gate.database.transaction(workspace_id) as db:
            documents = await rotation.documents_behind(db, workspace_id, gate.sealer.version, at_once)
            fresh = []
            for document in documents:
                document, count = _document_anew(gate.sealer, workspace_id, document)
                fresh.append(document)
                done += count
            if fresh:
                await rotation.replace_documents(db, workspace_id, fresh)
        if len(documents) < at_once:
            return done


def _document_anew(
    sealer: Sealer, workspace_id: UUID, document: SealedDocument
) -> tuple[SealedDocument, int]:
    """The document, and how many of its values were sealed anew."""
    place = _place(workspace_id, OBSERVED, document.account_id)
    content, count = [], 0
    for entry in document.content:
        sealed = b64decode(entry["sealed"]) if "sealed" in entry else None
        if sealed is not None and sealed_version(sealed) != sealer.version:
            anew = sealer.seal(sealer.open(sealed, place), place)
            entry = {**entry, "sealed": b64encode(anew).decode()}
            count += 1
        content.append(entry)
    return replace(document, content=content), count


def _anew(sealer: Sealer, place: Place, row: SealedRow) -> SealedRow:
    return SealedRow(row.id, sealer.seal(sealer.open(row.sealed, place), place))


def _place(workspace_id: UUID, where: SealedColumn, row_id: UUID) -> Place:
    return Place(workspace_id, where.table, where.column, row_id)


def _opens(sealer: Sealer, place: Place, sealed: bytes) -> bool:
    try:
        sealer.open(sealed, place)
    except CannotUnseal:
        return False
    return True
