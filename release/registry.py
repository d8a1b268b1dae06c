"""A registry of images on this machine: what a release is rehearsed against."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from studio_action.errors import Unreachable

PROGRAM = "docker-registry"
_CONFIGURATION = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""
_PATIENCE = 20.0


@contextmanager
def local_registry(folder: Path, port: int = 0) -> Iterator[str]:
    """Yield `127.0.0.1:PORT` of a registry that keeps images in `folder` while the block runs."""
    folder.mkdir(parents=True, exist_ok=True)
    port = port or _free_port()
    file = folder.with_suffix(".yml")
    file.write_text(_CONFIGURATION.format(folder=folder, port=port))
    try:
        process = subprocess.Popen(
            [PROGRAM, "serve", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise Unreachable(f"there is no {PROGRAM}", "Debian has a package of that name") from None
    try:
        _wait(process, port)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise Unreachable(f"{PROGRAM} does not listen on port {port}", "Is the port taken?")
