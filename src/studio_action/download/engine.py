"""The loop of one download: what is asked for next, and what follows from each answer."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime
from typing import cast

from studio_action.download.agenda import Agenda
from studio_action.download.answers import (
    Asked,
    Busy,
    Changed,
    Content,
    Failed,
    Missing,
    Refused,
    Unranged,
)
from studio_action.download.base import Fetched, Verified, Verify
from studio_action.download.connections import Connections, Ended, Get, Trouble
from studio_action.download.hashing import BUFFER, Buffers, Digests
from studio_action.download.incoming import Again, Incoming, Store
from studio_action.download.pace import Pace
from studio_action.download.partials import Partials
from studio_action.download.parts import SMALLEST_PART, Lanes
from studio_action.download.signatures import Signatures
from studio_action.download.stream import Stream
from studio_action.download.verifying import Told, difference, verified
from studio_action.errors import (
    ContentMismatch,
    ObjectMissing,
    Unreachable,
    WorkspaceRefused,
)
from studio_action.model.artifact import RemoteFile
from studio_action.net import backoff
from studio_action.net.clock import Limits
from studio_action.text import human_size, human_time
from studio_action.workspace.workspace import refused

TICK = 0.25
"""Seconds: no longer does the loop wait before it looks after things."""
CHECKPOINT = 0.2
"""Seconds between two records of what is on disk."""
MEASURE = 1.0
"""Seconds over which a rate is taken, to see whether more connections pay."""

_HINT = "Look at the storage and the network in between, then run the step again"


class Engine:
    """All files of one download, driven by the one thread that calls `run`.

    At most `max_connections` to storage are open, over all files; `utc` is the time of day.
    `ask_renewal` makes somebody else call `renewed` with new signed URLs, sooner or later.
    """

    def __init__(
        self,
        files: Sequence[RemoteFile],
        *,
        partials: Partials,
        threads: Executor,
        connections: Connections,
        limits: Limits,
        max_connections: int,
        verify: Verify,
        utc: Callable[[], datetime],
        ask_renewal: Callable[[], None],
    ) -> None:
        self.fetched: dict[int, Fetched] = {}
        self.expected = self.arrived = 0
        self._partials, self._connections = partials, connections
        self._limits, self._verify, self._utc = limits, verify, utc
        self._signatures = Signatures(ask_renewal, utc)
        self._clock = limits.deadline.clock
        self._store = Store(partials, Buffers(), threads, self._divided, self._summed)
        self._files = files
        self._agenda = Agenda(self._begin)
        self._streams: dict[Stream, None] = {}
        self._spare: list[bytearray] = []
        self._inbox: deque[Callable[[], None]] = deque()
        self._stopped = False
        self._quiet_until = self._complained = -math.inf
        self._lanes = Lanes(max_connections)
        self._pace = Pace(self._clock.now())

    # What other threads may call

    def renewed(self, urls: Mapping[str, str]) -> None:
        """Take the signed URLs, by path, that were asked for."""
        self._inbox.append(lambda: self._signatures.take(urls, self._agenda.begun.values()))
        self._connections.wake()

    def stop(self) -> None:
        """End `run` as soon as possible."""
        self._stopped = True
        self._connections.wake()

    def _summed(self, incoming: Incoming, found: Digests | OSError) -> None:
        self._inbox.append(lambda: self._take_digests(incoming, found))
        self._connections.wake()

    # The loop

    def run(self) -> None:
        """Fetch every file; raise the first failure that cannot be helped."""
        try:
            self._resume()
            while len(self.fetched) < len(self._files) and not self._stopped:
                self._limits.deadline.check()
                while self._inbox:
                    self._inbox.popleft()()
                now = self._clock.now()  # one for both: nothing may come due between them
                self._fill(now)
                for receiver, trouble in self._wait(now):
                    self._settle(cast(Stream, receiver), trouble)
                self._look_after()
        finally:
            for incoming in self._agenda.begun.values():
                incoming.checkpoint()
                incoming.close()

    def _resume(self) -> None:
        """Take over what an earlier run left, and see whether the rest has room."""
        for index, file in enumerate(self._files):
            self.expected += file.size or 0
            record = self._partials.resume(file, checked=self._verify != "off")
            if record is None:
                self._agenda.wait(index)
                continue
            incoming = self._agenda.begin(index)
            incoming.resume(record)
            self._go_on(incoming)
            self._tell(incoming)
        self._make_room()

    def _begin(self, index: int) -> Incoming:
        incoming = Incoming(index, self._files[index], self._store)
        self._signatures.adopt(incoming)
        return incoming

    def _make_room(self) -> None:
        """Raise `WorkspaceRefused` if what is known to be missing is more than what is free."""
        missing, free = self.expected - self.arrived, self._partials.free()
        if missing > free:
            raise WorkspaceRefused(
                f"the model needs {human_size(missing)} more, and {human_size(free)} are free in"
                f" {str(self._partials.folder)!r}",
                "Free some space, or use a runner with a larger disk",
            )

    def _fill(self, now: float) -> None:
        """Send requests until the connections are used."""
        while len(self._connections) < self._lanes.most and now >= self._quiet_until:
            found = self._agenda.next(self._lanes, len(self._connections), now)
            if found is None:
                return
            incoming, asked = found
            if not self._signatures.good(incoming):
                self._agenda.reopen(incoming)
                return
            self._start(incoming, asked, now)

    def _start(self, incoming: Incoming, asked: Asked, now: float) -> None:
        buffer = self._spare.pop() if self._spare else bytearray(BUFFER)
        generation = self._signatures.generation
        stream = Stream(incoming, asked, generation=generation, now=now, buffer=buffer)
        incoming.streams.append(stream)
        self._streams[stream] = None
        file = incoming.file
        get = Get(incoming.url, asked.headers, file.headers, file.tls_verify)
        self._connections.start(get, stream)

    def _wait(self, now: float) -> list[Ended]:
        """Let the connections work, or sleep if all that is left has to wait for its time."""
        quiet_until = self._quiet_until if self._quiet_until > now else math.inf
        pause = min(self._agenda.next_due(now), quiet_until) - now
        if self._streams or self._signatures.renewing or self._agenda.summing or self._inbox:
            deadline = self._limits.deadline.remaining()
            return self._connections.turn(min(pause, TICK, self._limits.timeout / 4, deadline))
        if pause < math.inf:
            self._limits.deadline.sleep(pause)
        else:
            assert len(self.fetched) == len(self._files), "nothing is left to wait for"
        return []

    # What follows from what has come

    def _settle(self, stream: Stream, trouble: Trouble | None) -> None:
        """Act on the end of one request."""
        incoming = stream.incoming
        stream.end(trouble)
        del self._streams[stream]
        incoming.streams.remove(stream)
        self._spare.append(stream.buffer)
        if stream.stale:
            self._go_on(incoming)
            return
        match stream.outcome(self._utc()):
            case Content():
                self._succeed(stream)
            case Busy() as busy:
                self._try_later(stream, busy)
            case Changed(reason):
                self._start_over(incoming, reason)
            case Unranged(reason):
                incoming.ranged = False
                self._start_over(incoming, reason)
            case Refused(reason):
                self._signatures.refused(incoming, stream.generation, reason)
                self._agenda.reopen(incoming)
            case Missing(reason):
                raise ObjectMissing(
                    f"the storage has lost {incoming}: {reason}",
                    f"{incoming.file.remedy}, or ask for another version",
                )
            case Failed(reason, hint):
                raise Unreachable(f"{incoming} cannot be fetched: {reason}", hint or _HINT)

    def _succeed(self, stream: Stream) -> None:
        incoming = stream.incoming
        self._lanes.answered()
        incoming.retries.pop(stream.asked.start, None)
        if stream.digests is not None:
            self._check(incoming, stream.digests)
        else:
            self._go_on(incoming)

    def _go_on(self, incoming: Incoming) -> None:
        """Sum the file up if it is all there, else see to it that the rest is asked for."""
        if not incoming.complete:
            self._agenda.reopen(incoming)
        elif not incoming.streams and incoming.index not in self.fetched:
            self._agenda.summing += 1
            incoming.sum_up()
            self._agenda.shut(incoming)

    def _divided(self, incoming: Incoming) -> None:
        """A file turned out to have more parts than the one that was asked for."""
        self._agenda.reopen(incoming)
        self._tell(incoming)
        self._make_room()

    def _try_later(self, stream: Stream, busy: Busy) -> None:
        """Ask again for what is missing after a while, or give up."""
        incoming, now = stream.incoming, self._clock.now()
        moved = stream.reached - stream.asked.start >= SMALLEST_PART and not stream.restarted
        attempt = 1 if moved else stream.attempt + 1
        self._give_up_after(attempt, incoming, busy.reason)
        wait = backoff.wait(attempt, retry_after=busy.retry_after, random=self._limits.random())
        if busy.slow:
            if stream.started >= self._complained:  # one complaint for all that was under way
                self._lanes.complained()
                self._complained = now
            self._quiet_until = max(self._quiet_until, now + wait)
        incoming.retries.pop(stream.asked.start, None)
        incoming.retries[stream.reached if incoming.ranged else 0] = Again(attempt, now + wait)
        self._agenda.reopen(incoming)

    def _give_up_after(self, attempt: int, incoming: Incoming, reason: str) -> None:
        if attempt > self._limits.retries:
            times = "once" if attempt == 1 else f"{attempt} times"
            raise Unreachable(f"{incoming} cannot be fetched: {reason} ({times})", _HINT)

    def _start_over(self, incoming: Incoming, reason: str) -> None:
        incoming.restarts += 1
        self._give_up_after(incoming.restarts, incoming, reason)
        incoming.restart()
        self._agenda.reopen(incoming)

    def _take_digests(self, incoming: Incoming, found: Digests | OSError) -> None:
        self._agenda.summing -= 1
        if isinstance(found, OSError):
            place = self._partials.path(incoming.key)
            raise refused("a partial file cannot be read", place, found) from found
        assert found.size == incoming.size, "the hashing has seen another file"
        self._check(incoming, found)

    def _check(self, incoming: Incoming, found: Digests) -> None:
        """Take the file for whole if it is right; fetch it once more if it is not."""
        told = Told(incoming.measured, incoming.md5, incoming.validator)
        how = verified(incoming.file, told, found, self._verify)
        if how is not None:
            self._finish(incoming, found, how)
            return
        if not incoming.resumed:
            incoming.mismatches += 1
        if incoming.mismatches > 1:
            raise ContentMismatch(
                f"{incoming} is not what it should be: {difference(incoming.file, told, found)},"
                " also when it was fetched once more",
                "The storage has other bytes under this name: push the model again",
            )
        incoming.restart()
        self._agenda.reopen(incoming)

    def _finish(self, incoming: Incoming, found: Digests, how: Verified) -> None:
        incoming.checkpoint()
        incoming.close()
        self._agenda.done(incoming)
        self.fetched[incoming.index] = Fetched(
            incoming.file,
            self._partials.path(incoming.key),
            found.size,
            found.md5,
            found.sha256,
            how,
            incoming.transferred,
        )
        self._tell(incoming)

    # What has to be seen to from time to time

    def _look_after(self) -> None:
        now = self._clock.now()
        self._pace.busy(len(self._connections) >= self._lanes.parts and self._agenda.open)
        if self._pace.due("stall", now, min(TICK, self._limits.timeout / 4)):
            self._end_stalled(now)
            for stream in self._streams:
                self._tell(stream.incoming)
        if self._pace.due("checkpoint", now, CHECKPOINT):
            for incoming in {stream.incoming for stream in self._streams}:
                incoming.checkpoint()
        rate = self._pace.rate(self.arrived, now, MEASURE)
        if rate is not None:
            self._lanes.measured(rate)

    def _end_stalled(self, now: float) -> None:
        for stream in list(self._streams):
            if stream.received != stream.seen:
                stream.seen, stream.stirred = stream.received, now
            elif now - stream.stirred >= self._limits.timeout:
                self._connections.stop(stream)
                silence = human_time(self._limits.timeout)
                self._settle(stream, Trouble(f"not a byte came for {silence}"))

    def _tell(self, incoming: Incoming) -> None:
        """Keep the sums that show how far the download is."""
        self.expected += incoming.expected - incoming.told[0]
        self.arrived += incoming.arrived - incoming.told[1]
        incoming.told = (incoming.expected, incoming.arrived)
