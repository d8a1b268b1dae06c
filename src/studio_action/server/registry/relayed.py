"""Web remotes that need a password, whose files the server relays.

Only remotes whose `url` the server's configuration has are relayed. When a signed URL is used, only
its path and the configuration of that moment count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import quote, unquote

from studio_action.errors import ObjectMissing
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.remotes.base import Place
from studio_action.gitrepo.remotes.web import WebRemote
from studio_action.gitrepo.remotes.webdav import SCHEMES, WebDavRemote
from studio_action.server.links import InWebRemote
from studio_action.server.registry.storages import effective_config
from studio_action.server.settings import ServedRepository

_KINDS = frozenset({"http", "https", *SCHEMES})
_ANY_TIME = datetime.fromtimestamp(0, timezone.utc)
"""Any time will do: web remotes sign nothing."""


@dataclass(frozen=True, slots=True)
class RelayedRemote:
    """A remote in the configuration of `repository`, or the folder `path` in it."""

    repository: str
    remote: str
    path: str

    def file(self, key: str) -> InWebRemote:
        """Return the file at `key`."""
        return InWebRemote(self.repository, self.remote, self.path + key)


def relayed(repository: ServedRepository, settings: Settings) -> RelayedRemote | None:
    """Return the configured remote to relay; None if relaying is not allowed or needed."""
    if settings.scheme not in _KINDS or settings.origin == "repository":
        return None
    here = _at(settings, "")
    for each in _configured_remotes(repository) if here.headers else ():
        there = _at(each, "")
        if here.url.startswith(there.url) and here.headers == there.headers:
            rest = here.url.removeprefix(there.url)
            if quote(unquote(rest)) == rest:  # it decodes to one key only
                return RelayedRemote(repository.name, each.name, unquote(rest))
    return None


def place_of(repository: ServedRepository | None, file: InWebRemote) -> Place:
    """Return the place of a file; raise `ObjectMissing` if its remote is gone, or `BadInput`."""
    for each in _configured_remotes(repository) if repository is not None else ():
        if each.name == file.remote:
            return _at(each, file.path)
    raise ObjectMissing(
        f"the remote {file.remote!r} of {file.repository} is no longer served",
        "Request the file again",
    )


def _configured_remotes(repository: ServedRepository) -> Iterator[Settings]:
    """Yield the web remotes whose `url` the server's configuration has."""
    config = effective_config(repository, "", "")
    for name, options in config.remotes.items():
        if "url" in options:
            settings = config.remote(name)
            if settings.scheme in _KINDS:
                yield settings


def _at(settings: Settings, key: str) -> Place:
    remote = WebDavRemote(settings) if settings.scheme in SCHEMES else WebRemote(settings)
    return remote.place(key, "", _ANY_TIME)
