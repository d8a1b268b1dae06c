"""Import modules while something else is waited for, so that a step starts faster."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module


@contextmanager
def preloading(*names: str) -> Iterator[None]:
    """Import the modules on another thread, one after the other, while the block runs.

    Whoever imports one of them meanwhile waits until it is whole, and hears why if it cannot be.
    """
    thread = threading.Thread(target=_import, args=names, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _import(*names: str) -> None:
    with suppress(Exception):  # whoever needs it gets the same exception
        for name in names:
            import_module(name)
