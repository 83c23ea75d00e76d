"""What may be asked of deliveries: which events went to a webhook, how each try ended, and send one again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from lockstep.model.permissions import Actor, Scope, require, require_whole_workspace
from lockstep.operations.errors import Conflict, NotFound
from lockstep.operations.gate import Tx
from lockstep.operations.webhooks import found
from lockstep.storage import deliveries
from lockstep.storage.deliveries import DeliveryRow
from lockstep.storage.webhooks import WebhookRow

STATES = ("pending", "delivered", "failed", "dropped")


@dataclass(frozen=True, slots=True)
class Try:
    """One request: the `status` that was answered, or in `error` why there was no answer."""

    at: datetime
    status: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one webhook."""

    delivery_id: str
    webhook_id: str
    event_id: str
    event_type: str
    """As the webhook's form names it."""
    position: int
    state: str
    """pending, delivered, failed (given up) or dropped (the webhook was disabled or removed)."""
    next_try_at: datetime | None
    created_at: datetime
    delivered_at: datetime | None
    tries: tuple[Try, ...]


async def list_of(
    tx: Tx, actor: Actor, webhook_id: str, before: str | None, most: int, state: str | None = None
) -> list[Delivery]:
    """Newest first, before the delivery `before`; only those in `state` where one is given."""
    require(actor, Scope.WEBHOOKS_READ)
    require_whole_workspace(actor)
    webhook = await found(tx, webhook_id)
    last = await _known(tx, webhook, before) if before is not None else None
    rows = await deliveries.listed(tx.db, tx.workspace_id, webhook.id, last, state, most)
    return await _shown(tx, webhook_id, rows)


async def send_again(tx: Tx, actor: Actor, webhook_id: str, delivery_id: str) -> Delivery:
    """Try once more, now, whatever came of it before; the message keeps its id."""
    require(actor, Scope.WEBHOOKS_WRITE)
    require_whole_workspace(actor)
    webhook = await found(tx, webhook_id, to_change=True)
    row = await _known(tx, webhook, delivery_id)
    if webhook.disabled_at is not None:
        raise Conflict(
            f"The webhook {webhook_id} is disabled.", code="webhook_disabled", next_step="Enable it first."
        )
    await deliveries.send_again(tx.db, tx.workspace_id, row.id, tx.now)
    again = await _known(tx, webhook, delivery_id)
    return (await _shown(tx, webhook_id, [again]))[0]


async def _known(tx: Tx, webhook: WebhookRow, delivery_id: str) -> DeliveryRow:
    row = await deliveries.find(tx.db, tx.workspace_id, delivery_id)
    if row is None or row.webhook_id != webhook.id:
        raise NotFound("delivery", delivery_id)
    return row


async def _shown(tx: Tx, webhook_id: str, rows: Sequence[DeliveryRow]) -> list[Delivery]:
    tries: defaultdict[UUID, list[Try]] = defaultdict(list)
    for tried in await deliveries.tries_of(tx.db, tx.workspace_id, [row.id for row in rows]):
        tries[tried.delivery_id].append(Try(tried.at, tried.status, tried.error))
    return [
        Delivery(
            row.public_id,
            webhook_id,
            row.event_id,
            row.told_as,
            row.position,
            row.state,
            row.due_at if row.state == "pending" else None,
            row.created_at,
            row.delivered_at,
            tuple(tries[row.id]),
        )
        for row in rows
    ]
