"""The sync: the cloud's cache of a lock's authorizations becomes what the device holds. Knows no HTTP."""

from dataclasses import replace
from datetime import datetime, timedelta

from lockstep.vendors.nuki.emulator.cloud import Cloud
from lockstep.vendors.nuki.emulator.grants import Auth
from lockstep.vendors.nuki.emulator.locks import Lock

_DAY = timedelta(days=1)


def sync(cloud: Cloud, lock: Lock, at: datetime) -> None:
    """Read the device, if it can be reached. Records with an operation pending are left to that operation."""
    if not lock.is_reachable:
        return
    for auth in cloud.auths_on(lock):
        if auth.operation_id is None:
            _refresh(cloud, lock, auth, at)
    known = {auth.device_id for auth in cloud.auths_on(lock)}
    for device_id, grant in lock.held.items():
        if device_id not in known:
            cloud.keep(Auth(cloud.new_object_id(), lock.id, grant, at, at, device_id=device_id), at)
    lock.report()
    cloud.touch(lock, at)


def sync_daily(cloud: Cloud) -> None:
    """Sync every lock once a day, for ever, from the next time of day that the settings name."""
    cloud.effects.at(_next_daily(cloud, cloud.clock.now()), lambda at: _all(cloud, at))


def _all(cloud: Cloud, at: datetime) -> None:
    for lock in cloud.locks.values():
        sync(cloud, lock, at)
    # A clock that leaps over months leaves one sync behind, not a hundred.
    next_at = max(_next_daily(cloud, at), _next_daily(cloud, cloud.clock.now() - _DAY))
    cloud.effects.at(next_at, lambda due: _all(cloud, due))


def _next_daily(cloud: Cloud, after: datetime) -> datetime:
    midnight = after.replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight + timedelta(minutes=cloud.switches.daily_sync_minute)
    return at if at > after else at + _DAY


def _refresh(cloud: Cloud, lock: Lock, auth: Auth, at: datetime) -> None:
    held = None if auth.device_id is None else lock.held.get(auth.device_id)
    if held is None:
        cloud.strike_out(auth, at)
    elif held != auth.grant or auth.is_ghost or auth.error is not None:
        cloud.keep(replace(auth, grant=held, updated_at=at, is_ghost=False, error=None), at)
