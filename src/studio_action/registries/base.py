"""The interface of every registry: it resolves a version, a stage or `latest` to files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.model.artifact import ArtifactRef, Resolution, Selector

if TYPE_CHECKING:
    from studio_action.model.signed_tag import SignedTag

CheckTags: TypeAlias = "Callable[[Sequence[TagRef]], tuple[SignedTag, ...]]"
"""Returns who signed the tags that decide; raises `PolicyRefused` if it is nobody allowed."""


class Registry(Protocol):
    """A place that knows models by name, version and stage."""

    def resolve(self, artifact: ArtifactRef, selector: Selector) -> Resolution:
        """Return the files of one model version, with URLs that are valid for a while.

        Raises `NoSuchModel` where there is none, `TokenRefused`, `Unreachable`,
        `UnexpectedAnswer` or `DeadlinePassed`.
        """
        ...
