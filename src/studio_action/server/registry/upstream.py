"""Requests files from web remotes with the server's own credentials.

The credentials go to the remote's own host alone. A redirect to another host, as servers in front
of an object storage send, is followed without them. No redirect may lead from https to http, nor to
an internal address, unless that is the remote's own host.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, ProtocolError

from studio_action.errors import Unreachable
from studio_action.gitrepo.internal_addresses import is_internal_address
from studio_action.gitrepo.remotes.base import Place
from studio_action.net.http_client import (
    MOST_REDIRECTS,
    USER_AGENT,
    failure_reason,
    proxies_for,
)
from studio_action.net.network import Network

BLOCK = 1 << 18
"""The most bytes of one read."""
SILENCE = 30.0
"""The seconds without a byte after which a response counts as broken off."""
_CONNECTING = 10.0
_MOST_HOSTS = 32
_IDLE_CONNECTIONS = 64
"""The most idle connections to one host that are kept for reuse."""
_SMALL = 1 << 14
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}


class UpstreamResponse:
    """A response of a web remote, whose body is still to be read.

    `is_from_own_host` tells whether the remote's own host sent it, not one it redirected to.
    """

    def __init__(self, response: requests.Response, *, is_from_own_host: bool) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.is_from_own_host = is_from_own_host
        self._raw = response.raw
        self._reading, self._closed = Lock(), False

    def read(self) -> bytes:
        """Return the next bytes, b'' at the end; raise `Unreachable` if the response broke off."""
        try:
            with self._reading:
                if self._closed:
                    raise ProtocolError("closed by the server itself")
                block: bytes = self._raw.read1(BLOCK, decode_content=False)
                return block
        except (HTTPError, OSError, ValueError) as error:  # ValueError: it was shut down
            raise Unreachable(f"a remote's response broke off: {type(error).__name__}") from None
        finally:
            if self._closed:
                self._raw.close()

    def close(self) -> None:
        """Stop reading; from any thread, at any time, without blocking."""
        self._closed = True
        if self._reading.acquire(blocking=False):
            self._raw.close()
            self._reading.release()
        else:  # wake the reading thread, which then closes it
            with suppress(RuntimeError, ValueError, OSError):  # it has ended already
                self._raw.shutdown()


def _adapter() -> HTTPAdapter:
    return HTTPAdapter(_MOST_HOSTS, _IDLE_CONNECTIONS, max_retries=0)


@dataclass(frozen=True, slots=True)
class Upstream:
    """An HTTP client for web remotes; safe to use from any thread, with reused connections.

    It uses no cookies, ~/.netrc or environment variables. `silence` is in seconds.
    """

    network: Network
    silence: float = SILENCE
    _http: HTTPAdapter = field(default_factory=_adapter, repr=False)

    def request(self, method: str, place: Place, headers: Mapping[str, str]) -> UpstreamResponse:
        """Return the response after all redirects; raise `Unreachable` if there is none."""
        home, url, is_own = urlsplit(place.url), place.url, True
        credentials = dict(_parse_header(line) for line in place.headers)
        plain: dict[str, str | bytes] = {
            "Accept-Encoding": "identity",
            "User-Agent": USER_AGENT,
            **headers,
        }
        for _ in range(1 + MOST_REDIRECTS):
            response = self._send_again_once(
                method, url, {**plain, **credentials} if is_own else plain
            )
            location = response.headers.get("Location", "")
            if response.status_code not in _REDIRECTS or not location:
                return UpstreamResponse(response, is_from_own_host=is_own)
            with suppress(HTTPError, OSError):  # reading the rest keeps the connection usable
                response.raw.read1(_SMALL, decode_content=False)
            response.close()
            url = _redirect_target(url, location, home)
            # Another host cannot redirect back to get a request with the credentials.
            is_own = is_own and _is_own_host(urlsplit(url), home)
        raise Unreachable(f"a remote redirects more than {MOST_REDIRECTS} times")

    def _send_again_once(
        self, method: str, url: str, headers: Mapping[str, str | bytes]
    ) -> requests.Response:
        try:
            request = requests.Request(method, url).prepare()
            request.headers.update(headers)  # type: ignore[arg-type]  # bytes are UTF-8
            try:
                return self._send(request)
            except requests.ConnectionError as error:
                if not (error.args and isinstance(error.args[0], ProtocolError)):
                    raise
                return self._send(request)  # a reused connection was closed meanwhile
        except (requests.RequestException, HTTPError, ValueError) as error:
            # Their messages may hold URLs and headers.
            raise Unreachable(f"a remote cannot be reached: {failure_reason(error)}") from None

    def _send(self, request: requests.PreparedRequest) -> requests.Response:
        assert request.url is not None
        return self._http.send(
            request,
            stream=True,
            timeout=(min(_CONNECTING, self.silence), self.silence),
            verify=str(self.network.ca_bundle) if self.network.ca_bundle else True,
            proxies=proxies_for(self.network, request.url),
        )


def _parse_header(line: str) -> tuple[str, bytes]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip().encode()


def _redirect_target(here: str, location: str, home: SplitResult) -> str:
    """Return the URL that a redirect leads to; raise `Unreachable` if that is not allowed."""
    try:
        there = _as_sent(urljoin(here, location))
        parts = urlsplit(there)
        is_internal = is_internal_address(there) and parts.hostname != home.hostname
        has_port = parts.port is None or parts.port > 0
        is_safe = parts.scheme == "https" or (parts.scheme == "http" == urlsplit(here).scheme)
    except (ValueError, requests.RequestException):
        raise Unreachable("a remote redirects to an invalid URL") from None
    if not (is_safe and has_port and parts.hostname) or "@" in parts.netloc:
        raise Unreachable("a remote redirects to an unsafe URL")
    if is_internal:
        raise Unreachable("a remote redirects to an address of the server's own machine or network")
    return there


def _as_sent(url: str) -> str:
    """Return the URL as requests sends it, so that the checks see the host that gets it."""
    return requests.Request("GET", url).prepare().url or ""


def _is_own_host(there: SplitResult, home: SplitResult) -> bool:
    """Return whether `there` is the remote's own host; https may replace http on default ports."""
    if there.hostname != home.hostname:
        return False
    ports = there.port or _PORTS.get(there.scheme), home.port or _PORTS.get(home.scheme)
    if there.scheme == home.scheme:
        return ports[0] == ports[1]
    return (home.scheme, there.scheme) == ("http", "https") and ports == (443, 80)
