"""How long to wait before a request is tried again. Pure.

Exponential, half of it jitter (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/);
`Retry-After` as in RFC 9110, section 10.2.3: seconds or an HTTP date.
"""

from __future__ import annotations

from datetime import datetime, timezone

BASE = 0.5
"""Seconds: the ceiling of the first wait; it doubles with each further one."""
CEILING = 30.0
"""Seconds: no wait of our own choice is longer."""
LONGEST_RETRY_AFTER = 300.0
"""Seconds: a `Retry-After` beyond this is not waited for in full."""

RETRYABLE_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


def wait(attempt: int, *, retry_after: float | None, random: float) -> float:
    """Return the seconds to wait after failed attempt `attempt` (from 1); `random` is in [0, 1)."""
    ceiling = min(CEILING, BASE * 2.0 ** (attempt - 1))
    jittered = ceiling * (0.5 + random / 2)
    if retry_after is None:
        return jittered
    return min(LONGEST_RETRY_AFTER, max(retry_after, 0.0)) + BASE * random


def retry_after_seconds(value: str | None, *, now: datetime) -> float | None:
    """Read a `Retry-After` header; None where there is none or it cannot be read."""
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    import email.utils  # late: it takes as long as a request, and few servers send a date

    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - now).total_seconds())
