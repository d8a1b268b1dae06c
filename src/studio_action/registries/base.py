"""The interface of every registry: it resolves a version, a stage or `latest` to files."""

from __future__ import annotations

from typing import Protocol

from studio_action.model.artifact import ArtifactRef, Resolution, Selector


class Registry(Protocol):
    """A place that knows models by name, version and stage."""

    def resolve(self, artifact: ArtifactRef, selector: Selector) -> Resolution:
        """Return the files of one model version, with URLs that are valid for a while.

        Raises `NoSuchModel` where there is none, `TokenRefused`, `Unreachable`,
        `UnexpectedAnswer` or `DeadlinePassed`.
        """
        ...
