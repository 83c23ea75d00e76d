"""Which addresses may be dialled, and the dialling: resolve once, check every answer, dial what was checked.

Sits below TLS, so that Host, SNI and the certificate check stay on the name while the socket goes to the
address: a name that resolves to something else a moment later (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import httpcore2

from lockstep.kit.outbound.errors import AddressRefused, NameNotFound, Unreachable

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""A host's name and port -> all its addresses, as text. Raises OSError where there are none."""

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

# What `ipaddress` holds for public in some of the Python versions we run on, and is not a place to call:
# after IANA's special-purpose registries (RFC 6890 and its updates). 6to4 and Teredo carry an IPv4 address
# inside and are retired.
_NOT_TO_BE_CALLED = tuple(
    ipaddress.ip_network(net)
    for net in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "100.64.0.0/10",  # carrier-grade NAT
        "198.18.0.0/15",  # benchmarks
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052; real on IPv6-only networks, so looked into
_IPV6_IN_USE = ipaddress.IPv6Network("2000::/3")


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """Every address that the machine's resolver gives for `host`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True, slots=True)
class OutboundPolicy:
    """What calls out may reach."""

    allow_private: bool = False
    """Also call private and loopback addresses: for demos, and for calendars inside one's own network."""
    allowed_networks: tuple[IPNetwork, ...] = ()
    """Private networks that may be called although others may not, such as the one of a PMS in the house."""
    resolve: Resolver = system_resolver
    tls: ssl.SSLContext | None = None
    """None: the certificates that the machine trusts by default."""


def is_public(address: IPAddress) -> bool:
    """Whether `address` is an ordinary host on the internet."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _ipv4_within(address)
        if inner is not None:
            return is_public(inner)
        if address not in _IPV6_IN_USE:
            return False
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    return not any(address in net for net in _NOT_TO_BE_CALLED if net.version == address.version)


def is_refused(host: str, policy: OutboundPolicy) -> bool:
    """Whether `host`, as it stands, is known to be out of bounds: an address, or a name for this machine."""
    if host.rstrip(".").lower().split(".")[-1] == "localhost":
        return not policy.allow_private
    try:
        return not _may_be_called(ipaddress.ip_address(host), policy)
    except ValueError:
        return False


def _ipv4_within(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _may_be_called(address: IPAddress, policy: OutboundPolicy) -> bool:
    if policy.allow_private:
        return not (address.is_multicast or address.is_unspecified)
    allowed = (net for net in policy.allowed_networks if net.version == address.version)
    return is_public(address) or any(address in net for net in allowed)


class CheckedNetwork(httpcore2.AsyncNetworkBackend):
    """Opens sockets for httpcore2, to checked addresses only. `at` names the call in errors."""

    def __init__(self, policy: OutboundPolicy, at: str) -> None:
        self._policy = policy
        self._at = at
        self._sockets = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Raises NameNotFound, AddressRefused or Unreachable; `timeout` counts for each address."""
        for address in await self._checked(host, port):
            try:
                return await self._sockets.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        raise Unreachable(self._at)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refused: no customer's address is a file here."""
        raise AddressRefused(self._at)

    async def sleep(self, seconds: float) -> None:
        await self._sockets.sleep(seconds)

    async def _checked(self, host: str, port: int) -> list[IPAddress]:
        addresses = [ipaddress.ip_address(text) for text in await self._resolve(host, port)]
        if not addresses:
            raise NameNotFound(self._at)
        # One private answer among public ones is the first half of a rebinding: none of them is used.
        if not all(_may_be_called(address, self._policy) for address in addresses):
            raise AddressRefused(self._at)
        return addresses

    async def _resolve(self, host: str, port: int) -> Sequence[str]:
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            pass
        try:
            return await self._policy.resolve(host, port)
        except (OSError, UnicodeError):
            raise NameNotFound(self._at) from None
