"""/v1/webhooks: who is told of events, and what became of each message (Standard Webhooks)."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from msgspec import UNSET
from pydantic import Field, StrictBool
from starlette.responses import Response

from lockstep.http.api.call import Asked, answer
from lockstep.http.api.fields import LongText, PathId, Sent, Text
from lockstep.http.api.paging import Cursor, Limit, Page
from lockstep.http.api.routing import Router
from lockstep.operations import deliveries, webhooks
from lockstep.operations.deliveries import Delivery
from lockstep.operations.webhooks import ChangeWebhook, CreateWebhook, NewSecret, Webhook

router = Router(prefix="/v1/webhooks", tags=["Webhooks"])

Url = Annotated[LongText, Field(examples=["https://example.com/hooks/lockstep"])]
Types = Annotated[list[Text] | None, Field(max_length=100, examples=[["access_code.set_on_device"]])]


class WebhookCreation(Sent):
    """Where to send which events. Without `types`: all, those of later versions too."""

    url: Url
    types: Types = None


class WebhookChange(Sent):
    """What is left out stays; `types` null: all."""

    url: Url | None = None
    types: Types = None
    is_enabled: StrictBool | None = None


@router.get("", response_model=Page[Webhook])
async def list_webhooks(call: Asked, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """List webhooks, oldest first. Of their addresses only the host is shown."""
    behind = call.place("webhooks", cursor)
    found = await call.read(lambda tx: webhooks.listed(tx, call.actor, behind, limit + 1))
    return call.page("webhooks", found, limit, lambda webhook: webhook.webhook_id)


@router.post("", response_model=NewSecret, status_code=201)
async def create_webhook(call: Asked, body: WebhookCreation) -> Response:
    """Subscribe to events from now on. The secret for checking signatures is in this answer only."""
    command = CreateWebhook(body.url, body.types)
    return await call.change(lambda tx: webhooks.create(tx, call.actor, command), lambda new: new, status=201)


@router.get("/{webhook_id}", response_model=Webhook)
async def get_webhook(call: Asked, webhook_id: PathId) -> Response:
    """Show one webhook, and whether it is failing."""
    return answer(await call.read(lambda tx: webhooks.get(tx, call.actor, webhook_id)))


@router.patch("/{webhook_id}", response_model=Webhook)
async def change_webhook(call: Asked, webhook_id: PathId, body: WebhookChange) -> Response:
    """Change a webhook: its address or types; disable it, or enable it again from the next event on."""
    command = ChangeWebhook(
        url=UNSET if body.url is None else body.url,
        types=body.types if "types" in body.model_fields_set else UNSET,
        is_enabled=UNSET if body.is_enabled is None else body.is_enabled,
    )
    return await call.change(
        lambda tx: webhooks.change(tx, call.actor, webhook_id, command), lambda webhook: webhook
    )


@router.post("/{webhook_id}/rotate_secret", response_model=NewSecret)
async def rotate_webhook_secret(call: Asked, webhook_id: PathId) -> Response:
    """Rotate a webhook's secret: for a day messages carry two signatures, one with each."""
    return await call.change(lambda tx: webhooks.rotate_secret(tx, call.actor, webhook_id), lambda new: new)


@router.delete("/{webhook_id}", status_code=204)
async def remove_webhook(call: Asked, webhook_id: PathId) -> Response:
    """Remove a webhook: nothing more is sent to it."""
    return await call.change(lambda tx: webhooks.remove(tx, call.actor, webhook_id))


@router.get("/{webhook_id}/deliveries", response_model=Page[Delivery])
async def list_deliveries(
    call: Asked,
    webhook_id: PathId,
    limit: Limit = 50,
    cursor: Cursor = None,
    state: Annotated[Literal["pending", "delivered", "failed", "dropped"] | None, Query()] = None,
) -> Response:
    """List deliveries of a webhook: what was or is to be sent to it, newest first, with every try."""
    of = f"deliveries {webhook_id} {state}"
    before = call.place(of, cursor)
    found = await call.read(
        lambda tx: deliveries.list_of(tx, call.actor, webhook_id, before, limit + 1, state)
    )
    return call.page(of, found, limit, lambda delivery: delivery.delivery_id)


@router.post("/{webhook_id}/deliveries/{delivery_id}/send_again", response_model=Delivery)
async def send_delivery_again(call: Asked, webhook_id: PathId, delivery_id: PathId) -> Response:
    """Send a delivery again, now. It keeps its `webhook-id`."""
    return await call.change(
        lambda tx: deliveries.send_again(tx, call.actor, webhook_id, delivery_id), lambda delivery: delivery
    )
