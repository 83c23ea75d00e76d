"""The control surface of every emulator, below `/_emulator`: what a tester does to vendor, lock and time.

Speaks HTTP and calls one method of the emulated world each; the same methods serve tests in Python.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lockstep.emulation.clock import VirtualClock
from lockstep.emulation.door import Entered
from lockstep.emulation.faults import Fault
from lockstep.emulation.gate import CONTROL, Gated


class NothingThere(LookupError):
    """The emulator has no such lock, code or rule."""

    code = "nothing_there"


class NotSettable(ValueError):
    """The emulator cannot be set like that."""

    code = "not_settable"


class Emulated(Gated, Protocol):
    """What the control surface needs of an emulated world. Every method settles what is due first.

    Lock ids are text, whatever the vendor's are. Locks and codes are given and returned as the vendor's
    emulator documents. Raises NothingThere and NotSettable.
    """

    def settle(self) -> None: ...
    def settings(self) -> dict[str, Any]: ...
    def change_settings(self, changes: Mapping[str, Any]) -> None: ...
    def lock_ids(self) -> list[str]: ...
    def add_lock(self, wanted: Mapping[str, Any]) -> str: ...
    def lock_state(self, lock_id: str) -> dict[str, Any]: ...
    def change_lock(self, lock_id: str, changes: Mapping[str, Any]) -> None: ...
    def take_offline(self, lock_id: str) -> None: ...
    def bring_online(self, lock_id: str) -> None: ...
    def enter(self, lock_id: str, code: str) -> Entered: ...
    def put_code_in_app(self, lock_id: str, reference: str | None, code: Mapping[str, Any]) -> str: ...
    def delete_code_in_app(self, lock_id: str, reference: str) -> None: ...


Answer = Callable[["Asked"], Any]


class Asked:
    """One request to the control surface, read."""

    def __init__(self, world: Emulated, path: Mapping[str, str], body: Any) -> None:
        self.world = world
        self.path = path
        self.body = body

    def fields(self) -> dict[str, Any]:
        """The body, which has to be an object."""
        if not isinstance(self.body, dict):
            raise NotSettable("The body has to be a JSON object.")
        return self.body


@cache
def control_routes() -> tuple[Route, ...]:
    """The routes of the control surface, the same for all worlds: an application says which is its own by
    `app.state.world`. Bodies are JSON both ways; nothing to say is 204."""
    return tuple(control_route(method, path, answer) for method, path, answer in _TABLE)


def control_route(method: str, path: str, answer: Answer) -> Route:
    """One more route, for what a single vendor has."""
    return Route(f"{CONTROL}{path}", _endpoint(answer), methods=[method])


def _endpoint(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        try:
            body = msgspec.json.decode(raw) if raw else {}
            said = answer(Asked(request.app.state.world, request.path_params, body))
        except NothingThere as error:
            return _json({"error": error.code, "detail": str(error)}, 404)
        except (NotSettable, msgspec.DecodeError) as error:
            return _json({"error": "not_settable", "detail": str(error)}, 400)
        return Response(status_code=204) if said is None else _json(said)

    return endpoint


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def _read_journal(asked: Asked) -> Any:
    return {"calls": [msgspec.to_builtins(call) for call in asked.world.journal]}


def _clear_journal(asked: Asked) -> None:
    asked.world.journal.clear()


def _read_faults(asked: Asked) -> Any:
    standing = asked.world.faults.in_force()
    return {
        "faults": [{"id": id, "left": left, **msgspec.to_builtins(fault)} for id, fault, left in standing]
    }


def _add_fault(asked: Asked) -> Any:
    return {"id": asked.world.faults.add(msgspec.convert(asked.fields(), Fault))}


def _clear_faults(asked: Asked) -> None:
    asked.world.faults.clear()


def _remove_fault(asked: Asked) -> None:
    if not asked.world.faults.remove(asked.path["fault_id"]):
        raise NothingThere(f"No fault {asked.path['fault_id']} is in force; GET {CONTROL}/faults lists them.")


def _read_clock(asked: Asked) -> Any:
    clock = asked.world.clock
    return {"now": clock.now(), "virtual": isinstance(clock, VirtualClock)}


def _move_clock(asked: Asked) -> Any:
    clock = asked.world.clock
    if not isinstance(clock, VirtualClock):
        raise NotSettable(
            "This emulator runs on the system's clock, which it does not move; start it with --virtual-clock."
        )
    try:
        _move(clock, asked.fields())
    except ValueError as error:
        raise NotSettable(str(error)) from error
    except OverflowError as error:
        raise NotSettable("No clock shows that: the years go from 1 to 9999.") from error
    asked.world.settle()
    return _read_clock(asked)


def _move(clock: VirtualClock, fields: dict[str, Any]) -> None:
    match fields:
        case {"advance_seconds": int() | float() as seconds}:
            clock.advance(timedelta(seconds=seconds))
        case {"set": str() as at}:
            clock.set(msgspec.convert(at, datetime))
        case {"jump": str() as at}:
            clock.jump(msgspec.convert(at, datetime))
        case _:
            raise NotSettable("Say advance_seconds, set or jump.")


def _read_settings(asked: Asked) -> Any:
    return asked.world.settings()


def _change_settings(asked: Asked) -> Any:
    asked.world.change_settings(asked.fields())
    return asked.world.settings()


def _read_locks(asked: Asked) -> Any:
    return {"locks": [asked.world.lock_state(lock_id) for lock_id in asked.world.lock_ids()]}


def _add_lock(asked: Asked) -> Any:
    return asked.world.lock_state(asked.world.add_lock(asked.fields()))


def _read_lock(asked: Asked) -> Any:
    return asked.world.lock_state(asked.path["lock_id"])


def _change_lock(asked: Asked) -> Any:
    asked.world.change_lock(asked.path["lock_id"], asked.fields())
    return _read_lock(asked)


def _offline(asked: Asked) -> Any:
    asked.world.take_offline(asked.path["lock_id"])
    return _read_lock(asked)


def _online(asked: Asked) -> Any:
    asked.world.bring_online(asked.path["lock_id"])
    return _read_lock(asked)


def _enter(asked: Asked) -> Any:
    code = asked.fields().get("code")
    if not isinstance(code, str | int):
        raise NotSettable("Say which code is typed.")
    entered = asked.world.enter(asked.path["lock_id"], str(code))
    return msgspec.to_builtins(entered)


def _put_code(asked: Asked) -> Any:
    reference = asked.path.get("reference")
    return {"reference": asked.world.put_code_in_app(asked.path["lock_id"], reference, asked.fields())}


def _delete_code(asked: Asked) -> None:
    asked.world.delete_code_in_app(asked.path["lock_id"], asked.path["reference"])


_TABLE: list[tuple[str, str, Answer]] = [
    ("GET", "/journal", _read_journal),
    ("DELETE", "/journal", _clear_journal),
    ("GET", "/faults", _read_faults),
    ("POST", "/faults", _add_fault),
    ("DELETE", "/faults", _clear_faults),
    ("DELETE", "/faults/{fault_id}", _remove_fault),
    ("GET", "/clock", _read_clock),
    ("POST", "/clock", _move_clock),
    ("GET", "/settings", _read_settings),
    ("PATCH", "/settings", _change_settings),
    ("GET", "/locks", _read_locks),
    ("POST", "/locks", _add_lock),
    ("GET", "/locks/{lock_id}", _read_lock),
    ("PATCH", "/locks/{lock_id}", _change_lock),
    ("POST", "/locks/{lock_id}/offline", _offline),
    ("POST", "/locks/{lock_id}/online", _online),
    ("POST", "/locks/{lock_id}/enter", _enter),
    ("POST", "/locks/{lock_id}/codes", _put_code),
    ("PUT", "/locks/{lock_id}/codes/{reference}", _put_code),
    ("DELETE", "/locks/{lock_id}/codes/{reference}", _delete_code),
]
