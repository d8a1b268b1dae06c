"""How large files are that are not downloaded: one byte of each is requested.

A URL that was signed for GET refuses HEAD; the answer to a ranged GET tells the complete size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from studio_action.download import answers
from studio_action.download.answers import Content, Missing, RangeRequest
from studio_action.download.connections import Connections, Get
from studio_action.model.artifact import RemoteFile
from studio_action.net.clock import Limits
from studio_action.net.network import Network
from studio_action.workspace import regular_files

CONNECTIONS = 16
_ONE_BYTE = RangeRequest(0, 1)


@dataclass(eq=False, slots=True)
class _Probe:
    """Takes the head of one answer; implements `connections.Receiver`."""

    size: int | None = None
    missing: bool = False

    def begin(self, status: int, headers: dict[str, str]) -> bool:
        if 200 <= status < 300:
            answer: answers.Answer = answers.read_success(_ONE_BYTE, status, headers)
        else:
            now = datetime.now(timezone.utc)
            answer = answers.read_error(_ONE_BYTE, status, headers, b"", now)
        if isinstance(answer, Content):
            self.size = answer.size
        self.missing = isinstance(answer, Missing)
        return status == 206  # one byte may come, and the connection stays good

    def receive(self, data: bytes) -> bool:
        return True


def _measured_here(file: RemoteFile) -> RemoteFile:
    if file.size is not None or file.local_path is None:
        return file
    return replace(file, size=regular_files.size(file.local_path))


def measured(files: Sequence[RemoteFile], network: Network, limits: Limits) -> list[RemoteFile]:
    """Return the files with their sizes in bytes, as far as the storage tells.

    Raise `DeadlinePassed`.
    """
    files = [_measured_here(file) for file in files]
    asked = [file for file in files if file.size is None and file.local_path is None]
    probes = _probed(asked, network, limits)
    return [
        replace(file, size=probes[file.path].size) if file.path in probes else file
        for file in files
    ]


@dataclass(frozen=True, slots=True)
class Seen:
    """The files with their sizes, as far as the storage tells, and those that it has lost."""

    files: tuple[RemoteFile, ...]
    lost: tuple[RemoteFile, ...]


def look(files: Sequence[RemoteFile], network: Network, limits: Limits) -> Seen:
    """Look at each file once; only what is certainly not there is lost. Raise `DeadlinePassed`."""
    probes = _probed([file for file in files if file.local_path is None], network, limits)
    lost = [
        file
        for file in files
        if (
            probes[file.path].missing
            if file.local_path is None
            else regular_files.size(file.local_path) is None
        )
    ]
    measured = (
        replace(file, size=probes[file.path].size)
        if file.size is None and file.path in probes
        else _measured_here(file)
        for file in files
    )
    return Seen(tuple(measured), tuple(lost))


def _probed(files: Sequence[RemoteFile], network: Network, limits: Limits) -> dict[str, _Probe]:
    """Return what the storage says about each file, by path."""
    probes = {_Probe(): file for file in files}
    waiting = list(probes.items())[::-1]
    deadline, timeout = limits.deadline, limits.timeout
    connections = Connections(network, timeout)
    quiet = deadline.clock.now()
    try:
        while (waiting or len(connections)) and deadline.clock.now() - quiet < timeout:
            deadline.check()
            while waiting and len(connections) < CONNECTIONS:
                probe, file = waiting.pop()
                get = Get(file.url, _ONE_BYTE.headers, file.headers, file.tls_verify)
                connections.start(get, probe)
            if connections.poll(min(0.25, deadline.remaining())):
                quiet = deadline.clock.now()
    finally:
        connections.close()
    return {file.path: probe for probe, file in probes.items()}
