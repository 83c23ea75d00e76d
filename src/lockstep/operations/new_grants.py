"""Declares a grant that is new: nothing of it is there yet to be made equal, so all of it is stored at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from lockstep.kit.frozen import dataclass
from lockstep.kit.ids import new_id, public_id
from lockstep.model import events
from lockstep.model.belief import Belief
from lockstep.model.capabilities import CodeChooser
from lockstep.model.declared import Declared, Spec
from lockstep.model.naming import entry_name
from lockstep.model.permissions import Actor
from lockstep.model.plan import first_thought
from lockstep.model.window import Window
from lockstep.operations import events as recorded
from lockstep.operations.chosen_digits import (
    Group,
    Wish,
    choose,
    groups,
    holds_codes,
    only_digits,
    tag_of,
    that_take_digits,
)
from lockstep.operations.errors import Conflict, NotFound
from lockstep.operations.gate import TransactionNeeded, Tx
from lockstep.storage import declarations, devices, domains, entries, furnishings
from lockstep.storage.database import Connection
from lockstep.storage.declarations import NewCode, NewDeclaration, NewTarget, Reach, Reached, Stored
from lockstep.storage.devices import DeviceRow
from lockstep.storage.entries import EntryRow
from lockstep.storage.furnishings import Furnished
from lockstep.storage.grants import GrantRow, MethodRow


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The grant's digits, sealed for the method, and as they are."""

    method: MethodRow
    digits: str | None

    def __repr__(self) -> str:
        return "_Chosen(******)"


async def declare_new(
    tx: Tx,
    actor: Actor,
    grant: GrantRow,
    targets: Sequence[NewTarget],
    reached: Sequence[Reached],
    natural: str | None,
    wish: Wish,
    generations_read: Mapping[UUID, int],
) -> NewDeclaration:
    """Store a grant with its digits, entries and codes, and make its locks due; in one statement that writes.

    `reached` are all devices that `targets` come to, `generations_read` those of their spaces' properties, read no
    later. Returns what was stored. Raises Conflict where the grant's key is in use, or the digits that are given, or
    all of its locks are left at that moment; NotFound where a space is removed at that moment.
    """
    new = await _new(tx, actor, grant, targets, reached, natural, wish, generations_read)
    stored = await tx.ask(_insert, new)
    if stored is Stored.NOTHING_MOVED_ON:
        # Somebody else was given the digits on one of these locks in between, or left it, or other locks stand in these
        # spaces: once more, with the others kept waiting.
        if not tx.is_transaction:
            raise TransactionNeeded(TransactionNeeded.__doc__)
        device_ids, generations_read = await _held_still(tx, targets, reached)
        asked = Reach(
            Window(grant.starts_at, grant.ends_at), device_ids=device_ids, only=only_digits(tx, wish)
        )
        again = await declarations.reached(tx.db, tx.workspace_id, asked)
        reached = [r for r in again if r.is_connected]
        is_left = bool(device_ids) and not any(holds_codes(r.device) for r in reached)
        if grant.booking_id is None and is_left:
            raise Conflict(
                "The lock was disconnected, or is not managed any more, at this moment.",
                code="lock_left",
                next_step="See how its account stands.",
            )
        new = await _new(tx, actor, grant, targets, reached, natural, wish, generations_read)
        stored = await tx.ask(_insert, new)
    if stored is not Stored.ALL:
        raise Conflict(
            "A grant with this grant_key exists already.",
            code="grant_key_taken",
            next_step="Change that grant, or give another key.",
        )
    return new


async def furnished(tx: Tx, target: NewTarget) -> Furnished:
    """What stands in a space that is to be reached. Raises NotFound where it is removed at this moment."""
    assert target.space_id is not None
    found = await furnishings.of_space(tx.db, tx.workspace_id, target.space_id)
    if found is None:
        raise NotFound("space", target.public_id)
    return found


def generations(standing: Sequence[Furnished]) -> Mapping[UUID, int]:
    """By property, as they were read first."""
    return {stands.property_id: stands.generation for stands in reversed(standing)}


async def _held_still(
    tx: Tx, targets: Sequence[NewTarget], reached: Sequence[Reached]
) -> tuple[list[UUID], Mapping[UUID, int]]:
    """The devices that targets come to, which came to `reached`, and the generations of their spaces' properties.
    Nobody changes that, or declares anything on these devices, before this transaction ends."""
    spaces = [t for t in targets if t.space_id is not None]
    if not spaces:
        await domains.lock(tx.db, tx.workspace_id, sorted({r.device.domain_id for r in reached}))
        return [r.device.id for r in reached], {}
    await furnishings.hold(tx.db, tx.workspace_id, [t.space_id for t in spaces if t.space_id])
    standing = [await furnished(tx, t) for t in spaces]
    device_ids = {t.device_id for t in targets if t.device_id is not None}
    device_ids.update(id for stands in standing for id in stands.device_ids)
    found = await devices.of_connected(tx.db, tx.workspace_id, sorted(device_ids))
    await domains.lock(tx.db, tx.workspace_id, sorted({d.domain_id for d in found}))
    return sorted(device_ids), generations(standing)


async def _insert(db: Connection, workspace_id: UUID, declared: Sequence[NewDeclaration]) -> Sequence[Stored]:
    return await declarations.insert(
        db, workspace_id, declared, max(new.grant.created_at for new in declared)
    )


async def _new(
    tx: Tx,
    actor: Actor,
    grant: GrantRow,
    targets: Sequence[NewTarget],
    reached: Sequence[Reached],
    natural: str | None,
    wish: Wish,
    generations_read: Mapping[UUID, int],
) -> NewDeclaration:
    holding = [r for r in reached if holds_codes(r.device)]
    chosen = _chosen(tx, grant, holding, wish)
    rows: list[EntryRow] = []
    codes: list[NewCode] = []
    due: dict[UUID, datetime] = {}
    told: list[events.Event] = [events.AccessGrantCreated(access_grant_id=grant.public_id, form=grant.form)]
    for group in groups(r.device for r in holding):
        row = await _entry(tx, grant, chosen, group, natural)
        rows.append(row)
        # What lies far ahead wakes nobody: a pass over a lock with thousands of codes is not for nothing.
        at = first_thought(row.declared, group.locks[0].capabilities, tx.now)
        due[group.domain_id] = min(at, due.get(group.domain_id, at))
        for lock in group.locks:
            id = new_id()
            code = NewCode(id, public_id("code", id), lock.id, row.id)
            codes.append(code)
            told.append(_created(code, lock, grant))
    domains_read = {r.device.domain_id: r.generation for r in holding}
    drafts = recorded.drafts(told)
    return NewDeclaration(
        actor.name, grant, targets, chosen.method, rows, codes, drafts, domains_read, due, generations_read
    )


def _chosen(tx: Tx, grant: GrantRow, holding: Sequence[Reached], wish: Wish) -> _Chosen:
    id = new_id()
    choosing = {d.id for d in that_take_digits([r.device for r in holding], wish)}
    digits = sealed = fingerprint = warning = None
    if choosing:
        choice = choose(tx, [r for r in holding if r.device.id in choosing], wish)
        digits, warning = choice.digits, choice.warning
        sealed = tx.seal(digits, "access_methods", "digits", id)
        fingerprint = tx.fingerprint(digits)
    method = MethodRow(
        id, public_id("method", id), grant.id, "code", sealed, fingerprint, warning, created_at=tx.now
    )
    return _Chosen(method, digits)


async def _entry(tx: Tx, grant: GrantRow, chosen: _Chosen, group: Group, natural: str | None) -> EntryRow:
    capabilities = group.locks[0].capabilities
    targets = frozenset(d.reference for d in group.locks)
    tag = tag_of(tx, natural or grant.public_id, targets)
    if natural is not None and await entries.has_open_tag(tx.db, tx.workspace_id, group.domain_id, tag):
        # Booked again before the cancelled one is surely gone: what is seen must tell the two apart.
        tag = tag_of(tx, grant.public_id, targets)
    id = new_id()
    digits = fingerprint = None
    if capabilities.chooser is CodeChooser.CALLER and chosen.digits is not None:
        digits = tx.seal(chosen.digits, "entries", "digits", id)
        fingerprint = chosen.method.fingerprint
    name = entry_name(grant.name, tag, capabilities.name)
    spec = Spec(fingerprint, Window(grant.starts_at, grant.ends_at), name, targets)
    declared = Declared(id, 1, spec, tag, declared_at=tx.now, honours_edits=grant.honours_edits)
    return EntryRow(declared, Belief(), group.domain_id, chosen.method.id, natural or grant.public_id, digits)


def _created(code: NewCode, lock: DeviceRow, grant: GrantRow) -> events.AccessCodeCreated:
    return events.AccessCodeCreated(
        access_code_id=code.public_id, device_id=lock.public_id, access_grant_id=grant.public_id
    )
