"""The lists of folders' files, which DVC keeps in remotes, as the server reads them."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from studio_action.artifact import RemoteFile
from studio_action.clock import Clock, Deadline
from studio_action.download.engine import Limits
from studio_action.download.transfer import Transfer
from studio_action.errors import BadInput, DeadlinePassed, Unreachable
from studio_action.gitrepo.locating import InRemote, Located
from studio_action.gitrepo.remotes.base import Place, Remote
from studio_action.gitrepo.remotes.config import Settings
from studio_action.gitrepo.whereabouts import Silent
from studio_action.network import Network
from studio_action.server.registry.storages import TRUSTED, ServedFolder, Storages, inward
from studio_action.text import printable

SECONDS = 30.0
"""That a manifest may take; callers do not wait longer."""
_LIMITS = Limits(connections=2, timeout=10.0, retries=1)


def signed(remote: Remote, settings: Settings, home: InRemote, now: datetime) -> str:
    """The URL of an object; raises `BadInput` where a URL alone opens nothing."""
    place: Place = remote.place(home.key, home.version_id, now)
    if place.headers:
        raise BadInput(
            f"Remote not supported: {settings.name!r} needs a password or a token, which a URL"
            " cannot carry",
            "Use a remote whose URLs can be signed, or one that is open to all",
        )
    return place.url


@dataclass(frozen=True, slots=True)
class Manifests:
    """Reads manifests, which are small; what is being fetched is in `folder`."""

    storages: Storages
    network: Network
    folder: Path
    utc: Callable[[], datetime]
    clock: Clock

    def read(self, file: Located) -> bytes:
        """The manifest's bytes, checked against its digest where it is fetched.

        Raises `ObjectMissing`, `ContentMismatch`, `Unreachable`, `BadInput` or `WorkspaceRefused`.
        """
        assert isinstance(file.home, InRemote)  # Git keeps no manifests
        opened = self.storages.opened(file.home.settings)
        if isinstance(opened, ServedFolder):
            return self.storages.place(opened.file(file.home.key)).read_bytes()
        return self._fetched(file, file.home, opened)

    def _fetched(self, file: Located, home: InRemote, remote: Remote) -> bytes:
        url = signed(remote, home.settings, home, self.utc())
        if inward(url) and not home.settings.flag(TRUSTED):
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
                wanted = RemoteFile(file.path, url, digest=file.digest)
                (fetched,) = transfer.fetch([wanted], renew=dict, progress=Silent())
                return fetched.partial.read_bytes()
        except DeadlinePassed as error:
            raise Unreachable(
                f"the remote {printable(home.settings.name, 100)!r} did not give the list of a"
                f" folder's files within {SECONDS:g} seconds",
                "Try again later",
            ) from error

    def _transfer(self, folder: Path) -> Transfer:
        return Transfer(
            folder,
            limits=_LIMITS,
            network=self.network,
            verify="auto",
            deadline=Deadline(SECONDS, self.clock),
            random=random.random,
            utc=self.utc,
        )
