"""Remotes that a web server or a folder is: nothing has to be signed."""

from __future__ import annotations

import base64
import os
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from studio_action.errors import BadInput, UnexpectedAnswer
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.dvc.trust import Origin
from studio_action.gitrepo.remotes.base import Place, check_address
from studio_action.gitrepo.remotes.credentials import Address, Credential, check, tls_verify
from studio_action.text import printable

_RESERVED = "!$%&'()*+,/:;=?@[]~"
"""What stands in a URL as it is; a percent sign begins what was quoted already."""


@dataclass(frozen=True, slots=True)
class WebRemote:
    """A web server (https://dvc.org/doc/user-guide/data-management/remote-storage/http)."""

    settings: Settings

    def place(self, key: str, version_id: str, now: datetime) -> Place:
        """Return the object's URL, and who asks for it as a header; a web server keeps no versions.

        A query in the remote's URL has the key behind it, as DVC asks for it.
        """
        said = self.settings
        check_address(said.name, said.url)
        parts = urlsplit(said.url)
        if parts.fragment:
            raise BadInput(f"the url of the remote {said.name!r} has a '#'", "Correct its url")
        host = parts.netloc.rpartition("@")[2]
        top = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
        url = f"{quote(top, safe=_RESERVED).rstrip('/')}/{quote(key)}"
        headers = self._headers()
        given = credential(said, "password" if said["auth"] else "url") if headers else None
        return Place(url, headers, tls_verify(said, given))

    def _headers(self) -> tuple[str, ...]:
        said, password = self.settings, self.settings["password"]
        match said["auth"].lower():
            case "":
                return self._user_info()
            case "basic" if said["user"] and password:
                return self._sent("password", basic(said["user"], password))
            case "custom" if said["custom_auth_header"] and password:
                return self._sent("password", header_line(said["custom_auth_header"], password))
            case "basic":
                lacks = "user and password"
            case "custom":
                lacks = "custom_auth_header and password"
            case other:
                raise BadInput(
                    f"the remote {said.name!r} requires auth {printable(other, 50)!r}",
                    "DVC can read with auth basic or custom",
                )
        raise BadInput(
            f"the remote {said.name!r} needs {lacks}",
            "Set them with `dvc remote modify --local`, in the checkout or with --global",
        )

    def _user_info(self) -> tuple[str, ...]:
        parts = urlsplit(self.settings.url)
        user, secret = unquote(parts.username or ""), unquote(parts.password or "")
        return self._sent("url", basic(user, secret)) if user else ()

    def _sent(self, option: str, line: str) -> tuple[str, ...]:
        return sent(self.settings, option, line)


def sent(said: Settings, option: str, line: str) -> tuple[str, ...]:
    """Return the header line with the secret of `option`; raise `BadInput` if that is refused."""
    check(credential(said, option), Address(said.name, "http", said.url, said.origin))
    return (line,)


def credential(said: Settings, option: str) -> Credential:
    """Return the secret of `option`, and who said it."""
    # The user info of a URL is its beginning, and who said that said the user info.
    of_url: Origin = "outside" if said.named else "repository"
    return Credential(option, of_url if option == "url" else said.origin_of(option))


def basic(user: str, password: str) -> str:
    """Return the header line of who has a password (RFC 7617)."""
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return f"Authorization: Basic {encoded}"


def header_line(name: str, value: str) -> str:
    """Return one header line; raise `BadInput` if it would be more."""
    line = f"{name}: {value}"
    if not line.isprintable():
        raise BadInput("custom_auth_header and password of a remote are not a valid header line")
    return line


@dataclass(frozen=True, slots=True)
class LocalRemote:
    """A folder, perhaps of a network's file system that is mounted here."""

    settings: Settings

    def place(self, key: str, version_id: str, now: datetime) -> Place:
        """Return the file's own URL; raise `BadInput` where the folder cannot be told.

        Raises `UnexpectedAnswer` below /proc, /sys and /dev, where it leads there too.
        """
        folder = Path(self.settings.url)
        if sys.platform == "win32" and not folder.drive.endswith(":"):
            raise BadInput(  # Windows would log in there, and a repository's text names it
                f"the remote {self.settings.name!r} is not a folder on a drive of this machine:"
                f" {printable(self.settings.url, 300)!r}",
                "Give the share a drive letter, and write that as the remote's url",
            )
        if not folder.is_absolute():
            raise BadInput(
                f"the remote {self.settings.name!r} is the folder"
                f" {printable(self.settings.url, 300)!r} of a checkout that is not here",
                "Give the checkout as repo, or a remote that can be reached from here",
            )
        # `..` in the configured path is taken as text, as DVC takes it
        place = Path(os.path.normpath(folder), key)
        if _is_the_systems(Path(os.path.realpath(place))):
            raise UnexpectedAnswer(
                f"the remote {self.settings.name!r} is in a folder of the system, such as /proc",
                "Correct its url",
            )
        return Place(place.as_uri())


def _is_the_systems(place: Path) -> bool:
    if place.is_relative_to("/dev/shm"):  # memory, for everybody
        return False
    return any(place.is_relative_to(folder) for folder in ("/proc", "/sys", "/dev"))
