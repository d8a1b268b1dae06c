"""Programs of this machine: found in no folder that a job works in, and ended with their children.

Windows looks for a program in the current folder first, and so does `shutil.which` there: a
`git.exe` that a checkout brought would run with the job's tokens. An empty or relative entry of
`PATH` does the same everywhere. So only its absolute entries count.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_SUFFIXES = (".exe",) if sys.platform == "win32" else ("",)
"""Not `.bat` and `.cmd`, whose arguments a shell would read."""

NEEDED_BY_WINDOWS = (
    "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERPROFILE",
    "HOMEDRIVE", "HOMEPATH", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES",
)  # fmt: skip
"""Variables without which programs of Windows open no socket, or find no home."""


_PATIENCE = 1.0
"""Seconds that a process of Windows gets to end by itself."""
_LONGEST_END = 10.0
"""Seconds that Windows gets to end a process and its children."""


def find(name: str, path: str, suffixes: Sequence[str] = _SUFFIXES) -> str | None:
    """Return where the program `name` is on `path`, as `PATH` has it; None where it is not."""
    for folder in map(Path, filter(None, path.split(os.pathsep))):
        if not folder.is_absolute():
            continue
        for suffix in suffixes:
            place = folder / f"{name}{suffix}"
            if place.is_file() and os.access(place, os.X_OK):
                return str(place)
    return None


def find_git(environ: Mapping[str, str]) -> str | None:
    """Return where the git program is; None where it is not installed."""
    return find("git", environ.get("PATH", os.defpath))


class Processes:
    """The processes that some threads of a run wait for, so that another one can end them all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._over = False

    def add(self, process: subprocess.Popen[bytes]) -> None:
        """Take one more; it ends at once if all were ended."""
        with self._lock:
            self._running.add(process)
            over = self._over
        if over:
            _end(process)

    def discard(self, process: subprocess.Popen[bytes]) -> None:
        """Forget one that has ended."""
        with self._lock:
            self._running.discard(process)

    def end(self) -> None:
        """End them all, and whatever is added later."""
        with self._lock:
            self._over, running = True, list(self._running)
        for process in running:
            if process.poll() is None:
                _end(process)


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], processes: Processes
) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process in a group of its own; it and its children have ended when the block has.

    It is one of `processes` meanwhile. Raises `OSError` where it cannot be started.
    """
    with _started(command, environment) as process:
        processes.add(process)
        try:
            yield process
        finally:
            processes.discard(process)
            if process.stdin is not None:
                with suppress(OSError):  # of what it was asked before it ended
                    process.stdin.close()
            if process.poll() is None:
                _end(process)


def _started(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    pipe, env = subprocess.PIPE, dict(environment)
    if sys.platform != "win32":
        return subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, env=env, start_new_session=True
        )
    return subprocess.Popen(
        command,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        env=env,
        creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,  # Ctrl+C is for us, who end it
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children."""
    if sys.platform != "win32":
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        return
    with suppress(subprocess.TimeoutExpired):  # most end when their input does
        process.wait(_PATIENCE)
        return
    with suppress(OSError, subprocess.TimeoutExpired):
        system = os.path.expandvars("%SYSTEMROOT%\\System32")
        subprocess.run(
            [str(Path(system, "taskkill.exe")), "/T", "/F", "/PID", str(process.pid)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_LONGEST_END,
            check=False,
        )
    process.kill()
