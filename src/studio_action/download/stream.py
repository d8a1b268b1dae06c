"""One GET for one file: its answer, gathered into buffers and handed on."""

from __future__ import annotations

from datetime import datetime

from studio_action.download import answers
from studio_action.download.answers import Answer, Asked, Busy, Content, Failed
from studio_action.download.connections import Trouble
from studio_action.download.hashing import BUFFER, Digests
from studio_action.download.incoming import Incoming
from studio_action.download.parts import Span
from studio_action.errors import ContentMismatch


class Stream:
    """Receives the answer to one request; implements `connections.Receiver`.

    `attempt` counts earlier failures of the same request; `generation` is that of the signed URL.
    Once the file was started over by another stream, nothing that this one brings is kept.
    """

    def __init__(
        self, incoming: Incoming, asked: Asked, *, generation: int, now: float, buffer: bytearray
    ) -> None:
        self.incoming, self.asked, self.generation = incoming, asked, generation
        self.attempt = incoming.failures(asked.start)
        self.started = self.stirred = now
        self.received = self.seen = 0
        self.restarted = False
        self.digests: Digests | None = None
        self.trouble: Trouble | None = None
        self.buffer = buffer
        self._view = memoryview(buffer)
        self._epoch = incoming.epoch
        self._fill = 0
        self._offset = asked.start
        self._end = asked.end
        self._status = 0
        self._headers: answers.Headers = {}
        self._error = bytearray()
        self._answer: Answer | None = None

    @property
    def stale(self) -> bool:
        """Whether the file was started over meanwhile."""
        return self._epoch != self.incoming.epoch

    @property
    def position(self) -> int:
        """The offset of the next byte to come."""
        return self._offset + self._fill

    @property
    def reached(self) -> int:
        """The offset up to which what came was written."""
        return self._offset

    @property
    def span(self) -> Span:
        """What this request brings, but for what it has written already."""
        end = self._end if self._end is not None else self.position
        return Span(self._offset, max(self.position, end))

    def begin(self, status: int, headers: dict[str, str]) -> bool:
        """Understand a good answer now; an error is understood when its body has come."""
        self._status, self._headers = status, headers
        if not 200 <= status < 300:
            return True
        if self.stale:
            return False
        answer: Answer = answers.read_success(self.asked, status, headers)
        if isinstance(answer, Content):
            answer = self._agreed(answer)
        self._answer = answer
        return isinstance(answer, Content)

    def _agreed(self, content: Content) -> Content:
        """The same content, of which the file takes note; raise if the registry promised other."""
        promised = self.incoming.file.size
        self.incoming.file.check_size(content.size or 0)
        if promised is not None and content.size not in (None, promised):
            raise ContentMismatch(
                f"{self.incoming} has {content.size} bytes, and {promised} were promised"
            )
        if content.start != self.asked.start or (self.incoming.have and not content.ranged):
            self.incoming.restart()
            self._epoch, self.restarted = self.incoming.epoch, True
        self.incoming.accept(content)
        self._offset, self._end = content.start, content.end
        return content

    def receive(self, data: bytes) -> bool:
        """Gather the body, at most 16 KiB at a time (`CURL_MAX_WRITE_SIZE`)."""
        if self.stale:
            return False
        if self._answer is None:
            self._error += data[: answers.ERROR_BODY]
            return len(self._error) < answers.ERROR_BODY
        length = len(data)
        self.received += length
        self.incoming.transferred += length
        fill = self._fill + length
        if self._end is not None and self._offset + fill > self._end:
            self._answer = Busy("more bytes than were promised")
            return False
        if fill > BUFFER:
            self._flush()
            fill = length
        self._view[fill - length : fill] = data
        self._fill = fill
        return True

    def end(self, trouble: Trouble | None) -> None:
        """Write what is left in the buffer, or store a file that never left it."""
        self.trouble = trouble
        if self.stale or not isinstance(self._answer, Content):
            return
        if trouble is None and self._whole_in_buffer():
            self.digests = self.incoming.store_whole(self._view[: self._fill])
            return
        self._flush()
        if trouble is None and self._end is None:
            self.incoming.size = self._end = self.position

    def outcome(self, now: datetime) -> Answer:
        """What has become of the request; `Content` if it brought all that its answer promised."""
        if self._answer is None and self._status:
            return self._read_error(now)
        if self._answer is not None and not isinstance(self._answer, Content):
            return self._answer
        if self.trouble is not None and self.trouble.final:
            return Failed(self.trouble.reason, self.trouble.hint)
        if self.trouble is not None:
            return Busy(self.trouble.reason)
        if self._answer is None or (self._end is not None and self.position < self._end):
            return Busy("the answer was cut short")
        return self._answer

    def _read_error(self, now: datetime) -> Answer:
        error = bytes(self._error)
        answer = answers.read_error(self.asked, self._status, self._headers, error, now)
        if isinstance(answer, Content):  # an empty file, which has no part to ask for
            answer, self.trouble = self._agreed(answer), None
            self.digests = self.incoming.store_whole(self._view[:0])
        return answer

    def _whole_in_buffer(self) -> bool:
        known = self._end is None or self._end == self._fill
        return known and not self.incoming.opened and self._offset == 0 and self._is_last()

    def _is_last(self) -> bool:
        size = self.incoming.size
        return size is None or size == self._fill

    def _flush(self) -> None:
        if self._fill:
            self.incoming.file.check_size(self.position)
            self.buffer = self.incoming.write(self._offset, self.buffer, self._fill)
            self._view = memoryview(self.buffer)
            self._offset, self._fill = self._offset + self._fill, 0
