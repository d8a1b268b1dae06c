"""Waiting for what libcurl's sockets can do: with `poll`, and on Windows with `select`."""

from __future__ import annotations

import math
import select
import socket
import sys
import threading
from contextlib import suppress
from typing import Protocol

import pycurl

Ready = list[tuple[int, int]]
"""Sockets that something can be done with, and libcurl's bits for what."""

_LONGEST_WAIT = 0.5
"""Seconds that `select` waits at a time: on Windows, no signal ends it."""


class Sockets(Protocol):
    """The sockets that are watched."""

    def watch(self, descriptor: int, what: int) -> None:
        """Watch a socket for what libcurl wants of it, one of its `POLL_*`."""
        ...

    def forget(self, descriptor: int) -> None:
        """Watch a socket no more."""
        ...

    def wait(self, seconds: float) -> Ready:
        """Return what is ready, after up to `seconds` if nothing is at once."""
        ...


if sys.platform != "win32":

    class PolledSockets:
        """Implements `Sockets` with poll(2)."""

        def __init__(self) -> None:
            self._poll = select.poll()
            self._events = {
                pycurl.POLL_IN: select.POLLIN,
                pycurl.POLL_OUT: select.POLLOUT,
                pycurl.POLL_INOUT: select.POLLIN | select.POLLOUT,
            }

        def watch(self, descriptor: int, what: int) -> None:
            """Watch a socket for what libcurl wants of it."""
            self._poll.register(descriptor, self._events[what])

        def forget(self, descriptor: int) -> None:
            """Watch a socket no more."""
            self._poll.unregister(descriptor)

        def wait(self, seconds: float) -> Ready:
            """Return what is ready, after up to `seconds` if nothing is at once."""
            found = self._poll.poll(math.ceil(max(0.0, seconds) * 1000))
            return [(descriptor, _of_poll(events)) for descriptor, events in found]

    def _of_poll(events: int) -> int:
        found = pycurl.CSELECT_IN if events & (select.POLLIN | select.POLLHUP) else 0
        found |= pycurl.CSELECT_OUT if events & select.POLLOUT else 0
        return found | (pycurl.CSELECT_ERR if events & (select.POLLERR | select.POLLNVAL) else 0)


class SelectedSockets:
    """Implements `Sockets` with select(2), of which Windows takes 512 sockets."""

    def __init__(self) -> None:
        self._reading: set[int] = set()
        self._writing: set[int] = set()

    def watch(self, descriptor: int, what: int) -> None:
        """Watch a socket for what libcurl wants of it."""
        self.forget(descriptor)
        if what in (pycurl.POLL_IN, pycurl.POLL_INOUT):
            self._reading.add(descriptor)
        if what in (pycurl.POLL_OUT, pycurl.POLL_INOUT):
            self._writing.add(descriptor)

    def forget(self, descriptor: int) -> None:
        """Watch a socket no more."""
        self._reading.discard(descriptor)
        self._writing.discard(descriptor)

    def wait(self, seconds: float) -> Ready:
        """Return what is ready, after up to `seconds`, half of one at most, if nothing is."""
        wait = min(max(0.0, seconds), _LONGEST_WAIT)
        # A connection that fails is, on Windows, in the third set alone.
        able = select.select(self._reading, self._writing, self._writing, wait)
        bits = (pycurl.CSELECT_IN, pycurl.CSELECT_OUT, pycurl.CSELECT_ERR)
        found: dict[int, int] = {}
        for descriptors, bit in zip(able, bits, strict=True):
            for descriptor in descriptors:
                found[descriptor] = found.get(descriptor, 0) | bit
        return list(found.items())


def open_sockets() -> Sockets:
    """Return what this machine waits with."""
    if sys.platform != "win32":
        return PolledSockets()
    return SelectedSockets()


class Waker:
    """Ends a wait for sockets, from any thread."""

    def __init__(self) -> None:
        self._woken, self._waker = socket.socketpair()  # Windows waits for no pipe
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._waking, self._closed = threading.Lock(), False

    def fileno(self) -> int:
        """Return the descriptor that is ready to be read when somebody woke it."""
        return self._woken.fileno()

    def wake(self) -> None:
        """Make it ready."""
        with self._waking, suppress(BlockingIOError):  # it is awake already
            if not self._closed:
                self._waker.send(b"\0")

    def rest(self) -> None:
        """Make it unready."""
        self._woken.recv(4096)

    def close(self) -> None:
        """Let go of it; nobody is woken any more."""
        with self._waking:
            self._closed = True
            self._woken.close()
            self._waker.close()
