"""The client for calls to vendors, against real sockets: what drivers conclude from its errors has to hold."""

from __future__ import annotations

import ipaddress
import ssl
from pathlib import Path

import httpx2
import pytest
from tests.kit.hosts import answer, certified, listening

from lockstep.cli.settings import OutboundSettings
from lockstep.cli.vendor_http import CheckedTransport, outbound_policy, vendor_client
from lockstep.kit.outbound import AddressRefused, OutboundLimits, OutboundPolicy, TlsRefused, fetch

OPEN = OutboundSettings(allow_private_addresses=True)
# What drivers take for "nothing has left us", among others.
NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


async def test_a_private_address_is_a_connection_that_did_not_come_about() -> None:
    async with listening() as host, vendor_client(OutboundSettings()) as http:
        with pytest.raises(httpx2.ConnectError) as refused:
            await http.get(host.url())
        assert isinstance(refused.value.__cause__, AddressRefused)
        assert host.heard == []


async def test_a_redirect_is_an_answer() -> None:
    async with listening() as host, vendor_client(OPEN) as http:
        host.says["/"] = answer(status="302 Found", Location="/elsewhere")
        assert (await http.get(host.url())).status_code == 302
        assert len(host.heard) == 1


async def test_a_private_address_behind_a_redirect_is_refused() -> None:
    this_one = (ipaddress.ip_network("127.0.0.1/32"),)
    transport = CheckedTransport(ssl.create_default_context(), OutboundPolicy(allowed_networks=this_one))
    async with listening() as host, httpx2.AsyncClient(transport=transport, follow_redirects=True) as http:
        host.says["/"] = answer(status="302 Found", Location=host.url("/inside", "127.0.0.2"))
        with pytest.raises(httpx2.ConnectError) as refused:
            await http.get(host.url())
        assert isinstance(refused.value.__cause__, AddressRefused)
        assert len(host.heard) == 1


async def test_a_closed_port_is_a_connection_that_did_not_come_about() -> None:
    async with listening() as host:
        closed = host.url()
    async with vendor_client(OPEN) as http:
        with pytest.raises(httpx2.ConnectError):
            await http.put(closed, content=b"code")


async def test_a_certificate_is_checked_before_anything_is_sent(tmp_path: Path) -> None:
    context, trusted = certified(tmp_path, "localhost")
    async with listening(context) as host:
        host.says["/"] = answer(b"sealed")
        async with vendor_client(OPEN) as http:
            with pytest.raises(httpx2.ConnectError):
                await http.get(host.url(name="localhost", scheme="https"))
        async with vendor_client(OutboundSettings(allow_private_addresses=True, ca_file=trusted)) as http:
            with pytest.raises(httpx2.ConnectError):
                await http.get(host.url(scheme="https"))
            assert host.heard == []
            assert (await http.get(host.url(name="localhost", scheme="https"))).content == b"sealed"


async def test_calendars_and_webhooks_trust_the_same_certificates_as_vendors(tmp_path: Path) -> None:
    context, trusted = certified(tmp_path, "localhost")
    limits = OutboundLimits()
    async with listening(context) as host:
        host.says["/"] = answer(b"sealed")
        url = host.url(name="localhost", scheme="https")
        with pytest.raises(TlsRefused):
            await fetch(url, headers={}, limits=limits, policy=outbound_policy(OPEN))
        settings = OutboundSettings(allow_private_addresses=True, ca_file=trusted)
        assert (
            await fetch(url, headers={}, limits=limits, policy=outbound_policy(settings))
        ).body == b"sealed"


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
@pytest.mark.parametrize("is_kept", [False, True], ids=["a new connection", "a kept one"])
async def test_what_was_sent_and_not_answered_is_told_apart_and_never_sent_again(
    method: str, is_kept: bool
) -> None:
    async with listening() as host, vendor_client(OPEN) as http:
        host.keeps_connections = True
        host.says["/first"] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        host.says["/code"] = b""
        if is_kept:
            await http.get(host.url("/first"))
        with pytest.raises(httpx2.TransportError) as lost:
            await http.request(method, host.url("/code"))
        assert not isinstance(lost.value, NOT_SENT)
        assert [head.split()[1] for head in host.heard] == ["/first"] * is_kept + ["/code"]
        assert host.connections == 1
