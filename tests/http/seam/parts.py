"""What tests of Seam's door share: a house with emulated locks, the official SDK, and answers held to the contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeVar

import httpx2
from seam import Seam
from tests.conftest import TLS
from tests.http.api.parts import bearer
from tests.http.seam.contract import Witness
from tests.serving import serving
from tests.whole.house import House, build_house

from lockstep.emulation.clock import VirtualClock
from lockstep.http.seam.app import Seam as SeamDoor
from lockstep.http.seam.present.ids import asked
from lockstep.model.permissions import SEAM_SCOPES, Scope
from lockstep.operations import api_keys, devices, workspaces
from lockstep.operations.workspaces import ChangeWorkspace
from lockstep.vendors.nuki.emulator.app import create_app
from lockstep.vendors.nuki.emulator.settings import Settings
from lockstep.vendors.nuki.emulator.world import World
from lockstep.vendors.virtual.emulator.app import create_app as create_doors
from lockstep.vendors.virtual.emulator.world import VirtualWorld, create_world

T = TypeVar("T")
TOKEN = "nuki-token-of-the-house"
WORLD = "http://nuki.test"
DOORS = "http://doors.test"
SHARED = {"verify": TLS}
"""Of what each of the SDK's clients would make anew."""


class Home:
    """The house, Seam's door to it, the official SDK over real HTTP, and a plain client in-process; both with a key for
    Seam's SDKs."""

    def __init__(
        self,
        house: House,
        world: World,
        doors: VirtualWorld,
        url: str,
        key: str,
        http: httpx2.AsyncClient,
        witness: Witness,
    ) -> None:
        self.house = house
        self.world = world
        self.doors = doors
        self.url = url
        self.key = key
        self.http = http
        self.witness = witness
        self.seam = Seam(api_key=key, endpoint=url, httpx_options=SHARED)

    async def ask(self, call: Callable[..., T], *args: Any, **given: Any) -> T:
        """A call of the SDK, which blocks, beside this loop; what is due is done meanwhile."""
        asking = asyncio.ensure_future(asyncio.to_thread(call, *args, **given))
        while not asking.done():
            await self.house.work()
            await asyncio.wait({asking}, timeout=0.02)
        return asking.result()

    async def settle(self) -> None:
        """A minute goes by, in which what is under way comes to its end."""
        await self.house.advance(self.house.clock.now() + timedelta(minutes=1))

    async def look(self, device_id: str) -> None:
        """Lockstep reads this lock, a minute later, when the account's budget has calls for it again."""
        await self.settle()
        async with self.house.gate.transaction(self.house.actor.workspace_id) as tx:
            await devices.look_now(tx, self.house.actor, asked("lock", device_id))
        await self.house.work()

    async def has_access_system(self, stranger: str | None = None) -> None:
        """Beside the locks stands an access system with one door; `stranger`: digits that its own app gave somebody."""
        if not self.doors.locks:
            self.doors.add_lock({"id": "gate", "name": "Gate", "kind": "door"})
        if not (await self.raw("/acs/systems/list", {})).json()["acs_systems"]:
            await self.house.connect("virtual", {"token": TOKEN, "endpoint": DOORS})
            await self.house.work()
        if stranger is not None:
            self.doors.put_code_in_app("gate", None, {"name": "Porter", "digits": stranger})
            (door,) = (await self.raw("/acs/entrances/list", {})).json()["acs_entrances"]
            await self.look(door["acs_entrance_id"])

    async def knows(self, *people: dict[str, str]) -> None:
        """These, and nobody else, the access system knows; Lockstep has asked it."""
        self.doors.change_settings({"people": people})
        await self.has_access_system()
        (system,) = (await self.raw("/acs/systems/list", {})).json()["acs_systems"]
        account = {"connected_account_id": system["connected_account_id"]}
        answer = await self.raw("/connected_accounts/sync", account)
        assert answer.status_code == 200, answer.text
        await self.settle()

    async def raw(self, path: str, body: Any = None, verb: str = "POST", **params: Any) -> httpx2.Response:
        return await self.http.request(verb, path, json=body, params=params)

    async def lock(self, number: int = 0) -> str:
        """The id of a lock, as Seam's callers know it."""
        return (await self.ask(self.seam.devices.list))[number].device_id


async def key_of(house: House, scopes: set[Scope] | None = None) -> str:
    """The secret of a fresh key; as `lockstep keys create --seam` makes it unless told."""
    command = api_keys.CreateApiKey("Test", sorted(scopes if scopes is not None else SEAM_SCOPES))
    async with house.gate.transaction(house.actor.workspace_id) as tx:
        return (await api_keys.create(tx, house.actor, command)).secret


async def set_paced(house: House, *, is_paced: bool) -> None:
    """Whether callers are held to so many acts a minute; the clock of most tests stands still."""
    async with house.gate.transaction(house.actor.workspace_id) as tx:
        await workspaces.change(tx, house.actor, ChangeWorkspace(is_paced=is_paced))


@asynccontextmanager
async def at_home(database_url: str, clock: VirtualClock, locks: int = 2) -> AsyncIterator[Home]:
    """A Nuki world with some locks, connected."""
    world = World(clock, Settings(app_changes="at_once"))
    world.allow(TOKEN)
    for number in range(locks):
        world.add_lock({"name": f"Door {number + 1}"})
    doors = create_world(clock, "plain", locks=0)
    doors.change_settings({"tokens": [TOKEN]})
    hosts = {"nuki.test": create_app(world), "doors.test": create_doors(doors)}
    async with build_house(database_url, clock, hosts) as house:
        await house.connect("nuki", {"token": TOKEN, "endpoint": WORLD})
        await house.work()
        await set_paced(house, is_paced=False)
        key = await key_of(house)
        witness = Witness(SeamDoor(house.gate, 1e6, 1_000_000, 1_000_000))
        async with (
            serving(witness) as url,
            httpx2.AsyncClient(
                base_url=url, headers=bearer(key), timeout=20, transport=httpx2.ASGITransport(witness)
            ) as http,
        ):
            home = Home(house, world, doors, url, key, http, witness)
            yield home
        assert not witness.wrong, "\n".join(witness.wrong)
