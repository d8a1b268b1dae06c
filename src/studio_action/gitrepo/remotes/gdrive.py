"""Remotes on Google Drive, through pydrive2, as DVC reads them; with a service account alone.

A person's own log-in would have to open a browser, and keep what it got in a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from studio_action.download.filesystems import Filesystem, Filesystems
from studio_action.errors import BadInput, TokenRefused
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.remotes.base import needs_extra
from studio_action.gitrepo.remotes.connecting import ConnectedRemote, ErrorTranslator, FsspecFiles
from studio_action.text import printable

_VARIABLE = "GDRIVE_CREDENTIALS_DATA"
_FILE = "gdrive_service_account_json_file_path"


def opened(
    settings: Settings, environ: Mapping[str, str], filesystems: Filesystems
) -> ConnectedRemote:
    """Return the remote; nothing is connected to yet. Raises `BadInput`.

    The account's key, which only this machine names, goes to Google's own hosts and nowhere else.
    """
    if not settings.flag("gdrive_use_service_account"):
        raise BadInput(
            f"the remote {settings.name!r} needs a service account",
            f"Set gdrive_use_service_account and {_FILE} with `dvc remote modify --local`, in the"
            " checkout or with --global",
        )
    file = settings[_FILE]
    if not environ.get(_VARIABLE) and not Path(file).is_file():
        raise BadInput(
            f"the remote {settings.name!r} has no key of a service account"
            + (f" at {printable(file, 300)!r}" if file else ""),
            f"Correct its {_FILE}, or give the key's text as {_VARIABLE}",
        )
    if find_spec("pydrive2") is None:
        raise needs_extra(settings.name, "gdrive", in_image=False)
    top = settings.url.partition("://")[2].strip("/")
    login = {
        "use_service_account": True,
        "client_json": environ.get(_VARIABLE) or None,
        "client_json_file_path": None if environ.get(_VARIABLE) else file,
        "client_user_email": settings["gdrive_service_account_user_email"] or None,
        "acknowledge_abuse": settings.flag("gdrive_acknowledge_abuse"),
    }
    connect = _Connect(settings.name, top, login)
    return ConnectedRemote(settings, filesystems, connect, f"gdrive://{top}", top)


@dataclass(frozen=True, slots=True, eq=False)
class _Connect:
    """Implements `filesystems.Connect`."""

    remote: str
    top: str
    login: Mapping[str, Any] = field(repr=False)

    def __call__(self, timeout: float) -> Filesystem:
        from pydrive2.fs import GDriveFileSystem

        explained = ErrorTranslator(self.remote, self._explain)
        with explained():
            files = GDriveFileSystem(self.top, **self.login, skip_instance_cache=True)
        return FsspecFiles(files, explained, seekable=False)

    def _explain(self, error: Exception) -> Exception | None:
        if type(error).__name__ in ("GDriveAuthError", "AuthenticationError", "RefreshError"):
            return TokenRefused(
                f"Google refuses the service account of the remote {self.remote!r}",
                "Check its key, and that the folder is shared with it",
            )
        return None
