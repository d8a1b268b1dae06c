"""A registry that refuses versions whose commit is not on one branch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from studio_action.errors import PolicyRefused
from studio_action.gitrepo.git.repository import Repository
from studio_action.model.artifact import ArtifactRef, Resolution, Selector
from studio_action.registries.base import Registry


@dataclass(frozen=True, slots=True)
class BranchPolicyRegistry:
    """Resolves by `inner`; refuses a version whose commit is not on `branch`."""

    inner: Registry
    branch: str
    repository: Callable[[], AbstractContextManager[Repository]]

    def resolve(self, artifact: ArtifactRef, selector: Selector) -> Resolution:
        """Return what `inner` returns; raise `PolicyRefused` off the branch."""
        found = self.inner.resolve(artifact, selector)
        if not found.revision:
            raise PolicyRefused(
                f"the commit of {artifact} is not known, so it may not be on branch"
                f" {self.branch!r}",
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
