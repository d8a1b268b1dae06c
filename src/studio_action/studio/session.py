"""HTTP to one Studio: which requests are sent, with which token, and which may be sent again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from studio_action.net.clock import Limits
from studio_action.net.network import Network
from studio_action.studio.api import EXTENSION_HEADER, Answer

if TYPE_CHECKING:
    from studio_action.net.http_client import Call, HttpClient

_IF_LOST = "The project may exist all the same: look at Studio before you run this again"


@dataclass(slots=True)
class StudioSession:
    """Requests to one Studio at `base` (with a final slash).

    `token` returns the token, and is called for each attempt: one that was exchanged for an ID
    token may have to be renewed.
    """

    base: str
    token: Callable[[], str] = field(repr=False)
    network: Network
    limits: Limits
    log: Callable[[str], None]
    _http: HttpClient | None = field(default=None, init=False, repr=False)

    def get(self, endpoint: str, query: Mapping[str, str]) -> Answer:
        """Send a GET, again after any failure; return the answer.

        Raises `Unreachable`, `UnexpectedAnswer` or `DeadlinePassed`, and what `token` raises.
        """
        from studio_action.net.http_client import Call

        return self._request(
            endpoint, lambda: Call("GET", self._url(endpoint), self._headers(), params=query)
        )

    def post(self, endpoint: str, body: Mapping[str, object]) -> Answer:
        """Send JSON, again only after a failure that surely did nothing; return the answer.

        Raises what `get` raises.
        """
        from studio_action.net.http_client import Call

        return self._request(
            endpoint,
            lambda: Call(
                "POST",
                self._url(endpoint),
                self._headers(),
                json=body,
                repeatable=False,
                if_lost=_IF_LOST,
            ),
        )

    def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            self._http.close()

    def _url(self, endpoint: str) -> str:
        return urljoin(self.base, endpoint)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"token {self.token()}"}

    def _request(self, endpoint: str, make: Callable[[], Call]) -> Answer:
        got = self._client().send(make)
        extended = got.headers.get(EXTENSION_HEADER) == "1"
        return Answer(endpoint, got.url, got.status, got.body, extended)

    def _client(self) -> HttpClient:
        """Return the client, which is made late: its libraries load while the tags are read."""
        from studio_action.net.http_client import HttpClient, Peer

        if self._http is None:
            peer = Peer("Studio", self.base, "studio-url")
            self._http = HttpClient(peer, self.network, self.limits, self.log)
        return self._http
