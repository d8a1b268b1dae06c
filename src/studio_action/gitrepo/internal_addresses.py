"""Addresses inside a machine or its network, such as a cloud's metadata service. Pure."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

_NAMES = frozenset({"localhost", "metadata", "metadata.google.internal", "instance-data"})
_METADATA = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200")))


def is_internal_address(url: str) -> bool:
    """Return whether a URL names an address that only this machine or its network can mean."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    address = _address(host)
    if address is None:
        return host in _NAMES
    private = address.is_link_local or address.is_loopback or address.is_unspecified
    return private or address in _METADATA


def is_cloud_metadata_address(url: str) -> bool:
    """Return whether a URL names a cloud's metadata service, which gives out keys."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    address = _address(host)
    if address is None:
        return host in _NAMES - {"localhost"}
    return address.is_link_local or address in _METADATA


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that `host` spells in any form the resolver reads; None for a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host))  # 0xa9fea9fe, 2852039166
        except (OSError, UnicodeError):
            return None
    return getattr(address, "ipv4_mapped", None) or address
