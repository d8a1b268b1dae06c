"""A registry that says which version was meant: the tags tell, and that very one is asked for.

A registry that answers by stage or latest alone does not say which version it was, and what holds
a stage may move between two questions. So the tags are read once, and one version is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from studio_action.artifact import (
    ArtifactRef,
    AtStage,
    AtVersion,
    Latest,
    ModelName,
    Resolution,
    Selector,
)
from studio_action.errors import NoSuchModel, StudioActionError
from studio_action.gitrepo import history
from studio_action.gitrepo.history import Model, Prerelease, Version
from studio_action.registries.base import Registry
from studio_action.versions import InRange

_SHOWN_NAMES = 10


@dataclass(frozen=True, slots=True)
class Pin:
    """What a selector means: a version, and the one that held the stage before it."""

    version: Version
    previous: Version | None


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
    _pins: dict[Selector, Pin | None] = field(default_factory=dict, repr=False)

    def resolve(self, artifact: ArtifactRef, selector: Selector) -> Resolution:
        """The files of one version; the same version however often it is asked."""
        if selector not in self._pins:
            self._pins[selector] = self._pin(artifact, selector)
        pin = self._pins[selector]
        if pin is None:
            return self.inner.resolve(artifact, selector)
        version, previous = pin.version, pin.previous
        asked = AtVersion(version.name) if version.registered else selector
        return replace(
            self.inner.resolve(artifact, asked),
            selector=selector,
            version=version.name if version.registered else "",
            stage=selector.stage if isinstance(selector, AtStage) else "",
            tag=version.tag,
            revision=version.revision,
            previous_version=previous.name if previous and previous.registered else "",
        )

    def _pin(self, artifact: ArtifactRef, selector: Selector) -> Pin | None:
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
        return self._found(artifact, model, selector)

    def _found(self, artifact: ArtifactRef, model: Model, selector: Selector) -> Pin | None:
        version = history.select(model, selector, self.prerelease)
        if version is not None:
            stage = selector.stage if isinstance(selector, AtStage) else ""
            return Pin(version, model.previous_in_stage(stage))
        if model.deprecated:
            raise NoSuchModel(f"{artifact} is deprecated, by its tags", "Ask for another model")
        versions = [each.name for each in model.versions if each.registered]
        raise NoSuchModel(
            f"the tags of {artifact.repository} tell no {selector} of {artifact.model}",
            f"Versions: {_listed(versions)}. Stages: {_listed(sorted(model.stages))}",
        )

    def _needs_tags(self, selector: Selector) -> bool:
        latest = isinstance(selector, Latest) and self.prerelease != "include"
        return latest or isinstance(selector, InRange)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return (", ".join(names[:_SHOWN_NAMES]) or "none") + more
