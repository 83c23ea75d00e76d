"""Calls to customers' addresses, against real sockets on loopback and a resolver that plays the internet."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import logging
import ssl
import zlib
from collections.abc import Awaitable, Callable, Sequence

import pytest
from tests.kit.hosts import answer, certified, listening

from lockstep.kit.outbound import (
    AddressRefused,
    AnswerBroken,
    NameNotFound,
    OutboundError,
    OutboundLimits,
    OutboundPolicy,
    RedirectUnsafe,
    TlsRefused,
    TooLarge,
    TooManyRedirects,
    TooSlow,
    Unreachable,
    UrlRefused,
    fetch,
    is_public,
    post,
)

LIMITS = OutboundLimits(seconds=20, body_bytes=100_000)
OPEN = OutboundPolicy(allow_private=True)
# The hosts of these tests stand on loopback, which plays the internet; all else private stays private.
REACHABLE = (ipaddress.ip_network("127.0.0.0/8"),)


def resolving(**names: str | list[str]) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """A resolver; a list is answered one after the other, as a name that is rebound."""
    turns = {name: iter(given) for name, given in names.items() if isinstance(given, list)}

    async def resolve(host: str, port: int) -> Sequence[str]:
        name = host.split(".")[0]
        if name in turns:
            return next(turns[name]).split()
        if name not in names:
            raise OSError("no such name")
        return str(names[name]).split()

    return resolve


async def get(url: str, policy: OutboundPolicy = OPEN, limits: OutboundLimits = LIMITS) -> bytes:
    return (await fetch(url, headers={}, limits=limits, policy=policy)).body


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_no_private_or_reserved_address_counts_as_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "172.32.0.1",
        "100.128.0.1",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
    ],
)
def test_ordinary_addresses_count_as_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


async def test_a_private_address_is_refused_unless_the_settings_allow_it() -> None:
    async with listening() as host:
        host.says["/"] = answer(b"inside")
        with pytest.raises(AddressRefused):
            await get(host.url(), OutboundPolicy())
        assert host.heard == []
        assert await get(host.url()) == b"inside"


@pytest.mark.parametrize("name", ["2130706433", "0x7f.1", "017700000001", "127.1", "localhost", "[::1]"])
async def test_other_spellings_of_loopback_are_refused(name: str) -> None:
    with pytest.raises((AddressRefused, UrlRefused)):
        await get(f"http://{name}:1/", OutboundPolicy())


async def test_one_private_answer_among_public_ones_refuses_the_name() -> None:
    async with listening() as host:
        host.says["/"] = answer()
        policy = OutboundPolicy(resolve=resolving(mixed="93.184.216.34 127.0.0.1"))
        with pytest.raises(AddressRefused):
            await get(host.url(name="mixed.test"), policy)
        assert host.heard == []


async def test_a_name_is_resolved_once_for_each_connection_so_rebinding_gains_nothing() -> None:
    asked: list[str] = []

    async def rebound(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    async with listening() as host:
        host.says["/"] = answer(b"first")
        assert await get(host.url(name="rebound.test"), OutboundPolicy(True, resolve=rebound)) == b"first"
        assert asked == ["rebound.test"]
        assert f"Host: rebound.test:{host.port}" in host.heard[0]


async def test_a_redirect_to_a_private_address_is_refused() -> None:
    async with listening() as host:
        host.says["/"] = answer(status="302 Found", Location=host.url("/secret", name="inside.test"))
        host.says["/secret"] = answer(b"the router's page")
        policy = OutboundPolicy(False, REACHABLE, resolving(outside="127.0.0.1", inside="192.168.1.1"))
        with pytest.raises(AddressRefused) as refused:
            await get(host.url(name="outside.test"), policy)
        assert "inside.test" in str(refused.value)
        assert "secret" not in str(refused.value)


async def test_a_name_rebound_between_two_hops_is_refused_at_the_second() -> None:
    async with listening() as host:
        host.says["/"] = answer(status="302 Found", Location="/again")
        host.says["/again"] = answer(b"inside")
        policy = OutboundPolicy(False, REACHABLE, resolving(rebound=["127.0.0.1", "10.0.0.1"]))
        with pytest.raises(AddressRefused):
            await get(host.url(name="rebound.test"), policy)
        assert len(host.heard) == 1


async def test_the_next_address_is_tried_where_the_first_does_not_answer() -> None:
    async with listening() as host:
        host.says["/"] = answer(b"second")
        policy = OutboundPolicy(True, resolve=resolving(two="127.0.0.2 127.0.0.1"))
        assert await get(host.url(name="two.test"), policy) == b"second"


async def test_credentials_and_cookies_go_to_their_own_host_alone() -> None:
    async with listening() as first, listening() as second:
        first.says["/"] = answer(status="301 Moved", Location=second.url("/end", name="127.0.0.1"))
        second.says["/end"] = answer(b"calendar")
        sent = {"Cookie": "session=1", "X-Api": "secret", "If-None-Match": '"v1"', "User-Agent": "Lockstep"}
        url = first.url(name="host:pass@127.0.0.1")
        got = await fetch(url, headers=sent, limits=LIMITS, policy=OPEN)
        assert got.body == b"calendar"
        heard = first.heard[0].lower()
        assert "authorization: basic" in heard
        assert "cookie" in heard
        heard = second.heard[0].lower()
        assert 'if-none-match: "v1"' in heard
        assert not any(word in heard for word in ("authorization", "cookie", "x-api"))


async def test_a_redirect_on_the_same_host_keeps_the_headers() -> None:
    async with listening() as host:
        host.says["/"] = answer(status="307 Temporary", Location="/end")
        host.says["/end"] = answer(b"calendar")
        await fetch(host.url(), headers={"X-Api": "kept"}, limits=LIMITS, policy=OPEN)
        assert "kept" in host.heard[1]


async def test_redirects_end_at_the_limit() -> None:
    async with listening() as host:
        host.says["/"] = answer(status="302 Found", Location="/")
        with pytest.raises(TooManyRedirects):
            await get(host.url(), limits=OutboundLimits(redirects=3))
        assert len(host.heard) == 4


@pytest.mark.parametrize("onward", ["ftp://x.test/", "file:///etc/passwd", "gopher://x.test/"])
async def test_a_redirect_to_anything_but_http_is_refused(onward: str) -> None:
    async with listening() as host:
        host.says["/"] = answer(status="302 Found", Location=onward)
        with pytest.raises(UrlRefused):
            await get(host.url())


@pytest.mark.parametrize(
    "url", ["ftp://x.test/a", "file:///etc/passwd", "x.test/a", "", "http://", "http://[::/"]
)
async def test_an_address_without_http_or_host_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused):
        await get(url)


async def test_a_body_over_the_limit_is_refused_before_it_is_read() -> None:
    async with listening() as host:
        host.says["/"] = answer(b"x" * 200_000)
        with pytest.raises(TooLarge):
            await get(host.url())


async def test_an_endless_body_stops_at_the_limit() -> None:
    async def pour(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    async with listening() as host:
        host.says["/"] = pour
        with pytest.raises(TooLarge):
            await get(host.url())


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
async def test_a_decompression_bomb_stops_at_the_limit(pack: Callable[[bytes], bytes]) -> None:
    name = "gzip" if pack is gzip.compress else "deflate"
    async with listening() as host:
        host.says["/"] = answer(pack(b"\0" * 50_000_000), Content_Encoding=name)
        with pytest.raises(TooLarge):
            await get(host.url())


async def test_a_packed_body_is_unpacked_in_all_its_parts() -> None:
    async with listening() as host:
        packed = gzip.compress(b"BEGIN") + gzip.compress(b"END")
        host.says["/"] = answer(packed, Content_Encoding="gzip")
        assert await get(host.url()) == b"BEGINEND"


@pytest.mark.parametrize(
    ("body", "packing"),
    [(b"no gzip", "gzip"), (gzip.compress(b"x" * 5000)[:20], "gzip"), (b"x", "br"), (b"x", "gzip, gzip")],
    ids=["not-packed", "cut-off", "unknown", "twice"],
)
async def test_a_body_that_cannot_be_unpacked_is_broken(body: bytes, packing: str) -> None:
    async with listening() as host:
        host.says["/"] = answer(body, Content_Encoding=packing)
        with pytest.raises(AnswerBroken):
            await get(host.url())


async def test_a_body_shorter_than_announced_is_broken() -> None:
    async with listening() as host:
        host.says["/"] = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nBEGIN:VCALENDAR"
        with pytest.raises(AnswerBroken):
            await get(host.url())


async def test_something_that_is_not_http_is_broken() -> None:
    async with listening() as host:
        host.says["/"] = b"220 mail.test ESMTP\r\n"
        with pytest.raises(AnswerBroken):
            await get(host.url())


async def test_a_host_that_never_answers_is_too_slow() -> None:
    gone = asyncio.Event()

    async def say_nothing(writer: asyncio.StreamWriter) -> None:
        await gone.wait()

    async with listening() as host:
        host.says["/"] = say_nothing
        with pytest.raises(TooSlow):
            await get(host.url(), limits=OutboundLimits(seconds=0.2))
        gone.set()


async def test_a_host_that_drips_is_too_slow_as_a_whole() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.wait({asyncio.ensure_future(writer.wait_closed())}, timeout=0.02)

    async with listening() as host:
        host.says["/"] = drip
        with pytest.raises(TooSlow):
            await get(host.url(), limits=OutboundLimits(seconds=0.3))


async def test_a_closed_port_is_unreachable_and_an_unknown_name_is_not_found() -> None:
    async with listening() as host:
        port = host.port
    with pytest.raises(Unreachable):
        await get(f"http://127.0.0.1:{port}/")
    with pytest.raises(NameNotFound):
        await get("http://nowhere.test/", OutboundPolicy(True, resolve=resolving()))


async def test_the_body_of_a_failure_is_not_read() -> None:
    async with listening() as host:
        host.says["/"] = answer(b"x" * 200_000, status="500 Oops", Retry_After="60")
        got = await fetch(host.url(), headers={}, limits=LIMITS, policy=OPEN)
        assert (got.status, got.body, got.headers["retry-after"]) == (500, b"", "60")


async def test_a_post_sends_its_body_and_cuts_a_long_answer() -> None:
    async with listening() as host:
        host.says["/hook"] = answer(b"y" * 200_000, status="202 Accepted")
        got = await post(host.url("/hook"), headers={}, body=b"event", limits=LIMITS, policy=OPEN)
        assert (got.status, len(got.body), got.is_cut) == (202, LIMITS.body_bytes, True)
        assert "content-length: 5" in host.heard[0].lower()


async def test_a_post_does_not_follow_a_redirect() -> None:
    async with listening() as host:
        host.says["/hook"] = answer(status="307 Temporary", Location="/elsewhere")
        got = await post(host.url("/hook"), headers={}, body=b"event", limits=LIMITS, policy=OPEN)
        assert got.status == 307
        assert len(host.heard) == 1


@pytest.mark.parametrize("to", ["/s3cret?s=t0ken", "/refused", "/large", "/loop"])
async def test_no_error_and_no_log_shows_more_than_scheme_and_host(
    to: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening() as host:
        host.says["/s3cret?s=t0ken"] = b"nonsense"
        host.says["/refused"] = answer(status="302 Found", Location="ftp://x.test/s3cret?s=t0ken")
        host.says["/large"] = answer(b"x" * 200_000)
        host.says["/loop"] = answer(status="302 Found", Location="/loop")
        with caplog.at_level(logging.INFO), pytest.raises(OutboundError) as failed:
            await get(host.url(to, name="host:pa55@127.0.0.1"))
        for text in (str(failed.value), repr(failed.value), caplog.text):
            assert not any(secret in text for secret in ("s3cret", "t0ken", "pa55", "/large", "/loop"))
        assert failed.value.code
        assert failed.value.next_step


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A host's context whose certificate names calendar.test, and one that trusts it."""
    host, trusted = certified(tmp_path_factory.mktemp("tls"), "calendar.test")
    return host, ssl.create_default_context(cafile=trusted)


async def test_tls_is_verified_on_the_name_while_the_checked_address_is_dialled(
    certificates: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    ours, theirs = certificates
    async with listening(ours) as host:
        host.says["/"] = answer(b"sealed")
        policy = OutboundPolicy(True, (), resolving(calendar="127.0.0.1", other="127.0.0.1"), theirs)
        assert await get(host.url(name="calendar.test", scheme="https"), policy) == b"sealed"
        with pytest.raises(TlsRefused):
            await get(host.url(name="other.test", scheme="https"), policy)
        with pytest.raises(TlsRefused):
            await get(host.url(scheme="https"), OPEN)
        assert len(host.heard) == 1


async def test_a_redirect_from_https_to_http_is_refused(
    certificates: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    ours, theirs = certificates
    async with listening(ours) as host:
        host.says["/"] = answer(status="302 Found", Location="http://calendar.test/plain")
        policy = OutboundPolicy(True, (), resolving(calendar="127.0.0.1"), theirs)
        with pytest.raises(RedirectUnsafe):
            await get(host.url(name="calendar.test", scheme="https"), policy)
