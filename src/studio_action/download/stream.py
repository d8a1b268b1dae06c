"""One GET for one file: its answer, gathered into buffers and written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from studio_action.download import answers
from studio_action.download.answers import Answer, Busy, Content, Failed, RangeRequest
from studio_action.download.checksums import Digests
from studio_action.download.connections import RequestFailure
from studio_action.download.file_download import FileDownload
from studio_action.download.hashing import BUFFER
from studio_action.download.parts import Span
from studio_action.download.retries import StallTimer
from studio_action.errors import ContentMismatch

MEASURED = 1.0
"""Seconds after which the speed of a request is known."""


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request as it was sent: which bytes, with which generation of signed URLs, and when.

    `earlier_failures` counts those of the same request.
    """

    range: RangeRequest
    generation: int
    earlier_failures: int
    sent: float


@dataclass(slots=True)
class _ErrorAnswer:
    """An answer other than 2xx; of the body, only the start is kept."""

    status: int
    headers: answers.Headers
    body: bytearray = field(default_factory=bytearray)


class _BufferedWriter:
    """Gathers bytes of a file that follow each other, and writes them a buffer at a time."""

    __slots__ = ("_download", "buffer", "filled", "offset", "view")

    def __init__(self, download: FileDownload, offset: int, buffer: bytearray) -> None:
        self.offset, self.filled = offset, 0
        """Where the buffer's bytes belong, and how many there are."""
        self.buffer = buffer
        self._download, self.view = download, memoryview(buffer)

    @property
    def contents(self) -> memoryview:
        """Return what is in the buffer."""
        return self.view[: self.filled]

    def flush(self) -> None:
        """Write what is in the buffer."""
        if self.filled:
            self._download.file.check_size(self.offset + self.filled)
            self.buffer = self._download.partial.write(self.offset, self.buffer, self.filled)
            self.view = memoryview(self.buffer)
            self.offset, self.filled = self.offset + self.filled, 0


class ResponseStream:
    """Receives the answer to one request.

    Implements `connections.Receiver` and `file_download.ActiveRequest`. Once another stream has
    started the file over, nothing that this one brings is kept.
    """

    def __init__(self, download: FileDownload, request: SentRequest, buffer: bytearray) -> None:
        self.download, self.request = download, request
        self.stall = StallTimer(0, request.sent)
        self.received = 0
        """Bytes of the body that came."""
        self.restarted = False
        """Whether this answer has started the file over."""
        self.digests: Digests | None = None
        """The digests of a file that came whole and was written at once."""
        self._writer = _BufferedWriter(download, request.range.start, buffer)
        self._end = request.range.end
        self._epoch = download.epoch
        self._answer: Answer | None = None
        self._error: _ErrorAnswer | None = None
        self._failure: RequestFailure | None = None

    @property
    def is_stale(self) -> bool:
        """Return whether the file was started over since."""
        return self._epoch != self.download.epoch

    @property
    def position(self) -> int:
        """Return the offset of the next byte to come."""
        return self._writer.offset + self._writer.filled

    @property
    def reached(self) -> int:
        """Return the offset up to which bytes were written."""
        return self._writer.offset

    @property
    def buffer(self) -> bytearray:
        """Return the buffer, which may be used again after `end`."""
        return self._writer.buffer

    @property
    def span(self) -> Span:
        """Return the bytes that it will still bring; those written already are not among them."""
        end = self._end if self._end is not None else self.position
        return Span(self.reached, max(self.position, end))

    def seconds_left(self, now: float) -> float:
        """Return how long the rest takes at the speed so far; 0 while that is not known."""
        elapsed = now - self.request.sent
        if elapsed < MEASURED or not self.received:
            return 0.0
        return len(self.span) * elapsed / self.received

    def shorten(self, end: int) -> None:
        """Take no bytes from offset `end` on: another request brings them."""
        self._end = end

    @property
    def _is_shortened(self) -> bool:
        """Return whether another request brings the end of what the answer promised."""
        answer = self._answer
        return isinstance(answer, Content) and self._end != (answer.end or self._end)

    def begin(self, status: int, headers: dict[str, str]) -> bool:
        """Read the head of a good answer; an error is read when its body has come."""
        if not 200 <= status < 300:
            self._error = _ErrorAnswer(status, headers)
            return True
        if self.is_stale:
            return False
        answer: Answer = answers.read_success(self.request.range, status, headers)
        if isinstance(answer, Content):
            answer = self._accept(answer)
        self._answer = answer
        return isinstance(answer, Content)

    def _accept(self, content: Content) -> Content:
        """Let the file learn from the answer; raise `ContentMismatch` for another size."""
        download, promised = self.download, self.download.file.size
        download.file.check_size(content.size or 0)
        if promised is not None and content.size not in (None, promised):
            raise ContentMismatch(f"{download} has {content.size} bytes; expected {promised}")
        if content.start != self.request.range.start or (
            download.partial.have and not content.ranged
        ):
            download.restart()
            self._epoch, self.restarted = download.epoch, True
        download.accept(content)
        self._writer.offset, self._end = content.start, content.end
        return content

    def receive(self, data: bytes) -> bool:
        """Take more of the body, at most 16 KiB at a time (`CURL_MAX_WRITE_SIZE`).

        A GiB comes in 65,536 calls: so the buffer is filled here, without one more call for each.
        """
        if self._epoch != self.download.epoch:
            return False
        if self._error is not None:
            self._error.body += data[: answers.ERROR_BODY]
            return len(self._error.body) < answers.ERROR_BODY
        writer, length = self._writer, len(data)
        self.received += length
        self.download.transferred += length
        if self._end is not None and writer.offset + writer.filled + length > self._end:
            if self._is_shortened:
                data = data[: self._end - writer.offset - writer.filled]
                self._fill(data)
            else:
                self._answer = Busy("received more bytes than expected")
            return False
        filled = writer.filled + length
        if filled > BUFFER:
            writer.flush()
            filled = length
        writer.view[filled - length : filled] = data
        writer.filled = filled
        return True

    def _fill(self, data: bytes) -> None:
        """Add the last bytes that are wanted to the buffer."""
        writer = self._writer
        if writer.filled + len(data) > BUFFER:
            writer.flush()
        writer.view[writer.filled : writer.filled + len(data)] = data
        writer.filled += len(data)

    def end(self, failure: RequestFailure | None) -> None:
        """Write what is left in the buffer, or store a file that is in it as a whole."""
        self._failure = failure
        if self.is_stale or not isinstance(self._answer, Content):
            return
        if failure is None and self._is_whole_in_buffer():
            self.digests = self.download.store_whole(self._writer.contents)
            return
        self._writer.flush()
        if failure is None and self._end is None:
            self._end = self.position
            self.download.set_size(self._end)

    def outcome(self, utc: Callable[[], datetime]) -> Answer:
        """Return what became of the request; `Content` if all came that its answer promised.

        `utc` returns the time of day.
        """
        if self._error is not None:
            return self._read_error(self._error, utc())
        if self._answer is not None and not isinstance(self._answer, Content):
            return self._answer
        if self._answer is not None and self._is_shortened and self.position == self._end:
            return self._answer
        if self._failure is not None and self._failure.final:
            return Failed(self._failure.reason, self._failure.hint)
        if self._failure is not None:
            return Busy(self._failure.reason)
        if self._answer is None or (self._end is not None and self.position < self._end):
            return Busy("the response was cut short")
        return self._answer

    def _read_error(self, error: _ErrorAnswer, now: datetime) -> Answer:
        answer = answers.read_error(
            self.request.range, error.status, error.headers, bytes(error.body), now
        )
        if isinstance(answer, Content):  # an empty file, which has no part to request
            answer = self._accept(answer)
            self.digests = self.download.store_whole(memoryview(b""))
        return answer

    def _is_whole_in_buffer(self) -> bool:
        filled, size = self._writer.filled, self.download.metadata.size
        return (
            self._end in (None, filled)
            and size in (None, filled)
            and self.reached == 0
            and not self.download.partial.is_open
        )
