"""HTTP to issuers: answers are bounded in bytes and in time, and no redirect is followed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

import requests
from urllib3.exceptions import HTTPError

from studio_action.errors import UnexpectedAnswer, Unreachable
from studio_action.net import bounded_json
from studio_action.net.http_client import USER_AGENT, failure_reason, proxies_for
from studio_action.net.network import Network

LARGEST = 512 << 10
"""The most bytes of an answer."""
PATIENCE = 10.0
"""The seconds that an answer may take as a whole."""
_SILENCE = 5.0
"""The seconds without a byte after which an issuer counts as down."""
_BLOCK = 1 << 14
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": USER_AGENT,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What an issuer answered; the body may hold tokens."""

    url: str
    status: int
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Return the value of the body; raise `UnexpectedAnswer` if it is not JSON."""
        try:
            return bounded_json.read(self.body, LARGEST, unique=True)
        except ValueError:
            raise UnexpectedAnswer(f"{self.url} did not answer with JSON") from None


@dataclass(frozen=True, slots=True)
class IssuerHttp:
    """Requests to issuers; `now` returns seconds."""

    network: Network
    now: Callable[[], float] = time.monotonic

    def get(self, url: str) -> Any:
        """Return the JSON at `url`; raise `Unreachable` or `UnexpectedAnswer`."""
        answer = self._send("GET", url, {}, None)
        if answer.status != HTTPStatus.OK:
            raise UnexpectedAnswer(f"{url} answered {answer.status}")
        return answer.json()

    def post(self, url: str, headers: Mapping[str, str], body: str) -> Answer:
        """Return the answer, whatever its status; raise `Unreachable` or `UnexpectedAnswer`."""
        return self._send("POST", url, headers, body)

    def _send(
        self, method: Literal["GET", "POST"], url: str, headers: Mapping[str, str], body: str | None
    ) -> Answer:
        try:
            with requests.Session() as session:
                session.trust_env = False
                return self._read(session, method, url, headers, body)
        except (requests.RequestException, HTTPError, OSError) as error:
            reason = failure_reason(error)
            raise Unreachable(f"{url} cannot be read: {reason}", "Check the network") from None

    def _read(
        self,
        session: requests.Session,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: str | None,
    ) -> Answer:
        deadline = self.now() + PATIENCE
        with session.request(
            method,
            url,
            data=body,
            headers={**_HEADERS, **headers},
            timeout=_SILENCE,
            stream=True,
            allow_redirects=False,
            verify=str(self.network.ca_bundle) if self.network.ca_bundle else True,
            proxies=proxies_for(self.network, url),
        ) as response:
            content = bytearray()
            while block := response.raw.read1(_BLOCK, decode_content=False):
                content += block
                if len(content) > LARGEST:
                    raise UnexpectedAnswer(f"{url} answered more than {LARGEST >> 10} KiB")
                if self.now() > deadline:
                    raise Unreachable(f"{url} took more than {PATIENCE:g} seconds to answer")
            return Answer(url, response.status_code, bytes(content))
