"""/*/simulate/* and /workspaces/reset_sandbox: what happens to the locks of a sandbox, and beginning anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.params import Digits, Id, Params
from lockstep.http.seam.present.action_attempt import action_attempt, done
from lockstep.http.seam.present.ids import asked, shown
from lockstep.http.seam.present.unmanaged_access_code import unmanaged_access_code
from lockstep.kit.ids import new_id, public_id
from lockstep.model.permissions import Actor
from lockstep.operations import seeding, simulating, unmanaged_codes
from lockstep.operations.emulator import CodeAtLock
from lockstep.operations.gate import Gate, Tx
from lockstep.operations.simulating import UnmanagedCodeAtLock

_AWAITED = timedelta(seconds=1)
"""Real time for a reading."""


class OfDevice(Params):
    device_id: Id


class PaidSubscription(Params):
    device_id: Id
    is_expired: bool


class OfAccount(Params):
    connected_account_id: Id


class KeypadEntry(Params):
    device_id: Id
    code: Digits


class UnmanagedCodeAtDevice(Params):
    device_id: Id
    name: Annotated[str, Field(max_length=200)]
    code: Annotated[str, Field(min_length=4, max_length=8, pattern="^[0-9]+$")]


class Nothing(Params):
    """It takes no parameters."""


Happens = Callable[[Gate, Tx, Actor, str], Awaitable[None]]


def _to_device(happens: Happens) -> Callable[[Asked, OfDevice], Awaitable[Answer]]:
    async def answer(call: Asked, params: OfDevice) -> Answer:
        device_id = asked("lock", params.device_id)
        await call.change(lambda tx: happens(call.gate, tx, call.actor, device_id))
        return {}

    return answer


async def paid_subscription(call: Asked, params: PaidSubscription) -> Answer:
    device_id, is_paid = asked("lock", params.device_id), not params.is_expired
    await call.change(
        lambda tx: simulating.pay_subscription(call.gate, tx, call.actor, device_id, is_paid=is_paid)
    )
    return {}


async def disconnect_account(call: Asked, params: OfAccount) -> Answer:
    account_id = asked("account", params.connected_account_id)
    await call.change(lambda tx: simulating.disconnect_account(call.gate, tx, call.actor, account_id))
    return {}


async def keypad_code_entry(call: Asked, params: KeypadEntry) -> Answer:
    device_id = asked("lock", params.device_id)
    made = await call.change(
        lambda tx: simulating.enter_code(call.gate, tx, call.actor, device_id, params.code)
    )
    return {"action_attempt": action_attempt(made)}


async def create_unmanaged_access_code(call: Asked, params: UnmanagedCodeAtDevice) -> Answer:
    """Answered when Lockstep has read it, as it reads everything; or without, where that takes long."""
    command = UnmanagedCodeAtLock(asked("lock", params.device_id), CodeAtLock(params.name, params.code))
    made = await call.change(lambda tx: simulating.put_unmanaged_code(call.gate, tx, call.actor, command))
    read = await unmanaged_codes.once_read(call.gate, call.actor, made.unmanaged_code_id, _AWAITED)
    return {"access_code": unmanaged_access_code(read or made, call.workspace_id)}


async def manual_lock_via_keypad(call: Asked, params: OfDevice) -> Answer:
    device_id = asked("lock", params.device_id)
    made = await call.change(lambda tx: simulating.lock_at_keypad(call.gate, tx, call.actor, device_id))
    return {"action_attempt": action_attempt(made)}


async def reset_sandbox(call: Asked, params: Nothing) -> Answer:
    await seeding.reset(call.gate, call.actor)
    # It has ended when it is answered, and nothing of the workspace is left to which an attempt could belong.
    attempt_id = shown(public_id("attempt", new_id()))
    return {"action_attempt": done("RESET_SANDBOX_WORKSPACE", attempt_id, {})}


PATHS: tuple[Path, ...] = (
    Path("/devices/simulate/connect", OfDevice, _to_device(simulating.connect_device)),
    Path("/devices/simulate/disconnect", OfDevice, _to_device(simulating.disconnect_device)),
    Path("/devices/simulate/remove", OfDevice, _to_device(simulating.remove_device)),
    Path("/devices/simulate/connect_to_hub", OfDevice, _to_device(simulating.connect_to_hub)),
    Path("/devices/simulate/disconnect_from_hub", OfDevice, _to_device(simulating.disconnect_from_hub)),
    Path("/devices/simulate/paid_subscription", PaidSubscription, paid_subscription),
    Path(
        "/access_codes/simulate/create_unmanaged_access_code",
        UnmanagedCodeAtDevice,
        create_unmanaged_access_code,
    ),
    Path("/connected_accounts/simulate/disconnect", OfAccount, disconnect_account),
    Path("/locks/simulate/keypad_code_entry", KeypadEntry, keypad_code_entry),
    Path("/locks/simulate/manual_lock_via_keypad", OfDevice, manual_lock_via_keypad),
    Path("/workspaces/reset_sandbox", Nothing, reset_sandbox),
)
