"""/v1/guests: who is let in, and that they be forgotten."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from starlette.responses import Response

from lockstep.http.api.call import Asked, answer
from lockstep.http.api.fields import PathId, Sent, Text, if_sent
from lockstep.http.api.paging import Cursor, Limit, Page
from lockstep.http.api.routing import Router
from lockstep.operations import guests
from lockstep.operations.guests import ChangeGuest, CreateGuest, EraseGuest, GetGuest, Guest, ListGuests

router = Router(prefix="/v1/guests", tags=["Guests"])

Name = Annotated[Text, Field(examples=["Anna Berg"])]
Email = Annotated[Text, Field(examples=["anna@example.com"])]
Phone = Annotated[Text, Field(examples=["+351 912 345 678"])]
Language = Annotated[Text, Field(examples=["pt-BR"])]


class GuestCreation(Sent):
    """Nothing has to be known of a guest."""

    name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None
    """With the country's code. Its last four digits are a wish for the guest's codes."""
    language: Language | None = None
    guest_key: Annotated[Text | None, Field(examples=["crm-4711"])] = None
    """Your own id for them."""

    def command(self) -> CreateGuest:
        return CreateGuest(**self.model_dump())


class GuestChange(Sent):
    """What is left out stays; null takes it away."""

    name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None
    language: Language | None = None


@router.get("", response_model=Page[Guest])
async def list_guests(call: Asked, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """List guests, oldest first."""
    command = ListGuests(limit + 1, call.place("guests", cursor))
    found = await call.read(lambda tx: guests.listed(tx, call.actor, command))
    return call.page("guests", found, limit, lambda guest: guest.guest_id)


@router.post("", response_model=Guest, status_code=201)
async def create_guest(call: Asked, body: GuestCreation) -> Response:
    """Enter a guest."""
    return await call.change(
        lambda tx: guests.create(tx, call.actor, body.command()), lambda guest: guest, status=201
    )


@router.get("/{guest_id}", response_model=Guest)
async def get_guest(call: Asked, guest_id: PathId) -> Response:
    """Show one guest."""
    return answer(await call.read(lambda tx: guests.get(tx, call.actor, GetGuest(guest_id))))


@router.patch("/{guest_id}", response_model=Guest)
async def change_guest(call: Asked, guest_id: PathId, body: GuestChange) -> Response:
    """Change what is known of a guest. A new name reaches the locks whose codes carry it."""
    command = ChangeGuest(guest_id, *(if_sent(body, name) for name in ("name", "email", "phone", "language")))
    return await call.change(lambda tx: guests.change(tx, call.actor, command), lambda guest: guest)


@router.post("/{guest_id}/erase", response_model=Guest)
async def erase_guest(call: Asked, guest_id: PathId) -> Response:
    """Erase a guest for good: name, addresses, numbers. Stays and codes go on without a name."""
    return await call.change(
        lambda tx: guests.erase(tx, call.actor, EraseGuest(guest_id)), lambda guest: guest
    )
