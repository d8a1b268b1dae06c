"""Reads manifests, DVC's lists of a folder's files, from remotes."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path

from studio_action.download.base import NoProgress
from studio_action.download.transfer import Transfer
from studio_action.errors import (
    BadInput,
    ContentMismatch,
    DeadlinePassed,
    ObjectMissing,
    UnexpectedAnswer,
    Unreachable,
)
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.internal_addresses import is_internal_address
from studio_action.gitrepo.locate.located import InRemote, LocatedFile
from studio_action.gitrepo.remotes.base import Place, Remote
from studio_action.model.artifact import RemoteFile
from studio_action.model.digest import Digest
from studio_action.net.clock import Clock, Deadline, Limits
from studio_action.net.network import Network
from studio_action.server.registry.relayed import place_of, relayed
from studio_action.server.registry.storages import ServedFolder, ServedStorages, check_folder
from studio_action.server.registry.upstream import Upstream, UpstreamResponse
from studio_action.server.settings import ServedRepository
from studio_action.text import printable
from studio_action.workspace import regular_files
from studio_action.workspace.workspace import refused

LARGEST = 32 << 20
"""Bytes of a manifest: that of as many files as are served stays below."""
SECONDS = 30.0
"""The seconds that reading a manifest may take."""
_TIMEOUT = 10.0
"""The seconds without a byte after which an attempt fails."""


def signed_url(remote: Remote, settings: Settings, home: InRemote, now: datetime) -> str:
    """Return the signed URL of an object; raise `BadInput` if it needs headers, too."""
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
    """Reads manifests, which are small; `folder` is for files being downloaded."""

    storages: ServedStorages
    upstream: Upstream
    network: Network
    folder: Path
    utc: Callable[[], datetime]
    clock: Clock

    def read(self, repository: ServedRepository, file: LocatedFile) -> bytes:
        """Return the manifest of a model of `repository`, verified by its digest.

        Raise `ObjectMissing`, `ContentMismatch`, `Unreachable`, `BadInput` or `WorkspaceRefused`.
        """
        assert isinstance(file.home, InRemote)  # no manifest is in Git
        opened = self.storages.opened(file.home.settings)
        check_folder(repository, file.home.settings, opened)
        if isinstance(opened, ServedFolder):
            return self._read_local(file, self.storages.local_path(opened.file(file.home.key)))
        through = relayed(repository, file.home.settings)
        if through is not None:
            return self._request(file, place_of(repository, through.file(file.home.key)))
        return self._download(file, file.home, opened)

    def _read_local(self, file: LocatedFile, place: Path) -> bytes:
        """Return the manifest in a folder of the server."""
        try:
            return _verified(file, regular_files.read(place, LARGEST))
        except FileNotFoundError:
            raise _missing() from None
        except regular_files.TooLarge as error:
            raise UnexpectedAnswer(f"{printable(file.path, 300)!r} cannot be: {error}") from None
        except OSError as error:
            raise refused("a list of a folder's files cannot be read", place, error) from error

    def _request(self, file: LocatedFile, place: Place) -> bytes:
        """Return the manifest from a remote that needs a password."""
        deadline = Deadline(SECONDS, self.clock)
        response = self.upstream.request("GET", place, {})
        try:
            content = _body(response, deadline)
        finally:
            response.close()
        return _verified(file, content)

    def _download(self, file: LocatedFile, home: InRemote, remote: Remote) -> bytes:
        url = signed_url(remote, home.settings, home, self.utc())
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
                wanted = RemoteFile(file.path, url, digest=file.digest, largest=LARGEST)
                (fetched,) = transfer.fetch([wanted], renew=dict, progress=NoProgress())
                return regular_files.read(fetched.partial, LARGEST)
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


def _missing() -> ObjectMissing:
    return ObjectMissing(
        "the list of a folder's files is not in its remote", "Push the model with `dvc push`"
    )


def _verified(file: LocatedFile, content: bytes) -> bytes:
    """Return the manifest; raise `ContentMismatch` if it has another digest."""
    found = Digest("md5", f"{hashlib.md5(content, usedforsecurity=False).hexdigest()}.dir")
    if file.digest is not None and found.hex != file.digest.hex:
        raise ContentMismatch(
            f"{printable(file.path, 300)!r} does not match: {found}, not {file.digest}",
            "The storage has other content under this name: push the model again",
        )
    return content


def _body(response: UpstreamResponse, deadline: Deadline) -> bytes:
    if response.status == HTTPStatus.NOT_FOUND:
        raise _missing()
    if response.status != HTTPStatus.OK:
        raise Unreachable(
            f"the list of a folder's files cannot be read: HTTP {response.status} of its remote",
            "Look at the remote, and at its password in the server's configuration",
        )
    content = bytearray()
    while block := response.read():
        content += block
        if len(content) > LARGEST or deadline.remaining() <= 0:
            raise Unreachable(
                "the list of a folder's files is too long, or comes too slowly", "Try again later"
            )
    return bytes(content)
