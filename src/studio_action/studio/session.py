"""HTTP to one Studio: the token, the retries, the redirects and the limits of every request.

Only a request that surely did nothing is sent again: a GET, and a POST that never arrived or was
refused with 429, or with 503 and a `Retry-After`.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import NewConnectionError

from studio_action import __version__
from studio_action.errors import UnexpectedAnswer, Unreachable
from studio_action.net import backoff
from studio_action.net.clock import Limits
from studio_action.net.network import Network
from studio_action.net.retries import Retry, with_retries
from studio_action.studio.api import EXTENSION_HEADER, Answer
from studio_action.text import printable, redact

LARGEST_ANSWER = 64 << 20
"""Bytes; a model of a hundred thousand files stays well below."""
LARGEST_ERROR = 1 << 20
"""Bytes of an error's body that are read; the rest says nothing more."""
MOST_REDIRECTS = 5
USER_AGENT = (
    f"studio-action/{__version__} ({platform.system()}; Python {platform.python_version()})"
)


@dataclass(slots=True)
class StudioSession:
    """Requests to one Studio at `base` (with a final slash), with one token."""

    base: str
    token: str = field(repr=False)
    network: Network
    limits: Limits
    log: Callable[[str], None]
    _http: requests.Session = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._http = requests.Session()
        self._http.trust_env = False  # or a ~/.netrc would take the place of the token
        self._http.headers.update(
            {
                "Accept": "application/json",
                "Authorization": f"token {self.token}",
                "User-Agent": USER_AGENT,
            }
        )

    def get(self, endpoint: str, query: Mapping[str, str]) -> Answer:
        """Send a GET, again after any failure; return the answer.

        Raises `Unreachable`, `UnexpectedAnswer` or `DeadlinePassed`.
        """
        return self._request("GET", endpoint, params=query)

    def post(self, endpoint: str, body: Mapping[str, object]) -> Answer:
        """Send JSON, again only after a failure that surely did nothing; return the answer.

        Raises what `get` raises.
        """
        return self._request("POST", endpoint, json=body)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _request(self, method: str, endpoint: str, **content: Mapping[str, object]) -> Answer:
        outcome, attempts = with_retries(
            lambda: self._attempt(method, endpoint, content), _retry, self.limits, self.log
        )
        return outcome if isinstance(outcome, Answer) else outcome.settle(attempts)

    def _attempt(
        self, method: str, endpoint: str, content: Mapping[str, Mapping[str, object]]
    ) -> Answer | _Failure:
        try:
            with self._follow(method, urljoin(self.base, endpoint), content) as response:
                return self._classify(method, endpoint, response)
        except requests.RequestException as error:
            self.limits.deadline.check()
            return _Failure(
                f"Studio at {redact(self.base)} could not be reached: {failure_reason(error)}",
                harmless=method == "GET" or _never_sent(error),
                hint=_hint(method, error),
                error=error,
            )

    def _follow(
        self, method: str, url: str, content: Mapping[str, Mapping[str, object]]
    ) -> requests.Response:
        for _ in range(MOST_REDIRECTS):
            response = self._send(method, url, content)
            if not response.is_redirect:
                return response
            response.close()
            url = redirect_target(method, response.status_code, url, response.headers["Location"])
            content = {key: part for key, part in content.items() if key != "params"}
        raise UnexpectedAnswer(
            f"Studio redirects more than {MOST_REDIRECTS} times", "Check studio-url"
        )

    def _send(
        self, method: str, url: str, content: Mapping[str, Mapping[str, object]]
    ) -> requests.Response:
        request = requests.Request(method, url, **content)
        return self._http.send(
            self._http.prepare_request(request),
            timeout=max(0.001, min(self.limits.timeout, self.limits.deadline.remaining())),
            stream=True,
            allow_redirects=False,
            verify=str(self.network.ca_bundle) if self.network.ca_bundle else True,
            proxies=proxies_for(self.network, url),
        )

    def _classify(
        self, method: str, endpoint: str, response: requests.Response
    ) -> Answer | _Failure:
        extended = response.headers.get(EXTENSION_HEADER) == "1"
        body = self._read(response)
        answer = Answer(endpoint, redact(response.url), response.status_code, body, extended)
        if answer.status not in backoff.RETRYABLE_STATUSES:
            return answer
        retry_after = backoff.retry_after_seconds(
            response.headers.get("Retry-After"), now=datetime.now(timezone.utc)
        )
        turned_away = answer.status == 429 or (answer.status == 503 and retry_after is not None)
        return _Failure(
            f"Studio answered {answer.status}",
            harmless=method == "GET" or turned_away,
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
                    f"Studio answered more than {LARGEST_ANSWER >> 20} MiB", "Check studio-url"
                )
        return bytes(body)


@dataclass(frozen=True, slots=True)
class _Failure:
    """An attempt that failed; `harmless` if Studio surely did nothing because of it."""

    reason: str
    harmless: bool
    retry_after: float | None = None
    hint: str = ""
    answer: Answer | None = None
    error: Exception | None = None

    def settle(self, attempts: int) -> Answer:
        """Return the answer, if there was one; else raise `Unreachable`."""
        if self.answer is not None:
            return self.answer
        times = f" ({attempts} attempts)" if attempts > 1 else ""
        raise Unreachable(f"{self.reason}{times}", self.hint) from self.error


def _retry(outcome: Answer | _Failure) -> Retry | None:
    if isinstance(outcome, Answer) or not outcome.harmless:
        return None
    return Retry(outcome.reason, outcome.retry_after)


def redirect_target(method: str, status: int, here: str, location: str) -> str:
    """Return the URL that a redirect leads to; raise `UnexpectedAnswer` if the token must not."""
    there = urljoin(here, location)
    old, new = urlsplit(here), urlsplit(there)
    moved = f"Studio redirects {redact(here)} to {printable(redact(there), 300)}"
    upgraded = (old.scheme, new.scheme) == ("http", "https") and not (old.port or new.port)
    same = (old.scheme, old.port) == (new.scheme, new.port)
    if old.hostname != new.hostname or not (same or upgraded):
        raise UnexpectedAnswer(
            f"{moved}, another server, which must not get the token",
            "If that is your Studio, or its login page, correct studio-url or the token",
        )
    if method == "POST" and status not in (307, 308):
        raise UnexpectedAnswer(
            f"{moved}, and the redirected POST would be empty", "Correct studio-url"
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


def _hint(method: str, error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "Give its authority as ca-bundle"
    if method == "POST" and not _never_sent(error):
        return "The project may exist all the same: look at Studio before you run this again"
    return "Check studio-url, the network and the proxy settings"
