"""One request to a customer's address and its answer, within limits. Keeps no connection, cookie or proxy.

Built on httpcore2 and not on httpx2's client, since the latter writes whole addresses, secrets included, to the
log, takes proxies from the environment, past the check of addresses, and unpacks a body without a limit.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import ssl
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpcore2
import httpx2

from lockstep.kit.outbound.addresses import CheckedNetwork, OutboundPolicy, is_refused
from lockstep.kit.outbound.errors import (
    AddressRefused,
    AnswerBroken,
    RedirectUnsafe,
    TlsRefused,
    TooLarge,
    TooManyRedirects,
    TooSlow,
    Unreachable,
    UrlRefused,
    where,
)

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# All that another host gets to see when the first one sends us there: no credentials, no cookies.
_CARRIED_TO_ANOTHER_HOST = frozenset(
    {"accept", "accept-encoding", "if-modified-since", "if-none-match", "user-agent"}
)
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class OutboundLimits:
    """How much a call may cost us; the defaults suit a calendar."""

    seconds: float = 30.0
    """From the first lookup to the last byte, redirects included."""
    connect_seconds: float = 10.0
    """For each address of the host."""
    body_bytes: int = 5 * 1024 * 1024
    """Of the body after unpacking, and as sent."""
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Fetched:
    """The last answer of a chain of redirects. The body is empty unless the status is a success."""

    status: int
    headers: httpx2.Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What a host said to a POST; `body` is its beginning, `is_cut` where there was more than the limit."""

    status: int
    headers: httpx2.Headers
    body: bytes
    is_cut: bool = False


def check(url: str, policy: OutboundPolicy) -> str:
    """The host of `url`, where it may be called as far as can be told without asking DNS.

    Raises UrlRefused and AddressRefused. A name is looked up, and its addresses checked, at each call.
    """
    target = _target(url)
    if is_refused(target.host, policy):
        raise AddressRefused(where(target))
    return target.host


async def fetch(
    url: str, *, headers: Mapping[str, str], limits: OutboundLimits, policy: OutboundPolicy
) -> Fetched:
    """GET `url`, following redirects, each hop checked anew. Raises OutboundError.

    Credentials in `url` become a header for its own host; another host is never shown them.
    """
    target = _target(url)
    async with _in_time(target, limits):
        sent = httpx2.Headers({"accept-encoding": "gzip", **headers, **_credentials(target)})
        for _ in range(limits.redirects + 1):
            async with _answer("GET", target, sent, None, limits, policy) as response:
                received = httpx2.Headers(response.headers)
                if response.status not in _REDIRECTS or "location" not in received:
                    body = b""
                    if 200 <= response.status < 300:
                        body, is_cut = await _read(response, received, limits.body_bytes, target)
                        if is_cut:
                            raise TooLarge(where(target))
                    return Fetched(response.status, received, body)
            onward = _onward(target, received["location"])
            if _origin(onward) != _origin(target):
                sent = httpx2.Headers({k: v for k, v in sent.items() if k in _CARRIED_TO_ANOTHER_HOST})
            target = onward
        raise TooManyRedirects(where(target))


async def post(
    url: str, *, headers: Mapping[str, str], body: bytes, limits: OutboundLimits, policy: OutboundPolicy
) -> Answer:
    """POST `body` to `url` once; a redirect is an answer and is not followed. Raises OutboundError."""
    target = _target(url)
    async with _in_time(target, limits):
        sent = httpx2.Headers({"accept-encoding": "gzip", **headers, **_credentials(target)})
        async with _answer("POST", target, sent, body, limits, policy) as response:
            received = httpx2.Headers(response.headers)
            text, is_cut = await _read(response, received, limits.body_bytes, target)
            return Answer(response.status, received, text, is_cut)


def _target(url: str) -> httpx2.URL:
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, TypeError, ValueError):
        raise UrlRefused(where(url)) from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise UrlRefused(where(parsed))
    return parsed


def _onward(target: httpx2.URL, location: str) -> httpx2.URL:
    try:
        joined = target.join(location)
    except (httpx2.InvalidURL, ValueError):
        raise UrlRefused(where(target)) from None
    onward = _target(str(joined.copy_with(userinfo=b"")))
    if target.scheme == "https" and onward.scheme == "http":
        raise RedirectUnsafe(where(onward))
    return onward


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _credentials(url: httpx2.URL) -> dict[str, str]:
    if not url.userinfo:
        return {}
    pair = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    return {"authorization": f"Basic {pair}"}


@asynccontextmanager
async def _in_time(target: httpx2.URL, limits: OutboundLimits) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(limits.seconds):
            yield
    except TimeoutError:
        raise TooSlow(where(target)) from None


@asynccontextmanager
async def _answer(
    method: str,
    url: httpx2.URL,
    headers: httpx2.Headers,
    body: bytes | None,
    limits: OutboundLimits,
    policy: OutboundPolicy,
) -> AsyncIterator[httpcore2.Response]:
    """One exchange on a connection of its own."""
    raw_url = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    pool = httpcore2.AsyncConnectionPool(
        ssl_context=policy.tls or _trusted(), network_backend=CheckedNetwork(policy, where(url))
    )
    timeouts = {"connect": limits.connect_seconds}
    # httpcore2 would leave the brackets of an IPv6 address out of the Host line.
    lines = [(b"Host", url.netloc), *headers.raw]
    try:
        async with (
            pool,
            pool.stream(
                method, raw_url, headers=lines, content=body, extensions={"timeout": timeouts}
            ) as response,
        ):
            yield response
    except httpcore2.TimeoutException:
        raise TooSlow(where(url)) from None
    except httpcore2.ConnectError as error:
        is_tls = isinstance(error.__cause__, ssl.SSLError) or isinstance(error.__context__, ssl.SSLError)
        raise (TlsRefused if is_tls else Unreachable)(where(url)) from None
    except httpcore2.LocalProtocolError:
        raise UrlRefused(where(url)) from None
    except (httpcore2.NetworkError, httpcore2.ProtocolError):
        raise AnswerBroken(where(url)) from None


@functools.cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


async def _read(
    response: httpcore2.Response, headers: httpx2.Headers, limit: int, url: httpx2.URL
) -> tuple[bytes, bool]:
    """At most `limit` bytes of the body, unpacked, and whether there were more. Raises AnswerBroken."""
    packing = headers.get("content-encoding", "identity").strip().lower()
    if packing not in {"identity", "gzip", "x-gzip", "deflate", ""}:
        raise AnswerBroken(where(url))
    unpack = _Unpacking() if packing not in {"identity", ""} else None
    body = bytearray()
    received = 0
    async for chunk in response.aiter_stream():
        received += len(chunk)
        try:
            body += chunk if unpack is None else unpack.feed(chunk, limit + 1 - len(body))
        except zlib.error:
            raise AnswerBroken(where(url)) from None
        if len(body) > limit or received > limit:
            return bytes(body[:limit]), True
    if unpack is not None and not unpack.is_complete:
        raise AnswerBroken(where(url))
    return bytes(body), False


class _Unpacking:
    """Unpacks gzip or zlib, never more at once than asked for, so a bomb costs no more than the limit."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._has_begun = False

    @property
    def is_complete(self) -> bool:
        return self._stream.eof or not self._has_begun

    def feed(self, chunk: bytes, most: int) -> bytes:
        out = bytearray()
        while chunk and len(out) < most:
            # A gzip file may consist of several, one after the other.
            if self._stream.eof:
                self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
            self._has_begun = True
            out += self._stream.decompress(chunk, most - len(out))
            chunk = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
        return bytes(out)
