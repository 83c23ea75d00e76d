"""What a pass finds in the database when it begins: the domain, its account, its locks, entries and intents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from lockstep.model.capabilities import Capabilities
from lockstep.model.declared import Spec
from lockstep.operations.gate import Tx
from lockstep.storage import passes
from lockstep.storage.accounts import AccountRow
from lockstep.storage.claims import Claim
from lockstep.storage.devices import DeviceRow
from lockstep.storage.domains import DomainRow
from lockstep.storage.entries import EntryRow
from lockstep.storage.intents import IntentRow


@dataclass(frozen=True, slots=True)
class Place:
    """The write domain itself, without its entries: enough to look."""

    domain: DomainRow
    account: AccountRow
    locks: tuple[DeviceRow, ...]
    """Those that are taken as removed come last: they keep their entries, and nobody looks at them. There may
    be none."""
    is_ruling: bool
    strangers: Mapping[UUID, frozenset[str]]
    """By lock, the references of codes on it that are known not to be ours."""

    @classmethod
    def of(cls, found: passes.FoundPlace) -> Place:
        domain, account, is_ruling, locks, strangers = found
        return cls(domain, account, tuple(locks), is_ruling, strangers)

    @property
    def capabilities(self) -> Capabilities:
        """Of the domain as a whole: how fast, and how far one reading reaches."""
        return self.locks[0].capabilities if self.locks else Capabilities()

    @property
    def targets(self) -> tuple[str, ...]:
        """What a reading should cover."""
        return tuple(d.reference for d in self.locks if d.removed_at is None)

    @property
    def label(self) -> str:
        """For people: the lock's name, or all of them."""
        return ", ".join(d.name for d in self.locks) or self.domain.reference

    @property
    def may_write(self) -> bool:
        return self.is_ruling and self.account.state in ("active", "disconnecting")

    @property
    def may_look(self) -> bool:
        return self.account.state in ("active", "disconnecting") and bool(self.targets)


@dataclass(frozen=True, slots=True)
class Unit:
    """What is planned together: one lock, or all locks of a domain whose credentials open several. Without a lock:
    entries whose lock is not in their domain any more; of these nothing can be read, and alarms go on."""

    label: str
    locks: tuple[DeviceRow, ...]
    entries: tuple[EntryRow, ...]

    @property
    def capabilities(self) -> Capabilities:
        return self.locks[0].capabilities if self.locks else Capabilities()

    @property
    def targets(self) -> frozenset[str]:
        return frozenset(d.reference for d in self.locks)

    def unlisted_since(self, entry: EntryRow) -> datetime | None:
        """Since when the vendor does not list a lock of this entry; None where it lists all."""
        missing = (d.missed_since for d in self.locks if d.reference in entry.declared.spec.targets)
        return min((since for since in missing if since is not None), default=None)


@dataclass(frozen=True, slots=True)
class Work:
    """Under which claim, in which place and on which unit something is done."""

    claim: Claim
    place: Place
    unit: Unit


@dataclass(frozen=True, slots=True)
class Stock:
    """The entries that are not settled, their revisions, and the intents without a final outcome."""

    entries: Mapping[UUID, EntryRow]
    specs: Mapping[UUID, Mapping[int, Spec]]
    intents: tuple[IntentRow, ...]

    @classmethod
    def of(cls, found: passes.FoundStock) -> Stock:
        entries, specs, open_intents = found
        return cls(entries, specs, tuple(open_intents))


async def stock_of(tx: Tx, domain_id: UUID) -> Stock:
    return Stock.of((await passes.stocks(tx.db, tx.workspace_id, [domain_id]))[domain_id])


def units_of(place: Place, stock: Stock) -> list[Unit]:
    """Each lock alone where an entry serves one lock, else the whole domain."""
    every = tuple(stock.entries.values())
    if place.locks and place.capabilities.targets_per_entry > 1:
        return [Unit(place.label, place.locks, every)]
    units = [
        Unit(d.name, (d,), tuple(e for e in every if d.reference in e.declared.spec.targets))
        for d in place.locks
    ]
    known = {d.reference for d in place.locks}
    stranded = tuple(e for e in every if not e.declared.spec.targets & known)
    return [*units, Unit(place.domain.reference, (), stranded)] if stranded else units
