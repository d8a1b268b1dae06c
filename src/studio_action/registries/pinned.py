"""A registry that says which version was meant: the tags tell, and that very one is asked for.

A registry that answers by stage or latest alone does not say which version it was, and what holds
a stage may move between two questions. So the tags are read once, and one version is asked for.
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
from studio_action.registries.choosing import Choice, choose, stage_of


@dataclass(frozen=True, slots=True)
class PinnedRegistry:
    """Asks `inner` for the version that the tags of the repository tell.

    `models` reads the tags and may fail: then `inner` is asked as the question was put, `say` hears
    why the version is not known, and only what cannot be asked without the tags fails.
    """

    inner: Registry
    models: Callable[[], Mapping[ModelName, Model]]
    prerelease: Prerelease
    say: Callable[[str], None]
    _pins: dict[Selector, Choice | None] = field(default_factory=dict, repr=False)

    def resolve(self, artifact: ArtifactRef, selector: Selector) -> Resolution:
        """The files of one version; the same version however often it is asked."""
        if selector not in self._pins:
            self._pins[selector] = self._pin(artifact, selector)
        pin = self._pins[selector]
        if pin is None:
            return self.inner.resolve(artifact, selector)
        asked = AtVersion(pin.name) if pin.name else selector
        return replace(
            self.inner.resolve(artifact, asked),
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
            self.say(f"The version stays unknown, because the tags cannot be read: {error}")
            return None
        if model is None:
            self.say(f"The version stays unknown: no tag of {artifact.repository} names the model")
            return None
        for warning in model.warnings:
            self.say(warning)
        return choose(model, artifact, selector, self.prerelease)

    def _needs_tags(self, selector: Selector) -> bool:
        latest = isinstance(selector, Latest) and self.prerelease != "include"
        return latest or isinstance(selector, InRange)
