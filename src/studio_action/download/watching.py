"""Files that are read by threads, and what follows from each attempt: the thread that watches."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from studio_action.download.base import DownloadOptions, Fetched
from studio_action.download.checksums import (
    Digests,
    StorageMetadata,
    mismatch_twice,
    verification,
)
from studio_action.download.filesystems import Home, Interrupted, Status
from studio_action.download.opened import Opened
from studio_action.download.partials import Partials, key_of
from studio_action.download.progress import ProgressReporter, Totals
from studio_action.download.reading import Attempt, Changed, Whole
from studio_action.download.retries import FIRST_TRY, RetryAt, StallTimer, give_up_after
from studio_action.model.artifact import RemoteFile
from studio_action.net import backoff
from studio_action.text import human_time, printable

MOST_READING = 8
"""Files that are read at once: a connection has one stream, and servers allow few sessions."""
TICK = 0.1
"""Seconds: no longer does the watching thread wait before it looks after things."""
PATIENCE = 1.0
"""Seconds that the threads get to end after a failure or a signal."""
ENOUGH = 1 << 20
"""Bytes that an attempt has to bring to count as the first one again."""


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
    retry: RetryAt = FIRST_TRY
    restarts: int = 0
    mismatches: int = 0
    transferred: int = 0
    attempt: Attempt | None = None
    stall: StallTimer = field(default_factory=lambda: StallTimer(0, 0.0))
    fetched: Fetched | None = None

    def __str__(self) -> str:
        return repr(printable(self.file.path, 300))

    @property
    def expected(self) -> int:
        status = self.attempt.status if self.attempt else self.status
        size = status.size if status else None
        return self.file.size or size or self.arrived

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
    options: DownloadOptions
    reporter: ProgressReporter
    totals: Totals = field(default_factory=Totals)
    outcomes: queue.SimpleQueue[_Outcome] = field(default_factory=queue.SimpleQueue)
    waiting: deque[Reading] = field(default_factory=deque)
    reading: list[Reading] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def run(self) -> list[Fetched]:
        """Read every file; raise the first failure that trying again does not help."""
        try:
            self._resume()
            while self.waiting or self.reading:
                self.options.limits.deadline.check()
                self._start_due()
                self._handle_one()
                self._end_stalled()
                self._report(self.reading)
        finally:
            self._stop()
        return [file.fetched for file in self.files if file.fetched is not None]

    def _resume(self) -> None:
        """Take over what an earlier run left, and see whether the rest has room."""
        for file in self.files:
            record = self.partials.resume(file.file, checked=self.options.verify != "off")
            if record is not None and record.have and record.have[0].start == 0:
                file.status = Status(record.size, record.validator)
                file.there, file.resumed = record.have[0].end, True
            self.waiting.append(file)
        self._report(self.files)
        self._check_disk_space()

    def _check_disk_space(self) -> None:
        """Raise `WorkspaceRefused` if there is less space than the missing bytes need."""
        self.partials.require_space(self.totals.expected - self.totals.arrived)

    def _start_due(self) -> None:
        """Start what is due, as long as fewer are being read than may be."""
        now = self.options.limits.deadline.clock.now()
        for _ in range(len(self.waiting)):
            if len(self.reading) >= min(MOST_READING, self.options.max_connections):
                return
            file = self.waiting.popleft()
            if file.retry.due > now:
                self.waiting.append(file)
            else:
                self._start(file, now)

    def _start(self, file: Reading, now: float) -> None:
        attempt = Attempt(file.file, file.home.path, self.partials, file.status, file.there)
        file.attempt, file.stall = attempt, StallTimer(attempt.position, now)
        self.reading.append(file)
        thread = threading.Thread(target=self._run, args=(file, attempt), daemon=True)
        self.threads = [each for each in self.threads if each.is_alive()]
        self.threads.append(thread)
        thread.start()

    def _run(self, file: Reading, attempt: Attempt) -> None:
        """Read the file, on a thread of its own, and put the outcome where the caller waits."""
        try:
            outcome: Whole | BaseException = attempt.run(lambda: self.opened.to(file.home.connect))
        except BaseException as error:  # raised where the caller waits for it
            outcome = error
        self.outcomes.put((file, attempt, outcome))

    def _handle_one(self) -> None:
        """Wait for the end of an attempt, or for the moment of the next."""
        if not self.reading:
            now = self.options.limits.deadline.clock.now()
            self.options.limits.deadline.sleep(
                max(0.0, min(file.retry.due for file in self.waiting) - now)
            )
            return
        try:
            file, attempt, outcome = self.outcomes.get(timeout=TICK)
        except queue.Empty:
            return
        if file.attempt is attempt:  # or it was given up
            self._handle_finished(file, outcome)

    def _handle_finished(self, file: Reading, outcome: Whole | BaseException) -> None:
        attempt = self._end(file)
        match outcome:
            case Whole(digests, measured):
                self._check(file, StorageMetadata(size_announced=measured), digests)
            case Interrupted():
                self._try_later(file, attempt, str(outcome))
            case Changed():
                file.restarts += 1
                give_up_after(file.restarts, self.options.limits.retries, file, str(outcome))
                self._start_over(file)
            case BaseException():
                raise outcome
        self.totals.finished += file.fetched is not None
        self._report([file])

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
        failures = 1 if moved else file.retry.attempt + 1
        give_up_after(failures, self.options.limits.retries, file, reason)
        self.opened.drop(file.home.connect, attempt.filesystem)
        wait = backoff.wait(failures, retry_after=None, random=self.options.limits.random())
        file.retry = RetryAt(failures, self.options.limits.deadline.clock.now() + wait)
        self.waiting.append(file)

    def _start_over(self, file: Reading) -> None:
        self.partials.forget(key_of(file.file))
        file.status, file.there, file.resumed = None, 0, False
        self.waiting.append(file)

    def _check(self, file: Reading, metadata: StorageMetadata, found: Digests) -> None:
        """Keep the file if it is the right one; else read it once more."""
        how = verification(file.file, metadata, found, self.options.verify)
        if how is None:
            if not file.resumed:
                file.mismatches += 1
            if file.mismatches > 1:
                raise mismatch_twice(file, file.file, metadata, found)
            self._start_over(file)
            return
        place = self.partials.path(key_of(file.file))
        file.fetched = Fetched(
            file.file, place, found.size, found.md5, found.sha256, how, file.transferred
        )

    def _end_stalled(self) -> None:
        """Give up what has been silent for too long."""
        now = self.options.limits.deadline.clock.now()
        for file in list(self.reading):
            attempt = file.attempt
            assert attempt is not None
            if attempt.hashing:
                file.stall.reset(attempt.position, now)
            elif file.stall.is_stalled(attempt.position, now, self.options.limits.timeout):
                silence = human_time(self.options.limits.timeout)
                self._handle_finished(file, Interrupted(f"no data for {silence}"))

    def _report(self, files: Sequence[Reading]) -> None:
        """Tell the progress what is new of these files."""
        for file in files:
            self.totals.update(file, file.expected, file.arrived)
        self.reporter.report(self.totals)

    def _stop(self) -> None:
        """Record what is there, and let nobody write any more."""
        if not self.reading:
            return
        for file in self.reading:
            if file.attempt is not None:
                file.attempt.give_up()
        self.opened.close()
        until = time.monotonic() + PATIENCE
        for thread in self.threads:
            thread.join(max(0.0, until - time.monotonic()))
