"""Calls about the account: its users, web hooks and their log, notifications."""

import secrets
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import Response

from lockstep.emulation.outbox import is_loopback
from lockstep.vendors.nuki.emulator.asked import Asked
from lockstep.vendors.nuki.emulator.cloud import ACCOUNT_ID
from lockstep.vendors.nuki.emulator.grants import instant
from lockstep.vendors.nuki.emulator.hooks import FEATURES, Hook
from lockstep.vendors.nuki.emulator.replies import bad_parameter, conflict, done, json, locked, not_found
from lockstep.vendors.nuki.emulator.world import API_KEY_ID, World

_LANGUAGES = ("en", "de", "es", "fr", "it", "nl", "cs", "sk")
_MOST_USERS = 100
_MOST_HOOK_LOGS = 100
_HOOK_LOGS = 50
_NOTIFICATION_FIELDS = ("referenceId", "pushId", "os", "language", "settings")
_WEB_HOOK = 2


def list_users(world: World, asked: Asked) -> Response:
    """GET /account/user."""
    email, offset, limit = asked.query.get("email"), asked.number("offset"), asked.number("limit")
    users = [user for user in world.users.values() if email is None or user["email"] == email]
    first = max(0, offset or 0)
    most = _MOST_USERS if limit is None else max(0, min(limit, _MOST_USERS))
    return json(users[first : first + most])


def create_user(world: World, asked: Asked) -> Response:
    """PUT /account/user. Two with one address are taken, as they are by the vendor."""
    fields, at = _user_fields(asked, required=True), instant(asked.at)
    user = {
        "accountUserId": 500_000_000 + world.new_number(),
        "accountId": ACCOUNT_ID,
        "type": 0,
        "language": "en",
        **fields,
        "creationDate": at,
        "updateDate": at,
    }
    world.users[user["accountUserId"]] = user
    return json(user)


def read_user(world: World, asked: Asked) -> Response:
    """GET /account/user/{accountUserId}."""
    return json(_user(world, asked))


def change_user(world: World, asked: Asked) -> Response:
    """POST /account/user/{accountUserId}."""
    user, fields = _user(world, asked), _user_fields(asked, required=False)
    others = (other for other in world.users.values() if other is not user)
    if any(other["email"] == fields.get("email") for other in others):
        raise conflict("E-Mail address already exists")
    user.update(fields, updateDate=instant(asked.at))
    return json(user)


def delete_user(world: World, asked: Asked) -> Response:
    """DELETE /account/user/{accountUserId}: the authorizations of the person go first, then the person."""
    user = _user(world, asked)
    id = user["accountUserId"]
    auths = [auth for auth in world.auths if auth.grant.account_user_id == id]
    if "operationId" in user or any(auth.operation_id is not None for auth in auths):
        raise locked()
    user["operationId"] = world.new_object_id()
    for auth in auths:
        world.writes.delete(auth, asked.call, asked.fault)
    due_at = world.after(world.switches.write_delay_seconds)
    world.effects.at(due_at, lambda at: _forget_user(world, id))
    return done()


def list_hooks(world: World, asked: Asked) -> Response:
    """GET /api/decentralWebhook: without the secrets."""
    hooks = [hook for hook in world.hooks if not hook.takes_results]
    return json([_hook(hook) for hook in hooks])


def create_hook(world: World, asked: Asked) -> Response:
    """PUT /api/decentralWebhook. The vendor demands https; the emulator also takes http on loopback."""
    fields = asked.fields()
    url, features = fields.get("webhookUrl"), fields.get("webhookFeatures")
    if not isinstance(url, str) or not _may_be_called(url):
        raise bad_parameter("webhookUrl", url)
    if not isinstance(features, list) or not all(feature in FEATURES for feature in features):
        raise bad_parameter("webhookFeatures", features)
    hook = Hook(world.new_number(), url, secrets.token_hex(20), tuple(dict.fromkeys(features)))
    world.hooks.add(hook)
    return json({**_hook(hook), "secret": hook.secret})


def delete_hook(world: World, asked: Asked) -> Response:
    """DELETE /api/decentralWebhook/{id}."""
    id = asked.path["id"]
    if not id.isdigit() or not world.hooks.remove(int(id)):
        raise not_found()
    return done()


def hook_log(world: World, asked: Asked) -> Response:
    """GET /api/key/{apiKeyId}/webhook/logs: newest first, those older than `id`."""
    if asked.path["apiKeyId"] != str(API_KEY_ID):
        raise not_found()
    entries = list(world.hooks.log)
    if (older_than := asked.query.get("id")) is not None:
        ids = [entry["id"] for entry in entries]
        entries = entries[ids.index(older_than) + 1 :] if older_than in ids else []
    limit = asked.number("limit")
    most = _HOOK_LOGS if limit is None else max(0, min(limit, _MOST_HOOK_LOGS))
    return json(entries[:most])


def list_notifications(world: World, asked: Asked) -> Response:
    """GET /notification."""
    wanted = asked.query.get("referenceId")
    found = [one for one in world.notifications.values() if wanted in {None, one.get("referenceId")}]
    return json(found)


def create_notification(world: World, asked: Asked) -> Response:
    """PUT /notification. Kept and listed; no push message is ever sent."""
    fields = _notification_fields(asked)
    id = world.new_object_id()
    secret = {"secret": secrets.token_hex(20)} if fields["os"] == _WEB_HOOK else {}
    world.notifications[id] = {"notificationId": id, "language": "en", **fields, **secret, "status": 0}
    return json(world.notifications[id])


def read_notification(world: World, asked: Asked) -> Response:
    """GET /notification/{notificationId}."""
    return json(_notification(world, asked))


def change_notification(world: World, asked: Asked) -> Response:
    """POST /notification/{notificationId}."""
    notification = _notification(world, asked)
    notification.update(_notification_fields(asked))
    return json(notification)


def delete_notification(world: World, asked: Asked) -> Response:
    """DELETE /notification/{notificationId}."""
    del world.notifications[_notification(world, asked)["notificationId"]]
    return done()


def _forget_user(world: World, id: int) -> None:
    world.users.pop(id, None)


def _user(world: World, asked: Asked) -> dict[str, Any]:
    id = asked.path["accountUserId"]
    user = world.users.get(int(id)) if id.isascii() and id.isdigit() else None
    if user is None:
        raise not_found()
    return user


def _user_fields(asked: Asked, *, required: bool) -> dict[str, Any]:
    fields = asked.fields()
    for name in ("email", "name"):
        value = fields.get(name)
        is_missing = value is None and not required
        if not is_missing and (
            not isinstance(value, str) or not value or (name == "email" and "@" not in value)
        ):
            raise bad_parameter(name, value)
    if fields.get("language") not in (None, *_LANGUAGES):
        raise bad_parameter("language", fields["language"])
    if fields.get("type") not in (None, 0, 1):
        raise bad_parameter("type", fields["type"])
    known = {"email", "name", "language", "type"}
    return {name: value for name, value in fields.items() if name in known and value is not None}


def _hook(hook: Hook) -> dict[str, Any]:
    return {"id": hook.id, "webhookUrl": hook.url, "webhookFeatures": list(hook.features)}


def _may_be_called(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url)))


def _notification(world: World, asked: Asked) -> dict[str, Any]:
    notification = world.notifications.get(asked.path["notificationId"])
    if notification is None:
        raise not_found()
    return notification


def _notification_fields(asked: Asked) -> dict[str, Any]:
    fields = asked.fields()
    if fields.get("os") not in (0, 1, _WEB_HOOK):
        raise bad_parameter("os", fields.get("os"))
    if not isinstance(fields.get("pushId"), str):
        raise bad_parameter("pushId", fields.get("pushId"))
    if not isinstance(fields.get("settings"), list):
        raise bad_parameter("settings", fields.get("settings"))
    return {name: fields[name] for name in _NOTIFICATION_FIELDS if fields.get(name) is not None}
