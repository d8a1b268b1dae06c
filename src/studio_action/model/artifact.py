"""What is requested and what it resolves to: the values that every layer shares. Pure.

Names are GTO's (`gto/constants.py`): a model is `name`, or `path/to:name` where it is annotated
in a `dvc.yaml` below the root; versions are `v` and a semantic version; stages are free words.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, urlsplit

from studio_action.errors import BadInput, TooLarge
from studio_action.model.digest import Digest
from studio_action.model.tagging import Tagging
from studio_action.model.versions import InRange
from studio_action.text import printable

if TYPE_CHECKING:
    from studio_action.model.signed_tag import SignedTag

_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-/_]*[a-zA-Z0-9])?")
_FOLDER = re.compile(r"[a-zA-Z0-9-_./]+")
# https://semver.org/#is-there-a-suggested-regular-expression-regex-to-check-a-semver-string
_SEMVER = re.compile(
    r"(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)"
    r"(?:-(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?",
    re.ASCII,
)

LONGEST_VERSION = 250
"""What Git can keep as a file has no longer one, and Python reads numbers up to 4,300 digits."""

SourceName = Literal["studio", "git"]


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model's name and, in a monorepo, the folder of the `dvc.yaml` that annotates it."""

    name: str
    folder: str = ""

    @classmethod
    def parse(cls, text: str) -> ModelName:
        """Read `name`, `path/to:name`, `path/to/dvc.yaml:name` or a tag's `path/to=name`.

        Raises `BadInput` where GTO could not have tagged such a name.
        """
        folder, separator, name = text.replace("=", ":", 1).rpartition(":")
        if not _NAME.fullmatch(name):
            raise BadInput(
                f"model {text!r} is not a model's name",
                "A name has letters, digits, '-', '_' and '/', and begins and ends with a letter"
                " or a digit; in a monorepo it is path/to:name",
            )
        return cls(name, _normal_folder(text, folder) if separator else "")

    def __str__(self) -> str:
        """Return the form that the API takes, e.g. `path/to:name`."""
        return f"{self.folder}:{self.name}" if self.folder else self.name

    def is_below(self, folder: str) -> bool:
        """Return whether the model is in a folder of the repository; '' is its root."""
        return f"{self.folder}/".startswith(f"{folder}/" if folder else "")


def _normal_folder(text: str, folder: str) -> str:
    parts = [part for part in folder.split("/") if part not in ("", ".")]
    if parts and parts[-1] == "dvc.yaml":
        parts.pop()
    if folder.startswith("/") or ".." in parts or (parts and not _FOLDER.fullmatch(folder)):
        raise BadInput(
            f"model {text!r} names no folder of a repository",
            "Write path/to:name, relative to the repository's root",
        )
    return "/".join(parts)


@dataclass(frozen=True, slots=True)
class AtVersion:
    """One registered version, e.g. `v2.0.0`."""

    version: str

    @classmethod
    def parse(cls, text: str) -> AtVersion:
        """Read `v2.0.0`; raise `BadInput` for what cannot be a registered version."""
        if text.startswith("v") and len(text) <= LONGEST_VERSION and _SEMVER.fullmatch(text[1:]):
            return cls(text)
        hint = "A version is 'v' and a semantic version, e.g. v2.0.0"
        if _SEMVER.fullmatch(text):
            hint = f"Write v{text}"
        raise BadInput(f"version {text!r} is not a registered version's name", hint)

    def __str__(self) -> str:
        return f"version {self.version}"


@dataclass(frozen=True, slots=True)
class AtStage:
    """The version that holds a stage, e.g. `prod`."""

    stage: str

    @classmethod
    def parse(cls, text: str) -> AtStage:
        """Read a stage's name; raise `BadInput` for what GTO could not have tagged."""
        if _NAME.fullmatch(text):
            return cls(text)
        raise BadInput(
            f"stage {text!r} is not a stage's name",
            "A stage has letters, digits, '-', '_' and '/', and begins and ends with a letter or"
            " a digit",
        )

    def __str__(self) -> str:
        return f"stage {self.stage}"


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest registered version."""

    def __str__(self) -> str:
        return "latest version"


Selector = AtVersion | AtStage | Latest | InRange

_EXACT = re.compile(r"v?\d+\.\d+\.\d+([-+].*)?", re.ASCII)


def version_or_range(text: str) -> AtVersion | InRange:
    """Read `v2.0.0` or a range of versions; raise `BadInput` for anything else."""
    return AtVersion.parse(text) if _EXACT.fullmatch(text) else InRange.parse(text)


@dataclass(frozen=True, slots=True)
class ArtifactRef:
    """One model of one repository; `repository` carries no user info and may be logged."""

    repository: str
    model: ModelName

    def __str__(self) -> str:
        return f"{self.model} of {self.repository}"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of a model version and where its bytes are.

    `path` is POSIX, relative to the repository's root, and not yet trusted; `size` is in bytes;
    `expires` says until when the signed URL is good. `url` is a secret, so it is not in the repr,
    and so are `headers`, lines to send along where the URL alone opens nothing. `pushed` is false
    where DVC is told to keep the file out of its remote. No more than `largest` bytes are wanted
    of it, however many there are. An `external` file is in no remote of DVC's; `etag` is what its
    storage called its content when DVC looked, '' where that is not known. `tls_verify` is whether
    its server's certificate is checked, or the authorities that it is checked against.
    """

    path: str
    url: str = field(repr=False)
    size: int | None = None
    digest: Digest | None = None
    expires: datetime | None = None
    headers: tuple[str, ...] = field(default=(), repr=False)
    executable: bool = False
    pushed: bool = True
    largest: int | None = None
    etag: str = ""
    external: bool = False
    tls_verify: bool | Path = True

    def check_size(self, size: int) -> None:
        """Raise `TooLarge` if that many bytes are more than are wanted."""
        if self.largest is not None and size > self.largest:
            raise TooLarge(
                f"{printable(self.path, 300)!r} has more than {self.largest} bytes",
                "No list of a folder's files is that long: look at what its remote has there",
            )

    @property
    def remedy(self) -> str:
        """Return what to do if the storage does not have the file."""
        if self.external:
            return "Check its address: it must be that of a file, not of a folder"
        if self.pushed:
            return "Push the model with `dvc push` from where it was made"
        return "The output is `push: false`, so it is never in the remote: remove that flag"

    @property
    def local_path(self) -> Path | None:
        """Return the file of this machine that a `file:` URL names; None for any other URL."""
        if not self.url.startswith("file:"):
            return None
        parts = urlsplit(self.url)
        path = unquote(parts.path)
        return Path(path if sys.platform != "win32" else path.removeprefix("/"))  # /C:/models


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a selector meant at one moment. Empty text: the source cannot tell.

    `previous_version` is the version that held the stage before; `root` is the model's own path in
    the repository, a file or a folder, where it is known; `signatures` are those that were
    looked for and lie beside the model's files. `signed_tags` are the tags that decided, where
    their signatures were checked. `registered` and `assigned` say who did so and when; None where
    the source cannot tell, or nobody did. `holders` are the stage's versions and the tags that
    assigned it, the newest first, as far as the source knows them.
    """

    artifact: ArtifactRef
    selector: Selector
    source: SourceName
    files: tuple[RemoteFile, ...]
    version: str = ""
    stage: str = ""
    tag: str = ""
    revision: str = ""
    previous_version: str = ""
    root: str | None = None
    signatures: tuple[RemoteFile, ...] = ()
    signed_tags: tuple[SignedTag, ...] = ()
    registered: Tagging | None = field(default=None, compare=False)
    assigned: Tagging | None = field(default=None, compare=False)
    holders: tuple[tuple[str, Tagging], ...] = field(default=(), compare=False)

    @property
    def urls(self) -> Mapping[str, str]:
        """Return signed URLs by path, also those of the signatures beside the files."""
        return {file.path: file.url for file in (*self.files, *self.signatures)}
