"""Which version of a model a selector means, by the repository's tags. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from studio_action.errors import NoSuchModel
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import history
from studio_action.gitrepo.gto.history import Model, Prerelease, Version
from studio_action.model.artifact import ArtifactRef, AtStage, AtVersion, ModelName, Selector
from studio_action.model.tagging import Tagging
from studio_action.text import did_you_mean, first_few

_SHOWN_NAMES = 10


@dataclass(frozen=True, slots=True)
class Choice:
    """What a selector means: a version, and the one that held the stage before it.

    `assignment` is the tag that gave the version the stage, None where no stage was asked for.
    `holders` are the stage's versions and the tags that assigned it, the newest first.
    """

    version: Version
    previous: Version | None
    assignment: TagRef | None = None
    holders: tuple[tuple[str, Tagging], ...] = ()

    @property
    def tags(self) -> tuple[TagRef, ...]:
        """Return the tags that decide: the version's registration, then the stage's assignment.

        A commit that is not registered as a version has the assignment alone.
        """
        assigned = () if self.assignment in (None, self.version.ref) else (self.assignment,)
        return (self.version.ref, *assigned)

    @property
    def registered(self) -> Tagging | None:
        """Return who registered the version, and when; None for a commit that is none."""
        return _tagging(self.version.ref) if self.version.registered else None

    @property
    def assigned(self) -> Tagging | None:
        """Return who gave it the stage, and when; None where no stage was asked for."""
        return _tagging(self.assignment) if self.assignment else None

    @property
    def name(self) -> str:
        """Return the version's name, '' for a commit that is not registered as one."""
        return self.version.name if self.version.registered else ""

    @property
    def previous_name(self) -> str:
        """Return the name of the version before it, '' if there is none."""
        return self.previous.name if self.previous and self.previous.registered else ""


def _tagging(ref: TagRef) -> Tagging:
    return Tagging(ref.short_name, ref.tagger or ref.email, ref.when)


def _holders(model: Model, stage: str) -> tuple[tuple[str, Tagging], ...]:
    """Return who holds the stage and who held it before; a commit by the start of its revision."""
    held = zip(model.stages.get(stage, ()), model.assignments.get(stage, ()), strict=True)
    return tuple(
        (version.name if version.registered else version.revision[:7], _tagging(ref))
        for version, ref in held
    )


def stage_of(selector: Selector) -> str:
    """Return the stage that the selector names, '' if it names none."""
    return selector.stage if isinstance(selector, AtStage) else ""


def find_model(models: Mapping[ModelName, Model], artifact: ArtifactRef) -> Model:
    """Return the model of that name; raise `NoSuchModel`, which lists the others, if none."""
    if artifact.model in models:
        return models[artifact.model]
    names = sorted(str(name) for name, each in models.items() if each.versions)
    raise NoSuchModel(
        f"model {artifact.model} not found: no annotated tag of {artifact.repository} names it",
        f"{did_you_mean(str(artifact.model), names)}Models: {listed(names)}"
        if names
        else "Register a version with GTO, and push its tag",
    )


def choose_version(
    model: Model, artifact: ArtifactRef, selector: Selector, prerelease: Prerelease
) -> Choice:
    """Return the version that `selector` means; raise `NoSuchModel`, which lists all, if none."""
    version = history.select(model, selector, prerelease)
    if version is not None:
        stage = stage_of(selector)
        previous, assignment = model.previous_in_stage(stage), model.assignment(stage)
        return Choice(version, previous, assignment, _holders(model, stage))
    if model.deprecated:
        raise NoSuchModel(f"{artifact} is deprecated", "Request another model")
    versions = [each.name for each in model.versions if each.registered]
    stages = sorted(model.stages)
    raise NoSuchModel(
        f"{selector} not found for {artifact.model} in the tags of {artifact.repository}",
        f"{_meant(selector, versions, stages)}Stages: {listed(stages)}."
        f" Versions: {listed(versions)}",
    )


def _meant(selector: Selector, versions: Sequence[str], stages: Sequence[str]) -> str:
    match selector:
        case AtVersion(version):
            return did_you_mean(version, versions)
        case AtStage(stage):
            return did_you_mean(stage, stages)
        case _:
            return ""


def listed(names: Sequence[str]) -> str:
    """Return the first few names and how many more there are; `none` if there are none."""
    return first_few(names, _SHOWN_NAMES) or "none"
