"""How the inputs of a run become those of each of several models."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import TypeVar

from studio_action.ci.job import Job
from studio_action.errors import BadInput, StudioActionError
from studio_action.gitrepo.gto import tags
from studio_action.inputs import models
from studio_action.inputs.lookup import Inputs
from studio_action.inputs.models import ModelEntry
from studio_action.model.artifact import ArtifactRef
from studio_action.model.plan import Layout

ANY_MODEL = "any"
"""The name of the model in a request for all of them, which stands for each."""

_OF_ONE = ("previous-manifest", "previous-digest", "not-older-than", "expected-sha256", "signature")
"""What can be true of one model only."""

T = TypeVar("T")


def names_no_model(inputs: Inputs, job: Job) -> bool:
    """Return whether neither an input nor the tag that triggered the run names a model."""
    return not inputs["model"].text and tags.parse(job.tag) is None


def read_entries(inputs: Inputs) -> tuple[ModelEntry, ...]:
    """Read input `models`; raise `BadInput` beside inputs that are about one model."""
    if inputs["model"].given:
        raise BadInput("inputs model and models cannot be used together", "Give one of them")
    entries = models.parse(inputs["models"].text)
    for name in _OF_ONE:
        shared = [each for each in entries if name not in each.inputs]
        if inputs[name].given and shared and len(entries) > 1:
            raise BadInput(
                f"input {name} is about one model, and models lists {len(entries)}",
                f"Write it in models, as the key {name} of the one",
            )
    return entries


def of_entry(entry: ModelEntry, read: Callable[[Inputs], T], inputs: Inputs) -> T:
    """Return what `read` makes of one model's inputs; a failure says which model it is about."""
    try:
        return read(inputs.of_entry(entry.inputs))
    except StudioActionError as error:
        message = error.message.removeprefix("input ").replace(" (from models)", "", 1)
        raise type(error)(f"models, {entry.name}: {message}", error.hint) from error


Destination = tuple[ArtifactRef, PurePath, Layout]
"""A model, and where its files go."""


def check_destinations(destinations: Mapping[str, Destination]) -> None:
    """Raise `BadInput` if two models would lie in one folder, as far as that is certain now."""
    seen: dict[object, str] = {}
    for name, (artifact, dest, layout) in destinations.items():
        place = posixpath.normpath(dest.as_posix())
        keys = [(artifact, place)] if layout == "repo" else [(artifact, place), (layout, place)]
        for key in keys:
            if key in seen:
                raise BadInput(
                    f"input models: {seen[key]} and {name} have one destination, {place!r}",
                    "Give each a dest of its own, e.g. churn@prod -> models/churn",
                )
        seen |= dict.fromkeys(keys, name)
