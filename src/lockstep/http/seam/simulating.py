"""/*/simulate/* and /workspaces/reset_sandbox: what happens to the locks of a sandbox, and beginning anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from lockstep.http.seam.asked import Answer, Asked, Path
from lockstep.http.seam.params import Digits, Id, Params
from lockstep.http.seam.present.action_attempt import action_attempt, done
from lockstep.http.seam.present.ids import asked, shown
from lockstep.kit.ids import new_id, public_id
from lockstep.model.permissions import Actor
from lockstep.operations import seeding, simulating
from lockstep.operations.gate import Gate, Tx


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
    Path("/connected_accounts/simulate/disconnect", OfAccount, disconnect_account),
    Path("/locks/simulate/keypad_code_entry", KeypadEntry, keypad_code_entry),
    Path("/locks/simulate/manual_lock_via_keypad", OfDevice, manual_lock_via_keypad),
    Path("/workspaces/reset_sandbox", Nothing, reset_sandbox),
)
