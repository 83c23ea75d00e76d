"""Calls to the Nuki Web API: what is sent, and whether it can have left us. Gives the answers no meaning."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeVar

import httpx2
import msgspec

from lockstep.driver.outcomes import CredentialsRefused, VendorUnreachable, not_sent
from lockstep.vendors.nuki.replies import Reply, value_of

T = TypeVar("T")

# What a header may carry as a bearer token: RFC 6750, section 2.1.
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")

# Nothing was sent: no connection, or none asked for. Whatever else goes wrong, bytes may have left.
_NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.InvalidURL,
)


class Client:
    """One account's calls, each made once and never repeated."""

    def __init__(self, http: httpx2.AsyncClient, endpoint: str, token: str) -> None:
        self._http = http
        self._endpoint = endpoint.strip().rstrip("/")
        self._token = token.strip()

    async def read(self, path: str, shape: type[T], params: Mapping[str, str | int] | None = None) -> T:
        """GET a value. Raises every DriverError but DeviceOffline."""
        return value_of(await self._send("GET", path, params=params), shape)

    async def write(
        self, method: str, path: str, body: Any = None, *, seconds: float, hidden: tuple[str, ...] = ()
    ) -> Reply:
        """Make a mutating call once; nothing is sent later than `seconds` of real time from now.

        Raises VendorUnreachable only where nothing was sent; where that is not certain `Reply.status` is
        None.
        """
        if seconds <= 0:
            raise VendorUnreachable(f"{method} {path}: its deadline had passed before it was sent")
        try:
            async with asyncio.timeout(seconds):
                return await self._send(method, path, body=body, hidden=hidden)
        except TimeoutError:
            return self._lost(method, path, "no answer before the deadline", hidden)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: Any = None,
        hidden: tuple[str, ...] = (),
    ) -> Reply:
        if not _TOKEN.fullmatch(self._token):
            raise CredentialsRefused("the token is empty or has characters that no token has")
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            answer = await self._http.request(
                method,
                f"{self._endpoint}{path}",
                params=params,
                headers=headers,
                content=None if body is None else msgspec.json.encode(body),
                follow_redirects=False,
            )
        except _NOT_SENT as error:
            raise not_sent(error, f"{method} {path}: {type(error).__name__}") from error
        except httpx2.HTTPError as error:
            return self._lost(method, path, type(error).__name__, hidden)
        return Reply(
            f"{method} {path}",
            answer.status_code,
            answer.content,
            _retry_after(answer.headers.get("Retry-After", "")),
            hidden=(*hidden, self._token),
        )

    def _lost(self, method: str, path: str, how: str, hidden: tuple[str, ...]) -> Reply:
        return Reply(f"{method} {path}", None, lost=how, hidden=(*hidden, self._token))


def _retry_after(header: str) -> timedelta | None:
    # Nuki sends none (a bare nginx page); seconds are what proxies in between send.
    return timedelta(seconds=int(header)) if header.isascii() and header.isdigit() else None
