"""A repository that is named by a folder of this machine: read there, or where it came from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from studio_action.gitrepo import checkout, tags
from studio_action.gitrepo.program import Git
from studio_action.gitrepo.repository import Repository
from studio_action.model.repository_url import RepositoryUrl


def opened(
    folder: Path,
    git: Git,
    *,
    remote: Callable[[RepositoryUrl], Repository],
    say: Callable[[str], None],
) -> Repository:
    """The repository at `folder`; its `origin`, which `remote` fetches, where a part is missing.

    CI systems leave history and tags out of a checkout, and older ones make the tag that triggered
    a job a lightweight one, which GTO does not count.
    Raises what `Repository.at` and `remote` raise.
    """
    local = Repository.at(folder, git)
    lacks = lacking(local)
    origin = checkout.origin(folder, git.environ) if lacks else ""
    if not lacks:
        return local
    if not origin or Path(origin).is_absolute():
        say(f"{lacks}; nowhere to fetch the rest from is known, so what is there has to do")
        return local
    say(f"{lacks}: its origin is read instead")
    return remote(RepositoryUrl.parse(origin))


def lacking(local: Repository) -> str:
    """What a checkout lacks to answer for the repository; '' if it can."""
    if local.incomplete:
        return "The checkout has not the whole history"
    of_models = [tag for tag in local.tags() if tags.parse(tag.name)]
    if not of_models:
        return "The checkout has no tag of a model"
    if not all(tag.annotated for tag in of_models):
        return "The checkout has a tag of a model that is not annotated"
    return ""
