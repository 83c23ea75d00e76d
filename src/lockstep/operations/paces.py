"""How often an act may be asked of one device, where the workspace counts. The limits are those that Seam documents."""

from __future__ import annotations

import math
from enum import Enum

from lockstep.operations.errors import TooFast
from lockstep.operations.gate import TransactionNeeded, Tx
from lockstep.storage import paces


class Act(Enum):
    """Name, and how many a minute."""

    CREATE_CODE = ("create_code", 10)
    UPDATE_CODE = ("update_code", 10)
    DELETE_CODE = ("delete_code", 20)
    LOCK = ("lock", 15)
    UNLOCK = ("unlock", 15)


async def spend(tx: Tx, act: Act, device_public_id: str) -> None:
    """Raises TooFast."""
    name, a_minute = act.value
    left = await paces.spend(tx.db, tx.workspace_id, device_public_id, name, a_minute, tx.now)
    if left is not None:
        raise TooFast(
            f"More than {a_minute} times a minute this is not asked of one device ({device_public_id}).",
            max(1, math.ceil((1 - left) * 60 / a_minute)),
        )


async def require_none(tx: Tx) -> None:
    """For what stands by itself, without a transaction around it. Raises TransactionNeeded where the workspace counts,
    so that a token and what it is spent on go together."""
    if await paces.are_kept(tx.db, tx.workspace_id):
        raise TransactionNeeded(TransactionNeeded.__doc__)


async def spend_on_code(tx: Tx, act: Act, access_code_public_id: str) -> None:
    """The same for the device that a code stands on; nothing where there is no such code. Raises TooFast."""
    device_id = await paces.device_of_code(tx.db, tx.workspace_id, access_code_public_id)
    if device_id is not None:
        await spend(tx, act, device_id)


async def spend_on_key(tx: Tx, act: Act, common_code_key: str) -> None:
    """The same for the devices of all living codes of a key. Before these are changed, as with one code: whoever takes
    the token of a device holds nothing yet that others wait for. Raises TooFast."""
    for device_id in await paces.devices_of_key(tx.db, tx.workspace_id, common_code_key):
        await spend(tx, act, device_id)
