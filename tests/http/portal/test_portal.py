"""The page behind a customer portal's link: what is the customer's and nothing else, without digits, for a while."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
from tests.http.connect.test_connect import ADDRESS, NUKI, Visit, visiting
from tests.operations.places import ask

from lockstep.emulation.clock import VirtualClock
from lockstep.http.portal.app import create_portal_page
from lockstep.model.permissions import Actor
from lockstep.operations import devices, grants, portals, spaces
from lockstep.operations.devices import ChangeDevice
from lockstep.operations.gate import Tx
from lockstep.operations.grants import CreateGrant
from lockstep.operations.portals import LASTS, CreatePortal


async def test_a_customer_sees_their_places_devices_and_codes_and_nothing_of_others(
    database_url: str, clock: VirtualClock
) -> None:
    async with visiting(database_url, clock) as visit:
        gate, actor = visit.house.gate, visit.house.actor
        visit.world.add_lock({"name": "Shed"})
        visit.world.add_lock({"name": "Neighbour"})
        await visit.house.connect("nuki", {"token": NUKI["token"], "endpoint": NUKI["endpoint"]})
        ids = {d.name: d.device_id for d in await ask(gate, actor, devices.list_shown, devices.ListDevices())}
        house = await _space(visit, "Sea house", ids["Beach house"], customer_key="harbour")
        await _space(visit, "Garden", ids["Shed"], parent_space_id=house)
        await _space(visit, "Next door", ids["Neighbour"], customer_key="hill")
        until = clock.now() + timedelta(days=2)
        for name, lock in (("Anna Smith", "Beach house"), ("Bob Jones", "Neighbour")):
            command = CreateGrant(name, clock.now(), until, device_ids=(ids[lock],), code="472931")
            await ask(gate, actor, grants.create, command)
        await visit.house.advance(clock.now() + timedelta(minutes=2))
        link = await ask(gate, actor, portals.create, CreatePortal("harbour"))

        shed = ChangeDevice(custom_metadata={"kind": "shed", "is_new": True})
        await ask(gate, actor, _describe(ids["Shed"]), shed)
        part = CreatePortal(
            "harbour",
            {"kind": "shed"},
            hides_codes=True,
            is_embedded=True,
            device_id=ids["Shed"],
        )
        narrow = await ask(gate, actor, portals.create, part)
        foreign = await ask(gate, actor, portals.create, replace(part, device_id=ids["Neighbour"]))

        transport = httpx2.ASGITransport(create_portal_page(gate), raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url=ADDRESS) as browser:
            page = await browser.get(link.path)
            few = await browser.get(narrow.path)
            guessed = await browser.get("/portal/guessed")
            posted = await browser.post(link.path)
            clock.advance(LASTS)
            late = await browser.get(link.path)

        assert page.status_code == 200
        for seen in ("Sea house", "Sea house · Garden", "Beach house", "Shed", "Anna Smith", "proven"):
            assert seen in page.text
        for hidden in ("472931", "Next door", "Neighbour", "Bob Jones"):
            assert hidden not in page.text
        assert "Shed" in few.text
        assert "Beach house" not in few.text, "it has not the values that were asked for"
        assert "No codes" not in few.text
        anchor = narrow.path.partition("#")[2]
        assert f'id="{anchor}"' in few.text
        assert "#" not in foreign.path
        framing = [it.headers["content-security-policy"].rpartition(" ")[2] for it in (page, few)]
        assert framing == ["'none'", "*"]
        assert (guessed.status_code, posted.status_code, late.status_code) == (404, 405, 404)
        assert page.headers["cache-control"] == "no-store"


def _describe(device_id: str) -> Any:
    async def describe(tx: Tx, actor: Actor, command: ChangeDevice) -> object:
        return await devices.change(tx, actor, device_id, command)

    return describe


async def _space(visit: Visit, name: str, device_id: str, **given: str) -> str:
    zone = {} if "parent_space_id" in given else {"time_zone": "Europe/Lisbon"}
    command = spaces.CreateSpace(name, device_ids=(device_id,), **given, **zone)  # type: ignore[arg-type]
    return (await ask(visit.house.gate, visit.house.actor, spaces.create, command)).space_id
