"""Session cookies: they name the id of a token, never its text. Pure.

    ID.ISSUED.KEY.SIGNATURE

`ID` is the token's, `ISSUED` the time of the log-in in Unix seconds, `KEY` the id of the key that
signs both. The token is looked up at each request, so that revoking it ends the session.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from datetime import datetime, timedelta

from studio_action.server.links import Key

COOKIE = "studio_action_session"
LIFETIME = timedelta(hours=12)

_SESSION = re.compile(
    r"(?P<token>[0-9a-f]{1,64})\.(?P<issued>[1-9][0-9]{0,10})\.(?P<key>[\w-]{1,64})"
    r"\.(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)


def sign(token: str, key: Key, now: datetime) -> str:
    """Return the cookie's value for a log-in at `now` with the token of the id `token`."""
    issued = int(now.timestamp())
    return f"{token}.{issued}.{key.id}.{_signature(token, issued, key.secret)}"


def verify(text: str, find_secret: Callable[[str], bytes | None], now: datetime) -> str | None:
    """Return the token id in a cookie's value; None if it is forged or has expired."""
    match = _SESSION.fullmatch(text)
    if match is None:
        return None
    issued, secret = int(match["issued"]), find_secret(match["key"])
    if secret is None or not hmac.compare_digest(
        _signature(match["token"], issued, secret), match["signature"]
    ):
        return None
    expired = now.timestamp() >= issued + LIFETIME.total_seconds()
    return None if expired else match["token"]


def _signature(token: str, issued: int, secret: bytes) -> str:
    # The word keeps it apart from signed URLs, whose signed text begins with a number.
    return hmac.digest(secret, f"session\n{issued}\n{token}".encode(), "sha256").hex()
