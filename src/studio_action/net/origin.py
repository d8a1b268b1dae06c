"""Which server a URL is on, and whether what is sent there stays secret. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PORTS = {"http": 80, "https": 443}


def same_origin(one: str, other: str) -> bool:
    """Return whether two http(s) URLs have the same scheme, host and port (RFC 6454, section 4)."""
    origin = _origin(one)
    return origin is not None and origin == _origin(other)


def keeps_secrets(url: str) -> bool:
    """Return whether nobody in between reads along: https, or http to this machine itself."""
    origin = _origin(url)
    return origin is not None and (origin[0] == "https" or origin[1] in LOOPBACK)


def _origin(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port; None for what another reader of URLs may read otherwise."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
            return None
        return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]
    except ValueError:
        return None
