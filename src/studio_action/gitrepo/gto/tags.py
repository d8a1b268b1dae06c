"""GTO's tags: what a tag's name says about a model. Pure.

The grammar is GTO's, to the letter (`gto/constants.py`); a counter `#N` may follow each form and
means nothing but that the name is new:

    churn@v1.2.0    registered as a version     churn@v1.2.0!    no longer a version
    churn#prod#3    given to a stage            churn#prod!#4    taken from a stage
    churn@deprecated                            churn@created
    models=churn#prod    the same for a model of models/dvc.yaml
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from studio_action.errors import BadInput
from studio_action.model.artifact import AtStage, AtVersion, ModelName, Selector


@dataclass(frozen=True, slots=True)
class Registration:
    """The tagged commit becomes a version of the model."""

    model: ModelName
    version: str


@dataclass(frozen=True, slots=True)
class Deregistration:
    """The version no longer counts."""

    model: ModelName
    version: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """The version at the tagged commit gets the stage."""

    model: ModelName
    stage: str


@dataclass(frozen=True, slots=True)
class Unassignment:
    """The version at the tagged commit loses the stage."""

    model: ModelName
    stage: str


@dataclass(frozen=True, slots=True)
class Deprecation:
    """The model no longer counts, until a later tag revives it."""

    model: ModelName


@dataclass(frozen=True, slots=True)
class Creation:
    """The model exists; nothing more."""

    model: ModelName


Tag = Registration | Deregistration | Assignment | Unassignment | Deprecation | Creation

_TAG = re.compile(
    r"(?P<model>[^@#:=][^@#:]*)(?P<kind>[@#])(?P<word>[^@#!]+)(?P<cancelled>!?)(?:#[0-9]+)?",
)


def parse(name: str) -> Tag | None:
    """Return what the tag `name`, with or without `refs/tags/`, says; None if it is not GTO's.

    A folder that no repository can have (`../x=churn`) makes it not GTO's, too.
    """
    found = _TAG.fullmatch(name.removeprefix("refs/tags/"))
    if found is None:
        return None
    try:
        model = ModelName.parse(found["model"])
        return _event(model, found["kind"] + found["word"], cancelled=bool(found["cancelled"]))
    except BadInput:
        return None


def _event(model: ModelName, word: str, *, cancelled: bool) -> Tag | None:
    if word in ("@deprecated", "@created"):
        if cancelled:
            return None
        return Deprecation(model) if word == "@deprecated" else Creation(model)
    if word.startswith("@"):
        version = AtVersion.parse(word[1:]).version
        return Deregistration(model, version) if cancelled else Registration(model, version)
    stage = AtStage.parse(word[1:]).stage
    return Unassignment(model, stage) if cancelled else Assignment(model, stage)


def selection(tag: Tag) -> tuple[ModelName, Selector] | None:
    """Return what a run that `tag` triggered deploys; None if it cancels or only announces."""
    match tag:
        case Registration(model, version):
            return model, AtVersion(version)
        case Assignment(model, stage):
            return model, AtStage(stage)
        case Deregistration() | Unassignment() | Deprecation() | Creation():
            return None
