"""What may lie where a file is expected; each would be waited for, or read, without an end."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest


def listening(place: Path) -> None:
    """Leave a socket at `place`; the path may be longer than a socket's address."""
    with socket.socket(socket.AF_UNIX) as made:
        short = Path("/proc/self/fd", str(os.open(place.parent, os.O_PATH)))
        try:
            made.bind(str(short / place.name))
        finally:
            os.close(int(short.name))


UNFIT = [
    pytest.param(os.mkfifo, id="pipe"),
    pytest.param(lambda place: place.symlink_to("/dev/zero"), id="link to a device"),
    pytest.param(lambda place: place.symlink_to("/etc/hostname"), id="link to a file"),
    pytest.param(lambda place: place.symlink_to(place), id="link to itself"),
    pytest.param(listening, id="socket"),
    pytest.param(Path.mkdir, id="folder"),
]
