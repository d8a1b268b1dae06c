"""HTTP that disconnects clients who are too slow, too many, or ambiguous about what they send."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from studio_action.server.client_address import parsed
from studio_action.server.run import heads
from studio_action.server.run.connections import Connections, Entry
from studio_action.server.run.heads import HeadSize

HEAD_PATIENCE = 20.0
"""The seconds within which a request's head must arrive."""
MOST_PIPELINED = 16
"""How many requests a client may send before it has the response to the first."""

_LINGER = 2.0
"""The seconds that a refused client has to read why, before its connection is reset."""
_RETRY_AFTER = 5
"""The seconds after which a client may connect again."""


class _BadRequest(Exception):
    """Stops the parser, which then calls `send_400_response`."""


class PromptProtocol(HttpToolsProtocol):
    """One connection; subclasses that `protocol` makes share their `connections`."""

    patience = HEAD_PATIENCE
    all_connections = Connections()
    _timer: asyncio.TimerHandle | None = None
    _unfinished = 0
    """The bytes of a head that is not complete."""
    _size: HeadSize
    _status = HTTPStatus.BAD_REQUEST
    """What a request is answered with that the parser or we refuse."""
    _body_is_due = False
    _host = ""
    _ended = False
    """Whether nothing more is read."""
    _lingers = False
    """Whether the client has a moment to read what was written last."""

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or refuse it if there are too many."""
        self._host, port = (transport.get_extra_info("peername") or ("", 0))[:2]
        match self.all_connections.enter(self, self._host):
            case Entry.TAKEN:
                super().connection_made(transport)
                if address := parsed(self._host):
                    self.client = str(address), port  # as `trusted-proxies` and the log have it
                self._start_timer()
            case Entry.FLOOD:
                self.transport = transport
                transport.abort()
            case Entry.ADDRESS_FULL:
                self.transport = transport
                self._refuse(HTTPStatus.TOO_MANY_REQUESTS, retry_after=_RETRY_AFTER)
            case Entry.SERVER_FULL:
                self.transport = transport
                self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, retry_after=_RETRY_AFTER)

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room for another connection."""
        self._stop_timer()
        self.all_connections.leave(self, self._host)
        super().connection_lost(exc)

    def give_way(self) -> None:
        """Disconnect the client, so that another one has its place."""
        self._ended = True
        self.transport.abort()

    # What arrives

    def data_received(self, data: bytes) -> None:
        """Read on; refuse a head that is too large, and read nothing after a refusal."""
        if self._ended:
            return
        super().data_received(data)
        if self._ended:
            return
        if self.cycle is None or self.cycle.response_complete:
            self._start_timer()  # also for what is no beginning of a request, such as empty lines
        self._unfinished = 0 if self._timer is None else self._unfinished + len(data)
        if self._unfinished > heads.LARGEST:
            self._status = heads.TOO_LARGE
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """Start the timer for the rest of the head."""
        super().on_message_begin()
        self._size = HeadSize()
        self._start_timer()

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        self._raise_for(self._size.add_target(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head; none is accepted after the body (RFC 9110, 6.5.1)."""
        if self._body_is_due:
            raise _BadRequest
        self._raise_for(self._size.add_field(name, value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stop the timer; handle the request, after which an offered upgrade ends the connection.

        The parser reads nothing after the head of a request for another protocol.
        """
        self._stop_timer()
        self._raise_for(heads.refusal(self.parser.get_http_version(), self.url, self.headers))
        if len(self.pipeline) >= MOST_PIPELINED:
            raise _BadRequest
        super().on_headers_complete()
        self._body_is_due = True
        self.cycle.transport = _Output(self)  # type: ignore[assignment]
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """Leave the client alone while the server works."""
        self._body_is_due = False
        self.all_connections.works(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, unless the client has not even sent this one."""
        if self._lingers:
            return
        super().on_response_complete()
        if self.transport.is_closing() or not self.cycle.response_complete:
            return
        self.all_connections.waits(self)
        if self._body_is_due:
            self._linger()

    @property
    def is_closing(self) -> bool:
        """Whether nothing more is written."""
        return self._lingers or self.transport.is_closing()

    def close(self) -> None:
        """End the connection after a response, which a client that still sends shall read, too."""
        if self._body_is_due:
            self._linger()
        else:
            self.transport.close()

    # What is refused

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: every client may offer an upgrade."""

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be understood; do not write into a response that has begun."""
        if self.cycle is None or self.cycle.response_complete:
            self._refuse(self._status)
        elif not self._body_is_due:  # the last whole request is still to be answered
            self._end()
            self.cycle.keep_alive = False
        elif self.cycle.response_started or self.pipeline:
            self._end()
            self.transport.close()
        else:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self._refuse(self._status)

    def _raise_for(self, status: HTTPStatus | None) -> None:
        if status is not None:
            self._status = status
            raise _BadRequest

    def _refuse(self, status: HTTPStatus, retry_after: int = 0) -> None:
        head = [
            f"HTTP/1.1 {status.value} {status.phrase}",
            "connection: close",
            "content-length: 0",
        ]
        if retry_after:
            head.append(f"retry-after: {retry_after}")
        self.transport.write("\r\n".join([*head, "", ""]).encode())
        self._linger()

    def _linger(self) -> None:
        """Send nothing more, and soon disconnect.

        A connection that is closed while something arrives is reset at once, and a reset makes the
        client lose what it has not read (RFC 9112, 9.6).
        """
        self._end()
        if not self._lingers and not self.transport.is_closing():
            self._lingers = True
            if self.flow is not None:
                self.flow.resume_reading()
            self.transport.write_eof()
            self._timer = self.loop.call_later(_LINGER, self.transport.abort)

    def _end(self) -> None:
        self._ended = True
        self._stop_timer()
        self._unset_keepalive_if_required()

    # The timer

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.patience, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


@dataclass(frozen=True, slots=True)
class _Output:
    """What a response is written to, which is closed in our own way."""

    connection: PromptProtocol

    def write(self, data: bytes) -> None:
        """Send the bytes."""
        self.connection.transport.write(data)

    def is_closing(self) -> bool:
        """Return whether nothing more is sent."""
        return self.connection.is_closing

    def close(self) -> None:
        """Send nothing more."""
        self.connection.close()


def protocol(connections: Connections) -> type[PromptProtocol]:
    """Return the protocol of a process whose connections these are."""

    class Protocol(PromptProtocol):
        all_connections = connections

    return Protocol
