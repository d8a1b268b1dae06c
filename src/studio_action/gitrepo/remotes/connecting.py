"""Remotes whose objects no URL opens: they are read through a file system of fsspec's.

fsspec (https://filesystem-spec.readthedocs.io) is what DVC reads its remotes with, so what it can
reach, we can. Here is what all kinds have in common; how each is reached, a module of its own says.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from studio_action.download.filesystems import (
    Connect,
    Filesystems,
    Home,
    Interrupted,
    Reader,
    Status,
)
from studio_action.errors import BadInput, ObjectMissing, StudioActionError, TokenRefused
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.dvc.trust import Origin
from studio_action.gitrepo.remotes.base import Place
from studio_action.gitrepo.remotes.credentials import Address, Credential, check
from studio_action.text import printable

_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*|[0-9A-Fa-f:.]+")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*")
_PARTS = ("port", "use_https")
"""Options that say where a remote is, beside its URL."""
_BY_CONTENT = re.compile(r"(?:files/md5/)?[0-9a-f]{2}/[0-9a-f]{30}(?:\.dir)?")
"""As `base.key_of` lays objects out."""
_CHANGES = ("etag", "mtime", "modificationTime", "checksum", "last_modified")
"""Under which names fsspec's file systems tell when, or as what, a file was written last."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where a remote is; what options say counts more than its URL. `port` 0: the usual one."""

    host: str
    port: int
    user: str
    path: str

    @classmethod
    def of(cls, settings: Settings) -> Location:
        """Return the address; raise `BadInput` where it is none, or could be taken for something
        else.
        """
        try:
            parts = urlsplit(settings.url)
            port = int(settings["port"] or parts.port or 0)
        except ValueError:
            raise _no_address(settings) from None
        host = parts.hostname or ""
        user = settings["user"] or unquote(parts.username or "")
        # Programs of this machine may get to see them, as `ProxyCommand` of ssh does.
        if not _HOST.fullmatch(host) or (user and not _USER.fullmatch(user)):
            raise _no_address(settings)
        if not 0 <= port < 1 << 16:
            raise _no_address(settings)
        fragment = f"#{parts.fragment}" if parts.fragment else ""
        return cls(host, port, user, f"{parts.path}{fragment}")

    def shown(self, scheme: str) -> str:
        """Return it as a URL, without the user."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port else ""
        return f"{scheme}://{host}{port}{self.path}"


def _no_address(settings: Settings) -> BadInput:
    return BadInput(
        f"the address of the remote {printable(settings.name, 100)!r} is not valid",
        "Correct its url",
    )


@dataclass(frozen=True, slots=True)
class ConnectedRemote:
    """A remote that `connect` reaches; its objects are below `folder` there, at `address` to show.

    It knows no versions. Where the repository says where it is, objects are found by their content
    alone: else it could name any file that this machine may read there.
    """

    settings: Settings
    filesystems: Filesystems
    connect: Connect
    address: str
    folder: str

    def place(self, key: str, version_id: str, now: datetime) -> Place:
        """Return the object's address, by which the downloader finds the connection again."""
        if version_id or self.settings.flag("worktree"):
            raise BadInput(
                f"the remote {printable(self.settings.name, 100)!r} keeps no versions of files",
                "DVC knows version_aware and worktree for S3, Azure and Google Cloud Storage",
            )
        if not _BY_CONTENT.fullmatch(key) and self.settings.origin == "repository":
            raise BadInput(
                f"a file at {printable(self.address, 300)!r} is not read by name, because only the"
                " repository names this address",
                "Track it with DVC and push it, or name the address outside of the repository",
            )
        home = Home(self.connect, posixpath.join(self.folder, key))
        return Place(self.filesystems.add(f"{self.address.rstrip('/')}/{key}", home))


def secret(settings: Settings, option: str) -> str:
    """Return the option's text, '' if unset; raise `BadInput` if it may not be sent there."""
    if settings[option]:
        check(Credential(option, settings.origin_of(option)), _address(settings))
    return settings[option]


def check_identity(settings: Settings, identity: str) -> None:
    """Raise `BadInput` if who this machine is may not be told there."""
    check(Credential(identity, "outside"), _address(settings))


def _address(settings: Settings) -> Address:
    """Return where the remote is asked: said by the repository if it says any part of that."""
    said: Iterable[Origin] = (settings.origin_of(part) for part in _PARTS if settings[part])
    origin: Origin = "repository" if "repository" in said else settings.origin
    return Address(settings.name, settings.scheme, settings.url, origin)


TranslateError = Callable[[Exception], Exception | None]
"""Makes an error of a library one of ours, None if it is not special to that kind of remote."""


@dataclass(frozen=True, slots=True)
class ErrorTranslator:
    """Makes errors of libraries ours; `remote` is the name of what is read, and `kind` its own."""

    remote: str
    kind: TranslateError = lambda error: None
    quiet: bool = False
    """Whether the text of an error may hold a secret, as a URL with a token in it."""

    @contextmanager
    def __call__(self, path: str = "") -> Iterator[None]:
        """Whatever is raised inside is `Interrupted` or a `StudioActionError`."""
        try:
            yield
        except (StudioActionError, Interrupted):
            raise
        except Exception as error:
            raise (self.kind(error) or self._of_any(error, path)) from error

    def _of_any(self, error: Exception, path: str) -> Exception:
        if isinstance(error, FileNotFoundError):
            return ObjectMissing(
                f"the storage has lost {printable(path, 300)!r} of the remote {self.remote!r}",
                "Push it again with `dvc push`, or ask for another version",
            )
        if isinstance(error, PermissionError):
            return refused(self.remote, "" if self.quiet else str(error))
        said = "" if self.quiet else printable(str(error), 300)
        return Interrupted(f"{type(error).__name__}: {said}" if said else type(error).__name__)


def refused(remote: str, said: str) -> TokenRefused:
    """Return the error for credentials that are not good enough."""
    return TokenRefused(
        f"the remote {remote!r} refuses access" + (f": {printable(said, 300)}" if said else ""),
        "Give its credentials outside of the repository: in .dvc/config.local, or DVC's global one",
    )


class FsspecFiles:
    """A file system of fsspec's as the downloader uses it; implements `filesystems.Filesystem`."""

    def __init__(
        self,
        files: Any,
        explained: ErrorTranslator,
        *,
        seekable: bool = True,
        ahead: int | None = None,
        end: Callable[[], object] = lambda: None,
    ) -> None:
        """`ahead` is the `block_size` of fsspec's files, in bytes; None: as they see fit."""
        self._files, self._explained, self._end = files, explained, end
        self.seekable, self._ahead = seekable, ahead

    def status(self, path: str) -> Status:
        """Return the size, and when or as what it was written last."""
        with self._explained(path):
            info = self._files.info(path)
        size = info.get("size")
        told = next((info[name] for name in _CHANGES if info.get(name)), "")
        return Status(int(size) if size is not None else None, str(told))

    def open(self, path: str, start: int) -> Reader:
        """Return a reader of its own."""
        with self._explained(path):
            file = self._files.open(path, "rb", block_size=self._ahead)
            if start:
                file.seek(start)
        return _File(file, path, self._explained)

    def close(self) -> None:
        """End the connection, where there is one."""
        self._end()


@dataclass(frozen=True, slots=True)
class _File:
    """One open file; implements `filesystems.Reader`."""

    file: Any
    path: str
    explained: ErrorTranslator = field(repr=False)

    def read(self, length: int) -> bytes:
        with self.explained(self.path):
            return bytes(self.file.read(length))

    def close(self) -> None:
        with self.explained(self.path):
            self.file.close()
