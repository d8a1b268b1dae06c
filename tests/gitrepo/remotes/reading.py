"""One run of the program's second downloader over a remote, as a step does it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from studio_action.download.connected import ConnectedDownloader
from studio_action.download.filesystems import Filesystems
from studio_action.gitrepo.dvc.artifacts import TrackedFile
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.remotes.base import Remote, key_of
from studio_action.model.artifact import RemoteFile
from studio_action.model.digest import Digest
from studio_action.net.clock import Deadline, Limits
from tests.download.conftest import Heard
from tests.fakes import MemoryDownloader

NOW = datetime(2026, 7, 6, tzinfo=timezone.utc)
Opened = Callable[[Settings, Filesystems], Remote]


def key(content: bytes) -> str:
    """Where DVC 3 keeps the content below a remote."""
    return key_of(TrackedFile("model", digest(content)), worktree=False)


def digest(content: bytes) -> Digest:
    return Digest("md5", hashlib.md5(content).hexdigest())


def put(folder: Path, content: bytes) -> Path:
    """Keep the content in a folder as `dvc push` does."""
    place = folder / key(content)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return place


@dataclass
class Reads:
    """Reads what is below a remote; a partial file waits in `folder` from one call to the next."""

    opened: Opened
    folder: Path
    timeout: float = 10.0
    retries: int = 2
    deadline: float | None = None
    heard: Heard = field(default_factory=Heard)
    transferred: int = 0

    def read(self, settings: Settings, content: bytes) -> bytes:
        """The object that has the content, or what is there in its place; else an error."""
        filesystems = Filesystems()
        place = self.opened(settings, filesystems).place(key(content), "", NOW)
        file = RemoteFile("model", place.url, digest=digest(content))
        with ConnectedDownloader(
            MemoryDownloader({}, self.folder),
            filesystems,
            self.folder / "partial",
            limits=Limits(self.timeout, self.retries, Deadline(self.deadline), lambda: 0.0),
            verify="auto",
        ) as downloader:
            (fetched,) = downloader.fetch([file], renew=_renew, progress=self.heard)
            self.transferred = fetched.transferred
            found = fetched.partial.read_bytes()
            fetched.partial.unlink()
            return found

    def left(self) -> list[str]:
        """What waits for the next run."""
        return sorted(path.name for path in self.folder.rglob("*") if path.is_file())


def _renew() -> Mapping[str, str]:
    raise AssertionError("nothing here expires")
