"""Remotes on WebDAV, whose files are fetched as those of any web server.

To read a file, WebDAV has HTTP's own GET (https://www.rfc-editor.org/rfc/rfc4918#section-9.4). So
the engine fetches it, in parts and with all that it can, where a library for WebDAV would be one
more way to do the same; and a server of ours can pass it on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from studio_action.errors import BadInput
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.remotes.base import Place, check_address
from studio_action.gitrepo.remotes.web import basic, header_line, sent

SCHEMES = {"webdav": "http", "webdavs": "https"}
"""As DVC spells them, and as they are asked."""
_RESERVED = "!$%&'()*+,/:;=@~"
"""What stands in a path as it is; a percent sign begins what was quoted already."""
_NOT_HERE = ("bearer_token_command", "cert_path", "key_path")


@dataclass(frozen=True, slots=True)
class WebDavRemote:
    """A WebDAV server (https://dvc.org/doc/user-guide/data-management/remote-storage/webdav)."""

    settings: Settings

    def place(self, key: str, version_id: str, now: datetime) -> Place:
        """Return the object's URL, and who asks for it as a header."""
        check_address(self.settings.name, self.settings.url)
        parts = urlsplit(self.settings.url)
        if parts.query or parts.fragment:
            raise BadInput(
                f"the url of the remote {self.settings.name!r} has more than a path", "Correct it"
            )
        host = parts.netloc.rpartition("@")[2]
        path = f"{quote(parts.path, safe=_RESERVED).rstrip('/')}/{quote(key)}"
        url = urlunsplit((SCHEMES[parts.scheme.lower()], host, path, "", ""))
        return Place(url, self._headers())

    def _headers(self) -> tuple[str, ...]:
        """Return whichever DVC would take: a token, a user, or a header of one's own."""
        said, parts = self.settings, urlsplit(self.settings.url)
        for option in _NOT_HERE:
            if said[option]:
                raise BadInput(
                    f"the remote {said.name!r} has {option}, which cannot be used here",
                    "Give it user and password, or a token",
                )
        user = said["user"] or unquote(parts.username or "")
        password = said["password"]
        if said["token"]:
            return sent(said, "token", header_line("Authorization", f"Bearer {said['token']}"))
        if user and password:
            return sent(said, "password", basic(user, password))
        if user and parts.password:
            return sent(said, "url", basic(user, unquote(parts.password)))
        if said["custom_auth_header"] and password:
            return sent(said, "password", header_line(said["custom_auth_header"], password))
        if user:
            raise BadInput(
                f"the remote {said.name!r} needs the password of its user",
                "Set it with `dvc remote modify --local`, in the checkout or with --global",
            )
        return ()
