"""Web servers that the server itself asks for files, with a credential of its own.

The credential goes to the remote's own host alone: a redirect to another one, as stores in front of
an object storage send it, is followed without. No redirect leads from https to http, nor to an
address that machines keep for themselves, unless that is the remote's own host.
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
from studio_action.net.network import Network
from studio_action.studio.session import MOST_REDIRECTS, USER_AGENT, failure_reason, proxies_for

BLOCK = 1 << 18
"""Bytes that are read at once, at most."""
SILENCE = 30.0
"""Seconds without a byte after which an answer counts as broken off."""
_CONNECTING = 10.0
_MOST_HOSTS = 32
_IDLE_CONNECTIONS = 64
"""Of one host; they are kept for the next request."""
_SMALL = 1 << 14
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}


class Answer:
    """What a web server answered; its head has come, and its body is still to be read.

    `own`: it is the remote's own host that says so, and not one that it redirected to.
    """

    def __init__(self, response: requests.Response, *, own: bool) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.own = own
        self._raw = response.raw
        self._reading, self._over = Lock(), False

    def read(self) -> bytes:
        """The bytes that are there, b'' at the end; raises `Unreachable` where it broke off."""
        try:
            with self._reading:
                if self._over:
                    raise ProtocolError("nobody wants the rest")
                block: bytes = self._raw.read1(BLOCK, decode_content=False)
                return block
        except (HTTPError, OSError, ValueError) as error:  # the last: it was shut down
            raise Unreachable(f"a remote's answer broke off: {type(error).__name__}") from None
        finally:
            if self._over:
                self._raw.close()

    def end(self) -> None:
        """Read no more of it, from any thread and at any time; it does not block."""
        self._over = True
        if self._reading.acquire(blocking=False):
            self._raw.close()
            self._reading.release()
        else:  # whoever is reading is woken, and closes it
            with suppress(RuntimeError, ValueError, OSError):  # it had ended already
                self._raw.shutdown()


def _adapter() -> HTTPAdapter:
    return HTTPAdapter(_MOST_HOSTS, _IDLE_CONNECTIONS, max_retries=0)


@dataclass(frozen=True, slots=True)
class Upstream:
    """Asks web servers, from any thread; connections are used again.

    It knows no cookies, no ~/.netrc and no environment. `silence` is in seconds.
    """

    network: Network
    silence: float = SILENCE
    _http: HTTPAdapter = field(default_factory=_adapter, repr=False)

    def ask(self, method: str, place: Place, headers: Mapping[str, str]) -> Answer:
        """What is answered at the end of all redirects; raises `Unreachable`."""
        home, url, own = urlsplit(place.url), place.url, True
        credentials = dict(_header(line) for line in place.headers)
        plain: dict[str, str | bytes] = {
            "Accept-Encoding": "identity",
            "User-Agent": USER_AGENT,
            **headers,
        }
        for _ in range(1 + MOST_REDIRECTS):
            response = self._sent(method, url, {**plain, **credentials} if own else plain)
            location = response.headers.get("Location", "")
            if response.status_code not in _REDIRECTS or not location:
                return Answer(response, own=own)
            with suppress(HTTPError, OSError):  # what is read here keeps the connection good
                response.raw.read1(_SMALL, decode_content=False)
            response.close()
            url = _onward(url, location, home)
            # Whoever is not the remote's own host does not say what it is asked for with our name.
            own = own and _is_own(urlsplit(url), home)
        raise Unreachable(f"a remote redirects more than {MOST_REDIRECTS} times")

    def _sent(self, method: str, url: str, headers: Mapping[str, str | bytes]) -> requests.Response:
        try:
            request = requests.Request(method, url).prepare()
            request.headers.update(headers)  # type: ignore[arg-type]  # bytes are UTF-8
            try:
                return self._send(request)
            except requests.ConnectionError as error:
                if not (error.args and isinstance(error.args[0], ProtocolError)):
                    raise
                return self._send(request)  # a connection that was kept, and closed meanwhile
        except (requests.RequestException, HTTPError, ValueError) as error:
            # Their texts hold URLs, and header lines.
            raise Unreachable(f"a remote could not be asked: {failure_reason(error)}") from None

    def _send(self, request: requests.PreparedRequest) -> requests.Response:
        assert request.url is not None
        return self._http.send(
            request,
            stream=True,
            timeout=(min(_CONNECTING, self.silence), self.silence),
            verify=str(self.network.ca_bundle) if self.network.ca_bundle else True,
            proxies=proxies_for(self.network, request.url),
        )


def _header(line: str) -> tuple[str, bytes]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip().encode()


def _onward(here: str, location: str, home: SplitResult) -> str:
    """Where a redirect leads; raises `Unreachable` where it may not lead."""
    try:
        there = _as_sent(urljoin(here, location))
        parts = urlsplit(there)
        inside = is_internal_address(there) and parts.hostname != home.hostname
        ports = parts.port is None or parts.port > 0
        safe = parts.scheme == "https" or (parts.scheme == "http" == urlsplit(here).scheme)
    except (ValueError, requests.RequestException):
        raise Unreachable("a remote redirects to what is no address") from None
    if not (safe and ports and parts.hostname) or "@" in parts.netloc:
        raise Unreachable("a remote redirects to where it is not safe to follow")
    if inside:
        raise Unreachable("a remote redirects to an address of the server's own machine or network")
    return there


def _as_sent(url: str) -> str:
    """The URL as requests sends it: what reads it in another way must not decide where it leads."""
    return requests.Request("GET", url).prepare().url or ""


def _is_own(there: SplitResult, home: SplitResult) -> bool:
    """Whether it is the remote's own host; TLS, too, where the remote's url says nothing of it."""
    if there.hostname != home.hostname:
        return False
    ports = there.port or _PORTS.get(there.scheme), home.port or _PORTS.get(home.scheme)
    if there.scheme == home.scheme:
        return ports[0] == ports[1]
    return (home.scheme, there.scheme) == ("http", "https") and ports == (443, 80)
