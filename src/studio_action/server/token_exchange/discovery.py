"""Fetches an issuer's keys: its discovery document, and the key set that this names.

https://openid.net/specs/openid-connect-discovery-1_0.html, section 4. Both answers are bounded in
bytes and in time, and no redirect is followed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from studio_action.errors import UnexpectedAnswer, Unreachable
from studio_action.net import bounded_json
from studio_action.net.http_client import USER_AGENT, failure_reason, proxies_for
from studio_action.net.network import Network
from studio_action.server.token_exchange.issuer_keys import IssuerKey, read_key_set
from studio_action.server.token_exchange.issuers import is_safe

LARGEST = 512 << 10
"""The most bytes of an answer."""
PATIENCE = 10.0
"""The seconds that an answer may take as a whole."""
_SILENCE = 5.0
"""The seconds without a byte after which an issuer counts as down."""
_BLOCK = 1 << 14


@dataclass(frozen=True, slots=True)
class Discovery:
    """Requests to issuers; `now` returns seconds."""

    network: Network
    now: Callable[[], float] = time.monotonic

    def keys(self, issuer: str) -> tuple[IssuerKey, ...]:
        """Return the keys that the issuer publishes; raise `Unreachable` or `UnexpectedAnswer`."""
        document = self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if not isinstance(document, dict) or document.get("issuer") != issuer:
            raise UnexpectedAnswer(
                f"the discovery document of {issuer} is that of another issuer",
                "Write the issuer exactly as that document has it",
            )
        url = document.get("jwks_uri")
        if not isinstance(url, str) or not is_safe(url):
            raise UnexpectedAnswer(f"the discovery document of {issuer} names no https jwks_uri")
        try:
            keys = read_key_set(self._get(url))
        except ValueError as error:
            raise UnexpectedAnswer(f"the keys of {issuer} cannot be read: {error}") from None
        if not keys:
            raise UnexpectedAnswer(f"{issuer} has no key that can verify an ID token")
        return keys

    def _get(self, url: str) -> Any:
        try:
            with requests.Session() as session:
                session.trust_env = False
                return self._read(url, session)
        except (requests.RequestException, HTTPError, OSError) as error:
            reason = failure_reason(error)
            raise Unreachable(f"{url} cannot be read: {reason}", "Check the network") from None

    def _read(self, url: str, session: requests.Session) -> Any:
        deadline = self.now() + PATIENCE
        with session.get(
            url,
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": USER_AGENT,
            },
            timeout=_SILENCE,
            stream=True,
            allow_redirects=False,
            verify=str(self.network.ca_bundle) if self.network.ca_bundle else True,
            proxies=proxies_for(self.network, url),
        ) as response:
            if response.status_code != requests.codes.ok:
                raise UnexpectedAnswer(f"{url} answered {response.status_code}")
            body = bytearray()
            while block := response.raw.read1(_BLOCK, decode_content=False):
                body += block
                if len(body) > LARGEST:
                    raise UnexpectedAnswer(f"{url} answered more than {LARGEST >> 10} KiB")
                if self.now() > deadline:
                    raise Unreachable(f"{url} took more than {PATIENCE:g} seconds to answer")
        try:
            return bounded_json.read(bytes(body), LARGEST, unique=True)
        except ValueError:
            raise UnexpectedAnswer(f"{url} did not answer with JSON") from None
