"""Send a process its input and read its output, within a time and a size."""

from __future__ import annotations

import os
import select
import selectors
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import IO

_BLOCK = 1 << 16
_PIECE: int = getattr(select, "PIPE_BUF", 512)
"""Bytes that a pipe takes at once if it is ready for some."""
_LARGEST_COMPLAINT = 1 << 20
_TURN = 0.1
"""Seconds after which a wait for threads looks at the clock, and lets a signal through."""


class OutputTooLarge(Exception):
    """A process writes more than it may."""


def communicate(
    process: subprocess.Popen[bytes], stdin: bytes, seconds: float, largest: int
) -> tuple[bytes, bytes]:
    """Return what a process writes to its standard output and, the first megabyte, to its standard
    error.

    As `Popen.communicate`, with a bound. Raises `OutputTooLarge` where its output has more than
    `largest` bytes, `subprocess.TimeoutExpired` after `seconds`; it runs on then.
    """
    if sys.platform != "win32":
        return communicate_by_selecting(process, stdin, seconds, largest)
    return communicate_by_threads(process, stdin, seconds, largest)


def communicate_by_selecting(
    process: subprocess.Popen[bytes], stdin: bytes, seconds: float, largest: int
) -> tuple[bytes, bytes]:
    """Do so where pipes can be waited for."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    output, errors = bytearray(), bytearray()
    left = memoryview(stdin)
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdin, selectors.EVENT_WRITE)
        waiting.register(process.stdout, selectors.EVENT_READ, output)
        waiting.register(process.stderr, selectors.EVENT_READ, errors)
        ends = time.monotonic() + seconds
        while waiting.get_map():
            ready = waiting.select(max(0.0, ends - time.monotonic()))
            if not ready and time.monotonic() >= ends:
                raise subprocess.TimeoutExpired(process.args, seconds)
            for key, _ in ready:
                if key.data is None:
                    left = _write_some(process.stdin, left)
                    over = not left
                else:
                    block = os.read(key.fd, _BLOCK)
                    key.data.extend(block)
                    over = not block
                if over:
                    waiting.unregister(key.fileobj)
            if not left:
                with suppress(BrokenPipeError):
                    process.stdin.close()
            if len(output) > largest:
                raise OutputTooLarge
            del errors[_LARGEST_COMPLAINT:]
    process.wait(max(0.0, ends - time.monotonic()))
    return bytes(output), bytes(errors)


def _write_some(pipe: IO[bytes], left: memoryview) -> memoryview:
    """Write as much as fits without waiting; return the rest, nothing for a closed pipe."""
    try:
        return left[os.write(pipe.fileno(), left[:_PIECE]) :]
    except BrokenPipeError:
        return left[:0]


def communicate_by_threads(
    process: subprocess.Popen[bytes], stdin: bytes, seconds: float, largest: int
) -> tuple[bytes, bytes]:
    """Do so where nobody can wait for pipes: each has a thread that it blocks."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    output = _Reader(process.stdout, largest)
    errors = _Reader(process.stderr, _LARGEST_COMPLAINT, listens_on=True)
    writer = _Writer(process.stdin, stdin)
    ends = time.monotonic() + seconds
    for thread in (output, errors, writer):
        thread.start()
    for thread in (output, errors, writer):
        while thread.is_alive() and not output.is_over:
            if time.monotonic() >= ends:
                raise subprocess.TimeoutExpired(process.args, seconds)
            thread.join(_TURN)
    if output.is_over:
        raise OutputTooLarge
    process.wait(max(0.0, ends - time.monotonic()))
    return bytes(output.data), bytes(errors.data)


class _Reader(threading.Thread):
    """Reads a pipe until its end, or until it has more than it may."""

    def __init__(self, pipe: IO[bytes], largest: int, *, listens_on: bool = False) -> None:
        super().__init__(daemon=True)
        self.data, self.is_over = bytearray(), False
        self._descriptor = os.dup(pipe.fileno())  # its own: the other may be closed meanwhile
        self._largest, self._listens_on = largest, listens_on

    def run(self) -> None:
        try:
            while block := os.read(self._descriptor, _BLOCK):
                self.data += block
                if len(self.data) > self._largest:
                    del self.data[self._largest :]
                    if not self._listens_on:
                        self.is_over = True
                        return
        finally:
            os.close(self._descriptor)


class _Writer(threading.Thread):
    """Writes to a pipe and closes it; it may be closed at the other end."""

    def __init__(self, pipe: IO[bytes], data: bytes) -> None:
        super().__init__(daemon=True)
        self._pipe, self._data = pipe, data

    def run(self) -> None:
        with suppress(OSError):  # BrokenPipeError, and EINVAL on Windows
            self._pipe.write(self._data)
        with suppress(OSError):
            self._pipe.close()
