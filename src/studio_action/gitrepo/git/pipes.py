"""Send a process its input and read its output, within a time and a size."""

from __future__ import annotations

import os
import select
import selectors
import subprocess
import time
from contextlib import suppress
from typing import IO

_BLOCK = 1 << 16
_LARGEST_COMPLAINT = 1 << 20


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
        return left[os.write(pipe.fileno(), left[: select.PIPE_BUF]) :]
    except BrokenPipeError:
        return left[:0]
