"""Which tag gives a stage to a version, and what that changes. Pure.

The name is the one that `gto assign` would choose: a counter that is higher than that of every
other tag of the model (`gto/tag.py`, `name_tag`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from studio_action.errors import BadInput, NoSuchModel
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import history, tags
from studio_action.gitrepo.gto.history import Model, Version
from studio_action.model.artifact import ModelName
from studio_action.model.versions import is_older
from studio_action.text import did_you_mean, first_few

_COUNTER = re.compile(r"#(?P<number>[0-9]{1,18})")
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Promotion:
    """A stage that is to be given to a version; `before` holds it now, None for nobody."""

    model: ModelName
    stage: str
    version: Version
    before: Version | None
    tag: str

    @property
    def message(self) -> str:
        """Return the message of the tag, as GTO writes it."""
        return (
            f"Assigning stage {self.stage} to artifact {self.model} version {self.version.name}\n"
        )

    @property
    def is_roll_back(self) -> bool:
        """Return whether the version is older than the one that holds the stage."""
        before = self.before
        return before is not None and before.registered and is_older(self.version.name, before.name)

    def made(self, when: int, email: str) -> TagRef:
        """Return the tag as it will be, made at `when`, in seconds since 1970."""
        return TagRef(self.tag, self.version.revision, when, annotated=True, email=email)


def promote(refs: Iterable[TagRef], name: ModelName, stage: str, version: str) -> Promotion:
    """Return what gives `stage` to `version`.

    Raises `NoSuchModel` for a model or version that is not registered, `BadInput` if the version
    holds the stage already.
    """
    refs = list(refs)
    model = _model(refs, name)
    wanted = model.at_version(version)
    if wanted is None or not wanted.registered:
        names = [each.name for each in model.versions if each.registered]
        raise NoSuchModel(
            f"version {version} not found for {name}",
            f"{did_you_mean(version, names)}Versions: {first_few(names, _SHOWN) or 'none'}",
        )
    return _planned(refs, model, stage, wanted)


def roll_back(refs: Iterable[TagRef], name: ModelName, stage: str) -> Promotion:
    """Return what gives `stage` back to the version that held it before.

    Raises `NoSuchModel` for a model that is not registered, or if there was no version before.
    """
    refs = list(refs)
    model = _model(refs, name)
    earlier = model.previous_in_stage(stage)
    if earlier is None or not earlier.registered:
        raise NoSuchModel(
            f"stage {stage} of {name} has no earlier version",
            f"Stages: {first_few(sorted(model.stages), _SHOWN) or 'none'}."
            " Name a version with `studio-action promote`",
        )
    return _planned(refs, model, stage, earlier)


def check_effect(refs: Iterable[TagRef], planned: Promotion, made: TagRef) -> None:
    """Raise `BadInput` if the stage would not be the version's once the tag is there."""
    after = history.read([*refs, made])[planned.model].in_stage(planned.stage)
    if after is None or after.name != planned.version.name:
        holder = after.name if after else "nobody"
        raise BadInput(
            f"tag {planned.tag} would leave stage {planned.stage} with {holder}, not"
            f" {planned.version.name}",
            "Is the commit registered as several versions, or is a tag dated in the future?"
            " `studio-action doctor` says so",
        )


def next_counter(refs: Iterable[TagRef], name: ModelName) -> int:
    """Return a counter that no tag of the model has, annotated or not."""
    found = (
        _COUNTER.fullmatch(ref.name, ref.name.rfind("#"))
        for ref in refs
        if "#" in ref.name and (tag := tags.parse(ref.name)) is not None and tag.model == name
    )
    return max((int(each["number"]) for each in found if each), default=0) + 1


def _model(refs: list[TagRef], name: ModelName) -> Model:
    models = history.read(refs)
    if name not in models or not models[name].versions:
        names = sorted(str(each) for each, model in models.items() if model.versions)
        raise NoSuchModel(
            f"model {name} not found: no annotated tag registers it",
            f"{did_you_mean(str(name), names)}Models: {first_few(names, _SHOWN) or 'none'}",
        )
    return models[name]


def _planned(refs: list[TagRef], model: Model, stage: str, wanted: Version) -> Promotion:
    before = model.in_stage(stage)
    if before is not None and before.name == wanted.name:
        raise BadInput(f"stage {stage} of {model.name} is {wanted.name} already")
    written = str(model.name).replace(":", "=")
    tag = f"{written}#{stage}#{next_counter(refs, model.name)}"
    return Promotion(model.name, stage, wanted, before, tag)
