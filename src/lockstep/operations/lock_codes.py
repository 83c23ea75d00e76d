"""Codes that are asked for lock by lock. Each is a grant of its own that reaches one lock, of the form `code`; what
keeps it on the lock is what keeps every other."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta

import msgspec

from lockstep.kit.frozen import dataclass
from lockstep.kit.ids import new_id
from lockstep.model.code_choice import PREFERRED_LENGTH
from lockstep.model.permissions import Actor, Scope, require
from lockstep.model.window import Window
from lockstep.operations import access_codes, backup_codes, grants, idempotency
from lockstep.operations.access_codes import AccessCode, ListCodes
from lockstep.operations.chosen_digits import Wish, choose, require_code_holders, that_take_digits
from lockstep.operations.devices import known_device
from lockstep.operations.errors import Conflict, Invalid, NotFound
from lockstep.operations.gate import TransactionNeeded, Tx
from lockstep.operations.grants import OF_ONE_LOCK, ChangeGrant, CreateGrant
from lockstep.storage import access_codes as code_rows
from lockstep.storage import declarations, domains
from lockstep.storage import grants as grant_rows
from lockstep.storage.access_codes import AccessCodeRow
from lockstep.storage.declarations import Reach, Reached

NAME = "Guest"
"""Of a code for which none was given."""
_MOST_TOGETHER = 200
_REPEATED_WITHIN = timedelta(minutes=10)
_KEPT = 200


@dataclass(frozen=True, slots=True)
class CreateCode:
    """Public ids. Neither start nor end: from now on, until it is cancelled."""

    device_id: str
    name: str | None = field(default=None, repr=False)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    code: str | None = field(default=None, repr=False)
    """Must be given as it is or refused; without it Lockstep chooses."""
    code_length: int = PREFERRED_LENGTH
    common_code_key: str | None = None
    """Living codes of one key have the same digits: without `code` it gets those of the others."""
    uses_backup_pool: bool = False
    """Its lock is to have backup codes from now on, if it can hold such."""
    honours_edits: bool = False
    """Whether what somebody changes in the vendor's app becomes the declaration; else it is put right."""


@dataclass(frozen=True, slots=True)
class CreateCodes:
    """The same code for several locks."""

    device_ids: tuple[str, ...]
    each: CreateCode
    """Its device is left aside."""
    or_another_code: bool = False
    """Locks that cannot have the shared digits get others of their own, instead of all being refused."""


@dataclass(frozen=True, slots=True)
class ChangeCode:
    """None: as it is."""

    name: str | None = field(default=None, repr=False)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    is_ongoing: bool = False
    """True: takes the end away, and a start that lies ahead; it opens from now on."""
    is_time_bound: bool = False
    """True: it must have an end, or get one."""
    code: str | None = field(default=None, repr=False)
    honours_edits: bool | None = None


async def create(tx: Tx, actor: Actor, command: CreateCode) -> AccessCode:
    """Declare a code on one lock. It is on its way when this returns, and set when a reading proves it.

    It writes by one statement, so that `Gate.at_once` will do; unless its lock is to have backup codes, or it shares
    its digits with others by a key.

    Raises NotFound, Invalid, Conflict where the digits are in use there, or others of its key have other digits."""
    if command.common_code_key is not None:
        command = await _as_others_of_its_key(tx, actor, command, command.common_code_key)
    return await _create(tx, actor, command)


async def _create(tx: Tx, actor: Actor, command: CreateCode) -> AccessCode:
    made = await grants.create_declared(tx, actor, _grant(tx, command))
    if not command.uses_backup_pool:
        return await access_codes.created(tx, actor, made)
    rows = await access_codes.of_grants(tx, actor, [made.new.grant.id])
    (code,) = rows[made.new.grant.id]
    return code


async def create_multiple(tx: Tx, actor: Actor, command: CreateCodes) -> list[AccessCode]:
    """One code for each lock, of the same digits, joined by a key where Lockstep chose these; in the order of the locks
    that were given. All are declared, or none."""
    device_ids = tuple(dict.fromkeys(command.device_ids))
    if not device_ids:
        raise Invalid("There is no lock given.", code="grant_reaches_nothing", field="device_ids")
    if len(device_ids) > _MOST_TOGETHER:
        raise Invalid(
            f"More than {_MOST_TOGETHER} locks at a time.", code="too_many_devices", field="device_ids"
        )
    locks = [await known_device(tx, actor, id) for id in device_ids]
    require_code_holders(locks)
    # All at once, in the order of all who declare on several: whoever gave them in another order would wait for this.
    await domains.lock(tx.db, tx.workspace_id, [lock.domain_id for lock in locks])
    chosen = await _shared(tx, actor, command, device_ids)
    key = None if command.each.code is not None else f"auto_set_{new_id()}"
    found = []
    for device_id in device_ids:
        one = replace(command.each, device_id=device_id, code=chosen, common_code_key=key)
        found.append(await _one_of_many(tx, actor, one, or_another_code=command.or_another_code))
    return found


async def create_multiple_once(
    tx: Tx, actor: Actor, command: CreateCodes, request: bytes
) -> list[AccessCode]:
    """The same, for a request that its sender repeats by itself where the answer was lost: `request`, a digest of it,
    leads to the codes that it made some minutes ago, as long as all of them stand."""
    for count in itertools.count():
        key = f"codes {count} {request.hex()}"
        kept = await idempotency.begin(tx, actor, key, request)
        if kept is None:
            made = await create_multiple(tx, actor, command)
            ids = [code.row.public_id for code in made]
            note = msgspec.json.encode(_Made(tx.now, ids)).decode()
            await idempotency.keep(tx, actor, key, _KEPT, note)
            return made
        found = await _still_there(tx, actor, msgspec.json.decode(kept.body, type=_Made))
        if found is not None:
            return found
    raise AssertionError("counting does not end")


async def change(tx: Tx, actor: Actor, access_code_id: str, command: ChangeCode) -> AccessCode:
    """Move, rename, or give other digits. Raises NotFound, Invalid, Conflict."""
    row = await _own(tx, actor, access_code_id)
    if row.cancelled_at is not None:
        raise Conflict(
            f"The access code {access_code_id} was deleted, and is being taken off its lock.",
            code="access_code_deleted",
            next_step="Make a new one.",
        )
    await grants.change(tx, actor, row.grant_public_id, _changed(tx, command, row.entry.declared.spec.window))
    return await access_codes.get(tx, actor, access_code_id)


async def change_multiple(
    tx: Tx, actor: Actor, common_code_key: str, command: ChangeCode
) -> list[AccessCode]:
    """The same for all codes that were asked for together. Raises NotFound where there is none."""
    require(actor, Scope.GRANTS_WRITE)
    wanted = ListCodes(_MOST_TOGETHER, common_code_key=common_code_key, forgotten=False, is_left=False)
    found = [c for c in await access_codes.list_shown(tx, actor, wanted) if c.row.withdrawn_at is None]
    if not found:
        raise NotFound("access code", common_code_key)
    await grant_rows.hold(tx.db, tx.workspace_id, [c.row.grant_id for c in found])
    return [await change(tx, actor, c.row.public_id, command) for c in found]


async def cancel(tx: Tx, actor: Actor, access_code_id: str) -> AccessCode:
    """Nothing of it may stay on the lock. What is still on its way to be gone stays to be seen until it is."""
    row = await _own(tx, actor, access_code_id)
    if row.pulled_backup_id is not None:
        # It is off the lock, or about to be. Whoever has the backup code stays let in until that one is cancelled.
        await backup_codes.put_away(tx, actor, row)
    else:
        await grants.cancel(tx, actor, row.grant_public_id)
    return await access_codes.get(tx, actor, access_code_id)


async def get(tx: Tx, actor: Actor, access_code_id: str) -> AccessCode:
    """Raises NotFound also where it was cancelled and is proven gone, and where its account was disconnected: what is
    over by its time stays, and so does what a backup code replaces."""
    found = await access_codes.get(tx, actor, access_code_id)
    if access_codes.is_forgotten(found) or found.row.account_state == "disconnected":
        raise NotFound("access code", access_code_id)
    return found


async def with_digits(tx: Tx, actor: Actor, device_id: str, code: str) -> AccessCode:
    """The code of a lock that has these digits: of several, which serve one guest after another, the one whose time it
    is, else the next, else the last. Raises NotFound."""
    require(actor, Scope.CODES_READ)
    wanted = ListCodes(
        _MOST_TOGETHER, device_id=device_id, forgotten=False, fingerprint=tx.fingerprint(code), is_left=False
    )
    found = await access_codes.list_shown(tx, actor, wanted)
    if not found:
        raise NotFound("access code", "with these digits")
    return min(found, key=lambda it: _turn(it, tx.now))


async def generate(tx: Tx, actor: Actor, device_id: str) -> str:
    """Digits that this lock would take now; they are not kept for anybody. Raises NotFound, Invalid, Conflict."""
    require(actor, Scope.CODES_WRITE)
    require_code_holders([await known_device(tx, actor, device_id)])
    reached = await _reached(tx, actor, [device_id], Window(tx.now, None))
    if not reached:
        raise Invalid(
            f"The vendor of the device {device_id} computes its codes.",
            code="code_cannot_be_chosen",
            next_step="Give no code; Lockstep tells it as soon as there is one.",
            field="device_id",
        )
    return choose(tx, reached, Wish()).digits


def _turn(code: AccessCode, now: datetime) -> tuple[bool, bool, float]:
    """Whose time it is comes first, then whose time is nearest."""
    window, is_withdrawn = code.window, code.row.withdrawn_at is not None
    is_over = is_withdrawn or window.is_over(now)
    ends_at = code.row.withdrawn_at or window.ends_at or now
    away = now - ends_at if is_over else window.starts_at - now
    return is_over, not is_over and not window.contains(now), away.total_seconds()


async def _as_others_of_its_key(tx: Tx, actor: Actor, command: CreateCode, key: str) -> CreateCode:
    if not tx.is_transaction:
        raise TransactionNeeded(TransactionNeeded.__doc__)
    # Who is first sets the digits; whoever comes at the same moment waits for that.
    await code_rows.follow_key_alone(tx.db, tx.workspace_id, key)
    wanted = ListCodes(_MOST_TOGETHER, common_code_key=key, forgotten=False, is_left=False)
    others = [
        it
        for it in await access_codes.list_shown(tx, actor, wanted)
        if it.row.withdrawn_at is None and not it.window.is_over(tx.now) and it.row.entry.digits is not None
    ]
    if not others:
        return command
    entry = others[-1].row.entry
    assert entry.digits is not None, "asked for above"
    digits = tx.open(entry.digits, "entries", "digits", entry.id)
    if command.code not in (None, digits):
        raise Conflict(
            f"Other codes of the key {key} have other digits.",
            code="common_code_differs",
            next_step="Leave `code` out, and it gets theirs; or give it another key, or none.",
        )
    return replace(command, code=digits)


class _Made(msgspec.Struct):
    """What a request made, and when."""

    at: datetime
    access_code_ids: list[str]


async def _still_there(tx: Tx, actor: Actor, made: _Made) -> list[AccessCode] | None:
    if tx.now - made.at > _REPEATED_WITHIN:
        return None
    wanted = ListCodes(_MOST_TOGETHER, access_code_ids=tuple(made.access_code_ids))
    found = {c.row.public_id: c for c in await access_codes.list_shown(tx, actor, wanted)}
    if any(id not in found or found[id].row.withdrawn_at is not None for id in made.access_code_ids):
        return None
    return [found[id] for id in made.access_code_ids]


async def _one_of_many(tx: Tx, actor: Actor, command: CreateCode, *, or_another_code: bool) -> AccessCode:
    if not or_another_code:
        return await _create(tx, actor, command)
    try:
        return await _create(tx, actor, command)
    except (Invalid, Conflict) as fault:
        if fault.code not in ("code_taken", "code_breaks_rules"):
            raise
        return await _create(tx, actor, replace(command, code=None))


async def _shared(tx: Tx, actor: Actor, command: CreateCodes, device_ids: Sequence[str]) -> str | None:
    """Digits that all of these locks take; None: let each have its own."""
    if command.each.code is not None:
        return command.each.code
    grant = _grant(tx, command.each)
    window = Window(grant.starts_at, grant.ends_at) if _is_window(grant) else Window(tx.now, None)
    reached = await _reached(tx, actor, device_ids, window)
    try:
        return choose(tx, reached, Wish(length=command.each.code_length)).digits
    except (Invalid, Conflict):
        if command.or_another_code:
            return None
        raise


def _is_window(grant: CreateGrant) -> bool:
    """What is none is refused where the grant is made, which says why."""
    return grant.ends_at is None or grant.starts_at < grant.ends_at


async def _reached(tx: Tx, actor: Actor, device_ids: Sequence[str], window: Window) -> list[Reached]:
    for device_id in device_ids:
        await known_device(tx, actor, device_id)
    reached = await declarations.reached(tx.db, tx.workspace_id, Reach(window, list(device_ids)))
    choosing = {d.id for d in that_take_digits([r.device for r in reached], Wish())}
    return [r for r in reached if r.device.id in choosing]


async def _own(tx: Tx, actor: Actor, access_code_id: str) -> AccessCodeRow:
    """Raises NotFound, and Conflict where it follows a grant that reaches more than this lock."""
    row = (await get(tx, actor, access_code_id)).row
    if row.grant_form != OF_ONE_LOCK:
        raise Conflict(
            f"The access code {access_code_id} follows the access grant {row.grant_public_id}.",
            code="code_of_grant",
            next_step="Change or cancel the access grant instead.",
        )
    return row


def _grant(tx: Tx, command: CreateCode) -> CreateGrant:
    if (command.starts_at is None) != (command.ends_at is None):
        raise Invalid(
            "A code has both a start and an end, or neither.",
            code="window_incomplete",
            next_step="Give the other one too, or leave both out.",
            field="ends_at" if command.ends_at is None else "starts_at",
        )
    return CreateGrant(
        name=command.name or NAME,
        starts_at=command.starts_at or tx.now,
        ends_at=command.ends_at,
        device_ids=(command.device_id,),
        code=command.code,
        code_length=command.code_length,
        form=OF_ONE_LOCK,
        common_code_key=command.common_code_key,
        uses_backup_pool=command.uses_backup_pool,
        honours_edits=command.honours_edits,
    )


def _changed(tx: Tx, command: ChangeCode, before: Window) -> ChangeGrant:
    starts_at = command.starts_at
    if command.is_ongoing and before.starts_at > tx.now:
        starts_at = tx.now
    is_endless = command.is_ongoing or (command.ends_at is None and before.ends_at is None)
    if is_endless and (command.is_time_bound or command.starts_at is not None):
        raise Invalid(
            "A code has both a start and an end, or neither.",
            code="window_incomplete",
            next_step="Give both, or make it ongoing and give neither.",
            field="starts_at" if command.is_ongoing else "ends_at",
        )
    return ChangeGrant(
        name=command.name,
        starts_at=starts_at,
        ends_at=command.ends_at,
        is_ongoing=command.is_ongoing,
        code=command.code,
        honours_edits=command.honours_edits,
    )
