"""Calls about authorizations: list, create, change, delete; one lock or many at once."""

from typing import Any

from starlette.responses import Response

from lockstep.vendors.nuki.emulator import bodies
from lockstep.vendors.nuki.emulator.asked import Asked
from lockstep.vendors.nuki.emulator.grants import KEYPAD_CODE, Auth, Grant
from lockstep.vendors.nuki.emulator.locks import Lock
from lockstep.vendors.nuki.emulator.replies import bad_parameter, conflict, done, json, locked, not_found
from lockstep.vendors.nuki.emulator.world import World


def list_all(world: World, asked: Asked) -> Response:
    """GET /smartlock/auth: leaves out the locks that have no subscription."""
    user, types = asked.number("accountUserId"), asked.numbers("types")
    served = {lock.id for lock in world.locks.values() if world.is_served(lock)}
    auths = [auth for auth in _seen(world, asked) if auth.lock_id in served and _is_of(auth, user)]
    return _listed(world, auths, types)


def list_on_lock(world: World, asked: Asked) -> Response:
    """GET /smartlock/{smartlockId}/auth."""
    lock = world.lock(asked.path["smartlockId"], needs_subscription=True)
    auths = [auth for auth in _seen(world, asked) if auth.lock_id == lock.id]
    return _listed(world, auths, asked.numbers("types"))


def read(world: World, asked: Asked) -> Response:
    """GET /smartlock/{smartlockId}/auth/{id}."""
    lock = world.lock(asked.path["smartlockId"], needs_subscription=True)
    auth = next((auth for auth in _seen(world, asked) if auth.id == asked.path["id"]), None)
    if auth is None or auth.lock_id != lock.id:
        raise not_found()
    return json(auth.json(returns_digits=world.switches.returns_digits))


def create_on_lock(world: World, asked: Asked) -> Response:
    """PUT /smartlock/{smartlockId}/auth."""
    _create(world, asked, [world.lock(asked.path["smartlockId"], needs_subscription=True)])
    return done()


def create_on_locks(world: World, asked: Asked) -> Response:
    """PUT /smartlock/auth: all of the locks or none."""
    _create(world, asked, wanted_locks(world, asked.fields()))
    return done()


def change(world: World, asked: Asked) -> Response:
    """POST /smartlock/{smartlockId}/auth/{id}."""
    auth = _found(world, asked)
    grant = _checked_change(world, auth, asked.body())
    _change(world, asked, auth, grant, asked.body())
    return done()


def change_many(world: World, asked: Asked) -> Response:
    """POST /smartlock/auth: all of them or none."""
    bodies_ = asked.body()
    if not isinstance(bodies_, list) or not all(isinstance(body, dict) for body in bodies_):
        raise bad_parameter("entity", None)
    auths = [_by_id(world, body.get("id")) for body in bodies_]
    grants = [_checked_change(world, auth, body) for auth, body in zip(auths, bodies_, strict=True)]
    for auth, grant, body in zip(auths, grants, bodies_, strict=True):
        _change(world, asked, auth, grant, body)
    return done()


def delete(world: World, asked: Asked) -> Response:
    """DELETE /smartlock/{smartlockId}/auth/{id}."""
    auth = _found(world, asked)
    if auth.operation_id is not None:
        raise locked()
    world.writes.delete(auth, asked.call, asked.fault)
    return done()


def delete_many(world: World, asked: Asked) -> Response:
    """DELETE /smartlock/auth, with an array of ids as its body: all of them or none."""
    ids = asked.body()
    if not isinstance(ids, list):
        raise bad_parameter("entity", None)
    auths = [_by_id(world, id) for id in dict.fromkeys(map(str, ids))]
    if any(auth.operation_id is not None for auth in auths):
        raise locked()
    for auth in auths:
        world.writes.delete(auth, asked.call, asked.fault)
    return done()


def wanted_locks(world: World, fields: dict[str, Any]) -> list[Lock]:
    """The locks of `smartlockIds`. Raises Refused: 400, 404, or the subscription wall."""
    ids = fields.get("smartlockIds")
    if not isinstance(ids, list) or not ids:
        raise bad_parameter("smartlockIds", ids)
    return [world.lock(id, needs_subscription=True) for id in dict.fromkeys(ids)]


def checked_creation(world: World, locks: list[Lock], body: Any, *, needs_account_user: bool = True) -> Grant:
    """The grant that a create asks for. Raises Refused where one of the locks cannot have it."""
    grant = bodies.creation(body, locks, needs_account_user=needs_account_user)
    if grant.account_user_id is not None and grant.account_user_id not in world.users:
        raise bad_parameter("accountUserId", grant.account_user_id)
    for lock in locks:
        _check_unique(world, lock, grant, but=None)
        codes = [auth for auth in world.auths_on(lock) if auth.grant.type == KEYPAD_CODE]
        is_full = grant.type == KEYPAD_CODE and len(codes) >= lock.most_codes
        if is_full and world.switches.full_refused_by == "cloud":
            raise conflict()
    return grant


def _create(world: World, asked: Asked, locks: list[Lock]) -> None:
    body = asked.body()
    grant = checked_creation(world, locks, body)
    for lock in locks:
        limited = bodies.is_fully_limited(body)
        world.writes.create(lock, grant, asked.call, asked.fault, limited=limited)


def _checked_change(world: World, auth: Auth, body: Any) -> Grant:
    grant = bodies.change(body, auth.grant)
    if auth.operation_id is None:
        _check_unique(world, world.locks[auth.lock_id], grant, but=auth.id)
    elif not world.writes.would_swallow(auth):
        raise locked()
    return grant


def _change(world: World, asked: Asked, auth: Auth, grant: Grant, body: Any) -> None:
    if auth.operation_id is not None:
        world.writes.swallow(asked.call)
        return
    limited = bodies.is_fully_limited(body)
    world.writes.update(auth, grant, asked.call, asked.fault, limited=limited)


def _check_unique(world: World, lock: Lock, grant: Grant, *, but: str | None) -> None:
    """Digits count as taken by presence, enabled or not, expired or not; a person has one app per lock."""
    others = [auth for auth in world.auths_on(lock) if auth.id != but]
    if grant.code is not None and any(other.grant.code == grant.code for other in others):
        raise conflict()
    if grant.type != KEYPAD_CODE and grant.account_user_id is not None:
        mine = (grant.type, grant.account_user_id)
        if any((other.grant.type, other.grant.account_user_id) == mine for other in others):
            raise conflict()


def _found(world: World, asked: Asked) -> Auth:
    lock = world.lock(asked.path["smartlockId"], needs_subscription=True)
    auth = world.auths.get(asked.path["id"])
    if auth is None or auth.lock_id != lock.id:
        raise not_found()
    return auth


def _by_id(world: World, id: Any) -> Auth:
    auth = world.auths.get(str(id))
    if auth is None:
        raise bad_parameter("id", id)
    world.lock(auth.lock_id, needs_subscription=True)
    return auth


def _seen(world: World, asked: Asked) -> list[Auth]:
    return list(world.auths) if asked.seen_at is None else world.auths.as_of(asked.seen_at)


def _is_of(auth: Auth, user: int | None) -> bool:
    if user is None:
        return True
    return auth.grant.account_user_id is None if user < 0 else auth.grant.account_user_id == user


def _listed(world: World, auths: list[Auth], types: frozenset[int] | None) -> Response:
    shown = [auth for auth in auths if types is None or auth.grant.type in types]
    return json([auth.json(returns_digits=world.switches.returns_digits) for auth in shown])
