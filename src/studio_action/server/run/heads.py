"""What the head of a request must be, beyond what the parser refuses by itself.

A server and the proxy before it must never see two different requests in the same bytes ("request
smuggling", RFC 9112, 11.2). llhttp, the parser, refuses two lengths, folded lines, bare line feeds
and control characters. This refuses what it lets pass: other versions and codings, no host or two
of them, targets that are no path.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

LARGEST = 1 << 16
"""The most bytes of a request's head."""
MOST_FIELDS = 100
"""The most header fields of a request."""
LONGEST_TARGET = 1 << 14
"""The most bytes of a request's path and query."""
TOO_LARGE = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE

_TOO_LONG = HTTPStatus.REQUEST_URI_TOO_LONG


class HeadSize:
    """The size of one head, as its parts arrive."""

    def __init__(self) -> None:
        self._target = self._fields = self._bytes = 0

    def add_target(self, part: bytes) -> HTTPStatus | None:
        """Count a part of the request's target; return the status if it is too long."""
        self._target += len(part)
        self._bytes += len(part)
        return _TOO_LONG if self._target > LONGEST_TARGET else None

    def add_field(self, name: bytes, value: bytes) -> HTTPStatus | None:
        """Count a header field; return the status if the head is too large."""
        self._fields += 1
        self._bytes += len(name) + len(value) + len(b": \r\n")
        return TOO_LARGE if self._fields > MOST_FIELDS or self._bytes > LARGEST else None


def refusal(
    version: str, target: bytes, fields: Sequence[tuple[bytes, bytes]]
) -> HTTPStatus | None:
    """Return the status unless the head means the same to everybody; names are in lower case.

    A target is a path, as clients send it to a server (RFC 9112, 3.2.1); what they send to proxies
    alone, `http://host/path`, and `//host/path` could be taken for another host's.
    """
    if version not in ("1.0", "1.1"):
        return HTTPStatus.HTTP_VERSION_NOT_SUPPORTED
    codings = [value.strip().lower() for name, value in fields if name == b"transfer-encoding"]
    hosts = sum(name == b"host" for name, _ in fields)
    understood = (
        target[:1] == b"/" != target[1:2]
        and b"#" not in target
        and (codings == [] or (codings == [b"chunked"] and version == "1.1"))
        and (hosts == 1 or (hosts == 0 and version == "1.0"))
    )
    return None if understood else HTTPStatus.BAD_REQUEST
