"""The loop of one download: which request is sent next, and what follows from each answer."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime

from studio_action.download.active_requests import ActiveRequests
from studio_action.download.answers import (
    Busy,
    Changed,
    Content,
    Failed,
    Missing,
    Refused,
    Unranged,
)
from studio_action.download.base import DownloadOptions, Fetched
from studio_action.download.checksums import Digests
from studio_action.download.connections import Connections, RequestFailure
from studio_action.download.file_download import FileDownload
from studio_action.download.hashing import Buffers
from studio_action.download.partial_file import Store
from studio_action.download.partials import Partials
from studio_action.download.parts import SMALLEST_PART
from studio_action.download.progress import Totals
from studio_action.download.retries import HINT, RetryAt, give_up_after
from studio_action.download.scheduler import ConnectionLimiter, DownloadQueue, Interval
from studio_action.download.stream import ResponseStream
from studio_action.download.url_renewal import UrlRenewal
from studio_action.errors import ObjectMissing, Unreachable
from studio_action.model.artifact import RemoteFile
from studio_action.net import backoff
from studio_action.text import human_time

TICK = 0.25
"""Seconds: the loop waits no longer before it looks whether a request has stalled."""
CHECKPOINT = 0.2
"""Seconds between two records of what is on disk."""


class Mailbox:
    """What other threads want the engine's thread to do."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.stopped = False
        self._wake = wake
        self._work: deque[Callable[[], None]] = deque()

    def __bool__(self) -> bool:
        return bool(self._work)

    def put(self, work: Callable[[], None]) -> None:
        """Let the engine's thread do this soon."""
        self._work.append(work)
        self._wake()

    def stop(self) -> None:
        """Let the engine end soon."""
        self.stopped = True
        self._wake()

    def do_all(self) -> None:
        """Do what was put here; called by the engine's thread."""
        while self._work:
            self._work.popleft()()


class Engine:
    """All files of one download, driven by the one thread that calls `run`.

    `utc` is the time of day. `request_renewal` asks another thread to call `renewed` with new
    signed URLs.
    """

    def __init__(
        self,
        files: Sequence[RemoteFile],
        *,
        partials: Partials,
        threads: Executor,
        connections: Connections,
        options: DownloadOptions,
        utc: Callable[[], datetime],
        request_renewal: Callable[[], None],
    ) -> None:
        self.fetched: dict[int, Fetched] = {}
        self.totals = Totals()
        self._files, self._options = files, options
        self._mailbox = Mailbox(connections.wake)
        self._store = Store(partials, Buffers(), threads, self._on_hashed)
        self._renewal = UrlRenewal(request_renewal, utc)
        self._queue = DownloadQueue(self._start_file)
        self._requests = ActiveRequests(connections, utc)
        self._limiter = ConnectionLimiter(options.max_connections, self._now())
        self._stall_check = Interval(min(TICK, options.limits.timeout / 4))
        self._checkpoint = Interval(CHECKPOINT)

    # What other threads may call

    def renewed(self, urls: Mapping[str, str]) -> None:
        """Take the renewed signed URLs, by path."""
        active = self._queue.active
        self._mailbox.put(
            lambda: self._renewal.renewed(urls, [each.url for each in active.values()])
        )

    def stop(self) -> None:
        """End `run` as soon as possible."""
        self._mailbox.stop()

    def _on_hashed(self, index: int, found: Digests | OSError) -> None:
        self._mailbox.put(lambda: self._handle_hashed(self._queue.active[index], found))

    # The loop

    def run(self) -> None:
        """Fetch every file; raise the first failure that trying again does not help."""
        try:
            self._resume()
            while len(self.fetched) < len(self._files) and not self._mailbox.stopped:
                self._options.limits.deadline.check()
                self._mailbox.do_all()
                now = self._now()  # one for both: nothing may become due between them
                self._send_requests(now)
                for stream, failure in self._wait(now):
                    self._handle_finished(stream, failure)
                self._run_periodic(self._now())
        finally:
            for download in self._queue.active.values():
                download.checkpoint()
                download.close()

    def _now(self) -> float:
        return self._options.limits.deadline.clock.now()

    def _resume(self) -> None:
        """Take over what an earlier run left, and see whether there is space for the rest."""
        for index, file in enumerate(self._files):
            self.totals.update(index, file.size or 0, 0)
            record = self._store.partials.resume(file, checked=self._options.verify != "off")
            if record is None:
                self._queue.add(index)
                continue
            download = self._queue.start(index)
            download.resume(record)
            self._continue_file(download)
            self._update_totals(download)
        self._check_disk_space()

    def _start_file(self, index: int) -> FileDownload:
        download = FileDownload(index, self._files[index], self._store, self._on_split)
        self._renewal.update(download.url)
        return download

    def _check_disk_space(self) -> None:
        """Raise `WorkspaceRefused` if there is less space than the missing bytes need."""
        self._store.partials.require_space(self.totals.expected - self.totals.arrived)

    def _send_requests(self, now: float) -> None:
        """Send requests until all connections are in use, or nothing is left to request."""
        requests, limiter = self._requests, self._limiter
        while requests.connections_in_use < limiter.limit and now >= limiter.quiet_until:
            found = self._queue.next_request(limiter.for_parts, requests.connections_in_use, now)
            if found is None:
                return
            download, wanted = found
            if not self._renewal.is_usable(download.url):
                self._queue.mark_open(download)
                return
            requests.send(download, wanted, generation=self._renewal.generation, now=now)

    def _wait(self, now: float) -> list[tuple[ResponseStream, RequestFailure | None]]:
        """Let the connections work, or sleep if all that is left has to wait for its time."""
        limits, quiet_until = self._options.limits, self._limiter.quiet_until
        next_due = min(self._queue.next_due(now), quiet_until if quiet_until > now else math.inf)
        pause = next_due - now
        if self._requests or self._renewal.pending or self._queue.hashing or self._mailbox:
            remaining = limits.deadline.remaining()
            return self._requests.wait(min(pause, TICK, limits.timeout / 4, remaining))
        if pause < math.inf:
            limits.deadline.sleep(pause)
        else:
            assert len(self.fetched) == len(self._files), "nothing is left to wait for"
        return []

    # What follows from each answer

    def _handle_finished(self, stream: ResponseStream, failure: RequestFailure | None) -> None:
        """Act on the end of one request."""
        download = stream.download
        match self._requests.end(stream, failure):
            case None:
                self._continue_file(download)
            case Content():
                self._handle_success(stream)
            case Busy() as busy:
                self._retry_later(stream, busy)
            case Changed(reason):
                self._start_over(download, reason)
            case Unranged(reason):
                download.disable_ranges()
                self._start_over(download, reason)
            case Refused(reason):
                self._renewal.on_refused(download.url, stream.request.generation, reason)
                self._queue.mark_open(download)
            case Missing(reason):
                raise ObjectMissing(
                    f"the storage has lost {download}: {reason}",
                    f"{download.file.remedy}, or ask for another version",
                )
            case Failed(reason, hint):
                raise Unreachable(f"{download} cannot be fetched: {reason}", hint or HINT)

    def _handle_success(self, stream: ResponseStream) -> None:
        download = stream.download
        self._limiter.on_success()
        download.retries.succeed(stream.request.range.start)
        if stream.digests is not None:
            self._verify(download, stream.digests)
        else:
            self._continue_file(download)

    def _continue_file(self, download: FileDownload) -> None:
        """Finish the hashing of a complete file; request the rest of any other."""
        if not download.is_complete:
            self._queue.mark_open(download)
        elif not download.requests and download.index not in self.fetched:
            self._queue.mark_hashing(download)
            download.partial.finish_hashing()

    def _on_split(self, download: FileDownload) -> None:
        """Request more of a file that is larger than its first part."""
        self._queue.mark_open(download)
        self._update_totals(download)
        self._check_disk_space()

    def _retry_later(self, stream: ResponseStream, busy: Busy) -> None:
        """Request what is missing again after a while, or give up."""
        download, request, now = stream.download, stream.request, self._now()
        limits = self._options.limits
        moved = stream.reached - request.range.start >= SMALLEST_PART and not stream.restarted
        attempt = 1 if moved else request.earlier_failures + 1
        give_up_after(attempt, limits.retries, download, busy.reason)
        wait = backoff.wait(attempt, retry_after=busy.retry_after, random=limits.random())
        if busy.slow:
            self._limiter.on_throttled(request.sent, now, until=now + wait)
        download.postpone(request.range.start, stream.reached, RetryAt(attempt, now + wait))
        self._queue.mark_open(download)

    def _start_over(self, download: FileDownload, reason: str) -> None:
        download.start_over(reason, self._options.limits.retries)
        self._queue.mark_open(download)

    def _handle_hashed(self, download: FileDownload, found: Digests | OSError) -> None:
        self._queue.mark_hashed()
        self._verify(download, found)

    def _verify(self, download: FileDownload, found: Digests | OSError) -> None:
        """Keep the file if it is the right one; else request it once more."""
        fetched = download.verify(found, self._options.verify)
        if fetched is None:
            self._queue.mark_open(download)
            return
        self._queue.remove(download)
        self.fetched[download.index] = fetched
        came = fetched.size - download.partial.resumed_size
        self.totals.update(download.index, came, came)
        self.totals.finished += 1

    # What is done from time to time

    def _run_periodic(self, now: float) -> None:
        busy = self._requests.connections_in_use >= self._limiter.for_parts
        if self._stall_check.is_due(now):
            self._end_stalled(now)
            for download in self._requests.downloads():
                self._update_totals(download)
        if self._checkpoint.is_due(now):
            for download in self._requests.downloads():
                download.checkpoint()
        self._limiter.observe(self.totals.arrived, now, busy=busy and self._queue.has_open)

    def _end_stalled(self, now: float) -> None:
        timeout = self._options.limits.timeout
        for stream in self._requests.stop_stalled(now, timeout):
            failure = RequestFailure(f"no data for {human_time(timeout)}")
            self._handle_finished(stream, failure)

    def _update_totals(self, download: FileDownload) -> None:
        self.totals.update(download.index, download.expected, download.arrived)
