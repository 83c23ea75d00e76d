"""Webhooks: whose address may be called, whose secret is shown once, and who may ask."""

from dataclasses import replace

import pytest

from lockstep.kit.outbound import OutboundPolicy
from lockstep.model.permissions import Actor, NotAllowed, Scope
from lockstep.operations import webhooks
from lockstep.operations.errors import Conflict, Invalid, NotFound
from lockstep.operations.gate import Gate
from lockstep.operations.webhooks import ChangeWebhook, CreateWebhook, NewSecret

URL = "https://hooks.example.com/in?token=s3cret"


async def make(gate: Gate, actor: Actor, url: str = URL, types: list[str] | None = None) -> NewSecret:
    async with gate.transaction(actor.workspace_id) as tx:
        return await webhooks.create(tx, actor, CreateWebhook(url, types))


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1/x", "address_refused"),
        ("http://[::1]/x", "address_refused"),
        ("http://169.254.169.254/latest", "address_refused"),
        ("http://10.0.0.7:8080/", "address_refused"),
        ("https://localhost/x", "address_refused"),
        ("https://printer.localhost./x", "address_refused"),
        ("ftp://hooks.example.com/", "url_refused"),
        ("hooks.example.com", "url_refused"),
        ("https://", "url_refused"),
        ("", "url_refused"),
        ("https://hooks.example.com/" + "x" * 3000, "url_refused"),
    ],
)
async def test_an_address_that_must_not_be_called_is_refused(
    gate: Gate, owner: Actor, url: str, code: str
) -> None:
    gate.outbound = OutboundPolicy()
    with pytest.raises(Invalid) as refused:
        await make(gate, owner, url)
    assert (refused.value.code, refused.value.field) == (code, "url")
    assert "token" not in refused.value.cause


async def test_address_and_secret_are_sealed_and_shown_to_nobody_again(gate: Gate, owner: Actor) -> None:
    made = await make(gate, owner)
    assert made.secret.startswith("whsec_")
    assert made.webhook.url_host == "hooks.example.com"
    async with gate.reading(owner.workspace_id) as tx:
        shown = repr(await webhooks.get(tx, owner, made.webhook.webhook_id))
        (row,) = await tx.db.fetch("select * from webhooks")
        stored = repr(dict(row))
    for secret in (made.secret, "s3cret"):
        assert secret not in shown + stored + repr(made)


async def test_an_unknown_type_is_refused(gate: Gate, owner: Actor) -> None:
    with pytest.raises(Invalid, match=r"booking\.invented"):
        await make(gate, owner, types=["booking.invented"])


async def test_a_removed_webhook_is_gone(gate: Gate, owner: Actor) -> None:
    made = await make(gate, owner)
    async with gate.transaction(owner.workspace_id) as tx:
        await webhooks.remove(tx, owner, made.webhook.webhook_id)
        assert await webhooks.listed(tx, owner, None, 10) == []
        with pytest.raises(NotFound):
            await webhooks.get(tx, owner, made.webhook.webhook_id)


async def test_what_is_not_told_to_change_stays(gate: Gate, owner: Actor) -> None:
    made = await make(gate, owner, types=["booking.created"])
    async with gate.transaction(owner.workspace_id) as tx:
        same = await webhooks.change(tx, owner, made.webhook.webhook_id, ChangeWebhook())
        wider = await webhooks.change(tx, owner, made.webhook.webhook_id, ChangeWebhook(types=None))
    assert same == made.webhook
    assert wider == replace(made.webhook, types=None)


async def test_there_is_an_end_to_the_number_of_webhooks(gate: Gate, owner: Actor) -> None:
    for _ in range(50):
        await make(gate, owner)
    with pytest.raises(Conflict):
        await make(gate, owner)


async def test_whoever_may_read_webhooks_may_not_change_them(gate: Gate, owner: Actor) -> None:
    reader = replace(owner, scopes=frozenset({Scope.WEBHOOKS_READ}))
    made = await make(gate, owner)
    async with gate.transaction(owner.workspace_id) as tx:
        await webhooks.get(tx, reader, made.webhook.webhook_id)
        with pytest.raises(NotAllowed):
            await webhooks.rotate_secret(tx, reader, made.webhook.webhook_id)
