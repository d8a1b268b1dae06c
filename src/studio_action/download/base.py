"""The seam between the recipe and the transfer engine: what is wanted, what was got."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from studio_action.model.artifact import RemoteFile

Renew = Callable[[], Mapping[str, str]]
"""Asks the registry once more; gives new signed URLs by `RemoteFile.path`."""

Verify = Literal["auto", "require", "off"]

Verified = Literal["md5", "md5-dos2unix", "content-md5", "etag", "length", "none", "off"]
"""How a file was checked.

`md5` and `md5-dos2unix`: against the digest the file is stored under; `content-md5`: against the
digest the storage sent along; `etag`: the storage calls it as it did when DVC looked; `length`:
only against the length that was promised; `none`: nothing was known; `off`: the user switched
checking off.
"""

Origin = Literal["storage", "cache", "workspace"]
"""Where a file's bytes came from; `workspace`: it was there already."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """One file, whole and verified, at a temporary place from which it may be moved.

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
    """Hears how far a download is."""

    def expect(self, size: int) -> None:
        """`size` more bytes belong to the download than were known before."""
        ...

    def advance(self, size: int) -> None:
        """`size` bytes have come; negative where bytes that came must be fetched again."""
        ...

    def finish(self) -> None:
        """One more file is whole."""
        ...


class Downloader(Protocol):
    """Brings files from storage to temporary places below one folder."""

    def fetch(
        self, files: Sequence[RemoteFile], *, renew: Renew, progress: Progress
    ) -> list[Fetched]:
        """All files, verified, in the order asked for; or none of them is at a final place.

        Raises `ContentMismatch`, `ObjectMissing`, `Unreachable`, `WorkspaceRefused` or
        `DeadlinePassed` for the first fatal failure, and whatever `renew` raises.
        """
        ...
