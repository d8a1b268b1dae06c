"""URLs of the files that the server itself holds: signed, and good for an hour. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from studio_action.digest import Digest


@dataclass(frozen=True, slots=True)
class InFolder:
    """A file of a DVC remote that is one of the server's `folders`; `path` is relative to it."""

    folder: str
    path: str


@dataclass(frozen=True, slots=True)
class InMirror:
    """A file that the repository itself holds, by the name of its Git object."""

    repository: str
    object: str
    digest: Digest


ServedFile = InFolder | InMirror

Link = Callable[[ServedFile], str]
"""The signed URL of a file, as the one who asks can reach it."""
