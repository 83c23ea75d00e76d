"""Access codes as the ways in show them: one on each lock, with status, evidence, last attempt and next look."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from lockstep.model.access_code import Failure, Standing, Status, standing, status
from lockstep.model.capabilities import Evidence
from lockstep.model.declared import effective_window
from lockstep.model.permissions import Actor, Scope, require
from lockstep.model.window import Window
from lockstep.operations.errors import NotFound
from lockstep.operations.gate import Tx
from lockstep.storage import access_codes, devices
from lockstep.storage.access_codes import AccessCodeRow


@dataclass(frozen=True, slots=True)
class AccessCode:
    """One code on one lock. `digits` None where the actor may not see them, or the vendor has not computed them."""

    row: AccessCodeRow
    status: Status
    standing: Standing
    window: Window
    effective: Window
    """When it really opens, where that is wider."""
    evidence: Evidence
    failure: dict[str, Any] | None
    digits: str | None = field(repr=False)
    has_digits: bool = False

    @property
    def proven_at(self) -> datetime | None:
        return self.row.entry.belief.proven_at if self.standing is Standing.PROVEN else None

    @property
    def next_look_at(self) -> datetime | None:
        return self.row.domain_due_at


async def get(tx: Tx, actor: Actor, access_code_public_id: str) -> AccessCode:
    require(actor, Scope.GRANTS_READ)
    row = await access_codes.by_public_id(tx.db, tx.workspace_id, access_code_public_id)
    if row is None:
        raise NotFound("access code", access_code_public_id)
    return present(tx, actor, row)


async def listed(
    tx: Tx, actor: Actor, after: UUID | None, most: int, device_public_id: str | None = None
) -> list[AccessCode]:
    require(actor, Scope.GRANTS_READ)
    device_id = None
    if device_public_id is not None:
        found = await devices.by_public_ids(tx.db, tx.workspace_id, [device_public_id])
        if not found:
            raise NotFound("device", device_public_id)
        device_id = found[0].id
    rows = await access_codes.listed(tx.db, tx.workspace_id, after, most, device_id)
    return [present(tx, actor, r) for r in rows]


async def of_grants(tx: Tx, actor: Actor, grant_ids: list[UUID]) -> dict[UUID, list[AccessCode]]:
    """Codes of several grants, by grant."""
    require(actor, Scope.GRANTS_READ)
    found: dict[UUID, list[AccessCode]] = {i: [] for i in grant_ids}
    for row in await access_codes.of_grants(tx.db, tx.workspace_id, grant_ids):
        found[row.grant_id].append(present(tx, actor, row))
    return found


async def arriving(tx: Tx, actor: Actor, span: timedelta) -> list[AccessCode]:
    """Codes of those who are inside or arrive within `span`, soonest first."""
    require(actor, Scope.GRANTS_READ)
    rows = await access_codes.arriving(tx.db, tx.workspace_id, tx.now, tx.now + span)
    return [present(tx, actor, r) for r in rows]


def present(tx: Tx, actor: Actor, row: AccessCodeRow) -> AccessCode:
    """Everything derived now from declaration, belief, last failure and the clock; nothing of it is stored."""
    entry, capabilities = row.entry, row.capabilities
    failure = entry.failure or row.domain_failure
    known = _failure(failure)
    window = entry.declared.spec.window
    effective = effective_window(window, capabilities)
    if row.actual_starts_at is not None:
        effective = Window(row.actual_starts_at, row.actual_ends_at)
    digits = None
    if entry.digits is not None and actor.may(Scope.CODES_READ):
        digits = tx.open(entry.digits, "entries", "digits", entry.id)
    is_settled = entry.settled_at is not None
    return AccessCode(
        row,
        Status.REMOVED if is_settled else status(entry.declared, entry.belief, capabilities, tx.now),
        Standing.GONE if is_settled else standing(entry.declared, entry.belief, capabilities, tx.now, known),
        window,
        effective,
        entry.belief.evidence,
        failure,
        digits,
        entry.digits is not None,
    )


def _failure(document: dict[str, Any] | None) -> Failure | None:
    if document is None:
        return None
    at = datetime.fromisoformat(document["at"])
    return Failure(document["code"], document["cause"], document["next_step"], at)
