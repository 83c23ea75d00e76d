"""Calls about locks: list, read, rename, act, sync, configure, log."""

from collections.abc import Callable
from datetime import datetime
from itertools import dropwhile
from typing import Any

from starlette.responses import Response

from lockstep.vendors.nuki.emulator import actions, syncing
from lockstep.vendors.nuki.emulator.asked import Asked
from lockstep.vendors.nuki.emulator.factory import BOX, OPENER
from lockstep.vendors.nuki.emulator.locks import Lock
from lockstep.vendors.nuki.emulator.log import LOCK, UNLOCK, LogEntry
from lockstep.vendors.nuki.emulator.replies import bad_parameter, done, json, locked, not_allowed
from lockstep.vendors.nuki.emulator.world import World

_ACTIONS = frozenset({1, 2, 3, 4, 5})
_OPTIONS = frozenset({None, 0, 2, 4})
_MOST_LOGGED = 50
_LOGGED = 20


def list_all(world: World, asked: Asked) -> Response:
    """GET /smartlock."""
    auth_id, type_ = asked.number("authId"), asked.number("type")
    views = _views(world, asked.seen_at, asked.at)
    return json(
        [
            view
            for view in views
            if (auth_id is None or view["authId"] == auth_id) and (type_ is None or view["type"] == type_)
        ]
    )


def read(world: World, asked: Asked) -> Response:
    """GET /smartlock/{smartlockId}."""
    lock = world.lock(asked.path["smartlockId"], needs_subscription=True)
    views = _views(world, asked.seen_at, asked.at)
    return json(next((view for view in views if view["smartlockId"] == lock.id), lock.json(asked.at)))


def change(world: World, asked: Asked) -> Response:
    """POST /smartlock/{smartlockId}: its name, and whether it is a favourite."""
    lock, fields = world.lock(asked.path["smartlockId"], needs_subscription=True), asked.fields()
    name, favorite = fields.get("name", lock.name), fields.get("favorite", lock.favorite)
    if not isinstance(name, str) or not name:
        raise bad_parameter("name", name)
    if not isinstance(favorite, bool):
        raise bad_parameter("favorite", favorite)
    lock.name, lock.favorite = name, favorite
    world.touch(lock, asked.at)
    world.announce_lock(lock, asked.at, deleted=False)
    return done()


def delete(world: World, asked: Asked) -> Response:
    """DELETE /smartlock/{smartlockId}: the lock leaves the account; its memory stays as it is."""
    lock = world.lock(asked.path["smartlockId"])
    del world.locks[lock.id]
    world.lock_views.drop(lock.id, asked.at)
    for auth in world.auths_on(lock):
        world.auths.drop(auth.id, asked.at)
    world.announce_lock(lock, asked.at, deleted=True)
    return done()


def act(world: World, asked: Asked) -> Response:
    """POST /smartlock/{smartlockId}/action."""
    lock, action = wanted_action(world, asked)
    actions.start(world, world.visits, lock, action, asked.call, asked.fault)
    return done()


def lock_it(world: World, asked: Asked) -> Response:
    """POST /smartlock/{smartlockId}/action/lock."""
    actions.start(world, world.visits, movable(world, asked, LOCK), LOCK, asked.call, asked.fault)
    return done()


def unlock_it(world: World, asked: Asked) -> Response:
    """POST /smartlock/{smartlockId}/action/unlock."""
    actions.start(world, world.visits, movable(world, asked, UNLOCK), UNLOCK, asked.call, asked.fault)
    return done()


def sync(world: World, asked: Asked) -> Response:
    """POST /smartlock/{smartlockId}/sync: reaches the lock as late as a write does, or not at all."""
    lock = world.lock(asked.path["smartlockId"])
    due_at = world.after(world.switches.write_delay_seconds)
    world.effects.at(due_at, lambda at: syncing.sync(world, lock, at))
    return done()


def configure(part: str) -> Callable[[World, Asked], Response]:
    """POST .../config and its like: the fields given replace those of `part` of the lock's JSON."""

    def configured(world: World, asked: Asked) -> Response:
        lock, fields = world.lock(asked.path["smartlockId"]), asked.fields()
        if not fields or (part != "config" and part not in lock.configs):
            raise bad_parameter("entity", None)
        _checked_auto_lock(fields)
        due_at = world.after(world.switches.write_delay_seconds)
        world.effects.at(due_at, lambda at: _configure(world, lock, part, fields, at))
        return done()

    return configured


def set_admin_code(world: World, asked: Asked) -> Response:
    """POST /smartlock/{smartlockId}/admin/pin."""
    lock, code = world.lock(asked.path["smartlockId"]), asked.fields().get("adminPin")
    if isinstance(code, bool) or not isinstance(code, int) or not 0 <= code <= 9999:
        raise bad_parameter("adminPin", code)
    lock.admin_code, lock.admin_pin_state = code, 0
    world.touch(lock, asked.at)
    return done()


def log_of_all(world: World, asked: Asked) -> Response:
    """GET /smartlock/log: leaves out the locks that have no subscription."""
    served = {lock.id for lock in world.locks.values() if world.is_served(lock)}
    return _logged(asked, [entry for entry in world.log if entry.lock_id in served])


def log_of_lock(world: World, asked: Asked) -> Response:
    """GET /smartlock/{smartlockId}/log."""
    lock = world.lock(asked.path["smartlockId"], needs_subscription=True)
    return _logged(asked, [entry for entry in world.log if entry.lock_id == lock.id])


def wanted_action(world: World, asked: Asked) -> tuple[Lock, int]:
    """The lock and the action of a call. Raises Refused: 400, 404, 423, or the subscription wall."""
    lock, fields = world.lock(asked.path["smartlockId"], needs_subscription=True), asked.fields()
    action, option = fields.get("action"), fields.get("option")
    if isinstance(action, bool) or not isinstance(action, int) or action not in _ACTIONS:
        raise bad_parameter("action", action)
    if option not in _OPTIONS:
        raise bad_parameter("option", option)
    if lock.operation_id is not None:
        raise locked()
    return lock, action


def movable(world: World, asked: Asked, action: int) -> Lock:
    """The lock of a call without a body. Raises Refused: 404, 405, 423, or the subscription wall."""
    lock = world.lock(asked.path["smartlockId"], needs_subscription=True)
    if action == LOCK and lock.type in {BOX, OPENER}:
        raise not_allowed()
    if lock.operation_id is not None:
        raise locked()
    return lock


def _checked_auto_lock(fields: dict[str, Any]) -> None:
    is_on, seconds = fields.get("autoLock", False), fields.get("autoLockTimeout", 0)
    if not isinstance(is_on, bool):
        raise bad_parameter("autoLock", is_on)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 0:
        raise bad_parameter("autoLockTimeout", seconds)


def _configure(world: World, lock: Lock, part: str, fields: dict[str, Any], at: datetime) -> None:
    if not lock.is_reachable or lock.id not in world.locks:
        return
    lock.configure(part, fields)
    world.touch(lock, at)
    world.hooks.announce("DEVICE_CONFIG", {"smartlockId": lock.id, "config": lock.json(at)["config"]}, at)


def _views(world: World, seen_at: datetime | None, now: datetime) -> list[dict[str, Any]]:
    if seen_at is None:
        return [lock.json(now) for lock in world.locks.values()]
    return world.lock_views.as_of(seen_at)


def _logged(asked: Asked, entries: list[LogEntry]) -> Response:
    entries = sorted(entries, key=lambda entry: (entry.at, entry.id), reverse=True)
    if (older_than := asked.query.get("id")) is not None:
        following = dropwhile(lambda entry: entry.id != older_than, entries)
        entries = list(following)[1:]
    wanted = [entry for entry in entries if _is_wanted(asked, entry)]
    limit = asked.number("limit")
    most = _LOGGED if limit is None else max(0, min(limit, _MOST_LOGGED))
    return json([entry.json() for entry in wanted[:most]])


def _is_wanted(asked: Asked, entry: LogEntry) -> bool:
    auth_id, user, action = asked.query.get("authId"), asked.number("accountUserId"), asked.number("action")
    begins, ends = asked.instant("fromDate"), asked.instant("toDate")
    seen_at = asked.seen_at
    return (
        (auth_id is None or entry.auth_id == auth_id)
        and (user is None or entry.account_user_id == user)
        and (action is None or entry.action == action)
        and (begins is None or entry.at >= begins)
        and (ends is None or entry.at <= ends)
        and (seen_at is None or entry.at <= seen_at)
    )
