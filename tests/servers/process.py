"""Server programs on loopback: a free port, the wait until they answer, and their end."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

PATIENCE = 60.0
"""Seconds that a server may take to start on a busy machine."""


@contextlib.contextmanager
def running(
    command: list[str], folder: Path, ready: Callable[[], bool], **environ: str
) -> Iterator[int]:
    """Run `command` in `folder` until the block ends; raise with its log if it does not start.

    Its process id is returned.
    """
    log = folder / "server.log"
    variables = {"PATH": os.environ["PATH"], "HOME": str(folder), **environ}
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, cwd=folder, stdout=output, stderr=output, env=variables
        ) as process,
    ):
        try:
            patience = time.monotonic() + PATIENCE
            while not ready():
                if process.poll() is not None or time.monotonic() > patience:
                    raise RuntimeError(f"{command[0]} did not start: {log.read_text()[-2000:]}")
                time.sleep(0.05)
            yield process.pid
        finally:
            process.kill()


def body_at(url: str) -> str | None:
    """The body of any HTTP answer at `url`; None where nothing answers yet."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            return str(response.read(), errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            return str(error.read(), errors="replace")
    except OSError:
        return None


def until_ready(url: str) -> None:
    """Wait until `url` is answered with 200; raise if that takes too long."""
    patience = time.monotonic() + PATIENCE
    while status_at(url) != 200:
        if time.monotonic() > patience:
            raise TimeoutError(f"{url} was not ready within {PATIENCE:g} s")
        time.sleep(0.05)


def status_at(url: str) -> int:
    """The status of an HTTP answer at `url`; 0 where nothing answers yet."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


def free_ports(count: int, *, grpc: bool = False) -> list[int]:
    """Ports below the ephemeral range that nothing listens on; `grpc`: nor on port + 10,000."""
    ports: list[int] = []
    while len(ports) < count:
        port = random.randrange(11000, 22000)
        wanted = [port, port + 10000] if grpc else [port]
        if port not in ports and all(map(_is_free, wanted)):
            ports.append(port)
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
