"""Remotes that a web server or a folder is: nothing has to be signed."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from studio_action.errors import BadInput
from studio_action.gitrepo.remotes.base import Place, check_address
from studio_action.gitrepo.remotes.config import Settings
from studio_action.text import printable


@dataclass(frozen=True, slots=True)
class WebRemote:
    """A web server (https://dvc.org/doc/user-guide/data-management/remote-storage/http)."""

    settings: Settings

    def place(self, key: str, version_id: str, now: datetime) -> Place:
        """The object's URL, and who asks for it as a header; a web server keeps no versions."""
        check_address(self.settings.name, self.settings.url)
        parts = urlsplit(self.settings.url)
        host = parts.netloc.rpartition("@")[2]
        path = f"{parts.path.rstrip('/')}/{quote(key)}"
        return Place(urlunsplit((parts.scheme, host, path, "", "")), self._headers())

    def _headers(self) -> tuple[str, ...]:
        said, password = self.settings, self.settings["password"]
        match said["auth"].lower():
            case "":
                parts = urlsplit(said.url)
                user, secret = unquote(parts.username or ""), unquote(parts.password or "")
                return (_basic(user, secret),) if user else ()
            case "basic" if said["user"] and password:
                return (_basic(said["user"], password),)
            case "custom" if said["custom_auth_header"] and password:
                return (_line(said["custom_auth_header"], password),)
            case "basic":
                lacks = "user and password"
            case "custom":
                lacks = "custom_auth_header and password"
            case other:
                raise BadInput(
                    f"the remote {said.name!r} wants auth {printable(other, 50)!r}",
                    "DVC can read with auth basic and custom",
                )
        raise BadInput(
            f"the remote {said.name!r} needs {lacks}",
            "Set them with `dvc remote modify --local`, in the checkout or with --global",
        )


def _basic(user: str, password: str) -> str:
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return f"Authorization: Basic {encoded}"


def _line(name: str, value: str) -> str:
    """One header line; raise `BadInput` if it would be more."""
    line = f"{name}: {value}"
    if not line.isprintable():
        raise BadInput("custom_auth_header and password of a remote are no header line")
    return line


@dataclass(frozen=True, slots=True)
class LocalRemote:
    """A folder, perhaps of a network's file system that is mounted here."""

    settings: Settings

    def place(self, key: str, version_id: str, now: datetime) -> Place:
        """The file's own URL; raise `BadInput` where the folder cannot be told."""
        folder = Path(self.settings.url)
        if not folder.is_absolute():
            raise BadInput(
                f"the remote {self.settings.name!r} is the folder"
                f" {printable(self.settings.url, 300)!r} of a checkout that is not here",
                "Give the checkout as repo, or a remote that can be reached from here",
            )
        # `..` in the configured path is taken as text, as DVC takes it
        return Place(Path(os.path.normpath(folder), key).as_uri())
