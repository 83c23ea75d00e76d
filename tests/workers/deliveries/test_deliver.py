"""Deliveries reach their webhook signed and at least once; only sustained failure ends them (trust.md, line 22)."""

import base64
import hmac
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from tests.workers.deliveries.receiver import Receiver, receiving

from lockstep.emulation.clock import VirtualClock
from lockstep.kit.clock import SystemClock
from lockstep.kit.outbound import OutboundPolicy
from lockstep.model import events as facts
from lockstep.model.permissions import Actor
from lockstep.operations import deliveries, events, webhooks
from lockstep.operations.forms import PLAIN
from lockstep.operations.gate import Gate, Told
from lockstep.storage import claims
from lockstep.workers.deliveries.deliver import Deliverer, signed
from lockstep.workers.loop import claim_some, drain
from lockstep.workers.sweeps.sequencer import sequence_all


@pytest.fixture
def clock() -> VirtualClock:
    """Begins at the real time, since receivers hold a signature's time against their own clock."""
    return VirtualClock(SystemClock().now())


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


async def subscribe(
    gate: Gate, owner: Actor, receiver: Receiver, types: Sequence[str] | None = ("booking.created",)
) -> webhooks.NewSecret:
    async with gate.transaction(owner.workspace_id) as tx:
        return await webhooks.create(tx, owner, webhooks.CreateWebhook(receiver.url, types))


async def tell(gate: Gate, actor: Actor, *names: str) -> None:
    async with gate.transaction(actor.workspace_id) as tx:
        await events.append(tx, actor, *(facts.BookingCreated(booking_id=name) for name in names))


async def work(gate: Gate) -> None:
    """Sequence and deliver all that is due now."""
    await sequence_all(gate)
    await drain(gate, {"deliveries": Deliverer(gate, lambda: 0.0).process})


async def pass_time(gate: Gate, clock: VirtualClock, span: timedelta) -> None:
    """Do what falls due within `span`, each at its time."""
    until = clock.now() + span
    await work(gate)
    while True:
        async with gate.database.reading(None) as db:
            due_at = await claims.next_due(db, "deliveries")
        if due_at is None or due_at > until:
            clock.set(until)
            return
        clock.set(max(due_at, clock.now()))
        await work(gate)


async def delivered(gate: Gate, owner: Actor, webhook_id: str) -> list[deliveries.Delivery]:
    async with gate.reading(owner.workspace_id) as tx:
        return await deliveries.list_of(tx, owner, webhook_id, None, 100)


async def test_an_event_arrives_signed_and_without_digits(
    gate: Gate, owner: Actor, receiver: Receiver
) -> None:
    made = await subscribe(gate, owner, receiver)
    await tell(gate, owner, "booking_1")
    await work(gate)
    (message,) = receiver.messages
    said = Webhook(made.secret).verify(message.body, message.headers)
    assert said["type"] == "booking.created"
    assert said["data"]["subjects"] == {"booking_id": "booking_1"}
    assert message.headers["webhook-id"] == said["data"]["event_id"]
    assert set(said) == {"type", "timestamp", "data"}
    (delivery,) = await delivered(gate, owner, made.webhook.webhook_id)
    assert (delivery.state, [t.status for t in delivery.tries]) == ("delivered", [204])


async def test_only_the_types_asked_for_and_only_those_after_the_subscription(
    gate: Gate, owner: Actor, receiver: Receiver
) -> None:
    await tell(gate, owner, "booking_before")
    await sequence_all(gate)
    await subscribe(gate, owner, receiver)
    await tell(gate, owner, "booking_after")
    async with gate.transaction(owner.workspace_id) as tx:
        await events.append(tx, owner, facts.GuestErased(guest_id="guest_1"))
    await work(gate)
    subjects = [json.loads(m.body)["data"]["subjects"] for m in receiver.messages]
    assert subjects == [{"booking_id": "booking_after"}]


async def test_a_neighbours_events_are_not_sent(
    gate: Gate, owner: Actor, neighbour: Actor, receiver: Receiver
) -> None:
    await subscribe(gate, owner, receiver, types=None)
    await work(gate)
    receiver.messages.clear()
    await tell(gate, neighbour, "booking_of_neighbour")
    await work(gate)
    assert receiver.messages == []


async def test_during_a_rotation_both_secrets_sign_and_afterwards_the_new_one_alone(
    gate: Gate, owner: Actor, receiver: Receiver, clock: VirtualClock
) -> None:
    old = await subscribe(gate, owner, receiver)
    async with gate.transaction(owner.workspace_id) as tx:
        new = await webhooks.rotate_secret(tx, owner, old.webhook.webhook_id)
    await tell(gate, owner, "booking_1")
    await work(gate)
    (message,) = receiver.messages
    for secret in (old.secret, new.secret):
        Webhook(secret).verify(message.body, message.headers)

    clock.advance(timedelta(days=2))
    await tell(gate, owner, "booking_2")
    await work(gate)
    assert len(receiver.messages[-1].headers["webhook-signature"].split()) == 1


async def test_a_receiver_refuses_a_message_that_was_changed_or_is_sent_again_later(
    gate: Gate, owner: Actor, receiver: Receiver, clock: VirtualClock
) -> None:
    clock.jump(clock.now() - timedelta(minutes=10))
    made = await subscribe(gate, owner, receiver)
    await tell(gate, owner, "booking_1")
    await work(gate)
    clock.advance(timedelta(minutes=10))
    await tell(gate, owner, "booking_2")
    await work(gate)
    old, fresh = receiver.messages
    receives = Webhook(made.secret)
    receives.verify(fresh.body, fresh.headers)
    with pytest.raises(WebhookVerificationError, match="matching"):
        receives.verify(fresh.body.replace(b"booking_2", b"booking_1"), fresh.headers)
    with pytest.raises(WebhookVerificationError, match="too old"):
        receives.verify(old.body, old.headers)


@pytest.mark.parametrize("status", [500, 503, 404, 302, 410])
async def test_a_delivery_is_tried_again_until_it_is_taken(
    gate: Gate, owner: Actor, receiver: Receiver, clock: VirtualClock, status: int
) -> None:
    made = await subscribe(gate, owner, receiver)
    receiver.status = status
    await tell(gate, owner, "booking_1")
    await pass_time(gate, clock, timedelta(minutes=10))
    receiver.status = 200
    await pass_time(gate, clock, timedelta(hours=1))
    (delivery,) = await delivered(gate, owner, made.webhook.webhook_id)
    assert delivery.state == "delivered"
    assert [t.status for t in delivery.tries] == [status, status, status, 200]
    assert len({m.headers["webhook-id"] for m in receiver.messages}) == 1


async def test_after_its_last_try_a_delivery_has_failed_and_can_be_sent_again(
    gate: Gate, owner: Actor, receiver: Receiver, clock: VirtualClock
) -> None:
    made = await subscribe(gate, owner, receiver)
    receiver.status = 500
    await tell(gate, owner, "booking_1")
    await pass_time(gate, clock, timedelta(days=4))
    (delivery,) = await delivered(gate, owner, made.webhook.webhook_id)
    assert (delivery.state, len(delivery.tries), delivery.next_try_at) == ("failed", 8, None)

    receiver.status = 200
    async with gate.transaction(owner.workspace_id) as tx:
        await deliveries.send_again(tx, owner, made.webhook.webhook_id, delivery.delivery_id)
    await work(gate)
    (delivery,) = await delivered(gate, owner, made.webhook.webhook_id)
    assert (delivery.state, len(delivery.tries)) == ("delivered", 9)


async def test_a_webhook_is_disabled_only_after_days_of_failure_and_says_so(
    gate: Gate, owner: Actor, receiver: Receiver, clock: VirtualClock
) -> None:
    made = await subscribe(gate, owner, receiver, types=None)
    receiver.status = 500
    for day in range(7):
        await tell(gate, owner, f"booking_{day}")
        await pass_time(gate, clock, timedelta(days=1))
        async with gate.reading(owner.workspace_id) as tx:
            webhook = await webhooks.get(tx, owner, made.webhook.webhook_id)
        assert webhook.is_enabled == (day < 5), day
    async with gate.reading(owner.workspace_id) as tx:
        told = await events.read(tx, owner, 0, 100, ["webhook.disabled"])
    assert [e.subjects for e in told] == [{"webhook_id": made.webhook.webhook_id}]
    tries = len(receiver.messages)
    await pass_time(gate, clock, timedelta(days=5))
    assert len(receiver.messages) == tries

    receiver.status = 200
    async with gate.transaction(owner.workspace_id) as tx:
        await webhooks.change(
            tx,
            owner,
            made.webhook.webhook_id,
            webhooks.ChangeWebhook(is_enabled=True, types=["booking.created"]),
        )
    await tell(gate, owner, "booking_new")
    await work(gate)
    subjects = json.loads(receiver.messages[-1].body)["data"]["subjects"]
    assert (subjects, len(receiver.messages)) == ({"booking_id": "booking_new"}, tries + 1)


async def test_one_success_ends_the_count_towards_disabling(
    gate: Gate, owner: Actor, receiver: Receiver, clock: VirtualClock
) -> None:
    made = await subscribe(gate, owner, receiver)
    for _ in range(3):
        receiver.status = 500
        await tell(gate, owner, "booking_bad")
        await pass_time(gate, clock, timedelta(days=2))
        receiver.status = 200
        await tell(gate, owner, "booking_good")
        await pass_time(gate, clock, timedelta(days=1))
    async with gate.reading(owner.workspace_id) as tx:
        webhook = await webhooks.get(tx, owner, made.webhook.webhook_id)
    assert (webhook.is_enabled, webhook.failing_since) == (True, None)


async def test_a_worker_that_dies_after_sending_makes_a_second_message_and_loses_none(
    gate: Gate, owner: Actor, receiver: Receiver
) -> None:
    made = await subscribe(gate, owner, receiver)
    await tell(gate, owner, "booking_1")
    await sequence_all(gate)

    class Dies(Deliverer):
        async def _settle(self, *_: object) -> None:
            raise SystemError("killed between the answer and its record")

    (claim,) = await claim_some(gate, "deliveries", timedelta(0), 10)
    with pytest.raises(SystemError):
        await Dies(gate, lambda: 0.0).process(claim)
    await work(gate)
    assert len(receiver.messages) == 2
    assert len({m.headers["webhook-id"] for m in receiver.messages}) == 1
    (delivery,) = await delivered(gate, owner, made.webhook.webhook_id)
    assert delivery.state == "delivered"


async def test_a_worker_that_dies_while_it_makes_deliveries_leaves_nothing_half_done(
    gate: Gate, owner: Actor, receiver: Receiver
) -> None:
    class Dies:
        header_families = ("webhook",)

        def types_of(self, event: events.RecordedEvent) -> Sequence[str]:
            raise SystemError("killed between the event and its delivery")

        async def tell(self, *_: object, with_digits: bool) -> Told:
            raise NotImplementedError

    gate.forms = {"seam": Dies()}
    await subscribe(gate, owner, receiver)
    async with gate.transaction(owner.workspace_id) as tx:
        await webhooks.create(tx, owner, webhooks.CreateWebhook(receiver.url, None, "seam"))
    await tell(gate, owner, "booking_1")
    with pytest.raises(SystemError):
        await sequence_all(gate)
    async with gate.reading(owner.workspace_id) as tx:
        assert "booking.created" not in [e.type for e in await events.read(tx, owner, 0, 100)]

    gate.forms = {"seam": PLAIN}
    await work(gate)
    assert [json.loads(m.body)["type"] for m in receiver.messages].count("booking.created") == 2


async def test_a_worker_whose_lease_passed_on_records_its_try_and_decides_nothing(
    gate: Gate, owner: Actor, receiver: Receiver
) -> None:
    made = await subscribe(gate, owner, receiver)
    await tell(gate, owner, "booking_1")
    await sequence_all(gate)
    (stale,) = await claim_some(gate, "deliveries", timedelta(0), 10)
    (fresh,) = await claim_some(gate, "deliveries", timedelta(minutes=1), 10)
    receiver.status = 500
    await Deliverer(gate, lambda: 0.0).process(stale)
    (delivery,) = await delivered(gate, owner, made.webhook.webhook_id)
    assert (delivery.state, [t.status for t in delivery.tries]) == ("pending", [500])
    receiver.status = 200
    await Deliverer(gate, lambda: 0.0).process(fresh)
    (delivery,) = await delivered(gate, owner, made.webhook.webhook_id)
    assert (delivery.state, [t.status for t in delivery.tries]) == ("delivered", [500, 200])


@pytest.mark.parametrize("how", ["removed", "disabled"])
async def test_what_is_pending_for_a_webhook_that_ended_is_not_sent(
    gate: Gate, owner: Actor, receiver: Receiver, how: str
) -> None:
    made = await subscribe(gate, owner, receiver)
    webhook_id = made.webhook.webhook_id
    await tell(gate, owner, "booking_1")
    await sequence_all(gate)
    async with gate.transaction(owner.workspace_id) as tx:
        if how == "removed":
            await webhooks.remove(tx, owner, webhook_id)
        else:
            await webhooks.change(tx, owner, webhook_id, webhooks.ChangeWebhook(is_enabled=False))
    await tell(gate, owner, "booking_2")
    await work(gate)
    assert receiver.messages == []


async def test_a_name_that_turns_private_after_it_was_given_is_not_called(
    gate: Gate, owner: Actor, receiver: Receiver
) -> None:
    addresses = ["203.0.113.7"]

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return addresses

    gate.outbound = OutboundPolicy(resolve=resolve)
    receiver.url = receiver.url.replace("127.0.0.1", "hooks.example.com")
    made = await subscribe(gate, owner, receiver)
    addresses[:] = ["127.0.0.1"]
    await tell(gate, owner, "booking_1")
    await work(gate)
    (delivery,) = await delivered(gate, owner, made.webhook.webhook_id)
    assert [(t.status, t.error) for t in delivery.tries] == [(None, "address_refused")]
    assert receiver.messages == []


async def test_a_failing_webhook_does_not_hold_up_another(
    gate: Gate, owner: Actor, receiver: Receiver
) -> None:
    async with receiving() as broken:
        broken.status = 500
        await subscribe(gate, owner, broken)
        await subscribe(gate, owner, receiver)
        await tell(gate, owner, *(f"booking_{n}" for n in range(40)))
        await work(gate)
        assert len(receiver.messages) == 40
        assert len(broken.messages) < 40


def checked_by_hand(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """The receiver's side of the specification, "Verifying signatures", without a library and without our code."""
    sealed = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(sealed, content, "sha256")).decode()
    return expected in headers["webhook-signature"].split()


# Source: standard-webhooks/standard-webhooks, libraries/python/tests/test_webhooks.py, read 2025.
VECTOR_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VECTOR_BODY = b'{"test": 2432232314}'
VECTOR_HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def test_of_the_vector_of_standard_webhooks_our_headers_are_those_that_it_says() -> None:
    # Half a second into it: the time that is signed is the one that is sent.
    at = datetime.fromtimestamp(int(VECTOR_HEADERS["webhook-timestamp"]) + 0.5, UTC)
    headers = signed(VECTOR_HEADERS["webhook-id"], at, VECTOR_BODY, [VECTOR_SECRET])
    assert {name: headers[name] for name in VECTOR_HEADERS} == VECTOR_HEADERS


async def test_whoever_holds_to_the_vector_finds_every_delivery_right_byte_for_byte(
    gate: Gate, owner: Actor, receiver: Receiver
) -> None:
    assert checked_by_hand(VECTOR_SECRET, VECTOR_HEADERS, VECTOR_BODY)
    assert not checked_by_hand(VECTOR_SECRET, VECTOR_HEADERS, VECTOR_BODY + b" ")
    old = await subscribe(gate, owner, receiver)
    await tell(gate, owner, "booking_1")
    await work(gate)
    async with gate.transaction(owner.workspace_id) as tx:
        new = await webhooks.rotate_secret(tx, owner, old.webhook.webhook_id)
    await tell(gate, owner, "booking_2")
    await work(gate)
    first, second = receiver.messages
    assert checked_by_hand(old.secret, first.headers, first.body)
    assert checked_by_hand(old.secret, second.headers, second.body)
    assert checked_by_hand(new.secret, second.headers, second.body)
    assert not checked_by_hand(new.secret, first.headers, first.body)
    assert not checked_by_hand(old.secret, first.headers, first.body.replace(b"booking_1", b"booking_2"))
