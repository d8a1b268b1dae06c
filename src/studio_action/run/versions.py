"""The versions of this program and of what it stands on, as a bug report needs them."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterator

from studio_action import __version__
from studio_action.text import printable

_TIMEOUT = 10
"""Seconds that git may take to say its version."""


def lines() -> Iterator[str]:
    """Yield a line each."""
    yield f"studio-action {__version__}"
    yield f"Python {platform.python_version()} ({platform.system()} {platform.machine()})"
    yield _libcurl()
    yield _git()


def _libcurl() -> str:
    try:
        import pycurl
    except ImportError as error:  # its library is not the one that it was made for
        return printable(f"libcurl cannot be used: {error}", 300)
    return str(pycurl.version).replace("PycURL", "pycurl")


def _git() -> str:
    try:
        done = subprocess.run(
            ["git", "--version"], capture_output=True, text=True, timeout=_TIMEOUT, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return "git is not installed"
    return printable(done.stdout, 100)
