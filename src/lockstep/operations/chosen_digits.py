"""The digits of a grant, and what one entry for each lock looks like: shared by new declarations and changed ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from lockstep.kit.frozen import dataclass
from lockstep.model.capabilities import Capabilities, CodeChooser, CredentialKind
from lockstep.model.code_choice import PREFERRED_LENGTH, Choice, NoCommonLength, NoFreeCode, choose_code
from lockstep.model.constraints import breaches_of_code
from lockstep.model.naming import TAG_LENGTH
from lockstep.operations.errors import Conflict, Invalid
from lockstep.operations.gate import Tx
from lockstep.storage.declarations import Reached
from lockstep.storage.devices import DeviceRow
from lockstep.storage.entries import EntryRow

_TAG_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, slots=True)
class Wish:
    """Which digits are asked for. `code` must be given or refused; the others are wishes that may become a warning."""

    code: str | None = None
    phone_last_digits: str | None = None
    wanted: str | None = None
    length: int = PREFERRED_LENGTH
    """Of digits that Lockstep chooses: this, or the next that the locks take."""

    def __repr__(self) -> str:
        return "Wish(******)"


@dataclass(frozen=True, slots=True)
class Group:
    """Locks of one write domain that one entry serves."""

    domain_id: UUID
    locks: tuple[DeviceRow, ...]


def groups(locks: Iterable[DeviceRow]) -> list[Group]:
    """Locks as their entries serve them: one by one, or together where the vendor says so."""
    alone: list[Group] = []
    together: dict[UUID, list[DeviceRow]] = {}
    for lock in locks:
        if lock.capabilities.targets_per_entry > 1:
            together.setdefault(lock.domain_id, []).append(lock)
        else:
            alone.append(Group(lock.domain_id, (lock,)))
    return alone + [Group(domain_id, tuple(members)) for domain_id, members in together.items()]


def holds_codes(device: DeviceRow) -> bool:
    is_looked_after = device.is_managed and device.given_up_at is None
    return is_looked_after and CredentialKind.CODE in device.capabilities.credential_kinds


def require_code_holders(devices: Sequence[DeviceRow]) -> None:
    """Raises Invalid where one of them holds no codes."""
    for device in devices:
        if not holds_codes(device):
            raise Invalid(
                f"The device {device.name} ({device.public_id}) holds no codes.",
                code="device_holds_no_codes",
                next_step="Choose a lock with a keypad.",
                field="device_id",
            )


def has_unknown_digits(entry: EntryRow, capabilities: Capabilities) -> bool:
    """Whether it stands on its lock with digits that somebody else gave it and that nobody can read: these are never
    written over, unless others are given."""
    declared = entry.declared
    is_there = not declared.is_withdrawn and entry.settled_at is None
    return is_there and capabilities.chooser is CodeChooser.CALLER and declared.spec.fingerprint is None


def that_take_digits(locks: Sequence[DeviceRow], wish: Wish) -> list[DeviceRow]:
    """The locks whose digits we choose. Raises Invalid where digits are given and there is none."""
    choosing = [d for d in locks if d.capabilities.chooser is CodeChooser.CALLER]
    if not choosing and wish.code is not None:
        raise Invalid(
            "There is no lock here that takes digits which are given.",
            code="code_cannot_be_chosen",
            next_step="Give no code; where the vendor computes it, Lockstep tells it as soon as there is one.",
            field="code",
        )
    return choosing


def in_use_on(reached: Sequence[Reached]) -> set[UUID]:
    """Digits in use for an overlapping time on any of these locks, ours or foreign."""
    return set[UUID]().union(*(r.in_use for r in reached))


def only_digits(tx: Tx, wish: Wish) -> UUID | None:
    """The fingerprint of the only digits that matter for a wish; None: any may be chosen."""
    return None if wish.code is None else tx.fingerprint(wish.code)


def choose(tx: Tx, reached: Sequence[Reached], wish: Wish) -> Choice:
    """`reached`: the locks that take digits. Raises Invalid, Conflict where the given ones, or any at all, cannot be
    had."""
    locks = [r.device for r in reached]
    if wish.code is not None:
        for lock in locks:
            broken = breaches_of_code(wish.code, lock.capabilities)
            if broken:
                rules = "; ".join(b.message for b in broken)
                raise Invalid(
                    f"The code does not suit the lock {lock.name} ({lock.public_id}): {rules}.",
                    code="code_breaks_rules",
                    next_step="Give other digits, or none, and Lockstep chooses.",
                    field="code",
                )
        fingerprint = tx.fingerprint(wish.code)
        where = [
            f"the lock {r.device.name} ({r.device.public_id})" for r in reached if fingerprint in r.in_use
        ]
        if where:
            raise Conflict(
                f"These digits are in use on {', '.join(where)} for a time that overlaps.",
                code="code_taken",
                next_step="Give other digits, or none, and Lockstep chooses.",
            )
        return Choice(wish.code)
    taken = in_use_on(reached)
    try:
        return choose_code(
            [d.capabilities for d in locks],
            lambda d: tx.fingerprint(d) in taken,
            tx.random,
            wanted=wish.wanted,
            phone_last_digits=wish.phone_last_digits,
            preferred_length=wish.length,
        )
    except NoFreeCode as fault:
        raise Conflict(
            "No digits that all these locks take are free on all of them for this time.",
            code=fault.code,
            next_step="Remove old codes from these locks, or wait until some end.",
        ) from None
    except NoCommonLength as fault:
        raise Invalid(
            "No code length suits all of these locks.",
            code=fault.code,
            next_step="Split the grant, one for each kind of lock; for a booking, its space.",
        ) from None


def tag_of(tx: Tx, natural: str, targets: frozenset[str]) -> str:
    """Keyed, from the declaration's natural key, so that a restored database recognises its entries."""
    digest = tx.sealer.keyed_digest("|".join([natural, *sorted(targets)]), tx.salt)
    return "".join(_TAG_ALPHABET[b % 32] for b in digest[:TAG_LENGTH])
