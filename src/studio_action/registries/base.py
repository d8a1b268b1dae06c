"""What every registry answers: which files a model's version, stage or latest version are."""

from __future__ import annotations

from typing import Protocol

from studio_action.model.artifact import ArtifactRef, Resolution, Selector


class Registry(Protocol):
    """A place that knows models by name, version and stage."""

    def resolve(self, artifact: ArtifactRef, selector: Selector) -> Resolution:
        """The files of one model version, with URLs that are good for a while.

        Raises `NoSuchModel` where there is none, `TokenRefused`, `Unreachable`,
        `UnexpectedAnswer` or `DeadlinePassed`.
        """
        ...
