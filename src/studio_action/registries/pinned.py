"""A registry that turns a stage or `latest` into one version, by the repository's tags.

Studio answers for a stage without naming the version, and the stage may move between two requests.
So the tags are read once, and from then on the one version is requested.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from studio_action.errors import StudioActionError
from studio_action.gitrepo.gto.history import Model, Prerelease
from studio_action.model.artifact import (
    ArtifactRef,
    AtVersion,
    Latest,
    ModelName,
    Resolution,
    Selector,
)
from studio_action.model.versions import InRange
from studio_action.registries.base import Registry
from studio_action.registries.version_choice import Choice, choose_version, stage_of


@dataclass(frozen=True, slots=True)
class PinnedRegistry:
    """Requests from `inner` the version that the repository's tags name.

    `models` reads the tags. If that fails, `inner` gets the selector as it is, and `log` gets the
    reason why the version is not known; only selectors that need the tags fail.
    """

    inner: Registry
    models: Callable[[], Mapping[ModelName, Model]]
    prerelease: Prerelease
    log: Callable[[str], None]
    _pins: dict[Selector, Choice | None] = field(default_factory=dict, repr=False)

    def resolve(self, artifact: ArtifactRef, selector: Selector) -> Resolution:
        """Return the files of one version: the same version, however often it is called."""
        if selector not in self._pins:
            self._pins[selector] = self._pin(artifact, selector)
        pin = self._pins[selector]
        if pin is None:
            return self.inner.resolve(artifact, selector)
        requested = AtVersion(pin.name) if pin.name else selector
        return replace(
            self.inner.resolve(artifact, requested),
            selector=selector,
            version=pin.name,
            stage=stage_of(selector),
            tag=pin.version.tag,
            revision=pin.version.revision,
            previous_version=pin.previous_name,
        )

    def _pin(self, artifact: ArtifactRef, selector: Selector) -> Choice | None:
        try:
            model = self.models().get(artifact.model)
        except StudioActionError as error:
            if self._needs_tags(selector):
                raise
            self.log(f"The version stays unknown, because the tags cannot be read: {error}")
            return None
        if model is None:
            self.log(f"The version stays unknown: no tag of {artifact.repository} names the model")
            return None
        for warning in model.warnings:
            self.log(warning)
        return choose_version(model, artifact, selector, self.prerelease)

    def _needs_tags(self, selector: Selector) -> bool:
        latest = isinstance(selector, Latest) and self.prerelease != "include"
        return latest or isinstance(selector, InRange)
