"""GET requests over many connections at once: libcurl's multi interface, driven by one thread.

libcurl keeps connections open for the next request, follows redirects, uses proxies and does TLS.
All its options are set here; it reads no environment, no netrc and no cookies.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pycurl

from studio_action import __version__
from studio_action.download.waiting import Sockets, Waker, open_sockets
from studio_action.net.network import Network
from studio_action.text import printable

MOST_REDIRECTS = 5
_RECEIVE_BUFFER = 512 << 10

_STATUS = re.compile(r"\nHTTP/\S+\s+(\d+)")
_HEADERS = re.compile(
    r"^(content-(?:encoding|length|md5|range)|etag|last-modified|retry-after|x-goog-hash"
    r"|x-ms-(?:blob-content-md5|error-code)):([^\r\n]*)",
    re.IGNORECASE | re.MULTILINE,
)

_FINAL = frozenset(
    {
        pycurl.E_UNSUPPORTED_PROTOCOL,
        pycurl.E_URL_MALFORMAT,
        pycurl.E_TOO_MANY_REDIRECTS,
        pycurl.E_SSL_CACERT,
        pycurl.E_SSL_CACERT_BADFILE,
        pycurl.E_SSL_ENGINE_INITFAILED,
        pycurl.E_SSL_ISSUER_ERROR,
    }
)


@dataclass(frozen=True, slots=True)
class RequestFailure:
    """Why a request got no complete answer; `final` if another try will not change that."""

    reason: str
    final: bool = False
    hint: str = ""


class Receiver(Protocol):
    """Gets the answer to one GET while it comes, on the thread that drives the connections."""

    def begin(self, status: int, headers: dict[str, str]) -> bool:
        """Take the head of the answer; return False to end the request."""
        ...

    def receive(self, data: bytes) -> bool:
        """Take more of the body; return False to end the request."""
        ...


@dataclass(frozen=True, slots=True)
class Get:
    """One request: a URL, which is a secret, and header lines.

    `credentials` are more of them, for the server of `url` alone: no redirect is followed then.
    `tls_verify` is as `artifact.RemoteFile` has it.
    """

    url: str = field(repr=False)
    headers: tuple[str, ...] = ()
    credentials: tuple[str, ...] = field(default=(), repr=False)
    tls_verify: bool | Path = True


Ended = tuple[Receiver, RequestFailure | None]
"""A request that is over, and why it failed, if it did."""


class _Connection:
    """One of libcurl's easy handles, used for one request after the other."""

    def __init__(self, network: Network, timeout: float, tls_verify: bool | Path) -> None:
        self.tls_verify = tls_verify
        self.receiver: Receiver | None = None
        self.raised: BaseException | None = None
        self._network = network
        self._lines: list[bytes] = []
        self._begun = False
        self._scheme = ""
        self.curl = curl = pycurl.Curl()
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.USERAGENT, f"studio-action/{__version__}")
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.MAXREDIRS, MOST_REDIRECTS)
        curl.setopt(pycurl.NETRC, pycurl.NETRC_IGNORED)
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, int(timeout * 1000)))
        curl.setopt(pycurl.BUFFERSIZE, _RECEIVE_BUFFER)
        curl.setopt(pycurl.HEADERFUNCTION, self._lines.append)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_body)
        curl.setopt(pycurl.NOPROXY, network.proxies.get("no", ""))
        bundle = tls_verify if isinstance(tls_verify, Path) else network.ca_bundle
        if bundle is not None:
            curl.setopt(pycurl.CAINFO, str(bundle))
        if tls_verify is False:
            curl.setopt(pycurl.SSL_VERIFYPEER, 0)
            curl.setopt(pycurl.SSL_VERIFYHOST, 0)

    def prepare(self, get: Get, receiver: Receiver) -> None:
        """Make this handle ready for a request."""
        scheme = get.url.partition(":")[0].lower()
        if scheme != self._scheme:
            self._set_scheme(scheme)
        self.curl.setopt(pycurl.URL, get.url)
        self.curl.setopt(pycurl.FOLLOWLOCATION, 0 if get.credentials else 1)
        self.curl.setopt(pycurl.HTTPHEADER, (*get.headers, *get.credentials))
        self.receiver = receiver
        self._lines.clear()
        self._begun = False

    def _set_scheme(self, scheme: str) -> None:
        """Use the proxy for `scheme`; what was requested over TLS is not fetched without it."""
        web = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS
        self.curl.setopt(pycurl.PROXY, self._network.proxy_for(scheme))
        self.curl.setopt(pycurl.REDIR_PROTOCOLS, pycurl.PROTO_HTTPS if scheme == "https" else web)
        self._scheme = scheme

    def _on_body(self, data: bytes) -> int:
        receiver = self.receiver
        try:
            if receiver and (self._begun or self._begin(receiver)) and receiver.receive(data):
                return len(data)
        except BaseException as error:  # libcurl would print it and go on
            self.raised = error
        return -1

    def _begin(self, receiver: Receiver) -> bool:
        self._begun = True
        return receiver.begin(*_head(self._lines))

    def finish(self) -> Receiver:
        """End the request, and return its receiver; one without a body begins only now."""
        receiver, self.receiver = self.receiver, None
        assert receiver is not None
        if self.raised is not None:
            raise self.raised
        if not self._begun and self._lines:
            self._begin(receiver)
        return receiver


class Connections:
    """All requests of one download. Only `wake` may be called from another thread."""

    def __init__(self, network: Network, timeout: float, sockets: Sockets | None = None) -> None:
        self._network, self._timeout = network, timeout
        self._idle: dict[bool | Path, list[_Connection]] = {}
        self._busy: dict[Receiver, _Connection] = {}
        self._ended: list[Ended] = []
        self._sockets = sockets or open_sockets()
        self._due: float | None = None
        self._waker = Waker()
        self._sockets.watch(self._waker.fileno(), pycurl.POLL_IN)
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_NOTHING)

    def __len__(self) -> int:
        return len(self._busy)

    def start(self, get: Get, receiver: Receiver) -> None:
        """Send a request; its receiver gets the answer during `poll`."""
        idle = self._idle.get(get.tls_verify)
        connection = idle.pop() if idle else self._new(get.tls_verify)
        connection.curl.connection = connection
        try:
            connection.prepare(get, receiver)
        except (pycurl.error, ValueError):
            self._rest(connection)
            self._ended.append((receiver, RequestFailure("its URL cannot be used", final=True)))
            return
        self._busy[receiver] = connection
        self._multi.add_handle(connection.curl)

    def stop(self, receiver: Receiver) -> None:
        """End a request early; not to be called from within a receiver."""
        connection = self._busy.pop(receiver)
        self._multi.remove_handle(connection.curl)
        connection.receiver = None
        self._rest(connection)

    def poll(self, wait: float) -> list[Ended]:
        """Move whatever can be moved, after up to `wait` seconds if nothing can be at once.

        Gives the requests that are over: with failure, or with a complete answer.
        """
        if self._due is not None:
            wait = min(wait, self._due - time.monotonic())
        for descriptor, bits in self._sockets.wait(wait):
            if descriptor == self._waker.fileno():
                self._waker.rest()
            else:
                self._multi.socket_action(descriptor, bits)
        if self._due is not None and self._due <= time.monotonic():
            self._due = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        self._collect_ended()
        ended, self._ended = self._ended, []
        return ended

    def wake(self) -> None:
        """End the wait of `poll`; may be called from any thread."""
        self._waker.wake()

    def close(self) -> None:
        """Close every connection; receivers get nothing more."""
        for connection in self._busy.values():
            connection.receiver = None
            self._multi.remove_handle(connection.curl)
        for connection in (*itertools.chain(*self._idle.values()), *self._busy.values()):
            del connection.curl.connection
            connection.curl.close()
        self._idle.clear()
        self._busy.clear()
        self._multi.close()
        self._waker.close()

    def _collect_ended(self) -> None:
        left = 1
        while left:
            left, complete, failed = self._multi.info_read()
            for curl in complete:
                self._release(curl.connection, None)
            for curl, number, text in failed:
                self._release(curl.connection, _failure(number, text))

    def _release(self, connection: _Connection, failure: RequestFailure | None) -> None:
        self._multi.remove_handle(connection.curl)
        self._rest(connection)
        if connection.receiver is not None:
            del self._busy[connection.receiver]
            self._ended.append((connection.finish(), failure))

    def _new(self, tls_verify: bool | Path) -> _Connection:
        return _Connection(self._network, self._timeout, tls_verify)

    def _rest(self, connection: _Connection) -> None:
        """Keep it for another request whose server is checked in the same way."""
        self._idle.setdefault(connection.tls_verify, []).append(connection)

    def _on_socket(self, what: int, descriptor: int, *_: object) -> None:
        """Watch a socket, or watch it no more, as libcurl wishes."""
        if what == pycurl.POLL_REMOVE:
            self._sockets.forget(descriptor)
        elif what != pycurl.POLL_NONE:
            self._sockets.watch(descriptor, what)

    def _on_timer(self, milliseconds: int) -> None:
        self._due = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000


def _head(lines: Sequence[bytes]) -> tuple[int, dict[str, str]]:
    """Return status and headers of the last answer; those of redirects and proxies come before.

    Only headers that mean something here are looked at: reading all ten took a tenth of the time
    that a small file takes.
    """
    every = "\n" + b"".join(lines).decode("latin-1")
    last = every[every.rfind("\nHTTP/") :]
    found = _HEADERS.findall(last)
    status = _STATUS.match(last)
    headers = {name.lower(): value.strip() for name, value in found}
    return int(status[1]) if status else 0, headers


def _failure(number: int, text: str) -> RequestFailure:
    told = printable(text, 200)
    if number in (pycurl.E_SSL_CACERT, pycurl.E_PEER_FAILED_VERIFICATION):
        hint = "If your own certificate authority signed it, give its certificate as `ca-bundle`"
        return RequestFailure(f"its certificate is not trusted ({told})", final=True, hint=hint)
    return RequestFailure(told or f"libcurl error {number}", final=number in _FINAL)
