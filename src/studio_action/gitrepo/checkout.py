"""Checkouts on this machine, which are only ever read, and where they came from.

A checkout may be old, and CI systems leave history and tags out of it. So what it lacks is read
from the repository itself, and it stands in for that where the repository cannot be reached.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from studio_action.errors import BadInput, StudioActionError
from studio_action.gitrepo.git.program import Git
from studio_action.gitrepo.git.programs import find_git
from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.gto import tags
from studio_action.model.repository_url import RepositoryUrl

_TIMEOUT = 10
"""Seconds; git only reads its index or its configuration."""


def tracks(folder: Path, path: str, environ: Mapping[str, str]) -> bool:
    """Return whether Git has, or may have, brought the file `path` of the checkout at `folder`.

    It has not if no link and no other repository is on the way to it, and Git clearly says so.
    """
    place = folder / path
    if Path(os.path.realpath(place)) != Path(os.path.realpath(folder), path):
        return True
    between = [folder / each for each in PurePosixPath(path).parents if each != PurePosixPath()]
    if any(os.path.lexists(each / ".git") for each in between):  # a submodule's files are its own
        return True
    # Some file systems know no cases.
    output = _git(folder, environ, "ls-files", "-z", "--", f":(icase,literal){path}")
    return output is None or bool(output)


def origin(folder: Path, environ: Mapping[str, str]) -> str:
    """Return the URL of the remote `origin` of the checkout at `folder`; '' where there is none."""
    output = _git(folder, environ, "config", "--get", "remote.origin.url")
    return (output or b"").decode("utf-8", "replace").strip()


def _git(folder: Path, environ: Mapping[str, str], *arguments: str) -> bytes | None:
    """Return what a git command in `folder` prints; None where it fails or takes too long."""
    git = find_git(environ)
    if git is None:
        return None
    try:
        done = subprocess.run(
            [git, "-c", "safe.directory=*", *arguments],
            cwd=folder,
            env={**environ, "GIT_TERMINAL_PROMPT": "0"},
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def is_checkout_of(address: RepositoryUrl, folder: Path, environ: Mapping[str, str]) -> bool:
    """Return whether the checkout at `folder` is one of the repository at `address`."""
    url = origin(folder, environ)
    try:
        return bool(url) and RepositoryUrl.parse(url).same_as(address)
    except BadInput:
        return False


def fetch_or_stand_in(
    address: RepositoryUrl, url: str, git: Git, *, scratch: Path, workspace: Path
) -> Repository:
    """Return the repository at `address`, its tags fetched.

    Where that fails, a whole checkout of it in `workspace`, with tags of models, is good enough.
    `url` is where the repository is fetched from; `scratch` is the folder to fetch it into. Raises
    what `Git.run_remote` raises.
    """
    try:
        return Repository.clone_from(url, git, scratch, default_branch=True)
    except StudioActionError:
        if not is_checkout_of(address, workspace, git.environ):
            raise
        local = Repository.open(workspace, git)
        if local.incomplete or not any(
            tags.parse(tag.name) for tag in local.tags() if tag.annotated
        ):
            raise
        return local


def open_repository(
    folder: Path,
    git: Git,
    *,
    fetch: Callable[[RepositoryUrl], Repository],
    say: Callable[[str], None],
) -> Repository:
    """Return the repository at `folder`; where a part is missing, its `origin`, by `fetch`.

    Older CI systems make the tag that triggered a job a lightweight one, which GTO does not count.
    Such a checkout lacks the tag. `say` is called with what is missing.
    Raises what `Repository.open` and `fetch` raise.
    """
    local = Repository.open(folder, git)
    missing = missing_part(local)
    if not missing:
        return local
    url = origin(folder, git.environ)
    if not url or Path(url).is_absolute():
        say(f"{missing}. No remote configured; using local tags only")
        return local
    say(f"{missing}; reading its origin instead")
    return fetch(RepositoryUrl.parse(url))


def missing_part(local: Repository) -> str:
    """Return what a checkout lacks to answer for the repository; '' if it lacks nothing."""
    if local.incomplete:
        return "The checkout is shallow or partial"
    of_models = [tag for tag in local.tags() if tags.parse(tag.name)]
    if not of_models:
        return "The checkout has no model tags"
    if not all(tag.annotated for tag in of_models):
        return "The checkout has a model tag that is not annotated"
    return ""
