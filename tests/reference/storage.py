"""A small object storage that signs its own URLs, for when no S3 server is up.

Its URLs tell their expiry as S3's do; the signature is an HMAC of path and expiry, with a key
that is drawn anew for each storage. It refuses what S3 refuses: a changed or expired URL, another
method than the signed one, a second kind of authorisation.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from urllib.parse import quote, urlencode, urlsplit

from tests import sample
from tests.reference.messages import Answer, Refused, Request

PREFIX = "/storage"
Signer = Callable[[str, datetime, timedelta], str]
"""Makes the URL of a stored object good to GET, from a moment on, for a while."""
_TIME = "%Y%m%dT%H%M%SZ"
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True, slots=True)
class Storage:
    """The objects of the sample registry, below `/storage/SCHEME/BUCKET/`."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def sign(self, url: str, moment: datetime, lifetime: timedelta) -> str:
        """A signed path and query for `s3://bucket/key` or `azure://container/blob`."""
        date, seconds = moment.strftime(_TIME), str(int(lifetime.total_seconds()))
        signature = self._signature(_path(url), date, seconds)
        query = {"X-Amz-Date": date, "X-Amz-Expires": seconds, "X-Amz-Signature": signature}
        return f"{quote(_path(url))}?{urlencode(query)}"

    def public(self, url: str, _moment: datetime, _lifetime: timedelta) -> str:
        """The path of `https://host/key`, open to all."""
        return quote(_path(url))

    def answer(self, request: Request, now: datetime) -> Answer:
        """The object, or the part of it that was asked for; raises `Refused`."""
        scheme, _, rest = request.path.removeprefix(f"{PREFIX}/").partition("/")
        if scheme != "https":
            self._check(request, now)
        file = sample.object_path(f"{scheme}://{rest}")
        if ".." in request.path or not file.is_file():
            raise _refused(404, "NoSuchKey", "The specified key does not exist.")
        return _served(file.read_bytes(), request)

    def _check(self, request: Request, now: datetime) -> None:
        query = request.query
        date, seconds = query.get("X-Amz-Date", ""), query.get("X-Amz-Expires", "")
        signature = self._signature(request.path, date, seconds)
        if "authorization" in request.headers:
            raise _refused(400, "InvalidArgument", "Only one auth mechanism allowed")
        if request.method != "GET" or not hmac.compare_digest(
            signature, query.get("X-Amz-Signature", "")
        ):
            raise _refused(403, "SignatureDoesNotMatch", "The signature does not match.")
        made = datetime.strptime(date, _TIME).replace(tzinfo=timezone.utc)
        if now > made + timedelta(seconds=int(seconds)):
            raise _refused(403, "AccessDenied", "Request has expired")

    def _signature(self, *signed: str) -> str:
        return hmac.new(self.key, "\n".join(signed).encode(), hashlib.sha256).hexdigest()


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{PREFIX}/{parts.scheme}/{parts.netloc}{parts.path}"


def _served(content: bytes, request: Request) -> Answer:
    """RFC 9110, section 14: one range is honoured, several are not."""
    etag = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
    headers = {"ETag": etag, "Accept-Ranges": "bytes"}
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if asked is None or request.headers.get("if-range", etag) != etag:
        return Answer(200, content, headers)
    start, end = _interval(asked[1], asked[2], len(content))
    if start >= min(end, len(content)):
        raise Refused(416, b"", Content_Range=f"bytes */{len(content)}")
    span = f"bytes {start}-{end - 1}/{len(content)}"
    return Answer(206, content[start:end], headers | {"Content-Range": span})


def _interval(first: str, last: str, size: int) -> tuple[int, int]:
    if first:
        return int(first), min(int(last) + 1, size) if last else size
    return max(0, size - int(last or 0)), size


def _refused(status: int, code: str, message: str) -> Refused:
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Refused(status, body.encode())
