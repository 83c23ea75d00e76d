"""The HTTP client for calls to vendors: addresses checked, TLS verified, connection faults as drivers know them."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Mapping
from pathlib import Path

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


@functools.cache
def trusted_by(ca_file: Path | None) -> ssl.SSLContext:
    """Trusts the certificates of this file alone; None: the system's own. One for all: reading them takes long."""
    return ssl.create_default_context(cafile=ca_file)


def outbound_policy(settings: OutboundSettings) -> OutboundPolicy:
    """What calls to vendors, calendars and webhooks may reach, and whose certificates they trust."""
    return OutboundPolicy(allow_private=settings.allow_private_addresses, tls=trusted_by(settings.ca_file))


def vendor_client(
    settings: OutboundSettings, within: Mapping[str, httpx2.AsyncBaseTransport] | None = None
) -> httpx2.AsyncClient:
    """One for the process; closed by the wiring. `within`: by origin, what is answered within the process."""
    transport = CheckedTransport(trusted_by(settings.ca_file), outbound_policy(settings))
    return httpx2.AsyncClient(
        transport=transport, mounts=within, timeout=httpx2.Timeout(10, connect=5), trust_env=False
    )
