"""A house with one connected account of an emulated vendor: grants are made, doors tried, troubles caused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from tests.whole.house import House, build_house

from lockstep.emulation.clock import VirtualClock
from lockstep.emulation.faults import Fault, FaultKind, Faults
from lockstep.emulation.journal import Journal
from lockstep.model.permissions import Actor
from lockstep.operations import access_codes, accounts, devices, grants
from lockstep.operations.access_codes import AccessCode
from lockstep.operations.gate import Tx
from lockstep.storage import claims
from lockstep.storage.database import Database
from lockstep.vendors.nuki.convert import instant
from lockstep.vendors.nuki.emulator import app as nuki_app
from lockstep.vendors.nuki.emulator.settings import Settings as NukiSettings
from lockstep.vendors.nuki.emulator.syncing import sync as nuki_sync
from lockstep.vendors.nuki.emulator.world import World as NukiWorld
from lockstep.vendors.nuki.limits import SETTLING
from lockstep.vendors.virtual.emulator import app as virtual_app
from lockstep.vendors.virtual.emulator.features import Features, models
from lockstep.vendors.virtual.emulator.world import VirtualWorld, create_world

T = TypeVar("T")
C = TypeVar("C")


class Site(Protocol):
    """One vendor's emulated account, told the same way for all vendors."""

    vendor: str
    credentials: dict[str, str]
    locks: list[str]
    app: Any
    faults: Faults
    journal: Journal
    features: Features

    def held(self, lock: str) -> list[str]:
        """Digits in the lock's own memory, as often as they are in it."""
        ...

    def opens(self, lock: str, code: str) -> bool:
        """What the door would say; nobody is there, and no log is written."""
        ...

    def enter(self, lock: str, code: str) -> bool: ...

    def online(self, lock: str, is_online: bool) -> None: ...

    def app_put(self, lock: str, reference: str | None, code: str) -> str:
        """Somebody adds a code in the vendor's app, or gives other digits to one, whose name stays."""
        ...

    def app_edit(self, lock: str, reference: str, **fields: Any) -> None:
        """Somebody edits `name`, `starts_at` or `ends_at` of a code in the vendor's app; the rest stays."""
        ...

    def app_delete(self, lock: str, reference: str) -> None: ...

    def reference_of(self, lock: str, code: str) -> str | None: ...

    def refuse_credentials(self) -> None: ...

    def accept_credentials(self) -> None:
        """As before they were refused."""
        ...

    def subscribed(self, lock: str, *, is_subscribed: bool) -> None:
        """Without its subscription a lock takes no writes."""
        ...

    def sync(self) -> None:
        """The cloud reads its locks, as one that keeps what it knows of them does now and then."""
        ...

    def cloud(self) -> Any:
        """The emulated world itself."""
        ...


class VirtualSite:
    """The virtual vendor with locks of one model."""

    vendor = "virtual"

    def __init__(self, clock: VirtualClock, model: str, locks: int, features: Mapping[str, Any]) -> None:
        self.world: VirtualWorld = create_world(clock, model, locks=locks, features=features)
        self.app = virtual_app.create_app(self.world)
        self.credentials = {"token": "virtual-token", "endpoint": "http://vendor.test"}
        self.locks = list(self.world.locks)
        self.faults, self.journal = self.world.faults, self.world.journal
        self.features = self.world.locks[self.locks[0]].features

    @property
    def has_slots_under_way(self) -> bool:
        """Whether a write to a numbered slot was taken in and has not reached its lock."""
        self.world.settle()
        return self.features.addressing == "slot" and len(self.world.effects) > 0

    def held(self, lock: str) -> list[str]:
        self.world.settle()
        return sorted(entry.code for entry in self.world.locks[lock].door)

    def opens(self, lock: str, code: str) -> bool:
        self.world.settle()
        return self.world.locks[lock].door.verdict(code, self.world.clock.now()).opened

    def enter(self, lock: str, code: str) -> bool:
        return self.world.enter(lock, code).opened

    def online(self, lock: str, is_online: bool) -> None:
        (self.world.bring_online if is_online else self.world.take_offline)(lock)

    def app_put(self, lock: str, reference: str | None, code: str) -> str:
        fields = {"digits": code} if reference else {"digits": code, "name": "App"}
        return self.world.put_code_in_app(lock, reference, fields)

    def app_edit(self, lock: str, reference: str, **fields: Any) -> None:
        texts = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in fields.items()}
        self.world.put_code_in_app(lock, reference, texts)

    def app_delete(self, lock: str, reference: str) -> None:
        self.world.delete_code_in_app(lock, reference)

    def reference_of(self, lock: str, code: str) -> str | None:
        self.world.settle()
        found = (e.reference for e in self.world.locks[lock].door if e.code == code)
        return next((r for r in found if r in self.world.codes), None)

    def refuse_credentials(self) -> None:
        self.world.change_settings({"tokens": ["another"]})

    def accept_credentials(self) -> None:
        self.world.change_settings({"tokens": [self.credentials["token"]]})

    def subscribed(self, lock: str, *, is_subscribed: bool) -> None:
        self.world.change_settings({"has_subscription": is_subscribed})

    def sync(self) -> None:
        self.world.settle()

    def cloud(self) -> Any:
        return self.world


class NukiSite:
    """Nuki, whose cloud shows what the app changes at once."""

    vendor = "nuki"

    def __init__(self, clock: VirtualClock, locks: int, **switches: Any) -> None:
        self.world = NukiWorld(clock, NukiSettings(**{"app_changes": "at_once", **switches}))
        self.world.allow("tok")
        shows: Any = "digits" if self.world.switches.returns_digits else "exists"
        self.features = Features(
            places=200,
            updates=True,
            shows=shows,
            settling_seconds=SETTLING.total_seconds(),
            late_seconds=1_600,
        )
        self.app = nuki_app.create_app(self.world)
        self.credentials = {"token": "tok", "endpoint": "http://vendor.test"}
        self.locks = [self.world.add_lock({"name": f"Lock {n + 1}"}) for n in range(locks)]
        self.faults, self.journal = self.world.faults, self.world.journal
        # Whether digits can be read back shows only where there is a code to read.
        shed = self.world.add_lock({"name": "Shed"})
        self.world.put_code_in_app(shed, None, {"name": "Gardener", "code": "987654"})

    def held(self, lock: str) -> list[str]:
        self.world.settle()
        return sorted(entry.code for entry in self.world.locks[int(lock)].door)

    def opens(self, lock: str, code: str) -> bool:
        self.world.settle()
        return self.world.locks[int(lock)].door.verdict(code, self.world.clock.now()).opened

    def enter(self, lock: str, code: str) -> bool:
        return self.world.enter(lock, code).opened

    def online(self, lock: str, is_online: bool) -> None:
        (self.world.bring_online if is_online else self.world.take_offline)(lock)

    def app_put(self, lock: str, reference: str | None, code: str) -> str:
        fields = {"code": code} if reference else {"name": "App", "code": code}
        return self.world.put_code_in_app(lock, reference, fields)

    def app_edit(self, lock: str, reference: str, **fields: Any) -> None:
        words = {"starts_at": "allowedFromDate", "ends_at": "allowedUntilDate"}
        texts = {k: instant(v) if isinstance(v, datetime) else v for k, v in fields.items()}
        self.world.put_code_in_app(lock, reference, {words.get(k, k): v for k, v in texts.items()})

    def app_delete(self, lock: str, reference: str) -> None:
        self.world.delete_code_in_app(lock, reference)

    def reference_of(self, lock: str, code: str) -> str | None:
        self.world.settle()
        found = (e.reference for e in self.world.locks[int(lock)].door if e.code == code)
        return next(found, None)

    def refuse_credentials(self) -> None:
        self.world.revoke("tok")

    def accept_credentials(self) -> None:
        self.world.allow("tok")

    def subscribed(self, lock: str, *, is_subscribed: bool) -> None:
        self.world.change_lock(lock, {"subscription": {} if is_subscribed else {"state": "EXPIRED"}})

    def sync(self) -> None:
        with self.world.settled() as now:
            for lock in self.world.locks.values():
                nuki_sync(self.world, lock, now)

    def cloud(self) -> Any:
        return self.world


def make_site(clock: VirtualClock, profile: str, locks: int = 2, **features: Any) -> Site:
    """`profile`: nuki, or a model of the virtual vendor's catalogue."""
    if profile == "nuki":
        return NukiSite(clock, locks, **features)
    assert profile in models()
    return VirtualSite(clock, profile, locks, features)


@dataclass(slots=True)
class Let:
    """A grant as the one who made it knows it."""

    grant_id: str
    code: str | None
    starts_at: datetime
    ends_at: datetime | None


class Stage:
    """What a story needs."""

    def __init__(self, house: House, site: Site, device_ids: Mapping[str, str]) -> None:
        self.house = house
        self.site = site
        self.clock = house.clock
        self._device_ids = device_ids

    def beside(self, house: House) -> Stage:
        """The same locks, seen from another database that knows them."""
        return Stage(house, self.site, self._device_ids)

    async def let(
        self,
        locks: list[str] | str,
        starts_in: timedelta,
        lasts: timedelta | None = timedelta(days=2),
        *,
        code: str | None = None,
        name: str = "Anna",
        honours_edits: bool = False,
    ) -> Let:
        """A grant on some locks from now on."""
        locks = [locks] if isinstance(locks, str) else locks
        starts_at = self.clock.now() + starts_in
        ends_at = None if lasts is None else starts_at + lasts
        ids = tuple(self._device_ids[lock] for lock in locks)
        async with self.house.gate.transaction(self.house.actor.workspace_id) as tx:
            command = grants.CreateGrant(
                name, starts_at, ends_at, device_ids=ids, code=code, honours_edits=honours_edits
            )
            made = await grants.create(tx, self.house.actor, command)
            digits = grants.digits_of(tx, self.house.actor, made.method)
        return Let(made.row.public_id, digits, starts_at, ends_at)

    async def change(self, let: Let, **changes: Any) -> None:
        let.code = await self.changed(let.grant_id, grants.ChangeGrant(**changes))
        let.starts_at = changes.get("starts_at", let.starts_at)
        let.ends_at = changes.get("ends_at", let.ends_at)

    async def changed(self, grant_id: str, change: grants.ChangeGrant) -> str | None:
        """The digits of the grant, once it is changed."""
        async with self.house.gate.transaction(self.house.actor.workspace_id) as tx:
            made = await grants.change(tx, self.house.actor, grant_id, change)
            return grants.digits_of(tx, self.house.actor, made.method)

    async def cancel(self, let: Let, *, is_compromised: bool = False) -> None:
        await self.cancelled(let.grant_id, is_compromised=is_compromised)

    async def cancelled(self, grant_id: str, *, is_compromised: bool = False) -> None:
        async with self.house.gate.transaction(self.house.actor.workspace_id) as tx:
            await grants.cancel(tx, self.house.actor, grant_id, is_compromised=is_compromised)

    def device_id(self, lock: str) -> str:
        return self._device_ids[lock]

    async def ask(self, operation: Callable[[Tx, Actor, C], Awaitable[T]], command: C) -> T:
        """One operation in one transaction."""
        async with self.house.gate.transaction(self.house.actor.workspace_id) as tx:
            return await operation(tx, self.house.actor, command)

    async def shown(self, let: Let) -> dict[str, AccessCode]:
        """Codes of a grant, by lock."""
        return await self.shown_of(let.grant_id)

    async def shown_of(self, grant_id: str) -> dict[str, AccessCode]:
        by_device = {d: lock for lock, d in self._device_ids.items()}
        async with self.house.gate.reading(self.house.actor.workspace_id) as tx:
            row = (await grants.get(tx, self.house.actor, grant_id)).row
            codes = (await access_codes.of_grants(tx, self.house.actor, [row.id]))[row.id]
        return {by_device[c.row.device_public_id]: c for c in codes}

    async def standing(self, let: Let) -> str:
        """Of a grant with one lock."""
        (code,) = (await self.shown(let)).values()
        return code.standing.value

    async def told(self, kind: str | None = None) -> list[str]:
        """Kinds of events so far, whether they have their position or not."""
        async with self.house.gate.database.reading(self.house.actor.workspace_id) as db:
            rows = await db.fetch("select kind from events order by occurred_at, id")
        return [r["kind"] for r in rows if kind is None or r["kind"] == kind]

    async def wait(self, span: timedelta) -> None:
        await self.house.advance(self.clock.now() + span)

    async def until(self, at: datetime) -> None:
        await self.house.advance(at)

    async def reconnect(self, credentials: Mapping[str, str]) -> None:
        """New credentials for the same account."""
        async with self.house.gate.reading(self.house.actor.workspace_id) as tx:
            (account,) = await accounts.listed(tx, self.house.actor)
        await accounts.reconnect(self.house.gate, self.house.actor, account.public_id, credentials)

    def fault(self, kind: FaultKind, **more: Any) -> None:
        self.site.faults.add(Fault(kind=kind, **{"mutating": True, **more}))

    def writes(self) -> int:
        """Mutating calls that reached the vendor."""
        return len(self.site.journal.mutating())

    async def describe(self) -> None:
        """The host asks what is under the account now."""
        async with self.house.gate.transaction(self.house.actor.workspace_id) as tx:
            (account,) = await accounts.listed(tx, self.house.actor)
            await accounts.look_now(tx, self.house.actor, account.public_id)
        await self.house.work()

    async def lose_leases(self) -> None:
        """As if the time of every lease had passed."""
        async with self.house.gate.database.reading(None) as db:
            for queue in claims.QUEUES:
                await db.execute(
                    f"update {queue} set leased_until = '2000-01-01' where leased_until is not null"
                )
            await db.execute("update accounts set permits = '{}'")


@asynccontextmanager
async def build_stage(
    database_url: str,
    clock: VirtualClock,
    profile: str = "plain",
    locks: int = 2,
    warm: Database | None = None,
    **features: Any,
) -> AsyncIterator[Stage]:
    """One account of this profile, connected and described."""
    site = make_site(clock, profile, locks, **features)
    async with build_house(database_url, clock, {"vendor.test": site.app}, warm=warm) as house:
        yield await connected(house, site)


async def connected(house: House, site: Site) -> Stage:
    """Connect the site's account and do what falls due at once."""
    await house.connect(site.vendor, site.credentials)
    async with house.gate.reading(house.actor.workspace_id) as tx:
        found = await devices.listed(tx, house.actor, None, 200)
    await house.work()
    return Stage(house, site, {d.reference: d.public_id for d in found})
