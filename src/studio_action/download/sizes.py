"""How large files are that are not downloaded: one byte of each is asked for.

A URL that was signed for GET refuses HEAD; the answer to a ranged GET tells the whole's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import unquote, urlsplit

from studio_action.artifact import RemoteFile
from studio_action.clock import Deadline
from studio_action.download import answers
from studio_action.download.answers import Asked, Content
from studio_action.download.connections import Connections, Get
from studio_action.network import Network

CONNECTIONS = 16
_ONE_BYTE = Asked(0, 1)


@dataclass(eq=False, slots=True)
class _Probe:
    """Hears the head of one answer; implements `connections.Receiver`."""

    size: int | None = None

    def begin(self, status: int, headers: dict[str, str]) -> bool:
        if 200 <= status < 300:
            answer: answers.Answer = answers.read_success(_ONE_BYTE, status, headers)
        else:
            now = datetime.now(timezone.utc)
            answer = answers.read_error(_ONE_BYTE, status, headers, b"", now)
        if isinstance(answer, Content):
            self.size = answer.size
        return status == 206  # one byte may come, and the connection stays good

    def receive(self, data: bytes) -> bool:
        return True


def _is_here(file: RemoteFile) -> bool:
    return file.url.startswith("file:")


def _measured_here(file: RemoteFile) -> RemoteFile:
    if file.size is not None or not _is_here(file):
        return file
    try:
        return replace(file, size=Path(unquote(urlsplit(file.url).path)).stat().st_size)
    except OSError:
        return file


def measured(
    files: Sequence[RemoteFile], network: Network, *, timeout: float, deadline: Deadline
) -> list[RemoteFile]:
    """The files with their sizes in bytes; those that do not tell stay without.

    Raises `DeadlinePassed`.
    """
    files = [_measured_here(file) for file in files]
    probes = {_Probe(): file for file in files if file.size is None and not _is_here(file)}
    waiting = list(probes.items())[::-1]
    connections = Connections(network, timeout)
    quiet = deadline.clock.now()
    try:
        while (waiting or len(connections)) and deadline.clock.now() - quiet < timeout:
            deadline.check()
            while waiting and len(connections) < CONNECTIONS:
                probe, file = waiting.pop()
                connections.start(Get(file.url, _ONE_BYTE.headers, file.headers), probe)
            if connections.turn(min(0.25, deadline.remaining())):
                quiet = deadline.clock.now()
    finally:
        connections.close()
    sizes = {file.path: probe.size for probe, file in probes.items()}
    return [replace(file, size=sizes.get(file.path, file.size)) for file in files]
