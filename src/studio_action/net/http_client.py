"""HTTP to one server that people name: retries, redirects and limits of every request.

Only a request that surely did nothing is sent again: one that is `repeatable`, and any other that
never arrived or was refused with 429, or with 503 and a `Retry-After`.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Literal
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import NewConnectionError

from studio_action import __version__
from studio_action.errors import UnexpectedAnswer, Unreachable
from studio_action.net import backoff
from studio_action.net.clock import Limits
from studio_action.net.network import Network
from studio_action.net.retries import Retry, with_retries
from studio_action.text import printable, redact

LARGEST_ANSWER = 64 << 20
"""Bytes; a model of a hundred thousand files stays well below."""
LARGEST_ERROR = 1 << 20
"""Bytes of an error's body that are read; the rest says nothing more."""
MOST_REDIRECTS = 5
USER_AGENT = (
    f"studio-action/{__version__} ({platform.system()}; Python {platform.python_version()})"
)

Method = Literal["GET", "POST"]


@dataclass(frozen=True, slots=True)
class Peer:
    """The server as messages name it: `name`, e.g. `Studio`, its `url`, and what has that URL."""

    name: str
    url: str
    named_by: str

    def __str__(self) -> str:
        """Return the server with its URL, without secrets."""
        return f"{self.name} at {redact(self.url)}"


@dataclass(frozen=True, slots=True)
class Call:
    """One request; `params`, `json` and `form` are what `requests` makes of them.

    `repeatable` if it may be sent twice; `if_lost` is the hint where nobody knows whether the
    server did it.
    """

    method: Method
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, object] | None = field(default=None, repr=False)
    json: Mapping[str, object] | None = field(default=None, repr=False)
    form: Mapping[str, object] | None = field(default=None, repr=False)
    repeatable: bool = True
    if_lost: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; `url` is where it came from, fit to be shown."""

    status: int
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(slots=True)
class HttpClient:
    """Requests to one server, over connections that are kept until `close`."""

    peer: Peer
    network: Network
    limits: Limits
    log: Callable[[str], None]
    _http: requests.Session = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._http = requests.Session()
        self._http.trust_env = False  # or a ~/.netrc would take the place of a token
        self._http.headers.update({"Accept": "application/json", "User-Agent": USER_AGENT})

    def send(self, make: Callable[[], Call]) -> Response:
        """Send what `make` returns, which is called before each attempt; return the last answer.

        Raises `Unreachable`, `UnexpectedAnswer` or `DeadlinePassed`, and whatever `make` raises.
        """
        outcome, attempts = with_retries(
            lambda: self._attempt(make()), _retry, self.limits, self.log
        )
        return outcome if isinstance(outcome, Response) else outcome.settle(attempts)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _attempt(self, call: Call) -> Response | _Failure:
        try:
            with self._follow(call) as response:
                return self._classify(call, response)
        except requests.RequestException as error:
            self.limits.deadline.check()
            return _Failure(
                f"{self.peer} could not be reached: {failure_reason(error)}",
                harmless=call.repeatable or _never_sent(error),
                hint=self._hint(call, error),
                error=error,
            )

    def _follow(self, call: Call) -> requests.Response:
        url, params = call.url, call.params
        for _ in range(MOST_REDIRECTS):
            response = self._send(call, url, params)
            if not response.is_redirect:
                return response
            response.close()
            location = response.headers["Location"]
            url = redirect_target(self.peer, call.method, response.status_code, url, location)
            params = None
        raise UnexpectedAnswer(
            f"{self.peer.name} redirects more than {MOST_REDIRECTS} times",
            f"Check {self.peer.named_by}",
        )

    def _send(self, call: Call, url: str, params: Mapping[str, object] | None) -> requests.Response:
        request = requests.Request(
            call.method, url, headers=call.headers, params=params, json=call.json, data=call.form
        )
        return self._http.send(
            self._http.prepare_request(request),
            timeout=max(0.001, min(self.limits.timeout, self.limits.deadline.remaining())),
            stream=True,
            allow_redirects=False,
            verify=str(self.network.ca_bundle) if self.network.ca_bundle else True,
            proxies=proxies_for(self.network, url),
        )

    def _classify(self, call: Call, response: requests.Response) -> Response | _Failure:
        status, headers = response.status_code, response.headers
        answer = Response(status, redact(response.url), headers, self._read(response))
        if status not in backoff.RETRYABLE_STATUSES:
            return answer
        retry_after = backoff.retry_after_seconds(
            headers.get("Retry-After"), now=datetime.now(timezone.utc)
        )
        turned_away = status == 429 or (status == 503 and retry_after is not None)
        return _Failure(
            f"{self.peer.name} answered {status}",
            harmless=call.repeatable or turned_away,
            retry_after=retry_after,
            answer=answer,
        )

    def _read(self, response: requests.Response) -> bytes:
        """Return the body; raise `UnexpectedAnswer` if it is larger than `LARGEST_ANSWER`."""
        body = bytearray()
        for chunk in response.iter_content(1 << 16):
            self.limits.deadline.check()
            body += chunk
            if response.status_code >= 400 and len(body) > LARGEST_ERROR:
                break
            if len(body) > LARGEST_ANSWER:
                raise UnexpectedAnswer(
                    f"{self.peer.name} answered more than {LARGEST_ANSWER >> 20} MiB",
                    f"Check {self.peer.named_by}",
                )
        return bytes(body)

    def _hint(self, call: Call, error: requests.RequestException) -> str:
        if isinstance(error, requests.exceptions.SSLError):
            return "Give its authority as ca-bundle"
        if call.if_lost and not _never_sent(error):
            return call.if_lost
        return f"Check {self.peer.named_by}, the network and the proxy settings"


@dataclass(frozen=True, slots=True)
class _Failure:
    """An attempt that failed; `harmless` if the server surely did nothing because of it."""

    reason: str
    harmless: bool
    retry_after: float | None = None
    hint: str = ""
    answer: Response | None = None
    error: Exception | None = None

    def settle(self, attempts: int) -> Response:
        """Return the answer, if there was one; else raise `Unreachable`."""
        if self.answer is not None:
            return self.answer
        times = f" ({attempts} attempts)" if attempts > 1 else ""
        raise Unreachable(f"{self.reason}{times}", self.hint) from self.error


def _retry(outcome: Response | _Failure) -> Retry | None:
    if isinstance(outcome, Response) or not outcome.harmless:
        return None
    return Retry(outcome.reason, outcome.retry_after)


def redirect_target(peer: Peer, method: Method, status: int, here: str, location: str) -> str:
    """Return the URL that a redirect leads to; raise `UnexpectedAnswer` if the token must not."""
    there = urljoin(here, location)
    old, new = urlsplit(here), urlsplit(there)
    moved = f"{peer.name} redirects {redact(here)} to {printable(redact(there), 300)}"
    upgraded = (old.scheme, new.scheme) == ("http", "https") and not (old.port or new.port)
    same = (old.scheme, old.port) == (new.scheme, new.port)
    if old.hostname != new.hostname or not (same or upgraded):
        raise UnexpectedAnswer(
            f"{moved}, another server, and the token must not go there",
            f"If it is the right server or its login page, correct {peer.named_by} or the token",
        )
    if method == "POST" and status not in (307, 308):
        raise UnexpectedAnswer(
            f"{moved}, and the redirected POST would be empty", f"Correct {peer.named_by}"
        )
    return there


def proxies_for(network: Network, url: str) -> dict[str, str]:
    """Return the proxies for a request to `url`, by scheme, as requests takes them."""
    bypassed = network.proxies.get("no", "")
    if bypassed and requests.utils.should_bypass_proxies(url, no_proxy=bypassed):
        return {}
    return {key: proxy for key, proxy in network.proxies.items() if key in ("http", "https")}


def _never_sent(error: requests.RequestException) -> bool:
    if isinstance(error, (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError)):
        return True
    cause = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(cause, NewConnectionError)


def failure_reason(error: Exception) -> str:
    """Return the cause in words: the text of the exception itself may have a whole URL."""
    match error:
        case requests.exceptions.SSLError():
            return "its certificate is not trusted"
        case requests.exceptions.ProxyError():
            return "the proxy refused or failed"
        case requests.exceptions.ConnectTimeout():
            return "no connection within the timeout"
        case requests.Timeout():
            return "no answer within the timeout"
        case requests.ConnectionError() if _never_sent(error):
            return "no connection (wrong host name, port, or network)"
        case requests.ConnectionError() | requests.exceptions.ChunkedEncodingError():
            return "the connection broke"
    return type(error).__name__
