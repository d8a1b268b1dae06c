"""Web remotes that need a password, whose files the server itself passes on.

Only those whose `url` the server's configuration names for the repository: when a link is opened,
nothing counts but the link's key and the configuration as it is then.
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
from studio_action.server.registry.storages import governed
from studio_action.server.settings import ServedRepository

_KINDS = frozenset({"http", "https", *SCHEMES})
_EVER = datetime.fromtimestamp(0, timezone.utc)
"""The moment does not matter: a web remote signs nothing."""


@dataclass(frozen=True, slots=True)
class RelayedRemote:
    """A remote, by its name in the configuration of `repository`, or the folder `path` of it."""

    repository: str
    remote: str
    path: str

    def file(self, key: str) -> InWebRemote:
        """The file at `key`."""
        return InWebRemote(self.repository, self.remote, self.path + key)


def relayed(repository: ServedRepository, settings: Settings) -> RelayedRemote | None:
    """The remote as the configuration has it; None where it may not, or need not, be relayed."""
    if settings.scheme not in _KINDS or settings.origin == "repository":
        return None
    here = _at(settings, "")
    for each in _named(repository) if here.headers else ():
        there = _at(each, "")
        if here.url.startswith(there.url) and here.headers == there.headers:
            rest = here.url.removeprefix(there.url)
            if quote(unquote(rest)) == rest:  # it is one key, however it is read
                return RelayedRemote(repository.name, each.name, unquote(rest))
    return None


def place_of(repository: ServedRepository | None, file: InWebRemote) -> Place:
    """Where a file is that a link names; raises `ObjectMissing`, or `BadInput`."""
    for each in _named(repository) if repository is not None else ():
        if each.name == file.remote:
            return _at(each, file.path)
    raise ObjectMissing(
        f"the remote {file.remote!r} of {file.repository} is not served any more",
        "Ask for the file again",
    )


def _named(repository: ServedRepository) -> Iterator[Settings]:
    """The web remotes whose url the configuration names, as it describes them."""
    config = governed(repository, "", "")
    for name, options in config.remotes.items():
        if "url" in options:
            settings = config.remote(name)
            if settings.scheme in _KINDS:
                yield settings


def _at(settings: Settings, key: str) -> Place:
    remote = WebDavRemote(settings) if settings.scheme in SCHEMES else WebRemote(settings)
    return remote.place(key, "", _EVER)
