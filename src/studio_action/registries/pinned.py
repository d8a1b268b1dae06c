"""A registry that turns a stage or `latest` into one version, by the repository's tags.

Studio answers for a stage without naming the version, and the stage may move between two requests.
So the tags are read once, and from then on the one version is requested.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from studio_action.errors import (
    NoSuchModel,
    NotFound,
    PolicyRefused,
    StudioActionError,
    TokenRefused,
)
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
from studio_action.registries.base import CheckTags, Registry
from studio_action.registries.version_choice import Choice, choose_version, stage_of
from studio_action.text import did_you_mean


@dataclass(frozen=True, slots=True)
class PinnedRegistry:
    """Requests from `inner` the version that the repository's tags name.

    `models` reads the tags. If that fails, `inner` gets the selector as it is, and `log` gets the
    reason why the version is not known; only selectors that need the tags fail. With `check_tags`,
    which looks at the tags that decide, everything needs them.
    """

    inner: Registry
    models: Callable[[], Mapping[ModelName, Model]]
    prerelease: Prerelease
    log: Callable[[str], None]
    check_tags: CheckTags | None = None
    _pins: dict[Selector, Choice | None] = field(default_factory=dict, repr=False)

    def resolve(self, artifact: ArtifactRef, selector: Selector) -> Resolution:
        """Return the files of one version: the same version, however often it is called.

        Also raises `PolicyRefused` for the tags, or where another commit than theirs is answered.
        """
        if selector not in self._pins:
            self._pins[selector] = self._pin(artifact, selector)
        pin = self._pins[selector]
        if pin is None:
            return self._unpinned(artifact, selector)
        signed_tags = self.check_tags(pin.tags) if self.check_tags else ()
        requested = AtVersion(pin.name) if pin.name else selector
        found = self.inner.resolve(artifact, requested)
        if self.check_tags:
            _check_commit(found, pin)
        return replace(
            found,
            selector=selector,
            version=pin.name,
            stage=stage_of(selector),
            tag=pin.version.tag,
            revision=pin.version.revision,
            previous_version=pin.previous_name,
            signed_tags=signed_tags,
            registered=pin.registered,
            assigned=pin.assigned,
            holders=pin.holders,
        )

    def _unpinned(self, artifact: ArtifactRef, selector: Selector) -> Resolution:
        """Ask for what no tag names; of a model that is unknown, say which one may be meant."""
        try:
            return self.inner.resolve(artifact, selector)
        except NoSuchModel as error:
            meant = did_you_mean(str(artifact.model), self._names())
            raise NoSuchModel(error.message, meant + error.hint) from error

    def _names(self) -> list[str]:
        try:
            models = self.models()
        except StudioActionError:
            return []
        return [str(name) for name, each in models.items() if each.versions]

    def _pin(self, artifact: ArtifactRef, selector: Selector) -> Choice | None:
        try:
            model = self.models().get(artifact.model)
        except StudioActionError as error:
            if self.check_tags and not isinstance(error, NotFound | TokenRefused):
                raise
            if self.check_tags:  # which is no reason to skip a run
                raise _unknown_signers(artifact, f"cannot be read: {error.message}") from error
            if self._needs_tags(selector):
                raise
            self.log(f"Version unknown: the tags cannot be read: {error}")
            return None
        if model is None and self.check_tags:
            raise _unknown_signers(artifact, f"do not name the model {artifact.model}")
        if model is None:
            self.log(f"Version unknown: no tag of {artifact.repository} names the model")
            return None
        for warning in model.warnings:
            self.log(warning)
        return choose_version(model, artifact, selector, self.prerelease)

    def _needs_tags(self, selector: Selector) -> bool:
        latest = isinstance(selector, Latest) and self.prerelease != "include"
        return latest or isinstance(selector, InRange)


def _unknown_signers(artifact: ArtifactRef, fault: str) -> PolicyRefused:
    return PolicyRefused(
        f"the tags of {artifact.repository} {fault}, so nobody is known to have signed them",
        "Give a git-token that may read the repository's tags",
    )


def _check_commit(found: Resolution, pin: Choice) -> None:
    """Raise `PolicyRefused` if `found` is, or may be, another commit than the tags' own."""
    revision = pin.version.revision
    if found.revision and found.revision != revision:
        raise PolicyRefused(
            f"the server's {found.selector} of {found.artifact} is commit {found.revision[:7]}, but"
            f" the signed tag {pin.version.tag} is for {revision[:7]}",
            "Look at the tags of the repository, and whether the server reads the same one",
        )
    if not found.revision and not pin.name:
        raise PolicyRefused(
            f"Studio does not say which commit its {found.selector} of {found.artifact} is, and tag"
            f" {pin.version.tag} is for one that is not registered as a version",
            "Register the commit as a version, with a signed tag, or use source: git",
        )
