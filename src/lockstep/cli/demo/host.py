"""What the host of the demo asks of Lockstep: an account, a house with two flats, calendars, the guests' codes."""

from __future__ import annotations

from collections.abc import Mapping

from lockstep.cli.demo.stage import TOKEN
from lockstep.cli.demo.story import CHECK_IN, CHECK_OUT, DOORS_OF, FRONT, ZONE
from lockstep.model.permissions import Actor
from lockstep.operations import access_codes, accounts, bookings, calendars, devices, grants, spaces
from lockstep.operations.gate import Gate


class Host:
    """Uses Lockstep as any host would: nothing here looks into its tables."""

    def __init__(self, gate: Gate, actor: Actor) -> None:
        self._gate = gate
        self._actor = actor
        self._flats: dict[str, str] = {}

    async def move_in(self, nuki: str, feeds: Mapping[str, str]) -> None:
        """Connect the account, describe the house, add a calendar for each flat."""
        command = accounts.Connect("nuki", {"token": TOKEN, "endpoint": nuki}, "Nuki (emulated)")
        await accounts.connect(self._gate, self._actor, command)
        async with self._gate.transaction(self._actor.workspace_id) as tx:
            found = {d.name: d.public_id for d in await devices.listed(tx, self._actor, None, 10)}
            house = await spaces.create(
                tx,
                self._actor,
                spaces.CreateSpace(
                    "Canal House",
                    address="Prinsengracht 1, Amsterdam",
                    time_zone=ZONE,
                    check_in=CHECK_IN,
                    check_out=CHECK_OUT,
                    device_ids=(found[FRONT],),
                ),
            )
            for flat in DOORS_OF:
                made = await spaces.create(
                    tx,
                    self._actor,
                    spaces.CreateSpace(flat, parent_space_id=house.space_id, device_ids=(found[flat],)),
                )
                self._flats[flat] = made.space_id
                await calendars.add(
                    tx, self._actor, calendars.AddCalendar(made.space_id, feeds[flat], f"Airbnb {flat}")
                )

    async def codes(self) -> dict[str, str]:
        """Reservation code -> the digits that its guest is told."""
        found: dict[str, str] = {}
        async with self._gate.reading(self._actor.workspace_id) as tx:
            for booking in await bookings.listed(tx, self._actor, bookings.ListBookings(most=100)):
                grant = await grants.of_booking(tx, self._actor, booking.booking_id)
                digits = grants.digits_of(tx, self._actor, grant.method) if grant else None
                if booking.reservation_code and digits:
                    found[booking.reservation_code] = digits
        return found

    async def proofs(self) -> dict[str, int]:
        """How many codes stand how: proven, scheduled, unconfirmed, failed, gone."""
        counted: dict[str, int] = {}
        async with self._gate.reading(self._actor.workspace_id) as tx:
            for code in await access_codes.listed(tx, self._actor, None, 200):
                counted[code.standing.value] = counted.get(code.standing.value, 0) + 1
        return counted
