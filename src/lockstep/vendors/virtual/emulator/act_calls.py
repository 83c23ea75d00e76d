"""Calls that ask a lock to act now: open, lock, auto lock. The lock itself answers them."""

import math

import msgspec
from starlette.responses import Response

from lockstep.vendors.virtual.emulator.asked import Asked
from lockstep.vendors.virtual.emulator.records import Lock
from lockstep.vendors.virtual.emulator.replies import (
    Refused,
    json,
    lock_offline,
    malformed,
    rule_broken,
    unsupported,
)

_LONGEST_DELAY = 3600.0


class _AutoLockBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    enabled: bool
    delay_seconds: float | None = None


def unlock(asked: Asked) -> Response:
    lock = asked.lock()
    _asked_of(lock, lock.features.unlocks, "be opened from afar")
    asked.world.open(lock, asked.now)
    lock.seen_at = asked.now
    asked.world.visit(lock, True, "remote", None, asked.now)
    return json({"opened_at": asked.now})


def lock(asked: Asked) -> Response:
    lock = asked.lock()
    _asked_of(lock, lock.features.locks, "be locked from afar")
    if lock.features.door_sensor and lock.is_door_open:
        raise Refused(422, "door_open", "The door stands open.")
    lock.is_locked, lock.seen_at = True, asked.now
    return json({"locked_at": asked.now})


def configure_auto_lock(asked: Asked) -> Response:
    lock = asked.lock()
    _asked_of(lock, lock.features.auto_locks, "lock by itself")
    try:
        body = msgspec.json.decode(asked.raw, type=_AutoLockBody)
    except msgspec.DecodeError as error:
        raise malformed(str(error)) from error
    delay = lock.auto_lock_seconds if body.delay_seconds is None else body.delay_seconds
    if not (math.isfinite(delay) and 1 <= delay <= _LONGEST_DELAY):
        raise rule_broken(f"delay_seconds lies between 1 and {_LONGEST_DELAY:.0f}.")
    lock.has_auto_lock, lock.auto_lock_seconds, lock.seen_at = body.enabled, delay, asked.now
    return json({"auto_lock": {"enabled": body.enabled, "delay_seconds": delay}})


def _asked_of(lock: Lock, can: bool, what: str) -> None:
    if not can:
        raise unsupported(what)
    if not lock.is_online:
        raise lock_offline(lock.id)
