"""The repositories that imports lead to, opened as a stranger's: how, and with whose credential.

An address in a repository is somebody else's text. Git asks there without any credential of the
job, except at the very server that the user's own repository is on, where what holds for that
holds for its neighbwith_credential: the server knows what the credential may read.
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
from studio_action.gitrepo.dvc.imports import ImportSource
from studio_action.gitrepo.git.objects import EVERYTHING, Objects
from studio_action.gitrepo.git.program import Git
from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.git.revision import Revision
from studio_action.model.repository_url import RepositoryUrl

_OF_SSH = ("SSH_AUTH_SOCK", "GIT_SSH_COMMAND")


@dataclass(frozen=True, slots=True)
class FetchAddress:
    """Where a repository is fetched from; and if with the user's credential."""

    url: str
    with_credential: bool


def fetch_address(address: RepositoryUrl, home: str) -> FetchAddress:
    """Return how to fetch from `address`; `home` is the URL of the user's own repository, '' for
    none.

    An ssh key is for the user's own host alone, so elsewhere it is https. Raises `BadInput` where
    that cannot be told.
    """
    own = urlsplit(_as_url(home))
    if address.form in ("https", "http"):
        return FetchAddress(str(address), (own.scheme, own.netloc) == (address.form, address.host))
    there = urlsplit(_as_url(str(address)))
    if own.scheme == "ssh" and _host(there.netloc) == _host(own.netloc):
        return FetchAddress(str(address), with_credential=True)
    if not address.web_url:
        raise BadInput(
            f"{address} needs an SSH key, and yours is used for the repository's own host only",
            "Import it by its https address",
        )
    url = f"{address.web_url}.git"
    parts = urlsplit(url)
    return FetchAddress(url, (own.scheme, own.netloc) == (parts.scheme, parts.netloc))


def _as_url(address: str) -> str:
    """Return `git@host:path` as a URL."""
    return re.sub(r"\A([^/:]*@[^/:]+):", r"ssh://\1/", address)


def _host(netloc: str) -> str:
    return netloc.rpartition("@")[2].lower()


@dataclass(frozen=True, slots=True)
class ImportRepositories:
    """Opens other repositories in `folder`; `git` is as it runs for the one at `home`."""

    git: Git
    home: str
    folder: Path

    @contextmanager
    def open(self, source: ImportSource) -> Iterator[Revision]:
        """Yield the files that an import leads to; see `context.OpenImport`."""
        found = fetch_address(source.address, self.home)
        git = self.git if found.with_credential else _anonymous(self.git, self.folder / "nobody")
        name = hashlib.sha256(found.url.encode()).hexdigest()
        try:
            with _at_commit(found.url, git, self.folder / name, source.commit) as repository:
                yield repository.revision(source.commit)
        except (TokenRefused, NoSuchModel) as error:
            if found.with_credential:
                raise
            raise type(error)(
                error.message,
                "It was requested without a credential: git-token is for the server of repo only",
            ) from error


def _anonymous(git: Git, home: Path) -> Git:
    """Return Git without a token, a key, or the passwords that a home folder may hold."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: text for name, text in git.environ.items() if name not in _OF_SSH}
    return replace(git, credential=None, environ={**kept, "HOME": str(home)})


def _at_commit(url: str, git: Git, folder: Path, commit: str) -> Repository:
    """Return the repository with one commit, without its history where the server gives single
    ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "HEAD").exists():
        git.run_local(folder, "init", "--quiet", "--bare", "--template=")
    repository = Repository(folder, git, url, objects=Objects(folder, git, url, refs=EVERYTHING))
    repository.fetch_commit(commit, "--depth=1")
    return repository
