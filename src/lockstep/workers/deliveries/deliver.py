"""Brings events to webhooks: signed, at least once, tried again for a day. Knows no kind of event."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from standardwebhooks import Webhook

from lockstep.kit import outbound
from lockstep.kit.ids import new_id
from lockstep.kit.metrics import DELIVERIES, LEASES_LOST
from lockstep.kit.outbound import OutboundError, OutboundLimits
from lockstep.model import events
from lockstep.model.permissions import worker
from lockstep.model.webhook import must_be_disabled, next_try_at, signing_secrets
from lockstep.operations import events as recorded
from lockstep.operations.forms import form_of
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.webhooks import signing_of
from lockstep.storage import claims, deliveries, webhooks
from lockstep.storage import events as stored_events
from lockstep.storage.claims import Claim
from lockstep.storage.deliveries import DeliveryRow, TryRow
from lockstep.storage.webhooks import WebhookRow

LIMITS = OutboundLimits(seconds=15, connect_seconds=5, body_bytes=16 * 1024, redirects=0)
"""Well below a lease, so that nobody begins the same try meanwhile."""
_SHORTEST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Message:
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Deliverer:
    """The processor of the queue `deliveries`. `chance` draws evenly from [0, 1)."""

    def __init__(self, gate: Gate, chance: Callable[[], float]) -> None:
        self._gate = gate
        self._chance = chance

    async def process(self, claim: Claim) -> None:
        """One try of one delivery; killed at any point, it is made again when the lease has lapsed."""
        workspace_id = await self._gate.public_id_of(claim.workspace_id)
        async with self._gate.transaction(claim.workspace_id) as tx:
            message = await self._prepare(tx, claim, workspace_id)
        if message is None:
            return
        status, error = await self._send(message)
        async with self._gate.transaction(claim.workspace_id) as tx:
            await self._settle(tx, claim, TryRow(claim.row_id, tx.now, status, error))

    async def _prepare(self, tx: Tx, claim: Claim, workspace_id: str) -> _Message | None:
        """What is to be sent; None where nothing is, and then the claim has ended."""
        delivery = await deliveries.get(tx.db, tx.workspace_id, claim.row_id)
        if delivery is None or delivery.state != "pending":
            await claims.release(tx.db, claim, None)
            return None
        webhook = await webhooks.get(tx.db, tx.workspace_id, delivery.webhook_id)
        if webhook is None or webhook.disabled_at is not None:
            if await claims.release(tx.db, claim, None):
                await deliveries.set_state(tx.db, tx.workspace_id, delivery.id, "dropped")
            return None
        return await self._message(tx, webhook, delivery, workspace_id)

    async def _message(
        self, tx: Tx, webhook: WebhookRow, delivery: DeliveryRow, workspace_id: str
    ) -> _Message:
        row = await stored_events.at_position(tx.db, tx.workspace_id, delivery.position)
        assert row is not None, "a delivery is made from a position"
        form = form_of(self._gate, webhook.form)
        told = await form.tell(
            tx, recorded.recorded(row), delivery.told_as, workspace_id, with_digits=webhook.shows_digits
        )
        secrets = signing_secrets(signing_of(tx, webhook), tx.now)
        headers = signed(told.id, tx.now, told.body, secrets, form.header_families)
        return _Message(tx.open(webhook.url, "webhooks", "url", webhook.id), headers, told.body)

    async def _send(self, message: _Message) -> tuple[int | None, str | None]:
        try:
            answer = await outbound.post(
                message.url,
                headers=message.headers,
                body=message.body,
                limits=LIMITS,
                policy=self._gate.outbound,
            )
        except OutboundError as fault:
            return None, fault.code
        return answer.status, None

    async def _settle(self, tx: Tx, claim: Claim, tried: TryRow) -> None:
        delivery = await deliveries.get(tx.db, tx.workspace_id, claim.row_id)
        if delivery is None:
            return
        # Always in this order, webhook before delivery, or two of one webhook could wait for each other.
        webhook = await webhooks.get(tx.db, tx.workspace_id, delivery.webhook_id, to_change=True)
        await deliveries.add_try(tx.db, tx.workspace_id, new_id(), tried)
        is_delivered = tried.status is not None and 200 <= tried.status < 300
        DELIVERIES.labels("delivered" if is_delivered else tried.error or "refused").inc()
        due_at = None if is_delivered else next_try_at(delivery.tries + 1, tx.now, self._chance())
        if webhook is None or webhook.disabled_at is not None:
            due_at = None
        if not await claims.release(tx.db, claim, due_at):
            # Another took it up since: what becomes of the delivery is for that one to say.
            LEASES_LOST.labels("deliveries").inc()
            return
        state = "delivered" if is_delivered else "failed" if due_at is None else "pending"
        if webhook is None or (webhook.disabled_at is not None and not is_delivered):
            state = "dropped"
        await deliveries.note_result(
            tx.db, tx.workspace_id, delivery.id, state, tx.now if is_delivered else None
        )
        if webhook is not None and is_delivered:
            await webhooks.note_working(tx.db, tx.workspace_id, webhook.id)
        elif webhook is not None and webhook.disabled_at is None:
            await _note_failure(tx, webhook)


def signed(
    message_id: str,
    at: datetime,
    body: bytes,
    secrets: Iterable[str],
    families: Iterable[str] = ("webhook",),
) -> dict[str, str]:
    """The headers of one message as Standard Webhooks has them, signed by each secret ("whsec_" and base64), under the
    names of each of these families."""
    signatures = " ".join(Webhook(secret).sign(message_id, at, body.decode()) for secret in secrets)
    headers = {"content-type": "application/json", "user-agent": "Lockstep"}
    for family in families:
        headers[f"{family}-id"] = message_id
        headers[f"{family}-timestamp"] = str(int(at.timestamp()))
        headers[f"{family}-signature"] = signatures
    return headers


async def _note_failure(tx: Tx, webhook: WebhookRow) -> None:
    since = webhook.failing_since or tx.now
    failed_tries = webhook.failed_tries + 1
    await webhooks.note_failing(tx.db, tx.workspace_id, webhook.id, since, failed_tries)
    if must_be_disabled(since, failed_tries, tx.now):
        await webhooks.disable(tx.db, tx.workspace_id, webhook.id, tx.now)
        await deliveries.drop(tx.db, tx.workspace_id, webhook.id)
        disabled = events.WebhookDisabled(webhook_id=webhook.public_id, failing_since=since)
        await recorded.append(tx, worker(tx.workspace_id, "deliveries"), disabled)
        return
    # The longer it has been failing, the longer all of its deliveries wait: they would hold up those of others.
    pause = min(max(tx.now - since, _SHORTEST_PAUSE), _LONGEST_PAUSE)
    await deliveries.postpone(tx.db, tx.workspace_id, webhook.id, tx.now + pause)
