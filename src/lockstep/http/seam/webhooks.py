"""/webhooks: who is told of events in Seam's types and shapes. Those made at the native API are not shown here."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.params import Id, Params
from lockstep.http.seam.present.ids import asked, shown
from lockstep.operations import webhooks
from lockstep.operations.forms import SEAM
from lockstep.operations.gate import Tx
from lockstep.operations.webhooks import Addressed, ChangeWebhook, CreateWebhook, NewSecret, Webhook

_ALL = "*"
Types = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=1, max_length=200)
]


class Create(Params):
    url: Annotated[str, Field(min_length=1, max_length=2000)]
    event_types: Types = Field(default_factory=lambda: [_ALL])


class Which(Params):
    webhook_id: Id


class Update(Params):
    webhook_id: Id
    event_types: Types


class Nothing(Params):
    """It takes no parameters."""


async def create(call: Asked, params: Create) -> Answer:
    """The only answer that shows the secret."""
    command = CreateWebhook(params.url, _chosen(params.event_types), SEAM)
    made: NewSecret = await call.change(lambda tx: webhooks.create(tx, call.actor, command))
    return {"webhook": {**_shape(made.webhook, params.url), "secret": made.secret}}


async def get(call: Asked, params: Which) -> Answer:
    return {"webhook": _shown(await call.read(lambda tx: _found(tx, call, params.webhook_id)))}


async def list_(call: Asked, params: Nothing) -> Answer:
    found = await call.read(lambda tx: webhooks.listed_in(tx, call.actor, SEAM))
    return {"webhooks": [_shown(it) for it in found]}


async def update(call: Asked, params: Update) -> Answer:
    async def change(tx: Tx) -> None:
        it = await _found(tx, call, params.webhook_id)
        command = ChangeWebhook(types=_chosen(params.event_types))
        await webhooks.change(tx, call.actor, it.webhook.webhook_id, command)

    await call.change(change)
    return {}


async def delete(call: Asked, params: Which) -> Answer:
    async def remove(tx: Tx) -> None:
        it = await _found(tx, call, params.webhook_id)
        await webhooks.remove(tx, call.actor, it.webhook.webhook_id)

    await call.change(remove)
    return {}


async def _found(tx: Tx, call: Asked, webhook_id: str) -> Addressed:
    return await webhooks.get_in(tx, call.actor, asked("webhook", webhook_id), SEAM)


def _chosen(types: list[str]) -> list[str] | None:
    return None if _ALL in types else types


def _shown(it: Addressed) -> dict[str, Any]:
    return _shape(it.webhook, it.url)


def _shape(it: Webhook, url: str) -> dict[str, Any]:
    return {
        "webhook_id": shown(it.webhook_id),
        "url": url,
        "event_types": [_ALL] if it.types is None else list(it.types),
    }


PATHS: tuple[Path, ...] = (
    Path("/webhooks/create", Create, create),
    Path("/webhooks/delete", Which, delete),
    Path("/webhooks/get", Which, get),
    Path("/webhooks/list", Nothing, list_),
    Path("/webhooks/update", Update, update),
)
