"""What an actor who is confined reaches: its properties, and what it was given besides."""

from __future__ import annotations

from uuid import UUID

from lockstep.model.permissions import Actor, ActorKind
from lockstep.operations.errors import NotAllowed
from lockstep.operations.gate import Tx
from lockstep.storage import devices, spaces
from lockstep.storage.devices import Given


async def require_devices(tx: Tx, actor: Actor, device_ids: list[UUID]) -> None:
    """For other operations. Raises NotAllowed where one of them stands at none of the actor's properties."""
    if actor.property_ids is None:
        return
    besides = given(actor)
    reached = (
        await devices.given_among(tx.db, tx.workspace_id, device_ids, besides) if any(besides) else set()
    )
    stand = await spaces.properties_of_devices(tx.db, tx.workspace_id, device_ids)
    if not all(id in reached or stand.get(id, frozenset()) & actor.property_ids for id in device_ids):
        if actor.kind is ActorKind.CLIENT_SESSION:
            raise NotAllowed(
                "This device was not given to the client session.",
                next_step="Give the session the device's connected account.",
            )
        raise NotAllowed(
            "This key is confined to some properties, and the device stands at none of these.",
            next_step="Use a key that may reach the device's property.",
        )


def confinement(actor: Actor) -> list[UUID] | None:
    """The properties that an actor is confined to, as storage takes them; None: all."""
    return None if actor.property_ids is None else sorted(actor.property_ids)


def given(actor: Actor) -> Given:
    """What a confined actor reaches besides its properties, as storage takes it."""
    return Given(sorted(actor.account_ids), sorted(actor.device_ids))
