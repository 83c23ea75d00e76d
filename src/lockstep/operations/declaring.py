"""Makes the codes of a grant equal to the grant: the one place where access is declared. Level, not edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from lockstep.kit.ids import new_id, public_id
from lockstep.model import events
from lockstep.model.belief import Belief
from lockstep.model.capabilities import CodeChooser
from lockstep.model.constraints import breaches_of_code
from lockstep.model.declared import Declared, Spec, revision_of
from lockstep.model.naming import entry_name, is_named_so
from lockstep.model.permissions import Actor
from lockstep.model.window import Window
from lockstep.operations import events as recorded
from lockstep.operations.chosen_digits import (
    Group,
    Wish,
    choose,
    groups,
    has_unknown_digits,
    holds_codes,
    in_use_on,
    tag_of,
    that_take_digits,
)
from lockstep.operations.gate import Tx
from lockstep.operations.new_grants import declare_new, furnished
from lockstep.storage import (
    access_codes,
    bookings,
    claims,
    declarations,
    devices,
    domains,
    entries,
    furnishings,
    grants,
    guests,
    spaces,
)
from lockstep.storage.access_codes import AccessCodeRow
from lockstep.storage.bookings import BookingRow
from lockstep.storage.declarations import NewTarget, Reach
from lockstep.storage.devices import DeviceRow
from lockstep.storage.entries import EntryRow, FormerDigits
from lockstep.storage.grants import GrantRow, MethodRow
from lockstep.storage.guests import GuestRow


async def declare_booking(tx: Tx, actor: Actor, booking_id: UUID) -> None:
    """Make a booking's grant and codes equal to the booking: create, move or withdraw them."""
    booking = await bookings.get(tx.db, tx.workspace_id, booking_id)
    if booking is None:
        return
    if booking.held is not None:
        await release(tx, actor, booking)
    grant = await grants.of_booking(tx.db, tx.workspace_id, booking_id)
    is_wanted = booking.state == "confirmed" and booking.kind == "stay"
    if not is_wanted:
        if grant is not None:
            await withdraw_grant(tx, actor, grant)
        return
    guest = await guests.get(tx.db, tx.workspace_id, booking.guest_id) if booking.guest_id else None
    name = (guest.name if guest else None) or booking.reservation_code or "Guest"
    natural = f"{booking.calendar_id}:{booking.uid}:{booking.instance}" if booking.uid else None
    wish = Wish(phone_last_digits=_phone_last_digits(booking, guest))
    if grant is not None:
        grant = await _moved(tx, actor, booking, grant, name)
        await declare_grant(tx, actor, grant, natural, wish)
    elif booking.ends_at > tx.now:
        await _declare_first(tx, actor, booking, name, natural, wish)


async def redeclare_space(tx: Tx, actor: Actor, space_id: UUID) -> None:
    """After devices of a space changed: every living grant that reaches it, or a space around or within it. Those that
    are being made see for themselves that they have to begin anew."""
    await furnishings.change(tx.db, tx.workspace_id, space_id)
    family = await spaces.family_of(tx.db, tx.workspace_id, space_id)
    for grant in await grants.living_of_spaces(tx.db, tx.workspace_id, family, tx.now):
        await declare_grant(tx, actor, grant, None, Wish())


async def declare_grant(tx: Tx, actor: Actor, grant: GrantRow, natural: str | None, wish: Wish) -> None:
    """Make codes and entries equal to the grant as it is now; touches only what differs, and wakes only that."""
    touched = await _reach(tx, grant)
    await domains.lock(tx.db, tx.workspace_id, sorted(touched.domain_ids))
    # Whoever held these until now may have moved the grant: what was read before the wait may be out of date.
    grant = await grants.get(tx.db, tx.workspace_id, grant.id) or grant
    reached = await _reach(tx, grant)
    if reached.domain_ids - touched.domain_ids:
        await domains.lock(tx.db, tx.workspace_id, sorted(reached.domain_ids))
    if grant.cancelled_at is not None:
        return
    locks, codes = reached.locks, reached.codes
    window = Window(grant.starts_at, grant.ends_at)
    keeps = wish.code is None
    unknown = {c.device_id for c in codes if keeps and has_unknown_digits(c.entry, c.capabilities)}
    methods = await _methods(tx, grant, locks, codes, window, wish, unknown)
    changed = await _make_equal(tx, actor, _Wanted(grant, methods, keeps, window, natural, locks, codes))
    await domains.hurry(tx.db, tx.workspace_id, sorted(changed), grant.starts_at)
    await claims.wake(tx.db, tx.workspace_id, "domains", sorted(changed), tx.now)


async def withdraw_grant(tx: Tx, actor: Actor, grant: GrantRow, *, is_compromised: bool = False) -> None:
    """Nothing of this grant may stay on any lock from now on."""
    codes = await access_codes.of_grants(tx.db, tx.workspace_id, [grant.id])
    domain_ids = sorted({c.entry.domain_id for c in codes})
    await domains.lock(tx.db, tx.workspace_id, domain_ids)
    living = [c for c in codes if c.withdrawn_at is None]
    await entries.withdraw(
        tx.db, tx.workspace_id, sorted({c.entry.id for c in codes}), tx.now, is_compromised=is_compromised
    )
    await access_codes.withdraw(tx.db, tx.workspace_id, [c.id for c in living], tx.now)
    await grants.change(tx.db, tx.workspace_id, replace(grant, cancelled_at=tx.now, changed_at=tx.now))
    await grants.withdraw_methods(tx.db, tx.workspace_id, grant.id, tx.now)
    await recorded.append(
        tx,
        actor,
        events.AccessGrantCancelled(access_grant_id=grant.public_id, form=grant.form),
        *(events.AccessCodeDeleted(**subjects_of(c)) for c in living),
    )
    await domains.hurry(tx.db, tx.workspace_id, domain_ids, tx.now)
    await claims.wake(tx.db, tx.workspace_id, "domains", domain_ids, tx.now)


async def release(tx: Tx, actor: Actor, booking: BookingRow) -> None:
    """It is held no more. In one transaction with its declaration: should that fail, this has not happened either."""
    await bookings.hold(tx.db, tx.workspace_id, booking.id, None, None)
    released = events.BookingReleased(booking_id=booking.public_id, calendar_id=booking.calendar_public_id)
    await recorded.append(tx, actor, released)


async def _declare_first(
    tx: Tx, actor: Actor, booking: BookingRow, name: str, natural: str | None, wish: Wish
) -> None:
    """The booking's grant is made."""
    row_id = new_id()
    grant = GrantRow(
        row_id,
        public_id("grant", row_id),
        None,
        name,
        booking.guest_id,
        booking.id,
        booking.starts_at,
        booking.ends_at,
        tx.now,
        tx.now,
        None,
    )
    target = NewTarget(new_id(), booking.space_id, None, booking.space_public_id or "")
    stands = await furnished(tx, target)
    asked = Reach(Window(booking.starts_at, booking.ends_at), device_ids=stands.device_ids)
    reached = await declarations.reached(tx.db, tx.workspace_id, asked)
    connected = [r for r in reached if r.is_connected]
    await declare_new(
        tx, actor, grant, [target], connected, natural, wish, {stands.property_id: stands.generation}
    )


async def _moved(tx: Tx, actor: Actor, booking: BookingRow, grant: GrantRow, name: str) -> GrantRow:
    """The booking's grant, changed where it differs."""
    if (grant.starts_at, grant.ends_at, grant.name, grant.guest_id) == (
        booking.starts_at,
        booking.ends_at,
        name,
        booking.guest_id,
    ):
        return grant
    is_moved = (grant.starts_at, grant.ends_at) != (booking.starts_at, booking.ends_at)
    grant = replace(
        grant,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        name=name,
        guest_id=booking.guest_id,
        changed_at=tx.now,
    )
    await grants.change(tx.db, tx.workspace_id, grant)
    await grants.set_targets(tx.db, tx.workspace_id, grant.id, [(new_id(), booking.space_id, None)])
    await recorded.append(tx, actor, grant_changed(grant, is_moved=is_moved))
    return grant


def grant_changed(grant: GrantRow, *, is_moved: bool) -> events.AccessGrantChanged:
    """The grant as it is now. `is_moved`: its window is another."""
    return events.AccessGrantChanged(
        access_grant_id=grant.public_id,
        form=grant.form,
        is_moved=is_moved,
        starts_at=grant.starts_at if is_moved else None,
        ends_at=grant.ends_at if is_moved else None,
    )


@dataclass(frozen=True, slots=True)
class _Reach:
    """The locks that a grant should open, and the codes that it has."""

    locks: list[DeviceRow]
    codes: list[AccessCodeRow]

    @property
    def domain_ids(self) -> set[UUID]:
        return {d.domain_id for d in self.locks} | {c.entry.domain_id for c in self.codes}


async def _reach(tx: Tx, grant: GrantRow) -> _Reach:
    space_ids, device_ids = await grants.targets_of(tx.db, tx.workspace_id, grant.id)
    wanted = set(device_ids)
    for space_id in space_ids:
        wanted |= set(await spaces.devices_of(tx.db, tx.workspace_id, space_id))
    found = await devices.of_connected(tx.db, tx.workspace_id, sorted(wanted))
    codes = await access_codes.of_grants(tx.db, tx.workspace_id, [grant.id])
    # In the place of one that was replaced stands its backup code, which is the grant's as well.
    standing = [c for c in codes if c.pulled_backup_id is None]
    left_off = {c.device_id for c in standing if c.left_off_at is not None}
    return _Reach([d for d in found if holds_codes(d) and d.id not in left_off], standing)


@dataclass(frozen=True, slots=True)
class _Wanted:
    grant: GrantRow
    methods: Mapping[UUID, MethodRow]
    """By lock."""
    keeps_unknown_digits: bool
    """Whether digits that stand on a lock and that nobody knows stay there."""
    window: Window
    natural: str | None
    locks: Sequence[DeviceRow]
    codes: Sequence[AccessCodeRow]


async def _make_equal(tx: Tx, actor: Actor, w: _Wanted) -> set[UUID]:
    changed: set[UUID] = set()
    kept: set[UUID] = set()
    for group in groups(w.locks):
        existing = _entry_for(group, w.codes, kept)
        row = await _declared_row(tx, w, group, existing)
        if existing is None:
            await entries.insert(tx.db, tx.workspace_id, row)
            changed.add(group.domain_id)
        elif _differs(existing, row):
            await entries.redeclare(tx.db, tx.workspace_id, row)
            changed.add(group.domain_id)
        kept.add(row.id)
        told = what_changed(existing, row) if existing is not None and group.domain_id in changed else None
        await _show_codes(tx, actor, w, group, row.id, told)
    gone = [c for c in w.codes if c.entry.id not in kept and c.withdrawn_at is None]
    if gone:
        await entries.withdraw(tx.db, tx.workspace_id, sorted({c.entry.id for c in gone}), tx.now)
        await access_codes.withdraw(tx.db, tx.workspace_id, [c.id for c in gone], tx.now)
        await recorded.append(tx, actor, *(events.AccessCodeDeleted(**subjects_of(c)) for c in gone))
        changed |= {c.entry.domain_id for c in gone}
    return changed


def what_changed(before: EntryRow, after: EntryRow) -> dict[str, Any]:
    """What an event tells of a declaration that is another now: which parts, and of the window both."""
    was, now = before.declared.spec, after.declared.spec
    parts = {
        "code": was.fingerprint != now.fingerprint,
        "window": was.window != now.window,
        "name": was.name != now.name,
        "places": was.targets != now.targets,
    }
    told: dict[str, Any] = {"changed": tuple(part for part, differs in parts.items() if differs)}
    if parts["window"]:
        told |= {"starts_at": now.window.starts_at, "ends_at": now.window.ends_at}
        told |= {"starts_at_before": was.window.starts_at, "ends_at_before": was.window.ends_at}
    return told


async def _show_codes(
    tx: Tx, actor: Actor, w: _Wanted, group: Group, entry_id: UUID, told: dict[str, Any] | None
) -> None:
    """One access code for each lock of the group. `told`: what of them changed; None: nothing."""
    by_device = {c.device_id: c for c in w.codes if c.entry.id == entry_id}
    for lock in group.locks:
        code = by_device.get(lock.id)
        if code is None:
            row_id = new_id()
            code_id = public_id("code", row_id)
            await access_codes.insert(
                tx.db, tx.workspace_id, row_id, code_id, lock.id, entry_id, w.grant.id, tx.now
            )
            await recorded.append(
                tx,
                actor,
                events.AccessCodeCreated(
                    access_code_id=code_id, device_id=lock.public_id, access_grant_id=w.grant.public_id
                ),
            )
        elif told is not None:
            if code.withdrawn_at is not None:
                await access_codes.revive(tx.db, tx.workspace_id, [code.id])
            await recorded.append(tx, actor, events.AccessCodeChanged(**subjects_of(code), **told))
    dropped = [c for device_id, c in by_device.items() if device_id not in {d.id for d in group.locks}]
    await access_codes.withdraw(tx.db, tx.workspace_id, [c.id for c in dropped], tx.now)


async def _declared_row(tx: Tx, w: _Wanted, group: Group, existing: EntryRow | None) -> EntryRow:
    """The entry as it is wanted: under the next revision where it exists."""
    first = group.locks[0]
    capabilities = first.capabilities
    targets = frozenset(d.reference for d in group.locks)
    natural = existing.natural_key if existing else (w.natural or w.grant.public_id)
    entry_id = existing.id if existing else new_id()
    tag = existing.declared.tag if existing else tag_of(tx, natural, targets)
    if existing is None and await entries.has_open_tag(tx.db, tx.workspace_id, group.domain_id, tag):
        # Booked again before the cancelled one is surely gone: what is seen must tell the two apart.
        tag = tag_of(tx, w.grant.public_id, targets)
    is_ours = capabilities.chooser is CodeChooser.CALLER
    method = w.methods[first.id]
    digits = fingerprint = None
    if existing is not None and w.keeps_unknown_digits and has_unknown_digits(existing, capabilities):
        pass
    elif is_ours and method.digits is not None:
        fingerprint = method.fingerprint
        plain = tx.open(method.digits, "access_methods", "digits", method.id)
        is_kept = existing is not None and existing.declared.spec.fingerprint == fingerprint
        digits = existing.digits if existing and is_kept else tx.seal(plain, "entries", "digits", entry_id)
    elif existing is not None and not is_ours and existing.declared.spec.window == w.window:
        digits, fingerprint = existing.digits, existing.declared.spec.fingerprint
    name = entry_name(w.grant.name, tag, capabilities.name)
    if existing is not None and is_named_so(
        existing.declared.spec.name, w.grant.name, tag, capabilities.name
    ):
        name = existing.declared.spec.name
    spec = Spec(fingerprint, w.window, name, targets)
    revision = existing.declared.revision + 1 if existing else 1
    declared = Declared(
        entry_id, revision, spec, tag, declared_at=tx.now, honours_edits=w.grant.honours_edits
    )
    belief = existing.belief if existing else Belief()
    row = EntryRow(declared, belief, group.domain_id, method.id, natural, digits)
    return row if existing is None else replace(row, former=_former(tx, existing, fingerprint))


def _former(tx: Tx, existing: EntryRow, fingerprint: UUID | None) -> FormerDigits | None:
    """The digits that the lock has, or may have, in place of those that are declared now."""
    declared, belief = existing.declared, existing.belief
    may_be_there = any(revision_of(state) == declared.revision for state in belief.possible)
    if fingerprint == declared.spec.fingerprint or existing.digits is None or not may_be_there:
        return existing.former
    assert declared.spec.fingerprint is not None, "digits have theirs"
    plain = tx.open(existing.digits, "entries", "digits", existing.id)
    return FormerDigits(tx.seal(plain, "entries", "former_digits", existing.id), declared.spec.fingerprint)


def _differs(existing: EntryRow, wanted: EntryRow) -> bool:
    return existing.declared.is_withdrawn or existing.declared.spec != wanted.declared.spec


def _entry_for(group: Group, codes: Sequence[AccessCodeRow], taken: set[UUID]) -> EntryRow | None:
    """The grant's entry that serves a lock of this group; a living one before a withdrawn one."""
    mine = {d.id for d in group.locks}
    found = [c for c in codes if c.device_id in mine and c.entry.domain_id == group.domain_id]
    found = [c for c in found if c.entry.id not in taken]
    found.sort(key=lambda c: (c.entry.declared.is_withdrawn, c.created_at))
    return found[0].entry if found else None


async def _methods(
    tx: Tx,
    grant: GrantRow,
    locks: Sequence[DeviceRow],
    codes: Sequence[AccessCodeRow],
    window: Window,
    wish: Wish,
    unknown: Set[UUID],
) -> Mapping[UUID, MethodRow]:
    """The digits of each lock: the grant's own, or those of the backup code that was pulled there, until the grant is
    given others. `unknown`: locks on which others stand that nobody knows; these choose none."""
    every = await grants.methods_of(tx.db, tx.workspace_id, grant.id)
    if every:
        own = every[0]
    else:
        row_id = new_id()
        own = MethodRow(row_id, public_id("method", row_id), grant.id, "code", None, created_at=tx.now)
        await grants.insert_method(tx.db, tx.workspace_id, own)
    if wish.code is not None and len(every) > 1:
        await grants.withdraw_methods(tx.db, tx.workspace_id, grant.id, tx.now, but=own.id)
        every = every[:1]
    of_backups = {m.id: m for m in every[1:]}
    found: dict[UUID, MethodRow] = {}
    for code in codes:
        lock = next((d for d in locks if d.id == code.device_id), None)
        method = of_backups.get(code.entry.method_id) if code.entry.method_id else None
        if lock is not None and method is not None and code.withdrawn_at is None:
            choosing = [lock] if lock.id not in unknown else []
            found[lock.id] = await _fitting(tx, method, choosing, window, Wish())
    others = [d for d in locks if d.id not in found]
    own = await _fitting(tx, own, [d for d in others if d.id not in unknown], window, wish)
    return {**dict.fromkeys((d.id for d in others), own), **found}


async def _fitting(
    tx: Tx, method: MethodRow, locks: Sequence[DeviceRow], window: Window, wish: Wish
) -> MethodRow:
    """Its digits: kept as long as no lock forbids them; chosen once, anew only where they must be."""
    choosing = that_take_digits(locks, wish)
    if not choosing:
        return method
    asked = Reach(window, device_ids=[d.id for d in choosing], but_method=method.id)
    reached = await declarations.reached(tx.db, tx.workspace_id, asked)
    if method.digits is not None and wish.code is None:
        plain = tx.open(method.digits, "access_methods", "digits", method.id)
        fits = not any(breaches_of_code(plain, d.capabilities) for d in choosing)
        if fits and method.fingerprint not in in_use_on(reached):
            return method
    choice = choose(tx, reached, wish)
    sealed = tx.seal(choice.digits, "access_methods", "digits", method.id)
    method = replace(method, digits=sealed, fingerprint=tx.fingerprint(choice.digits), warning=choice.warning)
    await grants.set_method_digits(
        tx.db, tx.workspace_id, method.id, sealed, method.fingerprint, choice.warning
    )
    return method


def _phone_last_digits(booking: BookingRow, guest: GuestRow | None) -> str | None:
    """The last four of the guest's phone number, from the feed or as entered."""
    if booking.said is not None and booking.said.phone_last4:
        return booking.said.phone_last4
    digits = "".join(c for c in (guest.phone if guest else None) or "" if c.isdigit())
    return digits[-4:] if len(digits) >= 4 else None


def subjects_of(code: AccessCodeRow) -> dict[str, Any]:
    return {
        "access_code_id": code.public_id,
        "device_id": code.device_public_id,
        "access_grant_id": code.grant_public_id,
    }
