"""What a signed URL tells about itself: until when it is good, and what in it is secret. Pure.

S3: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
Azure: https://learn.microsoft.com/rest/api/storageservices/create-service-sas
OSS: https://www.alibabacloud.com/help/en/oss/developer-reference/add-signatures-to-urls
Google: https://cloud.google.com/storage/docs/authentication/signatures
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from itertools import islice
from urllib.parse import unquote

MASKED_URLS = 100
"""Of so many URLs the secrets are masked: each mask slows every later line of the job down, and
masks are a second line of defence, since no text of ours holds a URL's query."""

_TIMES = re.compile(
    r"(?:\A|&)(x-(?:amz|goog|oss)-(?:date|expires)|se|expires)=([^&]*)", re.IGNORECASE
)
_SECRET = frozenset(
    {
        "awsaccesskeyid",
        "googleaccessid",
        "ossaccesskeyid",
        "security-token",
        "sig",
        "signature",
        "token",
        "x-amz-credential",
        "x-amz-security-token",
        "x-amz-signature",
        "x-goog-credential",
        "x-goog-signature",
        "x-oss-credential",
        "x-oss-security-token",
        "x-oss-signature",
    }
)


def expiry(url: str) -> datetime | None:
    """Return the moment, in UTC, after which the URL is refused; None if it has none."""
    if "?" not in url:
        return None
    query = _query(url)
    for vendor in ("amz", "goog", "oss"):
        found = _signed_at(query, f"x-{vendor}-date", f"x-{vendor}-expires")
        if found is not None:
            return found
    return _sas_end(query.get("se", "")) or _epoch(query.get("expires", ""))


def secrets_of(url: str) -> tuple[str, ...]:
    """Return every part of the URL that must not be shown, encoded and decoded, longest first.

    Any text has such parts, also what `urlsplit` takes for no URL.
    """
    query = url.partition("#")[0].partition("?")[2]
    found = {query}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if unquote(name).lower() in _SECRET:
            found |= {value, unquote(value)}
    server = re.split("[/?#]", url.partition("://")[2], maxsplit=1)[0]
    user_info = server.rpartition("@")[0]
    password = user_info.partition(":")[2]
    found |= {user_info, unquote(user_info), password, unquote(password)}
    return tuple(sorted(found - {""}, key=lambda secret: (-len(secret), secret)))


def secrets_to_mask(urls: Iterable[str]) -> Iterator[str]:
    """Yield the secrets of the first `MASKED_URLS` of `urls`."""
    for url in islice(urls, MASKED_URLS):
        yield from secrets_of(url)


def _query(url: str) -> Mapping[str, str]:
    found = _TIMES.findall(url.partition("?")[2].partition("#")[0])
    return {name.lower(): unquote(value) for name, value in found}


def _signed_at(query: Mapping[str, str], date: str, lifetime: str) -> datetime | None:
    seconds = _number(query.get(lifetime, ""))
    return None if seconds is None else _end(query.get(date, ""), seconds)


@lru_cache  # the URLs of one answer were signed within a second or two
def _end(date: str, seconds: int) -> datetime | None:
    try:
        signed = datetime.strptime(date, "%Y%m%dT%H%M%SZ")
        return signed.replace(tzinfo=timezone.utc) + timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return None


def _sas_end(text: str) -> datetime | None:
    """Read Azure's `se`: a date, perhaps with a time in UTC, perhaps with seven decimals."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d)?)?(?:\.\d+)?Z?", text)
    if match is None:
        return None
    try:
        return datetime.fromisoformat(match[1] + (match[2] or "")).replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def _epoch(text: str) -> datetime | None:
    """Read the `Expires` of SigV2 and nginx: seconds since 1970."""
    seconds = _number(text)
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)


def _number(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        return None
    return int(text)
