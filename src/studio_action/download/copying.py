"""Copy files of this machine, some at a time, until the deadline or a failure."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import TypeVar

from studio_action.net.clock import Deadline
from studio_action.workspace import regular_files

COPIES = 4
"""Files that are copied and checked at a time."""

Check = Callable[[], None]
"""Called between two blocks; raises to end the work."""

_BLOCK = 1 << 20
_FICLONE = 0x40049409  # linux/fs.h: let the target share the source's blocks

Item = TypeVar("Item")
Made = TypeVar("Made")


def each(
    work: Callable[[Item, Check], Made], items: Sequence[Item], deadline: Deadline
) -> list[Made]:
    """Return the results of `work` on all items, in order.

    A failure of one of them ends all others, and is raised; so does a signal, and the deadline.
    """
    over = Event()

    def check() -> None:
        deadline.check()
        if over.is_set():
            raise CancelledError

    with ThreadPoolExecutor(COPIES) as threads:
        try:
            return list(threads.map(lambda item: work(item, check), items))
        except BaseException:
            over.set()
            raise


def copy(source: Path, target: Path, check: Check) -> None:
    """Copy a regular file to `target`, sharing blocks if the file system can.

    Bytes that are added to the file meanwhile are not copied. Raise `regular.NotRegular`, `OSError`
    and what `check` raises.
    """
    with regular_files.opened(source) as whole, target.open("wb", buffering=0) as made:
        left = os.fstat(whole).st_size
        if _share_blocks(whole, made.fileno()):
            return
        if left > shutil.disk_usage(target).free:  # a file may be all holes, and endless
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        while left:
            check()
            block = os.read(whole, min(left, _BLOCK))
            if not block:
                return
            made.write(block)
            left -= len(block)


def _share_blocks(source: int, target: int) -> bool:
    """Let one file have the blocks of another; return whether the file system can."""
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True
