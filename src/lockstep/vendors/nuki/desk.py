"""Tells the vendor whom to call: decentral webhooks (docs.nuki.io, type device; OpenAPI 3.9.0, DecentralWebhooks).

Knows nothing of what the calls say."""

from __future__ import annotations

from typing import Any

import msgspec

from lockstep.driver.contract import CallbacksRefused
from lockstep.driver.outcomes import CredentialsRefused, UnexpectedReply, VendorUnreachable
from lockstep.vendors.nuki.client import Client
from lockstep.vendors.nuki.replies import Reply, value_of

PATH = "/api/decentralWebhook"
SCOPE = "webhook.decentral"
FEATURES = ("DEVICE_STATUS", "DEVICE_MASTERDATA", "DEVICE_CONFIG", "DEVICE_LOGS", "DEVICE_AUTHS")
"""What is asked for: everything that names a lock."""

_SECONDS = 30.0
_NOTHING = type(None)

# A token without the right is answered 401 as well as 403 (kvj/hass_nuki_ng#175); it has just read the locks. 402 and
# 426 are what other creates have for accounts that have to pay; 404, 405 and 501, an account without the endpoint.
_LACKS_RIGHT = (
    f"The API token lacks the right to register webhooks (the scope {SCOPE}), so Nuki does not call.",
    "In Nuki Web, under API, generate a token that has this right too, and give it to the account.",
)
_HAS_TO_PAY = (
    "Nuki registers webhooks only for accounts with another subscription, so it does not call.",
    "Ask Nuki for that subscription, or leave it: Lockstep goes on looking by the clock.",
)
_NO_SUCH = (
    "Nuki offers this account no webhooks, so it does not call.",
    "Nothing to do: Lockstep goes on looking by the clock.",
)
_BAD_ADDRESS = (
    "Nuki does not take Lockstep's address for its calls.",
    "Let the public address be one that begins with https and that the internet reaches.",
)
_REFUSALS = {
    400: _BAD_ADDRESS,
    401: _LACKS_RIGHT,
    402: _HAS_TO_PAY,
    403: _LACKS_RIGHT,
    404: _NO_SUCH,
    405: _NO_SUCH,
    422: _BAD_ADDRESS,
    426: _HAS_TO_PAY,
    501: _NO_SUCH,
}


class _Registered(msgspec.Struct, rename="camel"):
    id: int
    webhook_url: str
    secret: str | None = None


class NukiDesk:
    """Satisfies `lockstep.driver.contract.CallbackDesk`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def is_registered(self, url: str) -> bool:
        """One call."""
        return bool(await self._of(url))

    async def register(self, url: str) -> str:
        """Earlier registrations of the address are removed, since their secrets cannot be read again."""
        await self.withdraw(url)
        made = await self._ask(
            "PUT", PATH, _Registered, {"webhookUrl": url, "webhookFeatures": list(FEATURES)}
        )
        if not made.secret:
            raise UnexpectedReply(f"PUT {PATH}: the answer carries no secret")
        return str(made.secret)

    async def withdraw(self, url: str) -> None:
        """One call, and one for each registration."""
        for known in await self._of(url):
            await self._ask("DELETE", f"{PATH}/{known.id}", _NOTHING)

    async def _of(self, url: str) -> list[_Registered]:
        every: list[_Registered] = await self._ask("GET", PATH, list[_Registered])
        return [one for one in every if one.webhook_url == url]

    async def _ask(self, method: str, path: str, shape: Any, body: Any = None) -> Any:
        hidden = (body["webhookUrl"],) if body else ()
        reply = await self._client.write(method, path, body, seconds=_SECONDS, hidden=hidden)
        if reply.status is None:
            raise VendorUnreachable(f"{reply.call}: {reply.lost}")
        if shape is _NOTHING and reply.status in (204, 404):
            return None
        if reply.status in _REFUSALS:
            raise CallbacksRefused(*_REFUSALS[reply.status])
        return _value(reply, shape)


def _value(reply: Reply, shape: Any) -> Any:
    try:
        return value_of(reply, shape)
    except CredentialsRefused:
        # It says so with any status: see SubscriptionLacking.
        raise CallbacksRefused(*_HAS_TO_PAY) from None
    except UnexpectedReply:
        # The listing repeats the addresses of other systems, which are secrets of theirs.
        raise UnexpectedReply(f"{reply.call}: {reply.status}, and an answer that is not understood") from None
