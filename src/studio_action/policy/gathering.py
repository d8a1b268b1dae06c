"""How the facts are found out that requirements ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.gto.deciding import deciding_tags
from studio_action.model.artifact import RemoteFile, Resolution
from studio_action.policy.facts import Facts
from studio_action.policy.requirements import Requirements


def gather(
    required: Requirements,
    resolution: Resolution,
    files: Sequence[RemoteFile],
    now: float,
    repository: Callable[[], Repository],
) -> Facts:
    """Find out what `required` asks for; the repository is read if it asks for something there.

    Raises what reading the repository raises.
    """
    if not resolution.revision or not required.of_repository:
        return Facts(resolution, tuple(files), now)
    opened = repository()
    return Facts(
        resolution,
        tuple(files),
        now,
        deciding_tags(opened.tags(), resolution) if required.of_tags else (),
        {branch: _is_on(branch, resolution.revision, opened) for branch in required.branches},
        _labels(resolution, opened) if required.labels else frozenset(),
    )


def _is_on(branch: str, commit: str, repository: Repository) -> bool | None:
    tip = repository.branch(branch)
    return None if tip is None else repository.is_ancestor(commit, tip)


def _labels(resolution: Resolution, repository: Repository) -> frozenset[str]:
    from studio_action.gitrepo.dvc import artifacts  # late: few policies ask for labels

    revision = repository.revision(resolution.revision)
    return artifacts.labels_of(resolution.artifact.model, revision)
