"""SIGTERM and SIGINT end a command at once, and let it clean up behind itself.

So does CTRL_BREAK, which runners on Windows send after CTRL_C: `SIGBREAK`. As PID 1 in a container
nothing but a handler of our own makes SIGTERM do anything.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from studio_action.errors import Stopped

_SIGNALS = [signal.SIGTERM, signal.SIGINT]
if sys.platform == "win32":
    _SIGNALS.append(signal.SIGBREAK)


@contextmanager
def stopping() -> Iterator[None]:
    """Raise `Stopped` in the main thread for the first signal; later ones do not disturb."""

    def stop(signum: int, _: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(signum)

    before = {each: signal.signal(each, stop) for each in _SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
