"""Files that threads read, and the one thread that watches them: what follows from each attempt."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from studio_action.download.base import Fetched, Progress, Verify
from studio_action.download.filesystems import Home, Interrupted, Status
from studio_action.download.hashing import Digests
from studio_action.download.opened import Opened
from studio_action.download.partials import Partials, key_of
from studio_action.download.reading import Attempt, Changed, Whole
from studio_action.download.verifying import Told, difference, verified
from studio_action.errors import ContentMismatch, Unreachable, WorkspaceRefused
from studio_action.model.artifact import RemoteFile
from studio_action.net import backoff
from studio_action.net.clock import Limits
from studio_action.text import human_size, human_time, printable

MOST_READING = 8
"""Files that are read at once: a connection has one stream, and servers allow few sessions."""
TICK = 0.1
"""Seconds: no longer does the watching thread wait before it looks after things."""
PATIENCE = 1.0
"""Seconds that the threads get to end after a failure or a signal."""
ENOUGH = 1 << 20
"""Bytes that an attempt has to bring to count as the first one again."""

_HINT = "Look at the storage and the network in between, then run the step again"


@dataclass(frozen=True, slots=True)
class Terms:
    """How the files of a download are read: so many at once, so patiently, so strictly checked."""

    limits: Limits
    verify: Verify
    max_connections: int


@dataclass(eq=False, slots=True)
class Reading:
    """How far one file is, as the thread that watches knows."""

    file: RemoteFile
    home: Home
    status: Status | None = None
    there: int = 0
    """Bytes on disk, from the start on, that an attempt may go on from."""
    resumed: bool = False
    """Whether bytes of an earlier run are among them."""
    failures: int = 0
    restarts: int = 0
    mismatches: int = 0
    due: float = 0.0
    transferred: int = 0
    told: tuple[int, int] = (0, 0)
    """Bytes expected and arrived, as the progress has heard."""
    attempt: Attempt | None = None
    seen: int = 0
    stirred: float = 0.0
    fetched: Fetched | None = None

    def __str__(self) -> str:
        return repr(printable(self.file.path, 300))

    @property
    def expected(self) -> int:
        status = self.attempt.status if self.attempt else self.status
        told = status.size if status else None
        return self.file.size or told or self.arrived

    @property
    def arrived(self) -> int:
        if self.fetched is not None:
            return self.fetched.size
        return self.attempt.position if self.attempt else self.there


_Outcome = tuple[Reading, Attempt, Whole | BaseException]


@dataclass(slots=True)
class Watch:
    """All files of one call of the downloader."""

    files: Sequence[Reading]
    partials: Partials
    opened: Opened
    terms: Terms
    progress: Progress
    outcomes: queue.SimpleQueue[_Outcome] = field(default_factory=queue.SimpleQueue)
    waiting: deque[Reading] = field(default_factory=deque)
    reading: list[Reading] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def run(self) -> list[Fetched]:
        """Read every file; raise the first failure that cannot be helped."""
        try:
            self._resume()
            while self.waiting or self.reading:
                self.terms.limits.deadline.check()
                self._fill()
                self._settle_one()
                self._end_stalled()
                self._tell(self.reading)
        finally:
            self._stop()
        return [file.fetched for file in self.files if file.fetched is not None]

    def _resume(self) -> None:
        """Take over what an earlier run left, and see whether the rest has room."""
        for file in self.files:
            record = self.partials.resume(file.file, checked=self.terms.verify != "off")
            if record is not None and record.have and record.have[0].start == 0:
                file.status = Status(record.size, record.validator)
                file.there, file.resumed = record.have[0].end, True
            self.waiting.append(file)
        self._tell(self.files)
        self._make_room()

    def _make_room(self) -> None:
        missing = sum(file.expected - file.arrived for file in self.files)
        free = self.partials.free()
        if missing > free:
            raise WorkspaceRefused(
                f"the model needs {human_size(missing)} more, and {human_size(free)} are free in"
                f" {str(self.partials.folder)!r}",
                "Free some space, or use a runner with a larger disk",
            )

    def _fill(self) -> None:
        """Start what is due, as long as fewer are being read than may be."""
        now = self.terms.limits.deadline.clock.now()
        for _ in range(len(self.waiting)):
            if len(self.reading) >= min(MOST_READING, self.terms.max_connections):
                return
            file = self.waiting.popleft()
            if file.due > now:
                self.waiting.append(file)
            else:
                self._start(file, now)

    def _start(self, file: Reading, now: float) -> None:
        attempt = Attempt(file.file, file.home.path, self.partials, file.status, file.there)
        file.attempt, file.seen, file.stirred = attempt, attempt.position, now
        self.reading.append(file)
        thread = threading.Thread(target=self._run, args=(file, attempt), daemon=True)
        self.threads = [each for each in self.threads if each.is_alive()]
        self.threads.append(thread)
        thread.start()

    def _run(self, file: Reading, attempt: Attempt) -> None:
        """Runs on a thread of its own."""
        try:
            outcome: Whole | BaseException = attempt.run(lambda: self.opened.to(file.home.connect))
        except BaseException as error:  # raised where the caller waits for it
            outcome = error
        self.outcomes.put((file, attempt, outcome))

    def _settle_one(self) -> None:
        """Wait for the end of an attempt, or for the moment of the next."""
        if not self.reading:
            now = self.terms.limits.deadline.clock.now()
            self.terms.limits.deadline.sleep(max(0.0, min(file.due for file in self.waiting) - now))
            return
        try:
            file, attempt, outcome = self.outcomes.get(timeout=TICK)
        except queue.Empty:
            return
        if file.attempt is attempt:  # or it was given up
            self._settle(file, outcome)

    def _settle(self, file: Reading, outcome: Whole | BaseException) -> None:
        attempt = self._end(file)
        match outcome:
            case Whole(digests, measured):
                self._check(file, Told(measured, None), digests)
            case Interrupted():
                self._try_later(file, attempt, str(outcome))
            case Changed():
                file.restarts += 1
                self._give_up_after(file.restarts, file, str(outcome))
                self._start_over(file)
            case BaseException():
                raise outcome
        self._tell([file])
        if file.fetched is not None:
            self.progress.finish()

    def _end(self, file: Reading) -> Attempt:
        """Take from the attempt what it has brought."""
        attempt = file.attempt
        assert attempt is not None
        attempt.give_up()
        self.reading.remove(file)
        file.attempt = None
        file.transferred += max(0, attempt.position - attempt.start)
        file.status = attempt.status
        measured = attempt.status is not None and attempt.status.size is not None
        file.there = attempt.position if measured else 0
        return attempt

    def _try_later(self, file: Reading, attempt: Attempt, reason: str) -> None:
        moved = attempt.position - attempt.start >= ENOUGH
        file.failures = 1 if moved else file.failures + 1
        self._give_up_after(file.failures, file, reason)
        self.opened.drop(file.home.connect, attempt.filesystem)
        wait = backoff.wait(file.failures, retry_after=None, random=self.terms.limits.random())
        file.due = self.terms.limits.deadline.clock.now() + wait
        self.waiting.append(file)

    def _give_up_after(self, failures: int, file: Reading, reason: str) -> None:
        if failures > self.terms.limits.retries:
            times = "once" if failures == 1 else f"{failures} times"
            raise Unreachable(f"{file} cannot be fetched: {reason} ({times})", _HINT)

    def _start_over(self, file: Reading) -> None:
        self.partials.forget(key_of(file.file))
        file.status, file.there, file.resumed = None, 0, False
        self.waiting.append(file)

    def _check(self, file: Reading, told: Told, found: Digests) -> None:
        """Take the file for whole if it is right; read it once more if it is not."""
        how = verified(file.file, told, found, self.terms.verify)
        if how is None:
            if not file.resumed:
                file.mismatches += 1
            if file.mismatches > 1:
                raise ContentMismatch(
                    f"{file} is not what it should be: {difference(file.file, told, found)},"
                    " also when it was fetched once more",
                    "The storage has other bytes under this name: push the model again",
                )
            self._start_over(file)
            return
        place = self.partials.path(key_of(file.file))
        file.fetched = Fetched(
            file.file, place, found.size, found.md5, found.sha256, how, file.transferred
        )

    def _end_stalled(self) -> None:
        """Give up what has been silent for too long."""
        now = self.terms.limits.deadline.clock.now()
        for file in list(self.reading):
            attempt = file.attempt
            assert attempt is not None
            if attempt.hashing or attempt.position != file.seen:
                file.seen, file.stirred = attempt.position, now
            elif now - file.stirred >= self.terms.limits.timeout:
                silence = human_time(self.terms.limits.timeout)
                self._settle(file, Interrupted(f"not a byte came for {silence}"))

    def _tell(self, files: Sequence[Reading]) -> None:
        """Let the progress hear what is new of these."""
        for file in files:
            told, now = file.told, (file.expected, file.arrived)
            if now[0] != told[0]:
                self.progress.expect(now[0] - told[0])
            if now[1] != told[1]:
                self.progress.advance(now[1] - told[1])
            file.told = now

    def _stop(self) -> None:
        """Keep what is there, and see to it that nobody writes any more."""
        if not self.reading:
            return
        for file in self.reading:
            if file.attempt is not None:
                file.attempt.give_up()
        self.opened.close()
        until = time.monotonic() + PATIENCE
        for thread in self.threads:
            thread.join(max(0.0, until - time.monotonic()))
