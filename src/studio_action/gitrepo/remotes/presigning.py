"""Presigned URLs of S3 (SigV4), many in a short time. Pure.

Amazon's library finds out where a bucket is and how it is signed for with each URL. Here that is
found out once, from a URL that the library made, and what is made of it has to be that very URL;
where it is not, as for buckets that are signed for in other ways, the library makes them all
(https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import lru_cache
from typing import Protocol
from urllib.parse import parse_qs, quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"
_DATE = "%Y%m%dT%H%M%SZ"
_DEFAULT_PORTS = {"http": 80, "https": 443}

PROBE_KEY, PROBE_VERSION = "a b/é+%~(1)!*'", "1 +/="
"""What a library may write in another way than expected."""


class Keys(Protocol):
    """Credentials of one moment, as botocore has them."""

    @property
    def access_key(self) -> str: ...
    @property
    def secret_key(self) -> str: ...
    @property
    def token(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Presigner:
    """Presigns GETs of one bucket, whose objects' URLs begin with `base`.

    `keys` gives the credentials that are good now, None for a bucket that is open to all; `region`
    is the one that is signed for; `seconds` is how long URLs are good.
    """

    base: str
    region: str
    seconds: int
    keys: Callable[[], Keys] | None = field(repr=False)

    @classmethod
    def like(cls, url: str, seconds: int, keys: Callable[[], Keys] | None) -> Presigner | None:
        """Return what makes the same URL for the probe as the library did; None if it would not."""
        base, found, _ = url.partition(_quoted(PROBE_KEY))
        query = parse_qs(urlsplit(url).query)
        credential = query.get("X-Amz-Credential", ["///"])[0].split("/")
        presigner = cls(base, credential[2] if found else "", seconds, keys)
        try:
            date = query.get("X-Amz-Date", ["19700101T000000Z"])[0]
            signed = datetime.strptime(date, _DATE).replace(tzinfo=timezone.utc)
        except ValueError:
            return None
        return presigner if presigner.url(PROBE_KEY, PROBE_VERSION, signed) == url else None

    def url(self, key: str, version_id: str, now: datetime) -> str:
        """Return the URL of the object at `key`, good from `now` on."""
        address = f"{self.base}{_quoted(key)}"
        version = f"versionId={quote(version_id, safe='~')}" if version_id else ""
        if self.keys is None:
            return f"{address}?{version}" if version else address
        keys = self.keys()
        moment = now.astimezone(timezone.utc).strftime(_DATE)
        scope = f"{moment[:8]}/{self.region}/s3/aws4_request"
        head = (
            f"X-Amz-Algorithm={_ALGORITHM}"
            f"&X-Amz-Credential={quote(f'{keys.access_key}/{scope}', safe='~')}"
            f"&X-Amz-Date={moment}&X-Amz-Expires={self.seconds}"
        )
        token = f"&X-Amz-Security-Token={quote(keys.token, safe='~')}" if keys.token else ""
        signed_headers = "&X-Amz-SignedHeaders=host"
        sorted_query = head + token + signed_headers + (f"&{version}" if version else "")
        signature = self._signature(address, sorted_query, f"{moment}\n{scope}", keys.secret_key)
        before = f"{version}&" if version else ""
        return f"{address}?{before}{head}{signed_headers}{token}&X-Amz-Signature={signature}"

    def _signature(self, address: str, query: str, moment_and_scope: str, secret: str) -> str:
        host, path = _host_and_path(self.base)
        path += address[len(self.base) :]
        request = f"GET\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD"
        hashed = hashlib.sha256(request.encode()).hexdigest()
        to_sign = f"{_ALGORITHM}\n{moment_and_scope}\n{hashed}"
        date = moment_and_scope.partition("\n")[2][:8]
        key = _signing_key(secret, date, self.region)
        return hmac.digest(key, to_sign.encode(), "sha256").hex()


def _quoted(key: str) -> str:
    return quote(key, safe="/~")


@lru_cache(maxsize=128)
def _host_and_path(base: str) -> tuple[str, str]:
    """Return what the `Host` header will say, and the path."""
    parts = urlsplit(base)
    host = parts.netloc.rpartition("@")[2].lower()
    if parts.port is not None and parts.port == _DEFAULT_PORTS.get(parts.scheme):
        host = host.rpartition(":")[0]
    return host, parts.path


@lru_cache(maxsize=128)
def _signing_key(secret: str, date: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
