"""Calls that write: codes by id, slot and person, digits that the vendor computes."""

from starlette.responses import Response

from lockstep.vendors.virtual.emulator.asked import Asked
from lockstep.vendors.virtual.emulator.bodies import code_of, read_body
from lockstep.vendors.virtual.emulator.issuing import issue
from lockstep.vendors.virtual.emulator.records import Code, Lock
from lockstep.vendors.virtual.emulator.replies import (
    Refused,
    json,
    malformed,
    not_found,
    rule_broken,
    unsupported,
)
from lockstep.vendors.virtual.emulator.world import MOST_SLOTS, slot_reference
from lockstep.vendors.virtual.emulator.writes import Taken, put, remove


def add_code(asked: Asked) -> Response:
    lock = asked.lock()
    _served(asked, lock, "id")
    code = code_of(read_body(asked.raw), [lock], asked.world.new_reference(lock), asked.now)
    return _taken(lock, put(asked.world, code, None, asked.fault), status=201)


def change_code(asked: Asked) -> Response:
    held = _code(asked, asked.path["code"])
    lock = asked.world.lock(held.locks[0])
    _served(asked, lock, "id", is_change=True)
    code = code_of(read_body(asked.raw), [lock], held.reference, asked.now, held=held)
    return _taken(lock, put(asked.world, code, held, asked.fault))


def delete_code(asked: Asked) -> Response:
    held = _code(asked, asked.path["code"])
    lock = asked.world.lock(held.locks[0])
    _served(asked, lock, "id")
    return _taken(lock, remove(asked.world, held, asked.fault), status=204)


def fill_slot(asked: Asked) -> Response:
    lock, slot = asked.lock(), _slot(asked)
    _served(asked, lock, "slot")
    body, reference = read_body(asked.raw), slot_reference(lock, slot)
    held = asked.world.codes.get(reference)
    if held is not None and body.only_if_empty:
        raise Refused(409, "occupied", f"Slot {slot} of {lock.id} is not empty.")
    if held is not None and not lock.features.updates:
        raise unsupported("change a code; delete it first")
    code = code_of(body, [lock], reference, asked.now, slot=slot, held=held)
    return _taken(lock, put(asked.world, code, held, asked.fault))


def empty_slot(asked: Asked) -> Response:
    lock = asked.lock()
    _served(asked, lock, "slot")
    held = _code(asked, slot_reference(lock, _slot(asked)))
    return _taken(lock, remove(asked.world, held, asked.fault), status=204)


def add_person(asked: Asked) -> Response:
    body = read_body(asked.raw)
    locks = _doors(asked, body.locks)
    code = code_of(body, locks, asked.world.new_reference(locks[0]), asked.now)
    return _taken(locks[0], put(asked.world, code, None, asked.fault), status=201)


def change_person(asked: Asked) -> Response:
    held, body = _code(asked, asked.path["person"]), read_body(asked.raw)
    locks = _doors(asked, body.locks)
    code = code_of(body, locks, held.reference, asked.now, held=held)
    return _taken(locks[0], put(asked.world, code, held, asked.fault))


def delete_person(asked: Asked) -> Response:
    held = _code(asked, asked.path["person"])
    lock = asked.world.lock(held.locks[0])
    _served(asked, lock, "person")
    return _taken(lock, remove(asked.world, held, asked.fault), status=204)


def issue_code(asked: Asked) -> Response:
    lock = asked.lock()
    _served(asked, lock, lock.features.addressing)
    taken = issue(asked.world, lock, read_body(asked.raw), asked.fault)
    return _taken(lock, taken, status=201, with_digits=True)


def _served(asked: Asked, lock: Lock, addressing: str, *, is_change: bool = False) -> None:
    if not (asked.world.switches.has_subscription and lock.has_subscription):
        raise Refused(402, "subscription_required", "The account's subscription has ended.")
    if "code" not in lock.features.credentials:
        raise unsupported("hold codes")
    if lock.features.addressing != addressing:
        raise unsupported(f"be addressed by {addressing}, but by {lock.features.addressing}")
    if is_change and not lock.features.updates:
        raise unsupported("change a code; delete it first")


def _code(asked: Asked, reference: str) -> Code:
    held = asked.world.codes.get(reference)
    if held is None:
        raise not_found(f"code {reference}")
    return held


def _slot(asked: Asked) -> int:
    lock, text = asked.lock(), asked.path["slot"]
    most = lock.features.places or MOST_SLOTS
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise not_found(f"slot {text} of {lock.id}, they go from 1 to {most}")
    return int(text)


def _doors(asked: Asked, ids: tuple[str, ...] | None) -> list[Lock]:
    locks = [asked.world.lock(id) for id in dict.fromkeys(ids or ())]
    if not locks:
        raise malformed("The locks are missing.")
    for lock in locks:
        _served(asked, lock, "person")
    if len({lock.site for lock in locks}) > 1 or len(locks) > locks[0].features.locks_per_code:
        raise rule_broken("A person's doors are of one site, and not more than locks_per_code.")
    return locks


def _taken(lock: Lock, taken: Taken, *, status: int = 200, with_digits: bool = False) -> Response:
    features = lock.features
    if taken.job is not None:
        return json({"job": taken.job.json(features.settling_seconds / 2)}, 202)
    if taken.code is None:
        return Response(status_code=204) if status == 204 else json({}, status)
    return json({"code": taken.code.json(lock, with_digits=with_digits)}, status)
