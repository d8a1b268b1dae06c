"""The lists of folders' files, which DVC keeps in remotes, as the server reads them."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path

from studio_action.download.transfer import Transfer
from studio_action.errors import (
    BadInput,
    ContentMismatch,
    DeadlinePassed,
    ObjectMissing,
    UnexpectedAnswer,
    Unreachable,
)
from studio_action.gitrepo.dvc.artifacts import LARGEST_MANIFEST
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.internal_addresses import is_internal_address
from studio_action.gitrepo.locate.context import NoProgress
from studio_action.gitrepo.locate.located import InRemote, LocatedFile
from studio_action.gitrepo.remotes.base import Place, Remote
from studio_action.model.artifact import RemoteFile
from studio_action.model.digest import Digest
from studio_action.net.clock import Clock, Deadline, Limits
from studio_action.net.network import Network
from studio_action.server.registry.relayed import place_of, relayed
from studio_action.server.registry.storages import ServedFolder, Storages
from studio_action.server.registry.upstream import Upstream, UpstreamResponse
from studio_action.server.settings import ServedRepository
from studio_action.text import printable
from studio_action.workspace import regular_files
from studio_action.workspace.workspace import refused

SECONDS = 30.0
"""That a manifest may take; callers do not wait longer."""
_TIMEOUT = 10.0
"""Seconds without a byte after which an attempt is given up."""


def signed(remote: Remote, settings: Settings, home: InRemote, now: datetime) -> str:
    """The URL of an object; raises `BadInput` where a URL alone opens nothing."""
    place: Place = remote.place(home.key, home.version_id, now)
    if place.headers:
        raise BadInput(
            f"Remote not supported: {settings.name!r} needs a password or a token, which a URL"
            " cannot carry",
            "Name its url and password in the server's configuration, or use an open one",
        )
    return place.url


@dataclass(frozen=True, slots=True)
class Manifests:
    """Reads manifests, which are small; what is being fetched is in `folder`."""

    storages: Storages
    upstream: Upstream
    network: Network
    folder: Path
    utc: Callable[[], datetime]
    clock: Clock

    def read(self, repository: ServedRepository, file: LocatedFile) -> bytes:
        """The manifest of a model of `repository`, checked against its digest.

        Raises `ObjectMissing`, `ContentMismatch`, `Unreachable`, `BadInput` or `WorkspaceRefused`.
        """
        assert isinstance(file.home, InRemote)  # Git keeps no manifests
        opened = self.storages.opened(file.home.settings)
        if isinstance(opened, ServedFolder):
            return self._here(file, self.storages.place(opened.file(file.home.key)))
        through = relayed(repository, file.home.settings)
        if through is not None:
            return self._passed_on(file, place_of(repository, through.file(file.home.key)))
        return self._fetched(file, file.home, opened)

    def _here(self, file: LocatedFile, place: Path) -> bytes:
        """The manifest from a folder that the server serves."""
        try:
            return _checked(file, regular_files.read(place, LARGEST_MANIFEST))
        except FileNotFoundError:
            raise _lost() from None
        except regular_files.TooLarge as error:
            raise UnexpectedAnswer(f"{printable(file.path, 300)!r} cannot be: {error}") from None
        except OSError as error:
            raise refused("a list of a folder's files cannot be read", place, error) from error

    def _passed_on(self, file: LocatedFile, place: Place) -> bytes:
        """The manifest from a remote that needs a password."""
        deadline = Deadline(SECONDS, self.clock)
        answer = self.upstream.request("GET", place, {})
        try:
            content = _whole(answer, deadline)
        finally:
            answer.close()
        return _checked(file, content)

    def _fetched(self, file: LocatedFile, home: InRemote, remote: Remote) -> bytes:
        url = signed(remote, home.settings, home, self.utc())
        if is_internal_address(url) and home.settings.origin == "repository":
            raise BadInput(
                f"Remote not supported: {home.settings.name!r} is at an address of the server's"
                " own machine or network",
                "Name its url in the server's configuration, among the repository's remotes",
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with (
                tempfile.TemporaryDirectory(dir=self.folder) as folder,
                self._transfer(Path(folder)) as transfer,
            ):
                wanted = RemoteFile(file.path, url, digest=file.digest, largest=LARGEST_MANIFEST)
                (fetched,) = transfer.fetch([wanted], renew=dict, progress=NoProgress())
                return regular_files.read(fetched.partial, LARGEST_MANIFEST)
        except DeadlinePassed as error:
            raise Unreachable(
                f"the remote {printable(home.settings.name, 100)!r} did not give the list of a"
                f" folder's files within {SECONDS:g} seconds",
                "Try again later",
            ) from error

    def _transfer(self, folder: Path) -> Transfer:
        return Transfer(
            folder,
            limits=Limits(_TIMEOUT, 1, Deadline(SECONDS, self.clock)),
            network=self.network,
            verify="auto",
            max_connections=2,
            utc=self.utc,
        )


def _lost() -> ObjectMissing:
    return ObjectMissing(
        "the list of a folder's files is not in its remote", "Push the model with `dvc push`"
    )


def _checked(file: LocatedFile, content: bytes) -> bytes:
    """The manifest, if it is the one that was promised; raise `ContentMismatch` if not."""
    found = Digest("md5", f"{hashlib.md5(content, usedforsecurity=False).hexdigest()}.dir")
    if file.digest is not None and found.hex != file.digest.hex:
        raise ContentMismatch(
            f"{printable(file.path, 300)!r} is not what it should be: {found}, and not"
            f" {file.digest}",
            "The storage has other bytes under this name: push the model again",
        )
    return content


def _whole(answer: UpstreamResponse, deadline: Deadline) -> bytes:
    if answer.status == HTTPStatus.NOT_FOUND:
        raise _lost()
    if answer.status != HTTPStatus.OK:
        raise Unreachable(
            f"the list of a folder's files cannot be read: HTTP {answer.status} of its remote",
            "Look at the remote, and at its password in the server's configuration",
        )
    content = bytearray()
    while block := answer.read():
        content += block
        if len(content) > LARGEST_MANIFEST or deadline.remaining() <= 0:
            raise Unreachable(
                "the list of a folder's files is too long, or comes too slowly", "Try again later"
            )
    return bytes(content)
