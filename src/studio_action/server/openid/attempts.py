"""The cookie of a log-in that has begun: it ties the provider's answer to one browser. Pure.

    STATE.ISSUED.NEXT.KEY.SIGNATURE

`STATE` is random and goes to the provider as well, `ISSUED` is the time in Unix seconds, `NEXT` the
path to go to, in base64, and `KEY` the id of the key that signs these. The nonce and the verifier
of PKCE are derived from the state with that key, so that they never leave the server before their
time (https://www.rfc-editor.org/rfc/rfc9700, section 2.1).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from studio_action.server.links import Key

COOKIE = "studio_action_log_in"
LIFETIME = timedelta(minutes=10)
"""How long people may take at their provider."""
LONGEST_NEXT = 2000
"""In bytes; browsers keep no cookie of more than 4096."""

_COOKIE = re.compile(
    r"(?P<state>[\w-]{43})\.(?P<issued>[1-9][0-9]{0,10})\.(?P<next>[\w-]{0,2700})"
    r"\.(?P<key>[\w-]{1,64})\.(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A log-in that has begun; `next` is the path to go to in the end."""

    state: str
    issued: int
    next: str
    key: Key = field(repr=False)

    @classmethod
    def begin(cls, random: bytes, next: str, key: Key, now: datetime) -> Attempt:
        """Return a new attempt with 32 bytes of `random`; forget a `next` that is too long."""
        kept = next if len(next.encode("utf-8", "surrogatepass")) <= LONGEST_NEXT else ""
        return cls(_base64(random), int(now.timestamp()), kept, key)

    @property
    def nonce(self) -> str:
        """What the ID token must repeat."""
        return self._derive("nonce")

    @property
    def verifier(self) -> str:
        """What proves to the provider that the code is this server's (RFC 7636)."""
        return self._derive("verifier")

    @property
    def identity(self) -> bytes:
        """A digest that no other attempt, and no ID token, has."""
        return hashlib.sha256(f"log-in\n{self.state}".encode()).digest()

    @property
    def expires(self) -> datetime:
        """When the provider's answer comes too late."""
        return datetime.fromtimestamp(self.issued, timezone.utc) + LIFETIME

    def cookie(self) -> str:
        """Return the cookie's value."""
        told = f"{self.state}.{self.issued}.{_base64(self.next.encode())}.{self.key.id}"
        return f"{told}.{_signature(told, self.key.secret)}"

    def _derive(self, purpose: str) -> str:
        return hmac.digest(
            self.key.secret, f"log-in {purpose}\n{self.state}".encode(), "sha256"
        ).hex()


def verify(text: str, find_secret: Callable[[str], bytes | None], now: datetime) -> Attempt | None:
    """Return the attempt in a cookie's value; None if it is forged or too old."""
    match = _COOKIE.fullmatch(text)
    secret = find_secret(match["key"]) if match else None
    if match is None or secret is None:
        return None
    told = text.rpartition(".")[0]
    if not hmac.compare_digest(_signature(told, secret), match["signature"]):
        return None
    next = base64.urlsafe_b64decode(match["next"] + "=" * (-len(match["next"]) % 4)).decode()
    attempt = Attempt(match["state"], int(match["issued"]), next, Key(match["key"], secret))
    return attempt if now < attempt.expires else None


def _signature(told: str, secret: bytes) -> str:
    # The word keeps it apart from sessions and signed URLs.
    return hmac.digest(secret, f"log-in\n{told}".encode(), "sha256").hex()


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
