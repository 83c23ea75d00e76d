"""Events and webhooks through the official SDK: what happens to a code is listed, and arrives signed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from seam import SeamHttpApiError, SeamWebhook, SeamWebhookVerificationError
from tests.http.seam.parts import Home, key_of
from tests.workers.deliveries.receiver import Receiver, receiving

from lockstep.emulation.clock import VirtualClock
from lockstep.http.seam.present.ids import asked, shown
from lockstep.http.seam.present.instants import instant
from lockstep.kit.clock import SystemClock
from lockstep.kit.outbound import OutboundPolicy
from lockstep.model.permissions import Scope
from lockstep.operations import deliveries, grants
from lockstep.workers.deliveries.deliver import Deliverer
from lockstep.workers.sweeps.sequencer import sequence_all


@pytest.fixture
def clock() -> VirtualClock:
    """Begins at the real time, since receivers hold a signature's time against their own clock."""
    return VirtualClock(SystemClock().now())


@pytest.fixture
async def receiver(home: Home) -> AsyncIterator[Receiver]:
    home.house.gate.outbound = OutboundPolicy(allow_private=True)
    home.house.processes["deliveries"] = Deliverer(home.house.gate, lambda: 0.0).process
    async with receiving() as receiver:
        yield receiver


async def tell(home: Home) -> None:
    """Let everything that happened be listed and delivered."""
    await sequence_all(home.house.gate)
    await home.house.work()


def sdk(home: Home) -> Any:
    """Its events are a hundred classes, of which each has other fields."""
    return home.seam


def types(events: Iterable[Any]) -> list[str]:
    return [event.event_type for event in events]


async def delivered_one_by_one(home: Home, webhook_id: str) -> list[str]:
    """The types of all deliveries, newest first, from pages of one: several may be of one event."""
    found: list[str] = []
    before = None
    async with home.house.gate.reading(home.house.actor.workspace_id) as tx:
        while page := await deliveries.list_of(tx, home.house.actor, webhook_id, before, 1):
            assert [(it.state, len(it.tries)) for it in page] == [("delivered", 1)]
            found.append(page[0].event_type)
            before = page[0].delivery_id
    return found


async def test_a_webhook_is_told_of_a_codes_life_and_the_official_verifier_takes_every_message(
    home: Home, receiver: Receiver
) -> None:
    hook = await home.ask(sdk(home).webhooks.create, url=receiver.url)
    assert (hook.url, hook.event_types) == (receiver.url, ["*"])
    verifier = SeamWebhook(hook.secret)
    made = await home.ask(
        sdk(home).access_codes.create, device_id=await home.lock(), name="Anna Smith", code="472931"
    )
    await home.settle()
    await home.ask(sdk(home).access_codes.update, access_code_id=made.access_code_id, code="813526")
    await home.settle()
    await home.ask(sdk(home).access_codes.delete, access_code_id=made.access_code_id)
    await home.settle()
    await tell(home)

    told: list[Any] = [verifier.verify(m.body.decode(), m.headers) for m in receiver.messages]
    of_code = [e for e in told if getattr(e, "access_code_id", None) == made.access_code_id]
    assert sorted(types(of_code)) == sorted(
        [
            "access_code.created",
            "access_code.set_on_device",
            "access_code.issued",
            "access_code.changed",
            "access_code.code_changed",
            "access_code.mutations_requested",
            "access_code.set_on_device",
            "access_code.issued",
            "access_code.mutations_requested",
            "access_code.removed_from_device",
            "access_code.deleted",
        ]
    )
    assert (
        len({e.event_id for e in told}) == len(told) == len({m.headers["svix-id"] for m in receiver.messages})
    )
    assert {e.device_id for e in of_code} == {made.device_id}
    assert {e.code for e in of_code if e.event_type == "access_code.deleted"} == {"813526"}
    changed = receiver.messages[0]
    with pytest.raises(SeamWebhookVerificationError):
        verifier.verify(changed.body.decode() + " ", changed.headers)

    assert sorted(await delivered_one_by_one(home, asked("webhook", hook.webhook_id))) == sorted(types(told))
    listed = await home.ask(sdk(home).events.list, access_code_id=made.access_code_id)
    assert [e.event_id for e in listed] == [e.event_id for e in of_code], "as the webhook had it"
    one = await home.ask(sdk(home).events.get, event_id=of_code[-1].event_id)
    assert one.event_type == of_code[-1].event_type


async def test_a_code_written_ahead_is_scheduled_first_and_set_when_it_starts(home: Home) -> None:
    now = home.house.clock.now()
    starts_at, ends_at = now + timedelta(hours=5), now + timedelta(days=2)
    made = await home.ask(
        sdk(home).access_codes.create,
        device_id=await home.lock(),
        starts_at=instant(starts_at),
        ends_at=instant(ends_at),
    )
    await home.house.advance(now + timedelta(hours=4))
    await sequence_all(home.house.gate)
    before = await home.ask(sdk(home).events.list, access_code_id=made.access_code_id)
    assert types(before) == ["access_code.created", "access_code.scheduled_on_device"]
    assert before[1].code == made.code

    await home.house.advance(now + timedelta(hours=6))
    await sequence_all(home.house.gate)
    since = instant(now + timedelta(hours=5))
    (set_, issued) = await home.ask(sdk(home).events.list, device_id=made.device_id, since=since)
    assert types([set_, issued]) == ["access_code.set_on_device", "access_code.issued"]
    assert datetime.fromisoformat(set_.occurred_at) >= starts_at.astimezone(UTC).replace(microsecond=0)


async def test_events_are_found_by_type_time_and_account_and_page_by_offset(home: Home) -> None:
    seam, clock = sdk(home), home.house.clock
    lock = await home.lock()
    for number in range(3):
        await home.ask(seam.access_codes.create, device_id=lock, code=f"47293{number + 1}")
    await sequence_all(home.house.gate)
    created = await home.ask(seam.events.list, event_type="access_code.created")
    assert len(created) == 3
    second = await home.ask(seam.events.list, event_type="access_code.created", limit=1, unstable_offset=1)
    assert [e.event_id for e in second] == [created[1].event_id]
    account = created[0].connected_account_id
    of_account = await home.ask(seam.events.list, connected_account_id=account)
    assert {"connected_account.connected", "device.added"} < set(types(of_account))
    theirs = {"connected_account_id": account, "customer_key": "customer-1"}
    await home.ask(seam.connected_accounts.update, **theirs)
    of_customer = await home.ask(seam.events.list, customer_key="customer-1", event_type="device.added")
    assert {e.customer_key for e in of_customer} == {"customer-1"}
    assert await home.ask(seam.events.list, customer_key="customer-2") == []
    start, end = instant(clock.now() - timedelta(days=1)), instant(clock.now() + timedelta(days=1))
    assert len(await home.ask(seam.events.list, between=[start, end])) >= len(of_account)
    assert await home.ask(seam.events.list, since=end) == []
    both = ["access_code.created", "device.added"]
    assert set(types(await home.ask(seam.events.list, event_types=both))) == set(both)
    again = await home.ask(seam.events.list, event_ids=[created[2].event_id])
    assert [e.event_id for e in again] == [created[2].event_id]
    newest = await home.ask(seam.events.get, event_type="access_code.created", device_id=lock)
    assert newest.event_id == created[2].event_id


async def test_a_webhook_is_told_only_of_its_types_until_it_is_deleted(
    home: Home, receiver: Receiver
) -> None:
    hooks, lock = sdk(home).webhooks, await home.lock()
    hook = await home.ask(hooks.create, url=receiver.url, event_types=["access_code.created"])
    await home.ask(sdk(home).access_codes.create, device_id=lock, code="472931")
    await home.settle()
    await tell(home)
    assert len(receiver.messages) == 1
    await home.ask(hooks.update, webhook_id=hook.webhook_id, event_types=["access_code.deleted"])
    (only,) = await home.ask(hooks.list)
    assert (only.webhook_id, only.url, only.event_types) == (
        hook.webhook_id,
        receiver.url,
        ["access_code.deleted"],
    )
    await home.ask(hooks.delete, webhook_id=hook.webhook_id)
    with pytest.raises(SeamHttpApiError) as gone:
        await home.ask(hooks.get, webhook_id=hook.webhook_id)
    assert (gone.value.status_code, gone.value.code) == (404, "webhook_not_found")


async def test_a_key_that_may_not_read_codes_makes_a_webhook_without_digits(
    home: Home, receiver: Receiver
) -> None:
    key = await key_of(home.house, set(Scope) - {Scope.CODES_READ})
    made = await home.http.post(
        "/webhooks/create", json={"url": receiver.url}, headers={"authorization": f"Bearer {key}"}
    )
    assert made.status_code == 200, made.text
    await home.ask(sdk(home).access_codes.create, device_id=await home.lock(), code="472931")
    await home.settle()
    await tell(home)
    assert {"svix-id", "webhook-id"} <= set(receiver.messages[0].headers)
    assert all(b"472931" not in message.body for message in receiver.messages)


async def test_a_grant_is_issued_once_all_its_locks_have_the_code_and_again_when_it_moved(home: Home) -> None:
    house = home.house
    now, workspace_id = house.clock.now(), house.actor.workspace_id
    locks = (asked("lock", await home.lock(0)), asked("lock", await home.lock(1)))
    async with house.gate.transaction(workspace_id) as tx:
        made = await grants.create(tx, house.actor, grants.CreateGrant("Anna", now, device_ids=locks))
    await home.settle()
    await sequence_all(house.gate)
    async with house.gate.transaction(workspace_id) as tx:
        move = grants.ChangeGrant(ends_at=now + timedelta(days=3))
        await grants.change(tx, house.actor, made.row.public_id, move)
    await home.settle()
    async with house.gate.transaction(workspace_id) as tx:
        await grants.change(tx, house.actor, made.row.public_id, grants.ChangeGrant(name="Anna Berg"))
    await home.settle()
    await sequence_all(house.gate)
    told = await home.ask(sdk(home).events.list, access_grant_id=shown(made.row.public_id))
    assert types(told) == [
        "access_grant.created",
        "access_method.created",
        "access_grant.access_granted_to_all_doors",
        "access_method.issued",
        "access_grant.access_times_changed",
        "access_method.revoked",
        "access_grant.access_granted_to_all_doors",
        "access_method.reissued",
    ]
    assert len({e.access_method_id for e in told if e.event_type.startswith("access_method")}) == 1
    assert (len(told[-1].code), told[-1].is_backup_code) == (6, False)
