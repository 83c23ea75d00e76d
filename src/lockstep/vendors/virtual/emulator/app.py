"""The virtual vendor's HTTP API: routes, tokens, pages. What each call means stands in README.md.

`build` gives the application with its control surface and its gate.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lockstep.emulation.control import control_routes
from lockstep.emulation.faults import Fault, FaultKind
from lockstep.emulation.gate import FAULT, Gate
from lockstep.emulation.outbox import is_loopback
from lockstep.kit.clock import Clock
from lockstep.vendors.virtual.emulator.bodies import code_of, read_body
from lockstep.vendors.virtual.emulator.cloud import Hook
from lockstep.vendors.virtual.emulator.issuing import issue
from lockstep.vendors.virtual.emulator.records import Code, Lock
from lockstep.vendors.virtual.emulator.replies import (
    Refused,
    failed,
    json,
    lock_offline,
    malformed,
    not_found,
    refused,
    rule_broken,
    too_many,
    unauthorized,
    unsupported,
)
from lockstep.vendors.virtual.emulator.world import MOST_SLOTS, VirtualWorld, create_world, slot_reference
from lockstep.vendors.virtual.emulator.writes import Taken, put, remove

_LOG_PAGE = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """One call to the API, its token checked and everything due settled."""

    world: VirtualWorld
    path: dict[str, str]
    query: dict[str, str]
    raw: bytes
    fault: Fault | None
    now: datetime

    def lock(self) -> Lock:
        """The lock that the path names."""
        return self.world.lock(self.path["lock"])


Answer = Callable[[Asked], Response]


def build(clock: Clock, world: VirtualWorld | None = None, *, model: str = "plain", locks: int = 3) -> Gate:
    """The application (ASGI) around `world`, or around one made anew with `locks` locks of `model`."""
    world = world or create_world(clock, model, locks=locks)
    routes = [Route(path, _endpoint(world, answer), methods=[method]) for method, path, answer in _TABLE]
    app = Starlette(routes=[*control_routes(world), *routes])
    return Gate(app, world, too_fast=too_many, error=failed)


def _endpoint(world: VirtualWorld, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        with world.settled() as now:
            try:
                if scheme.lower() != "bearer" or token not in world.switches.tokens:
                    raise unauthorized()  # one place words every refusal
                fault = request.scope.get(FAULT)
                asked = Asked(world, dict(request.path_params), dict(request.query_params), raw, fault, now)
                return answer(asked)
            except Refused as refusal:
                return refused(refusal)

    return endpoint


def _account(asked: Asked) -> Response:
    return json(
        {
            "account": asked.world.switches.account,
            "subscription": asked.world.switches.has_subscription,
            "locks": [lock.json() for lock in asked.world.locks.values()],
        }
    )


def _account_codes(asked: Asked) -> Response:
    locks = list(asked.world.locks.values())
    if not all(lock.features.lists_account for lock in locks):
        raise unsupported("be listed with the whole account; ask lock by lock")
    return _listing(asked, locks)


def _lock_codes(asked: Asked) -> Response:
    return _listing(asked, [asked.lock()])


def _listing(asked: Asked, locks: list[Lock]) -> Response:
    """Codes that any of the locks has, in pages; locks that cannot be read now stand in `unread`."""
    readable = {lock.id: lock for lock in locks if lock.is_online or not lock.nature.reads_live}
    held = []
    for code in _held(asked):
        first = next((readable[id] for id in code.locks if id in readable), None)
        if first is not None and first.features.shows != "none":
            held.append((code, first))
    begin, size = _begin(asked, held), asked.world.switches.page_size
    shown, is_last = held[begin : begin + size], begin + size >= len(held)
    return json(
        {
            "locks": [lock.json() for lock in locks] if begin == 0 else [],
            "unread": [lock.id for lock in locks if lock.id not in readable],
            "codes": [code.json(first) for code, first in shown],
            "next": None if is_last else shown[-1][0].reference,
        }
    )


def _held(asked: Asked) -> Iterable[Code]:
    if asked.fault is not None and asked.fault.kind is FaultKind.STALE:
        return asked.world.codes.as_of(asked.now - timedelta(seconds=asked.fault.seconds))
    return asked.world.codes


def _begin(asked: Asked, held: list[tuple[Code, Lock]]) -> int:
    """Where a page begins: after the code that the cursor names."""
    cursor = asked.query.get("cursor")
    if cursor is None:
        return 0
    for index, (code, _) in enumerate(held):
        if code.reference == cursor:
            return index + 1
    raise Refused(410, "cursor_gone", "The listing has changed; begin anew.")


def _add_code(asked: Asked) -> Response:
    lock = asked.lock()
    _served(asked, lock, "id")
    code = code_of(read_body(asked.raw), [lock], asked.world.new_reference(lock), asked.now)
    return _taken(lock, put(asked.world, code, None, asked.fault), status=201)


def _change_code(asked: Asked) -> Response:
    held = _code(asked, asked.path["code"])
    lock = asked.world.lock(held.locks[0])
    _served(asked, lock, "id", is_change=True)
    code = code_of(read_body(asked.raw), [lock], held.reference, asked.now)
    return _taken(lock, put(asked.world, code, held, asked.fault))


def _delete_code(asked: Asked) -> Response:
    held = _code(asked, asked.path["code"])
    lock = asked.world.lock(held.locks[0])
    _served(asked, lock, "id")
    return _taken(lock, remove(asked.world, held, asked.fault), status=204)


def _fill_slot(asked: Asked) -> Response:
    lock, slot = asked.lock(), _slot(asked)
    _served(asked, lock, "slot")
    body, reference = read_body(asked.raw), slot_reference(lock, slot)
    held = asked.world.codes.get(reference)
    if held is not None and body.only_if_empty:
        raise Refused(409, "occupied", f"Slot {slot} of {lock.id} is not empty.")
    if held is not None and not lock.features.updates:
        raise unsupported("change a code; delete it first")
    code = code_of(body, [lock], reference, asked.now, slot=slot)
    return _taken(lock, put(asked.world, code, held, asked.fault))


def _empty_slot(asked: Asked) -> Response:
    lock = asked.lock()
    _served(asked, lock, "slot")
    held = _code(asked, slot_reference(lock, _slot(asked)))
    return _taken(lock, remove(asked.world, held, asked.fault), status=204)


def _add_person(asked: Asked) -> Response:
    body = read_body(asked.raw)
    locks = _doors(asked, body.locks)
    code = code_of(body, locks, asked.world.new_reference(locks[0]), asked.now)
    return _taken(locks[0], put(asked.world, code, None, asked.fault), status=201)


def _change_person(asked: Asked) -> Response:
    held, body = _code(asked, asked.path["person"]), read_body(asked.raw)
    locks = _doors(asked, body.locks)
    code = code_of(body, locks, held.reference, asked.now)
    return _taken(locks[0], put(asked.world, code, held, asked.fault))


def _delete_person(asked: Asked) -> Response:
    held = _code(asked, asked.path["person"])
    lock = asked.world.lock(held.locks[0])
    _served(asked, lock, "person")
    return _taken(lock, remove(asked.world, held, asked.fault), status=204)


def _issue(asked: Asked) -> Response:
    lock = asked.lock()
    _served(asked, lock, lock.features.addressing)
    taken = issue(asked.world, lock, read_body(asked.raw), asked.fault)
    return _taken(lock, taken, status=201, with_digits=True)


def _job(asked: Asked) -> Response:
    job = asked.world.jobs.get(asked.path["job"])
    if job is None:
        raise not_found(f"job {asked.path['job']}")
    features = asked.world.lock(job.locks[0]).features
    return json({"job": job.json(features.settling_seconds / 2)})


def _unlock(asked: Asked) -> Response:
    lock = asked.lock()
    if not lock.features.unlocks:
        raise unsupported("be opened from afar")
    if not lock.is_online:
        raise lock_offline(lock.id)
    lock.is_locked = False
    lock.seen_at = asked.now
    asked.world.visit(lock, True, "remote", None, asked.now)
    return json({"opened_at": asked.now})


def _log(asked: Asked) -> Response:
    since = asked.query.get("since")
    try:
        after = msgspec.convert(since, datetime) if since else None
    except msgspec.ValidationError as error:
        raise malformed(str(error)) from error
    last = asked.query.get("after", "0")
    if not (last.isascii() and last.isdigit()):
        raise malformed("after is the id of a visit.")
    lines = [
        visit for visit in asked.world.log if (after is None or visit.at > after) and visit.id > int(last)
    ]
    return json({"visits": [visit.json() for visit in lines[:_LOG_PAGE]], "more": len(lines) > _LOG_PAGE})


def _hooks(asked: Asked) -> Response:
    return json({"hooks": [{"id": hook.id, "url": hook.url} for hook in asked.world.hooks.values()]})


def _add_hook(asked: Asked) -> Response:
    try:
        url = msgspec.json.decode(asked.raw, type=dict[str, str]).get("url", "")
    except msgspec.DecodeError as error:
        raise malformed(str(error)) from error
    if urlsplit(url).scheme != "https" and not is_loopback(url):
        raise rule_broken("The url has to be https (http on loopback).")
    number = asked.world.new_number()
    hook = Hook(f"hook_{number}", url, f"virtual-hook-secret-{number}")
    asked.world.hooks[hook.id] = hook
    return json({"id": hook.id, "url": hook.url, "secret": hook.secret}, 201)


def _delete_hook(asked: Asked) -> Response:
    asked.world.hooks.pop(asked.path["hook"], None)
    return Response(status_code=204)


def _served(asked: Asked, lock: Lock, addressing: str, *, is_change: bool = False) -> None:
    if not asked.world.switches.has_subscription:
        raise Refused(402, "subscription_required", "The account's subscription has ended.")
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


_TABLE: list[tuple[str, str, Answer]] = [
    ("GET", "/v1/account", _account),
    ("GET", "/v1/codes", _account_codes),
    ("GET", "/v1/locks/{lock}/codes", _lock_codes),
    ("POST", "/v1/locks/{lock}/codes", _add_code),
    ("PUT", "/v1/codes/{code}", _change_code),
    ("DELETE", "/v1/codes/{code}", _delete_code),
    ("PUT", "/v1/locks/{lock}/slots/{slot}", _fill_slot),
    ("DELETE", "/v1/locks/{lock}/slots/{slot}", _empty_slot),
    ("POST", "/v1/persons", _add_person),
    ("PUT", "/v1/persons/{person}", _change_person),
    ("DELETE", "/v1/persons/{person}", _delete_person),
    ("POST", "/v1/locks/{lock}/issued", _issue),
    ("GET", "/v1/jobs/{job}", _job),
    ("POST", "/v1/locks/{lock}/unlock", _unlock),
    ("GET", "/v1/log", _log),
    ("GET", "/v1/hooks", _hooks),
    ("POST", "/v1/hooks", _add_hook),
    ("DELETE", "/v1/hooks/{hook}", _delete_hook),
]
