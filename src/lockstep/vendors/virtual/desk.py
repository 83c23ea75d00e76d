"""Tells the virtual vendor whom to call."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from lockstep.driver.contract import CallbacksRefused
from lockstep.driver.outcomes import CredentialsRefused, Refused, UnexpectedReply, Unknown, VendorUnreachable
from lockstep.vendors.virtual import wire
from lockstep.vendors.virtual.client import Client

_PATH = "/v1/hooks"
_SECONDS = 30.0


class VirtualDesk:
    """Satisfies `lockstep.driver.contract.CallbackDesk`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def is_registered(self, url: str) -> bool:
        """One call."""
        return bool(await self._of(url))

    async def register(self, url: str) -> str:
        """In place of earlier registrations of the address."""
        await self.withdraw(url)
        made = await self._write("POST", _PATH, {"url": url})
        secret = made.get("secret")
        if not isinstance(secret, str):
            raise UnexpectedReply(f"POST {_PATH}: the answer carries no secret")
        return secret

    async def withdraw(self, url: str) -> None:
        """One call, and one for each registration."""
        for known in await self._of(url):
            await self._write("DELETE", f"{_PATH}/{quote(known.id, safe='')}", None)

    async def _of(self, url: str) -> list[wire.Hook]:
        try:
            answer = await self._client.read(_PATH)
            hooks = msgspec.convert(answer.body.get("hooks", ()), tuple[wire.Hook, ...])
        except CredentialsRefused:
            raise _no_access() from None
        except msgspec.ValidationError:
            raise UnexpectedReply(f"GET {_PATH}: not understood") from None
        return [hook for hook in hooks if hook.url == url]

    async def _write(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        try:
            answer = await self._client.write(method, path, body, _SECONDS)
        except CredentialsRefused:
            raise _no_access() from None
        if isinstance(answer, Unknown):
            raise VendorUnreachable(answer.said)
        if isinstance(answer, Refused):
            raise CallbacksRefused(
                "The vendor does not take Lockstep's address for its calls.",
                "Let the public address begin with https, or be one of this machine.",
            )
        return answer.body


def _no_access() -> CallbacksRefused:
    return CallbacksRefused(
        "The token may not register callbacks, so the vendor does not call.",
        "Give the account a token that may.",
    )
