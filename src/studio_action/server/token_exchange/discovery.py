"""Fetches an issuer's keys: its discovery document, and the key set that this names.

https://openid.net/specs/openid-connect-discovery-1_0.html, section 4. Both answers are bounded in
bytes and in time, and no redirect is followed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from studio_action.errors import UnexpectedAnswer
from studio_action.net.network import Network
from studio_action.server.token_exchange.issuer_http import LARGEST as LARGEST
from studio_action.server.token_exchange.issuer_http import IssuerHttp
from studio_action.server.token_exchange.issuer_keys import IssuerKey, read_key_set
from studio_action.server.token_exchange.issuers import is_safe


@dataclass(frozen=True, slots=True)
class Discovery:
    """Requests to issuers; `now` returns seconds."""

    network: Network
    now: Callable[[], float] = time.monotonic

    def document(self, issuer: str) -> Mapping[str, Any]:
        """Return what the issuer says of itself; raise `Unreachable` or `UnexpectedAnswer`."""
        document = self._http.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if not isinstance(document, dict) or document.get("issuer") != issuer:
            raise UnexpectedAnswer(
                f"the discovery document of {issuer} is that of another issuer",
                "Write the issuer exactly as that document has it",
            )
        return document

    def keys(self, issuer: str) -> tuple[IssuerKey, ...]:
        """Return the keys that the issuer publishes; raise `Unreachable` or `UnexpectedAnswer`."""
        url = self.document(issuer).get("jwks_uri")
        if not isinstance(url, str) or not is_safe(url):
            raise UnexpectedAnswer(f"the discovery document of {issuer} names no https jwks_uri")
        try:
            keys = read_key_set(self._http.get(url))
        except ValueError as error:
            raise UnexpectedAnswer(f"the keys of {issuer} cannot be read: {error}") from None
        if not keys:
            raise UnexpectedAnswer(f"{issuer} has no key that can verify an ID token")
        return keys

    @property
    def _http(self) -> IssuerHttp:
        return IssuerHttp(self.network, self.now)
