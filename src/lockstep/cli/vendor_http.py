"""The HTTP client for calls to vendors: addresses checked, TLS verified, connection faults as drivers know them."""

from __future__ import annotations

import ssl

import httpx2

from lockstep.cli.settings import OutboundSettings
from lockstep.kit.outbound import OutboundError, OutboundPolicy
from lockstep.kit.outbound.addresses import CheckedNetwork


class CheckedTransport(httpx2.AsyncHTTPTransport):
    """A transport whose refusals to dial are connection errors: nothing has left us."""

    def __init__(self, tls: ssl.SSLContext, policy: OutboundPolicy) -> None:
        super().__init__(verify=tls, limits=httpx2.Limits(max_connections=64, max_keepalive_connections=32))
        self._pool._network_backend = CheckedNetwork(policy, "the vendor")

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            return await super().handle_async_request(request)
        except OutboundError as fault:
            raise httpx2.ConnectError(str(fault), request=request) from fault


def vendor_client(settings: OutboundSettings) -> httpx2.AsyncClient:
    """One for the process; closed by the wiring."""
    tls = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
    policy = OutboundPolicy(allow_private=settings.allow_private_addresses)
    return httpx2.AsyncClient(
        transport=CheckedTransport(tls, policy), timeout=httpx2.Timeout(10, connect=5), trust_env=False
    )
