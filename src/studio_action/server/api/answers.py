"""Answers that were made a moment ago, for requests that ask for the same.

A job asks for what others asked for: the version of a stage. Its URLs are signed anew twice a
minute, and whenever the repository has changed.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from studio_action.model.artifact import Resolution

LIFETIME = 30.0
"""The seconds that an answer is given again; its URLs are valid for an hour."""
MOST_BYTES = 16 << 20
LARGEST = 1 << 20
"""The most bytes of all answers, and of one; larger ones are made anew."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes of a 200 with JSON, and the version that it names."""

    body: bytes
    resolution: Resolution


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: Answer
    state: object
    until: float


@dataclass(slots=True)
class Answers:
    """The answers of one process, for its event loop alone; `now` returns seconds.

    The least recently used ones give way.
    """

    now: Callable[[], float] = time.monotonic
    _kept: OrderedDict[Hashable, _Kept] = field(default_factory=OrderedDict, init=False)
    _bytes: int = field(default=0, init=False)

    def get(self, request: Hashable, state: object | None) -> Answer | None:
        """Return the answer to an equal request, if `state` is still that of the repository."""
        kept = self._kept.get(request)
        if kept is None or state is None or kept.state is not state or self.now() >= kept.until:
            return None
        self._kept.move_to_end(request)
        return kept.answer

    def keep(self, request: Hashable, state: object, answer: Answer) -> None:
        """Keep the answer to a request, made of a repository in that `state`."""
        self._drop(request)
        if len(answer.body) > LARGEST:
            return
        self._kept[request] = _Kept(answer, state, self.now() + LIFETIME)
        self._bytes += len(answer.body)
        while self._bytes > MOST_BYTES:
            self._drop(next(iter(self._kept)))

    def _drop(self, request: Hashable) -> None:
        kept = self._kept.pop(request, None)
        if kept is not None:
            self._bytes -= len(kept.answer.body)
