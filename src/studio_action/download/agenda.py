"""Which file of a download is next: those to be begun, and those of which more is to come. Pure."""

from __future__ import annotations

import math
from bisect import insort
from collections import deque
from collections.abc import Callable, Iterable

from studio_action.download.answers import Asked
from studio_action.download.incoming import FIRST_PART, Incoming
from studio_action.download.parts import Lanes

MOST_OPEN = 4
"""Files of which more parts are to come, before further ones are begun."""
MOST_SUMMING = 32
"""Files that are on disk and still being hashed, before further ones are begun."""


class Agenda:
    """The files of one download, by their index, in the order asked for.

    A file is waiting, then begun; while it is begun, it is open as long as there is, or may be,
    something to ask for.
    """

    def __init__(self, begin: Callable[[int], Incoming]) -> None:
        self.begun: dict[int, Incoming] = {}
        self.summing = 0
        """Files that are whole on disk and being hashed."""
        self._begin = begin
        self._waiting: deque[int] = deque()
        self._open: list[Incoming] = []

    @property
    def open(self) -> bool:
        """Whether a file has, or may have, more to ask for."""
        return bool(self._open)

    def wait(self, index: int) -> None:
        """The file is to be begun in its turn."""
        self._waiting.append(index)

    def begin(self, index: int) -> Incoming:
        """The file is under way from now on."""
        incoming = self.begun[index] = self._begin(index)
        return incoming

    def reopen(self, incoming: Incoming) -> None:
        """There is more to ask for."""
        if incoming not in self._open:
            insort(self._open, incoming, key=lambda each: each.index)

    def shut(self, incoming: Incoming) -> None:
        """There is nothing more to ask for."""
        if incoming in self._open:
            self._open.remove(incoming)

    def done(self, incoming: Incoming) -> None:
        """Nothing of the file needs to be remembered."""
        self.shut(incoming)
        del self.begun[incoming.index]

    def next(self, lanes: Lanes, busy: int, now: float) -> tuple[Incoming, Asked] | None:
        """The first file that has something to ask for while `busy` connections are in use."""
        for incoming in self._open:
            asked = incoming.next_part(lanes.parts, now)
            if asked is None:
                continue
            if busy < lanes.parts:
                return incoming, asked
            if len(self._open) >= MOST_OPEN:
                return None
            break
        if not self._waiting or self.summing >= MOST_SUMMING:
            return None
        return self.begin(self._waiting.popleft()), FIRST_PART

    def next_due(self, now: float) -> float:
        """The moment, after `now`, at which something that failed may be asked for again."""
        dues: Iterable[float] = (incoming.next_due(now) for incoming in self._open)
        return min(dues, default=math.inf)
