"""Entries of a lock's log, in the vendor's numbers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lockstep.vendors.nuki.emulator.grants import instant

UNLOCK, LOCK, UNLATCH = 1, 2, 3
"""Values of `action`."""
WEB, AUTO_LOCK, KEYPAD = 4, 6, 255
"""Values of `trigger`."""
SUCCESS, INVALID_CODE = 0, 224
"""Values of `state` (224 is in later specifications only)."""
KEYPAD_CODE_USED = 1
"""Value of `source`."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """Something that happened at a lock. `auth_id` is the cloud's id of the authorization used, if known."""

    id: str
    lock_id: int
    lock_type: int
    at: datetime
    action: int
    trigger: int
    state: int
    name: str
    auth_id: str | None = None
    account_user_id: int | None = None
    source: int = 0

    def json(self) -> dict[str, Any]:
        """A `SmartlockLog`."""
        fields = {
            "id": self.id,
            "smartlockId": self.lock_id,
            # 3.9.0 knows 0 (smart lock and box), 2 and 3; later specifications add 4 and 5.
            "deviceType": self.lock_type if self.lock_type in {2, 3} else 0,
            "accountUserId": self.account_user_id,
            "authId": self.auth_id,
            "name": self.name,
            "action": self.action,
            "trigger": self.trigger,
            "state": self.state,
            "autoUnlock": False,
            "date": instant(self.at),
            "source": self.source,
        }
        return {name: value for name, value in fields.items() if value is not None}
