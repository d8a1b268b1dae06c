"""The requests of one download that were sent and are not over yet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import cast

from studio_action.download.answers import Answer, RangeRequest
from studio_action.download.connections import Connections, Get, RequestFailure
from studio_action.download.file_download import FileDownload
from studio_action.download.hashing import BUFFER
from studio_action.download.stream import ResponseStream, SentRequest


class ActiveRequests:
    """Sends requests over `connections`, and says what became of them; `utc` is the time of day."""

    def __init__(self, connections: Connections, utc: Callable[[], datetime]) -> None:
        self._connections, self._utc = connections, utc
        self._streams: dict[ResponseStream, None] = {}
        self._spare_buffers: list[bytearray] = []

    def __len__(self) -> int:
        return len(self._streams)

    @property
    def connections_in_use(self) -> int:
        """Return how many connections are in use."""
        return len(self._connections)

    def downloads(self) -> set[FileDownload]:
        """Return the files that are being received."""
        return {stream.download for stream in self._streams}

    def send(
        self, download: FileDownload, wanted: RangeRequest, *, generation: int, now: float
    ) -> None:
        """Request bytes of a file; `generation` is that of its signed URL."""
        buffer = self._spare_buffers.pop() if self._spare_buffers else bytearray(BUFFER)
        failures = download.retries.failures(wanted.start)
        stream = ResponseStream(download, SentRequest(wanted, generation, failures, now), buffer)
        download.requests.append(stream)
        self._streams[stream] = None
        file = download.file
        get = Get(download.url.url, wanted.headers, file.headers, file.tls_verify)
        self._connections.start(get, stream)

    def wait(self, seconds: float) -> list[tuple[ResponseStream, RequestFailure | None]]:
        """Receive for up to so many seconds; return the requests that are over by then."""
        ended = self._connections.poll(seconds)
        return [(cast(ResponseStream, receiver), failure) for receiver, failure in ended]

    def end(self, stream: ResponseStream, failure: RequestFailure | None) -> Answer | None:
        """Write what is left of the answer, forget the request, and return what became of it.

        Return None if the file was started over since the request was sent.
        """
        stream.end(failure)
        del self._streams[stream]
        stream.download.requests.remove(stream)
        self._spare_buffers.append(stream.buffer)
        return None if stream.is_stale else stream.outcome(self._utc)

    def stop_stalled(self, now: float, timeout: float) -> list[ResponseStream]:
        """Stop the requests for which nothing came for `timeout` seconds; return them."""
        stalled = [
            stream
            for stream in self._streams
            if stream.stall.is_stalled(stream.received, now, timeout)
        ]
        for stream in stalled:
            self._connections.stop(stream)
        return stalled
