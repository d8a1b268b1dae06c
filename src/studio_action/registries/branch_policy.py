"""A registry that hands out nothing but what is on one branch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from studio_action.errors import PolicyRefused
from studio_action.gitrepo.git.repository import Repository
from studio_action.model.artifact import ArtifactRef, Resolution, Selector
from studio_action.registries.base import Registry


@dataclass(frozen=True, slots=True)
class GuardedRegistry:
    """Refuses what `inner` answers unless its commit is on `branch`, or before it."""

    inner: Registry
    branch: str
    repository: Callable[[], AbstractContextManager[Repository]]

    def resolve(self, artifact: ArtifactRef, selector: Selector) -> Resolution:
        """What `inner` answers; raises `PolicyRefused` for another branch's."""
        found = self.inner.resolve(artifact, selector)
        if not found.revision:
            raise PolicyRefused(
                f"whether {artifact} is on branch {self.branch!r} cannot be told: its commit is"
                " not known",
                "Give a git-token that may read the repository's tags",
            )
        with self.repository() as repository:
            tip = repository.branch(self.branch)
            if tip is None:
                raise PolicyRefused(
                    f"{artifact.repository} has no branch {self.branch!r}",
                    "Correct require-ancestor-of",
                )
            if repository.is_ancestor(found.revision, tip):
                return found
        raise PolicyRefused(
            f"the {selector} of {artifact} is commit {found.revision[:7]}, which is not on branch"
            f" {self.branch!r}",
            "Merge it, then register or assign the version again",
        )
