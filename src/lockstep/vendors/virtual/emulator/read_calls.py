"""Calls that read, and those about hooks, which change no lock."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec
from starlette.responses import Response

from lockstep.emulation.faults import FaultKind
from lockstep.emulation.outbox import is_loopback
from lockstep.vendors.virtual.emulator.asked import Asked
from lockstep.vendors.virtual.emulator.cloud import Hook
from lockstep.vendors.virtual.emulator.records import Code, Lock
from lockstep.vendors.virtual.emulator.replies import (
    Refused,
    json,
    malformed,
    not_found,
    rule_broken,
    unsupported,
)

_LOG_PAGE = 200


def account(asked: Asked) -> Response:
    return json(
        {
            "account": asked.world.switches.account,
            "subscription": asked.world.switches.has_subscription,
            "locks": [lock.json() for lock in asked.world.locks.values()],
            "people": msgspec.to_builtins(asked.world.switches.people),
        }
    )


def account_codes(asked: Asked) -> Response:
    locks = list(asked.world.locks.values())
    if not all(lock.features.lists_account for lock in locks):
        raise unsupported("be listed with the whole account; ask lock by lock")
    return _listing(asked, locks)


def lock_codes(asked: Asked) -> Response:
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


def job(asked: Asked) -> Response:
    job = asked.world.jobs.get(asked.path["job"])
    if job is None:
        raise not_found(f"job {asked.path['job']}")
    features = asked.world.lock(job.locks[0]).features
    return json({"job": job.json(features.settling_seconds / 2)})


def log(asked: Asked) -> Response:
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


def hooks(asked: Asked) -> Response:
    return json({"hooks": [{"id": hook.id, "url": hook.url} for hook in asked.world.hooks.values()]})


def add_hook(asked: Asked) -> Response:
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


def delete_hook(asked: Asked) -> Response:
    asked.world.hooks.pop(asked.path["hook"], None)
    return Response(status_code=204)
