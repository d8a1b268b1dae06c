"""The client in a Python that has not what Python on Windows has not.

    python -m tests.portable.as_on_windows ARGUMENTS

What others made is imported first, as for this machine. Then modules, constants and calls go that
Windows lacks, `sys.platform` says `win32`, no call takes a descriptor of a folder, no open file is
removed or renamed, and locks are those of `msvcrt`. What stays is the file system: its names, and
what a link is.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import http.client
import importlib.abc
import os
import select
import shutil
import signal
import ssl
import stat
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import certifi
import click
import configobj
import pathspec
import pycurl
import requests
import ruamel.yaml
import semantic_version
import tqdm

OTHERS = (
    asyncio, certifi, click, configobj, http.client, pathspec, pycurl, requests, ruamel.yaml,
    semantic_version, ssl, tempfile, tqdm,
)  # fmt: skip

MODULES = {"fcntl", "grp", "pwd", "resource", "syslog", "termios", "tty", "pty"}
OF_OS = (
    "O_CLOEXEC", "O_DIRECTORY", "O_NOCTTY", "O_NOFOLLOW", "O_NONBLOCK", "O_PATH", "chown",
    "copy_file_range", "fchmod", "fchown", "fork", "forkpty", "fstatvfs", "getegid", "geteuid",
    "getgid", "getpgid", "getuid", "killpg", "lchown", "mkfifo", "posix_fadvise",
    "posix_fallocate", "pread", "preadv", "pwrite", "pwritev", "sendfile", "set_blocking",
    "setsid", "uname",
)  # fmt: skip
OF_SIGNAL = ("SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGUSR1", "alarm", "pause")
OF_SELECT = ("PIPE_BUF", "epoll", "poll")
WITH_FOLDERS = (
    "link", "mkdir", "open", "rename", "replace", "rmdir", "stat", "symlink", "unlink", "utime",
    "chmod", "access", "readlink", "remove",
)  # fmt: skip


class Missing(importlib.abc.MetaPathFinder):
    """Finds nothing where Windows has nothing."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname in MODULES:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


def install() -> None:
    """Take it all away, for the rest of this process."""
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, Missing())
    _fake_msvcrt()
    _no_descriptors_of_folders()
    for module, names in ((os, OF_OS), (signal, OF_SIGNAL), (select, OF_SELECT)):
        for name in names:
            vars(module).pop(name, None)
    os.O_BINARY = os.O_NOINHERIT = 0  # type: ignore[attr-defined]
    signal.SIGBREAK = signal.SIGQUIT  # type: ignore[attr-defined]
    subprocess.CREATE_NEW_PROCESS_GROUP = 0  # type: ignore[attr-defined]
    sys.platform = "win32"


def _fake_msvcrt() -> None:
    module = types.ModuleType("msvcrt")

    def locking(descriptor: int, mode: int, length: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PermissionError(errno.EACCES, "Permission denied") from None

    module.LK_NBLCK, module.locking = 2, locking  # type: ignore[attr-defined]
    sys.modules["msvcrt"] = module


def _no_descriptors_of_folders() -> None:
    free_space = shutil.disk_usage
    shutil._use_fd_functions = False  # type: ignore[attr-defined]
    for name in WITH_FOLDERS:
        setattr(os, name, _refusing(getattr(os, name)))
    for name in ("unlink", "remove", "rename", "replace"):
        setattr(os, name, _sharing_nothing(getattr(os, name)))
    scan = os.scandir

    def scandir(path: Any = ".") -> Any:
        assert not isinstance(path, int), "Windows scans no descriptor"
        return scan(path)

    os.scandir = scandir
    os.supports_dir_fd.clear()
    shutil.disk_usage = free_space


def _refusing(call: Callable[..., Any]) -> Callable[..., Any]:
    def refusing(*given: Any, **named: Any) -> Any:
        for each in ("dir_fd", "src_dir_fd", "dst_dir_fd"):
            if named.get(each) is not None:
                raise NotImplementedError(f"{call.__name__}: {each} unavailable on this platform")
        return call(*given, **named)

    return refusing


def _sharing_nothing(call: Callable[..., Any]) -> Callable[..., Any]:
    """Python opens files so that Windows neither removes nor renames them meanwhile."""

    def sharing_nothing(*paths: Any, **named: Any) -> Any:
        for path in paths:
            if isinstance(path, (str, os.PathLike)) and _is_open(path):
                raise PermissionError(errno.EACCES, "used by another process", str(path))
        return call(*paths, **named)

    return sharing_nothing


def _is_open(path: Any) -> bool:
    try:
        found = os.lstat(path)
    except OSError:
        return False
    if not stat.S_ISREG(found.st_mode):
        return False
    for descriptor in [int(each.name) for each in Path("/proc/self/fd").iterdir()]:
        try:
            if os.path.samestat(os.fstat(descriptor), found):
                return True
        except OSError:
            continue
    return False


if __name__ == "__main__":
    install()
    from studio_action.cli import main

    main()
