"""From what DVC's configuration says about a remote to one that tells where its objects are."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from studio_action.download.filesystems import Filesystems
from studio_action.errors import BadInput
from studio_action.gitrepo.dvc.config import ConfigFile, Settings
from studio_action.gitrepo.remotes import gdrive, hdfs, ssh
from studio_action.gitrepo.remotes.azure import AzureRemote
from studio_action.gitrepo.remotes.base import Remote
from studio_action.gitrepo.remotes.gcs import GcsRemote
from studio_action.gitrepo.remotes.identity import Identity
from studio_action.gitrepo.remotes.oss import OssRemote
from studio_action.gitrepo.remotes.s3 import S3Remote
from studio_action.gitrepo.remotes.web import LocalRemote, WebRemote
from studio_action.gitrepo.remotes.webdav import WebDavRemote
from studio_action.net.network import Network
from studio_action.text import printable


class RemoteOpener(Protocol):
    """Makes a remote of what is said about it."""

    def __call__(self, settings: Settings) -> Remote:
        """Return the remote; raise `BadInput` if it cannot be opened."""
        ...


@dataclass(frozen=True, slots=True)
class StorageRemotes:
    """Every kind of remote that can be read; implements `RemoteOpener`.

    Credentials come from the remote's options, else from `identity`; nobody is None, for whom
    remotes open that have credentials of their own or are open to all. What no URL opens is read
    here through `filesystems`; without them, as where URLs are signed for others, it cannot be
    opened.
    """

    network: Network
    identity: Identity | None
    filesystems: Filesystems | None = None

    def __call__(self, settings: Settings) -> Remote:
        """Return the remote; raise `BadInput` for an unknown kind, or without credentials."""
        match settings.scheme:
            case "s3":
                return S3Remote.open(settings, self.network, self.identity)
            case "azure":
                return AzureRemote.open(settings, self.network, self.identity)
            case "gs" | "gcs":
                return GcsRemote.open(settings, self.network, self.identity)
            case "http" | "https":
                return WebRemote(settings)
            case "":
                return LocalRemote(settings)
            case "webdav" | "webdavs":
                return WebDavRemote(settings)
            case "oss":
                return OssRemote.open(settings, self.identity)
            case "ssh" | "hdfs" | "webhdfs" | "gdrive":
                return self._connected(settings)
            case other:
                raise BadInput(
                    f"the remote {settings.name!r} is on {printable(other, 50)}://, which cannot"
                    " be read here",
                    "The kinds of remotes that can be are in docs/remotes.md",
                )

    def _connected(self, settings: Settings) -> Remote:
        known = self.filesystems
        if known is None or self.identity is None:
            raise BadInput(
                f"Remote not supported: no URL can be signed for {settings.name!r}, which is on"
                f" {settings.scheme}://",
                "Read the repository itself, with source git",
            )
        match settings.scheme:
            case "ssh":
                return ssh.opened(settings, known)
            case "hdfs":
                return hdfs.opened(settings, known)
            case "webhdfs":
                return hdfs.opened_web(settings, self.network, known)
            case _:
                return gdrive.opened(settings, self.identity.environ, known)


def config_files(
    environ: Mapping[str, str], committed: Sequence[ConfigFile], local: Path | None
) -> list[ConfigFile]:
    """Return all of DVC's configuration, later files over earlier: the machine's, the user's, what
    is `committed`, and the `config.local` of a checkout, where there is one.
    """
    site = environ.get("DVC_SYSTEM_CONFIG_DIR") or "/etc/xdg/dvc"
    base = environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111
    user = environ.get("DVC_GLOBAL_CONFIG_DIR") or f"{base}/dvc"
    return [
        *_there([Path(site, "config"), Path(user, "config")]),
        *committed,
        *_there([local] if local else []),
    ]


def _there(places: Sequence[Path]) -> list[ConfigFile]:
    found = []
    for place in places:
        try:
            text = place.read_text("utf-8")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"{str(place)!r} cannot be read: {type(error).__name__}") from error
        found.append(ConfigFile(place.name, text, place.parent, "outside"))
    return found
