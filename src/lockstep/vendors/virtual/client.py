"""Calls to the virtual vendor, classified: answered, refused, unknown, or not asked at all. Knows no codes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import msgspec

from lockstep.driver.outcomes import (
    CredentialsRefused,
    DeviceOffline,
    Reason,
    Refused,
    UnexpectedReply,
    Unknown,
    VendorBusy,
    VendorUnreachable,
    not_sent,
)
from lockstep.driver.said import without_digits

_NOTHING_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)

_REASONS = {
    "duplicate": Reason.DUPLICATE_DIGITS,
    "full": Reason.FULL,
    "rule_broken": Reason.RULE_BROKEN,
    "not_revocable": Reason.NOT_REVOCABLE,
    "subscription_required": Reason.SUBSCRIPTION_REQUIRED,
}
NOT_FOUND = 404
_GONE = 410
# 408 and 499 tell that somebody on the way gave up waiting, not that the vendor refused.
_GAVE_UP = frozenset({408, 499})


@dataclass(frozen=True, slots=True)
class Answer:
    """The vendor's yes (2xx), or its 404, which the caller knows how to take."""

    status: int
    body: dict[str, Any]

    @property
    def is_missing(self) -> bool:
        """Whether there is no such thing at the vendor."""
        return self.status == NOT_FOUND


class Client:
    """One account's calls. Holds its endpoint and token, nothing else."""

    def __init__(self, http: httpx2.AsyncClient, endpoint: str, token: str) -> None:
        self._http = http
        self._endpoint = endpoint.strip().rstrip("/")
        self._headers = {"authorization": f"Bearer {token}", "accept": "application/json"}

    async def read(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """GET. Raises DriverError for everything but a yes or a 404."""
        try:
            reply = await self._http.get(
                f"{self._endpoint}{path}", params=query, headers=self._headers, follow_redirects=False
            )
        except httpx2.HTTPError as error:
            raise not_sent(error, type(error).__name__) from error
        body = _body(reply)
        _raise_for(reply, body)
        if reply.is_success or reply.status_code == NOT_FOUND:
            if body is None:
                raise UnexpectedReply(f"{reply.status_code} without a readable body")
            return Answer(reply.status_code, body)
        if reply.is_server_error or reply.status_code in _GAVE_UP or reply.status_code == _GONE:
            raise VendorUnreachable(f"status {reply.status_code}")
        raise UnexpectedReply(f"status {reply.status_code}: {_said(body)}")

    async def write(
        self, method: str, path: str, body: Mapping[str, Any] | None, seconds: float
    ) -> Answer | Refused | Unknown:
        """One mutating call, never repeated, cut off after `seconds`. Raises DriverError where it is certain that
        nothing was changed."""
        if seconds <= 0:
            raise VendorUnreachable("the time for this write had passed before it was sent")
        try:
            async with asyncio.timeout(seconds):
                reply = await self._http.request(
                    method,
                    f"{self._endpoint}{path}",
                    json=body,
                    headers=self._headers,
                    follow_redirects=False,
                )
        except _NOTHING_SENT as error:
            raise not_sent(error, type(error).__name__) from error
        except (httpx2.HTTPError, TimeoutError) as error:
            return Unknown(type(error).__name__)
        return _classified(reply)


def _classified(reply: httpx2.Response) -> Answer | Refused | Unknown:
    body = _body(reply)
    if reply.is_success:
        return Unknown("a yes without a readable body") if body is None else Answer(reply.status_code, body)
    if not reply.is_client_error or reply.status_code in _GAVE_UP:
        return Unknown(f"status {reply.status_code}")
    _raise_for(reply, body)
    if reply.status_code == NOT_FOUND:
        return Answer(NOT_FOUND, body or {})
    return Refused(_REASONS.get(_word(body), Reason.OTHER), _said(body) or f"status {reply.status_code}")


def _raise_for(reply: httpx2.Response, body: dict[str, Any] | None) -> None:
    """Raise what every call may meet: credentials, pace, device. In each nothing was changed."""
    if reply.status_code in (401, 403):
        raise CredentialsRefused(_said(body))
    if reply.status_code == 429:
        raise VendorBusy(_said(body), _retry_after(reply))
    if reply.status_code == 409 and _word(body) == "busy":
        raise VendorBusy(_said(body), _retry_after(reply), is_account_wide=False)
    if reply.status_code == 409 and _word(body) == "lock_offline":
        raise DeviceOffline(_said(body))


def _retry_after(reply: httpx2.Response) -> timedelta | None:
    text = reply.headers.get("retry-after", "")
    return timedelta(seconds=int(text)) if text.isascii() and text.isdigit() else None


def _body(reply: httpx2.Response) -> dict[str, Any] | None:
    """The JSON object of a reply, empty where there is no body; None where it cannot be read."""
    if not reply.content and reply.status_code == 204:
        return {}
    try:
        body = msgspec.json.decode(reply.content)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _word(body: dict[str, Any] | None) -> str:
    return str((body or {}).get("error", ""))


def _said(body: dict[str, Any] | None) -> str:
    if not body:
        return ""
    return without_digits(f"{_word(body)}: {body.get('detail', '')}")
