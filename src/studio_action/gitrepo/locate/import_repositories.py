"""The repositories that imports lead to, opened as a stranger's: how, and with whose credential.

An address in a repository is somebody else's text. Git asks there without any credential of the
job, except at the very server that the user's own repository is on, where what holds for that
holds for its neighbours: the server knows what the credential may read.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from studio_action.errors import BadInput, NoSuchModel, TokenRefused
from studio_action.gitrepo.dvc.imports import Source
from studio_action.gitrepo.git.objects import EVERYTHING, Objects
from studio_action.gitrepo.git.program import Git
from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.git.revision import Revision
from studio_action.model.repository_url import RepositoryUrl

_OF_SSH = ("SSH_AUTH_SOCK", "GIT_SSH_COMMAND")


@dataclass(frozen=True, slots=True)
class Way:
    """Where a repository is fetched from; `ours`: as the user's own is, with its credential."""

    url: str
    ours: bool


def way(address: RepositoryUrl, home: str) -> Way:
    """How to fetch from `address`; `home` is the URL of the user's own repository, '' for none.

    An ssh key is for the user's own host alone, so elsewhere it is https. Raises `BadInput` where
    that cannot be told.
    """
    own = urlsplit(_as_url(home))
    if address.form in ("https", "http"):
        return Way(address.sent, (own.scheme, own.netloc) == (address.form, address.host))
    there = urlsplit(_as_url(address.sent))
    if own.scheme == "ssh" and _host(there.netloc) == _host(own.netloc):
        return Way(address.sent, ours=True)
    if not address.web:
        raise BadInput(
            f"{address} needs a key for ssh, which is for the repository's own host alone",
            "Import it by its https address",
        )
    url = f"{address.web}.git"
    parts = urlsplit(url)
    return Way(url, (own.scheme, own.netloc) == (parts.scheme, parts.netloc))


def _as_url(address: str) -> str:
    """`git@host:path` as a URL."""
    return re.sub(r"\A([^/:]*@[^/:]+):", r"ssh://\1/", address)


def _host(netloc: str) -> str:
    return netloc.rpartition("@")[2].lower()


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Opens other repositories in `folder`; `git` is as it runs for the one at `home`."""

    git: Git
    home: str
    folder: Path

    @contextmanager
    def follow(self, source: Source) -> Iterator[Revision]:
        """The files that an import leads to; see `whereabouts.Follow`."""
        found = way(source.address, self.home)
        git = self.git if found.ours else _stranger(self.git, self.folder / "nobody")
        name = hashlib.sha256(found.url.encode()).hexdigest()
        try:
            with _fetched(found.url, git, self.folder / name, source.commit) as repository:
                yield repository.revision(source.commit)
        except (TokenRefused, NoSuchModel) as error:
            if found.ours:
                raise
            raise type(error)(
                error.message,
                "It was asked without a credential: git-token is for the server of repo alone",
            ) from error


def _stranger(git: Git, home: Path) -> Git:
    """Git without a token, a key, or the passwords that a home folder may hold."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: text for name, text in git.environ.items() if name not in _OF_SSH}
    return replace(git, credential=None, environ={**kept, "HOME": str(home)})


def _fetched(url: str, git: Git, folder: Path, commit: str) -> Repository:
    """The repository with one commit, without its history where the server gives single ones."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "HEAD").exists():
        git.read(folder, "init", "--quiet", "--bare", "--template=")
    repository = Repository(folder, git, url, objects=Objects(folder, git, url, refs=EVERYTHING))
    repository.have(commit, "--depth=1")
    return repository
