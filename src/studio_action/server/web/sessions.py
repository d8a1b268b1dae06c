"""Who a browser was let in as: a cookie that names a token, never the token itself. Pure.

    ID.ISSUED.KEY.SIGNATURE

`ID` is the token's, `ISSUED` the moment of the log-in in Unix seconds, `KEY` the id of the key by
which both are signed. The token is looked up at each request, so that revoking it ends the session.
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


def signed(token: str, key: Key, now: datetime) -> str:
    """The cookie's value for somebody who has just shown the token with the id `token`."""
    issued = int(now.timestamp())
    return f"{token}.{issued}.{key.id}.{_signature(token, issued, key.secret)}"


def token_of(text: str, secret_of: Callable[[str], bytes | None], now: datetime) -> str | None:
    """The id of the token that a cookie's value names; None if it is not ours, or too old."""
    told = _SESSION.fullmatch(text)
    if told is None:
        return None
    issued, secret = int(told["issued"]), secret_of(told["key"])
    if secret is None or not hmac.compare_digest(
        _signature(told["token"], issued, secret), told["signature"]
    ):
        return None
    over = now.timestamp() >= issued + LIFETIME.total_seconds()
    return None if over else told["token"]


def _signature(token: str, issued: int, secret: bytes) -> str:
    # The word keeps it apart from what else is signed by these keys: links begin with a number.
    return hmac.digest(secret, f"session\n{issued}\n{token}".encode(), "sha256").hex()
