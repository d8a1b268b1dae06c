"""Which addresses count as one client, for the limits of requests and connections."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address


def counted_as(host: str) -> str:
    """Return an IPv4 address, or the /64 network of an IPv6 address; any other text as it is.

    A customer of a provider gets at least a /64 network, so 2**64 addresses (RFC 6177). A socket
    for both versions shows an IPv4 client as `::ffff:192.0.2.1` (RFC 4291, 2.5.5.2).
    """
    address = parsed(host)
    if address is None:
        return host
    if isinstance(address, IPv4Address):
        return str(address)
    return f"{IPv6Address(int(address) >> 64 << 64)}/64"


def parsed(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address, an IPv4 address also where IPv6 carries it; None if it is none."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
