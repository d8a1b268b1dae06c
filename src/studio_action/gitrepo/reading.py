"""The models of a repository, from wherever its tags can be had."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from studio_action.errors import BadInput, StudioActionError
from studio_action.gitrepo import checkout, history
from studio_action.gitrepo.history import Model
from studio_action.gitrepo.program import Git
from studio_action.gitrepo.repository import Repository
from studio_action.model.artifact import ModelName
from studio_action.model.repository_url import RepositoryUrl


def models_of(
    address: RepositoryUrl, url: str, git: Git, *, scratch: Path, workspace: Path
) -> Mapping[ModelName, Model]:
    """Every model that the repository's tags name.

    The repository itself is asked first: a checkout may be old, and CI systems leave tags out of
    it. Where that fails, a whole checkout of the same repository in `workspace` is good enough.
    `url` is where the repository at `address` is fetched from. Raises what `Git.talk` raises.
    """
    try:
        with Repository.of(url, git, scratch) as remote:
            return history.read(remote.tags())
    except StudioActionError:
        if not is_checkout(workspace, address, git.environ):
            raise
        with Repository.at(workspace, git) as local:
            models = {} if local.incomplete else history.read(local.tags())
        if not models:
            raise
        return models


def is_checkout(workspace: Path, address: RepositoryUrl, environ: Mapping[str, str]) -> bool:
    """Whether the checkout at `workspace` is one of the repository at `address`."""
    origin = checkout.origin(workspace, environ)
    try:
        return bool(origin) and RepositoryUrl.parse(origin).same_as(address)
    except BadInput:
        return False
