"""A house in Amsterdam on an afternoon in June, with codes in every standing: for the browser tests and the picture."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from starlette.applications import Starlette
from starlette.routing import Mount
from tests.operations.places import ask
from tests.serving import serving
from tests.whole.house import House, build_house
from tests.workers.calendars.hosted import Hosted, hosting, stay

from lockstep.emulation.clock import VirtualClock
from lockstep.http.console.app import Console, create_console
from lockstep.http.console.settings import ConsoleSettings
from lockstep.http.static_files import static_files
from lockstep.kit.outbound import OutboundPolicy
from lockstep.model.permissions import Scope
from lockstep.operations import api_keys, bookings, devices, spaces, workspaces
from lockstep.operations.bookings import Booking, ChangeBooking, CreateBooking
from lockstep.operations.guests import CreateGuest
from lockstep.vendors.nuki.emulator.app import create_app as create_nuki
from lockstep.vendors.nuki.emulator.world import World
from lockstep.vendors.virtual.emulator.app import create_app as create_virtual
from lockstep.vendors.virtual.emulator.world import VirtualWorld
from lockstep.workers.calendars.pull import Puller

BEGINS = datetime(2026, 6, 1, 11, 45, tzinfo=UTC)
AFTERNOON = datetime(2026, 6, 1, 12, 20, tzinfo=UTC)
"""20 past two in Amsterdam."""
SLOW = {"write_delay_seconds": 60.0}


@dataclass
class Scene:
    """The house, the worlds of its locks, and its first page served on loopback."""

    house: House
    nuki: World
    virtual: VirtualWorld
    console: Console
    address: str
    key: str = field(repr=False)
    locks: dict[str, str] = field(default_factory=dict)
    """By name: the vendor's id."""
    bookings: dict[str, Booking] = field(default_factory=dict)

    async def move_in(self) -> None:
        """Connect the accounts, describe the house."""
        for name in ("Front door", "Flat 1", "Flat 2", "Garden room"):
            self.locks[name] = self.nuki.add_lock({"name": name})
        self.nuki.change_lock(self.locks["Front door"], {"state": {"batteryCharge": 64}})
        self.nuki.change_lock(self.locks["Flat 2"], {"state": {"batteryCharge": 14, "batteryCritical": True}})
        self.locks["Loft"] = self.virtual.add_lock({"name": "Loft", "model": "just_in_time"})
        await self.house.connect("nuki", {"token": "tok", "endpoint": "http://nuki.test"})
        await self.house.connect("virtual", {"token": "virtual-token", "endpoint": "http://virtual.test"})
        await self._describe()

    async def _describe(self) -> None:
        gate, actor = self.house.gate, self.house.actor
        async with gate.transaction(actor.workspace_id) as tx:
            ids = {d.name: d.public_id for d in await devices.listed(tx, actor, None, 10)}
            command = spaces.CreateSpace(
                "Canal House",
                address="Prinsengracht 1, Amsterdam",
                time_zone="Europe/Amsterdam",
                device_ids=(ids["Front door"],),
            )
            house = await spaces.create(tx, actor, command)
            self.flats = {}
            for flat in ("Flat 1", "Flat 2", "Loft", "Garden room"):
                made = await spaces.create(
                    tx, actor, spaces.CreateSpace(flat, house.space_id, device_ids=(ids[flat],))
                )
                self.flats[flat] = made.space_id

    async def book(self, name: str, flat: str, starts_at: datetime, nights: int) -> None:
        command = CreateBooking(
            self.flats[flat],
            starts_at=starts_at,
            departs=(starts_at + timedelta(days=nights)).date(),
            guest=CreateGuest(name),
        )
        self.bookings[name] = await ask(self.house.gate, self.house.actor, bookings.create, command)

    async def extend(self, name: str, departs: date) -> None:
        command = ChangeBooking(self.bookings[name].booking_id, departs=departs)
        await ask(self.house.gate, self.house.actor, bookings.change, command)

    async def fill(self, feeds: Hosted) -> None:
        """Guests in every standing: proven, unconfirmed, scheduled, failed; and a calendar that is held."""
        three = [stay(n, 10 + 3 * n, 12 + 3 * n) for n in range(3)]
        await feeds.add(self.flats["Flat 1"], "Airbnb Flat 1", "airbnb", *three)
        await feeds.add(self.flats["Flat 2"], "Booking.com Flat 2", "booking_com", *three)
        await self.book("Anna Lindqvist", "Flat 1", BEGINS, 2)
        await self.book("Chloé Martin", "Flat 2", local(15), 3)
        await self.book("Ben Okafor", "Loft", local(18), 1)
        await self.house.advance(BEGINS + timedelta(minutes=10))
        self.nuki.take_offline(self.locks["Garden room"])
        feeds.show("Booking.com Flat 2")
        await self.house.advance(BEGINS + timedelta(minutes=20))
        await self.book("David Silva", "Garden room", local(16), 2)
        await self.house.work()
        await self.house.advance(AFTERNOON)
        self.nuki.change_settings(SLOW)
        await self.extend("Chloé Martin", date(2026, 6, 5))
        await self.house.work()

    async def settle(self) -> None:
        """The slow writes arrive, and are read."""
        await self.house.advance(AFTERNOON + timedelta(minutes=5))


@asynccontextmanager
async def scene(
    database_url: str, clock: VirtualClock, settings: ConsoleSettings | None = None
) -> AsyncIterator[tuple[Scene, Hosted]]:
    """An empty workspace, a host of calendars, and the page served."""
    nuki, virtual = World(clock), VirtualWorld(clock)
    nuki.allow("tok")
    worlds = {"nuki.test": create_nuki(nuki), "virtual.test": create_virtual(virtual)}
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(build_house(database_url, clock, worlds))
        house.gate.outbound = OutboundPolicy(allow_private=True)
        house.processes["calendars"] = Puller(house.gate).process
        async with house.gate.transaction(house.actor.workspace_id) as tx:
            await workspaces.change(tx, house.actor, workspaces.ChangeWorkspace("Canal House rentals"))
            made = await api_keys.create(tx, house.actor, api_keys.CreateApiKey("Page", sorted(Scope)))
        console = create_console(house.gate, settings or ConsoleSettings(sign_in_burst=100))
        app = Starlette(routes=[static_files(), Mount("/", console)])
        address = await stack.enter_async_context(serving(app))
        stack.callback(console.stop)
        feeds = await stack.enter_async_context(hosting(house.gate, house.actor, clock))
        yield Scene(house, nuki, virtual, console, address, made.secret), feeds


def local(hour: int) -> datetime:
    """An hour of that day in Amsterdam."""
    return datetime(2026, 6, 1, hour - 2, tzinfo=UTC)
