"""What may be asked of webhooks: subscriptions to events, and what was delivered to them."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from msgspec import UNSET, UnsetType

from lockstep.kit import outbound
from lockstep.kit.ids import new_id, public_id
from lockstep.model import events
from lockstep.model.permissions import Actor, Scope, require, require_whole_workspace
from lockstep.model.webhook import Signing, rotated
from lockstep.operations import events as recorded
from lockstep.operations.errors import Conflict, Invalid, NotFound
from lockstep.operations.forms import LOCKSTEP
from lockstep.operations.gate import Tx
from lockstep.storage import deliveries, webhooks
from lockstep.storage import events as stored_events
from lockstep.storage.webhooks import WebhookRow

SECRET_PREFIX = "whsec_"  # noqa: S105 -- how Standard Webhooks marks a secret, not one
_SECRET_BYTES = 32
_LONGEST_URL = 2000
_MOST_WEBHOOKS = 50


@dataclass(frozen=True, slots=True)
class Webhook:
    """A subscription as it may be shown: of its address only the host, since the rest may be a secret."""

    webhook_id: str
    url_host: str
    types: tuple[str, ...] | None
    """None: every type of event, those that come later too. They are named as `form` names them."""
    form: str
    """`lockstep`, or `seam`: in whose shapes and types it is told of events."""
    is_enabled: bool
    failing_since: datetime | None
    """The first failed try after the last success."""
    disabled_at: datetime | None
    old_secret_until: datetime | None
    """Until then messages are signed with the secret before the last rotation too."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CreateWebhook:
    """`form`: who brings another than Lockstep's own along has checked `types` and names them in it."""

    url: str = field(repr=False)
    types: Sequence[str] | None = None
    form: str = LOCKSTEP


@dataclass(frozen=True, slots=True)
class ChangeWebhook:
    """What is UNSET stays. `is_enabled` True: deliver again, from the next event on."""

    url: str | UnsetType = field(default=UNSET, repr=False)
    types: Sequence[str] | UnsetType | None = UNSET
    is_enabled: bool | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class NewSecret:
    """The only time that the secret is shown."""

    webhook: Webhook
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Addressed:
    """A webhook with its address. For whoever may not change it, without what follows the host."""

    webhook: Webhook
    url: str = field(repr=False)


async def create(tx: Tx, actor: Actor, command: CreateWebhook) -> NewSecret:
    """Subscribe to events from now on. Where its form tells digits, they are told if the actor may read codes."""
    _require(actor, Scope.WEBHOOKS_WRITE)
    types = _checked_types(command.types, command.form)
    host = _checked_host(tx, command.url)
    # Held, so that no event between reading the position and committing is missed.
    head = await stored_events.head(tx.db, tx.workspace_id, is_held=True)
    if len(await webhooks.listed(tx.db, tx.workspace_id, None, _MOST_WEBHOOKS)) >= _MOST_WEBHOOKS:
        raise Conflict(f"There are {_MOST_WEBHOOKS} webhooks already.", next_step="Remove one first.")
    id = new_id()
    secret = _new_secret()
    row = WebhookRow(
        id=id,
        public_id=public_id("webhook", id),
        url=tx.seal(command.url, "webhooks", "url", id),
        url_host=host,
        secret=tx.seal(secret, "webhooks", "secret", id),
        old_secret=None,
        old_secret_until=None,
        kinds=types,
        position=head.position,
        failing_since=None,
        failed_tries=0,
        disabled_at=None,
        created_at=tx.now,
        form=command.form,
        shows_digits=command.form != LOCKSTEP and actor.may(Scope.CODES_READ),
    )
    await webhooks.insert(tx.db, tx.workspace_id, row)
    await recorded.append(tx, actor, events.WebhookCreated(webhook_id=row.public_id))
    return NewSecret(_shown(row, tx.now), secret)


async def listed(tx: Tx, actor: Actor, behind: str | None, most: int) -> list[Webhook]:
    """Oldest first, behind the webhook `behind`."""
    _require(actor, Scope.WEBHOOKS_READ)
    last = await found(tx, behind) if behind is not None else None
    rows = await webhooks.listed(tx.db, tx.workspace_id, last.id if last else None, most)
    return [_shown(row, tx.now) for row in rows]


async def listed_in(tx: Tx, actor: Actor, form: str) -> list[Addressed]:
    """All of one form, oldest first, with their addresses."""
    _require(actor, Scope.WEBHOOKS_READ)
    rows = await webhooks.listed(tx.db, tx.workspace_id, None, _MOST_WEBHOOKS)
    return [_addressed(tx, actor, row) for row in rows if row.form == form]


async def get_in(tx: Tx, actor: Actor, webhook_id: str, form: str) -> Addressed:
    """With its address. Raises NotFound where it is of another form, whose types this one's callers do not know."""
    _require(actor, Scope.WEBHOOKS_READ)
    row = await found(tx, webhook_id)
    if row.form != form:
        raise NotFound("webhook", webhook_id)
    return _addressed(tx, actor, row)


async def get(tx: Tx, actor: Actor, webhook_id: str) -> Webhook:
    _require(actor, Scope.WEBHOOKS_READ)
    return _shown(await found(tx, webhook_id), tx.now)


async def change(tx: Tx, actor: Actor, webhook_id: str, command: ChangeWebhook) -> Webhook:
    """Another address, other types, enabled or disabled."""
    _require(actor, Scope.WEBHOOKS_WRITE)
    head = await stored_events.head(tx.db, tx.workspace_id, is_held=True)
    row = await found(tx, webhook_id, to_change=True)
    url, host, types = row.url, row.url_host, row.kinds
    if not isinstance(command.url, UnsetType):
        host = _checked_host(tx, command.url)
        url = tx.seal(command.url, "webhooks", "url", row.id)
    if not isinstance(command.types, UnsetType):
        types = _checked_types(command.types, row.form)
    await webhooks.change(tx.db, tx.workspace_id, row.id, url, host, types)
    if command.is_enabled is True and row.disabled_at is not None:
        await webhooks.enable(tx.db, tx.workspace_id, row.id, head.position)
    if command.is_enabled is False and row.disabled_at is None:
        await webhooks.disable(tx.db, tx.workspace_id, row.id, tx.now)
        await deliveries.drop(tx.db, tx.workspace_id, row.id)
    await recorded.append(tx, actor, events.WebhookChanged(webhook_id=row.public_id))
    return _shown(await found(tx, webhook_id), tx.now)


async def rotate_secret(tx: Tx, actor: Actor, webhook_id: str) -> NewSecret:
    """A fresh secret; messages are signed with the one so far too, for a day."""
    _require(actor, Scope.WEBHOOKS_WRITE)
    row = await found(tx, webhook_id, to_change=True)
    signing = rotated(signing_of(tx, row), _new_secret(), tx.now)
    assert signing.old_secret is not None
    assert signing.old_until is not None
    await webhooks.rotate(
        tx.db,
        tx.workspace_id,
        row.id,
        tx.seal(signing.secret, "webhooks", "secret", row.id),
        tx.seal(signing.old_secret, "webhooks", "old_secret", row.id),
        signing.old_until,
    )
    await recorded.append(tx, actor, events.WebhookChanged(webhook_id=row.public_id))
    return NewSecret(_shown(replace(row, old_secret_until=signing.old_until), tx.now), signing.secret)


async def remove(tx: Tx, actor: Actor, webhook_id: str) -> None:
    """Deliver nothing more, what is still pending included."""
    _require(actor, Scope.WEBHOOKS_WRITE)
    row = await found(tx, webhook_id, to_change=True)
    await webhooks.remove(tx.db, tx.workspace_id, row.id, tx.now)
    await deliveries.drop(tx.db, tx.workspace_id, row.id)
    await recorded.append(tx, actor, events.WebhookRemoved(webhook_id=row.public_id))


async def found(tx: Tx, webhook_id: str, *, to_change: bool = False) -> WebhookRow:
    """For operations on what belongs to a webhook. Raises NotFound."""
    row = await webhooks.find(tx.db, tx.workspace_id, webhook_id, to_change=to_change)
    if row is None:
        raise NotFound("webhook", webhook_id)
    return row


def signing_of(tx: Tx, row: WebhookRow) -> Signing:
    """Its secrets, opened."""
    old = tx.open(row.old_secret, "webhooks", "old_secret", row.id) if row.old_secret else None
    return Signing(tx.open(row.secret, "webhooks", "secret", row.id), old, row.old_secret_until)


def _checked_types(types: Sequence[str] | None, form: str) -> list[str] | None:
    if form == LOCKSTEP:
        return recorded.checked_types(types, "types")
    return None if types is None else list(dict.fromkeys(types))


def _require(actor: Actor, scope: Scope) -> None:
    require(actor, scope)
    require_whole_workspace(actor)


def _checked_host(tx: Tx, url: str) -> str:
    try:
        if len(url) > _LONGEST_URL:
            raise outbound.UrlRefused("an address this long")
        return outbound.check(url, tx.outbound)
    except outbound.OutboundError as fault:
        raise Invalid(str(fault), code=fault.code, next_step=fault.next_step, field="url") from None


def _addressed(tx: Tx, actor: Actor, row: WebhookRow) -> Addressed:
    whole = tx.open(row.url, "webhooks", "url", row.id)
    url = whole if actor.may(Scope.WEBHOOKS_WRITE) else f"{whole.partition('://')[0]}://{row.url_host}"
    return Addressed(_shown(row, tx.now), url)


def _new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def _shown(row: WebhookRow, now: datetime) -> Webhook:
    until = row.old_secret_until
    return Webhook(
        row.public_id,
        row.url_host,
        tuple(row.kinds) if row.kinds is not None else None,
        row.form,
        row.disabled_at is None,
        row.failing_since,
        row.disabled_at,
        until if until is not None and until > now else None,
        row.created_at,
    )
