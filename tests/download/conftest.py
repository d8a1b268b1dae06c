"""A storage with faults, and an engine with a clock that does not wait."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import pytest

from studio_action.download.base import Fetched, Verify
from studio_action.download.transfer import Transfer
from studio_action.model.artifact import RemoteFile
from studio_action.model.digest import Digest
from studio_action.net.clock import Clock, Deadline, Limits
from studio_action.net.network import Network
from tests.download.storage import Storage, running


@dataclass
class Ticking:
    """A clock whose sleeps are kept, and pass at once; each look at it takes `step` seconds."""

    time: float = 1000.0
    step: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        self.time += self.step
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.time += seconds

    @property
    def clock(self) -> Clock:
        return Clock(self.now, self.sleep)


@dataclass
class Heard:
    """A progress that adds up."""

    expected: int = 0
    arrived: int = 0
    finished: int = 0
    stalls: list[list[str]] = field(default_factory=list)

    def expect(self, size: int) -> None:
        self.expected += size

    def advance(self, size: int) -> None:
        self.arrived += size

    def finish(self) -> None:
        self.finished += 1

    def stall(self, slowest: Sequence[str]) -> None:
        self.stalls.append(list(slowest))


@dataclass
class Fetcher:
    """Fetches with an engine of its own each time, as one run of the program after the other."""

    folder: Path
    timeout: float = 5.0
    retries: int = 2
    max_connections: int = 4
    network: Network = field(default_factory=Network)
    verify: Verify = "auto"
    ticking: Ticking = field(default_factory=Ticking)
    deadline: float | None = None
    utc: datetime = datetime(2026, 7, 6, tzinfo=timezone.utc)
    heard: Heard = field(default_factory=Heard)
    renewals: list[Mapping[str, str]] = field(default_factory=list)
    renewed: int = 0
    real_time: bool = False
    moved: bool = False
    """Whether the files are taken away at once, as they are when all goes well."""

    def renew(self) -> Mapping[str, str]:
        self.renewed += 1
        return self.renewals.pop(0)

    def fetch(self, *files: RemoteFile) -> list[Fetched]:
        clock = Clock() if self.real_time else self.ticking.clock
        transfer = Transfer(
            self.folder,
            limits=Limits(self.timeout, self.retries, Deadline(self.deadline, clock), lambda: 0.0),
            network=self.network,
            verify=self.verify,
            max_connections=self.max_connections,
            utc=lambda: self.utc,
        )
        with transfer:
            fetched = transfer.fetch(files, renew=self.renew, progress=self.heard)
            for each in fetched if self.moved else ():
                each.partial.unlink()
            return fetched


def of(path: str, url: str, content: bytes, algorithm: str = "md5") -> RemoteFile:
    """A file whose storage key tells its MD5."""
    digest = Digest.parse(f"{algorithm}:{hashlib.md5(content).hexdigest()}")
    return RemoteFile(path, url, digest=digest)


def contents(fetched: Sequence[Fetched]) -> list[bytes]:
    return [each.partial.read_bytes() for each in fetched]


@pytest.fixture
def storage() -> Iterator[Storage]:
    with running() as each:
        yield each


@pytest.fixture
def fetcher(tmp_path: Path) -> Fetcher:
    return Fetcher(tmp_path / "partial")
