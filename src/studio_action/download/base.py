"""The seam between a run and what downloads its files: what is wanted, and what came."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from studio_action.model.artifact import RemoteFile
from studio_action.net.clock import Limits

Renew = Callable[[], Mapping[str, str]]
"""Asks the registry once more, and returns new signed URLs by `RemoteFile.path`."""

Verify = Literal["auto", "require", "off"]

Verified = Literal["md5", "md5-dos2unix", "content-md5", "etag", "length", "none", "off"]
"""How a file was checked.

`md5` and `md5-dos2unix`: against the digest the file is stored under; `content-md5`: against the
digest the storage sent along; `etag`: the storage gives the ETag that DVC noted; `length`: only
against the length that was promised; `none`: nothing was known; `off`: the user switched checking
off.
"""

Origin = Literal["storage", "cache", "workspace"]
"""Where a file's bytes came from; `workspace`: it was there already."""


@dataclass(frozen=True, slots=True)
class DownloadOptions:
    """How files are downloaded: how patiently, how strictly checked, over how many connections.

    `max_connections` to storage are open at most, over all files.
    """

    limits: Limits
    verify: Verify
    max_connections: int = 16


@dataclass(frozen=True, slots=True)
class Fetched:
    """One file, complete and verified, at the temporary path `partial` from which it may be moved.

    `size` is in bytes; `md5` and `sha256` are hexadecimal, of the bytes as they are;
    `transferred` counts the bytes that came over the network for it in this run.
    """

    file: RemoteFile
    partial: Path
    size: int
    md5: str
    sha256: str
    verified: Verified
    transferred: int
    origin: Origin = "storage"


class Progress(Protocol):
    """Shows how far a download is."""

    def expect(self, size: int) -> None:
        """Add `size` bytes to those that belong to the download."""
        ...

    def advance(self, size: int) -> None:
        """Add `size` bytes to those that came; negative if some must be fetched again."""
        ...

    def finish(self) -> None:
        """Count one more complete file."""
        ...

    def stall(self, slowest: Sequence[str]) -> None:
        """Show a line for each file that lacks most, because no byte came for a while."""
        ...


class NoProgress(Progress):
    """For what is small, such as a manifest: nobody waits for it."""

    def expect(self, size: int) -> None:
        pass

    def advance(self, size: int) -> None:
        pass

    def stall(self, slowest: Sequence[str]) -> None:
        pass

    def finish(self) -> None:
        pass


class Downloader(Protocol):
    """Fetches files from storage to temporary paths in one folder."""

    def fetch(
        self, files: Sequence[RemoteFile], *, renew: Renew, progress: Progress
    ) -> list[Fetched]:
        """Return all files, verified, in the order asked for.

        Raise `ContentMismatch`, `ObjectMissing`, `Unreachable`, `WorkspaceRefused` or
        `DeadlinePassed` for the first fatal failure, and whatever `renew` raises.
        """
        ...
