"""Which hosts are this machine itself."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Of a name or an address: whether only this machine can reach it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
