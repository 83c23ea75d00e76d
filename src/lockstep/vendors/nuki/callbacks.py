"""The vendor's calls to us: whether one is genuine, which locks it points at, and how to ask for them.

Knows nothing of what a call claims to have happened: that is found out by looking."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from lockstep.driver.contract import Callback, CallbackRefused
from lockstep.driver.outcomes import UnexpectedReply, VendorUnreachable
from lockstep.vendors.nuki.client import Client
from lockstep.vendors.nuki.replies import value_of

SIGNATURE = "x-nuki-signature-sha256"
PATH = "/api/decentralWebhook"
FEATURES = ("DEVICE_STATUS", "DEVICE_MASTERDATA", "DEVICE_CONFIG", "DEVICE_LOGS", "DEVICE_AUTHS")
"""What is asked for: everything that names a lock."""

_SECONDS = 30.0
_WHOLE_ACCOUNT = Callback(look_at=None)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A registration. Its secret is told this once."""

    webhook_id: int
    url: str
    secret: str = field(repr=False)


class _Registered(msgspec.Struct, rename="camel"):
    id: int
    webhook_url: str
    secret: str | None = None


def read_callback(headers: Mapping[str, str], body: bytes, secret: str) -> Callback:
    """The locks that a call points at; the whole account where it is genuine but not understood.

    Pure. The signature is the hexadecimal HMAC-SHA256 of the raw body (docs.nuki.io, web hooks).
    Raises CallbackRefused.
    """
    given = next((value for name, value in headers.items() if name.lower() == SIGNATURE), "")
    expected = hmac.new(secret.encode(), body, "sha256").hexdigest()
    if not secret or not hmac.compare_digest(given.strip().lower().encode(), expected.encode()):
        raise CallbackRefused(CallbackRefused.__doc__)
    try:
        said: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _WHOLE_ACCOUNT
    if isinstance(said, dict) and said.get("feature") == "ACCOUNT_USER":
        return Callback()
    locks = frozenset(_locks(said))
    return Callback(look_at=locks) if locks else _WHOLE_ACCOUNT


async def register(client: Client, url: str) -> Webhook:
    """Have the vendor call `url` (https, its rule), in place of earlier registrations of the same address.

    Those are removed, since their secret cannot be read again. Raises every DriverError but DeviceOffline.
    """
    for old in await client.read(PATH, list[_Registered]):
        if old.webhook_url == url:
            await _write(client, "DELETE", f"{PATH}/{old.id}", type(None))
    body = {"webhookUrl": url, "webhookFeatures": list(FEATURES)}
    made = await _write(client, "PUT", PATH, _Registered, body)
    if not made.secret:
        raise UnexpectedReply(f"PUT {PATH}: the answer carries no secret")
    return Webhook(made.id, made.webhook_url, made.secret)


async def _write(client: Client, method: str, path: str, shape: type[Any], body: Any = None) -> Any:
    reply = await client.write(method, path, body, seconds=_SECONDS)
    if reply.status is None:
        raise VendorUnreachable(f"{reply.call}: {reply.lost}")
    return None if reply.status in (204, 404) and shape is type(None) else value_of(reply, shape)


def _locks(said: Any) -> Iterator[str]:
    """Every `smartlockId` in a body: at the top, in the authorization, in the log, in the details."""
    if isinstance(said, list):
        for part in said:
            yield from _locks(part)
    elif isinstance(said, dict):
        for name, value in said.items():
            if name == "smartlockId" and isinstance(value, int | str):
                yield str(value)
            elif isinstance(value, dict | list):
                yield from _locks(value)
