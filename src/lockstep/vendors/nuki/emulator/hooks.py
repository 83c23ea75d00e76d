"""Web hooks: who subscribed, how a call is signed, what became of it. Sends nothing itself."""

import hmac
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from lockstep.emulation.outbox import Delivered, Delivery, Outbox
from lockstep.vendors.nuki.emulator.grants import instant

FEATURES = (
    "DEVICE_STATUS",
    "DEVICE_MASTERDATA",
    "DEVICE_CONFIG",
    "DEVICE_LOGS",
    "DEVICE_AUTHS",
    "ACCOUNT_USER",
)
SIGNATURE = "X-Nuki-Signature-SHA256"
_KEPT = 300


@dataclass(frozen=True, slots=True)
class Hook:
    """A subscription to device-triggered calls; `takes_results` also takes those that answer a request id."""

    id: int
    url: str
    secret: str = field(repr=False)
    features: tuple[str, ...]
    takes_results: bool = False


def sign(secret: str, body: bytes) -> str:
    """Hexadecimal HMAC-SHA256 over the raw body."""
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


class Hooks:
    """The account's subscriptions and the log of calls, of which the last 300 are kept."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._hooks: dict[int, Hook] = {}
        self.log: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        """`WebhookLog` bodies, newest first."""

    def __iter__(self) -> Iterator[Hook]:
        return iter(tuple(self._hooks.values()))

    def add(self, hook: Hook) -> None:
        """Subscribe."""
        self._hooks[hook.id] = hook

    def remove(self, id: int) -> bool:
        """Unsubscribe. False where there was no such subscription."""
        return self._hooks.pop(id, None) is not None

    def announce(self, feature: str, body: dict[str, Any], at: datetime) -> None:
        """Queue a device-triggered call to everyone who asked for `feature`."""
        for hook in self._hooks.values():
            if feature in hook.features:
                self._queue(hook, {"feature": feature, **body})

    def answer(self, body: dict[str, Any]) -> None:
        """Queue the call that answers an advanced request."""
        for hook in self._hooks.values():
            if hook.takes_results:
                self._queue(hook, body)

    def record(
        self, delivered: Delivered, *, id: str, account_id: int, api_key_id: int, at: datetime
    ) -> None:
        """Add a call that was made to the log; bodies, which hold digits, are left out."""
        path, when = urlsplit(delivered.delivery.url).path or "/", instant(at)
        fields = {
            "id": id,
            "succeeded": delivered.succeeded,
            "responseStatus": delivered.status,
            "duration": delivered.milliseconds,
            "accountId": account_id,
            "request": {"headers": {}, "path": path, "timestamp": when},
            "response": {"headers": delivered.headers, "path": path, "timestamp": when},
            "apiKeyId": api_key_id,
            "updated": when,
            "created": when,
        }
        self.log.appendleft({name: value for name, value in fields.items() if value is not None})

    def _queue(self, hook: Hook, payload: dict[str, Any]) -> None:
        body = msgspec.json.encode(payload)
        headers = {"Content-Type": "application/json; charset=UTF-8", SIGNATURE: sign(hook.secret, body)}
        self._outbox.put(Delivery(hook.url, headers, body, str(hook.id)))
