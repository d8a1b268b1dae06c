"""A registry as a team has it, whose pages are looked at, measured and kept as pictures."""

from __future__ import annotations

from datetime import timedelta

from studio_action.gitrepo.dvc.annotations import Annotation
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.model.artifact import ModelName
from tests.server.site import Site, catalogue, day, tag

NAMES = (
    *("churn", "fraud/card-present", "fraud/online", "models/churn:chu/rn", "demand-forecast"),
    *("recommender/home", "recommender/basket", "search-ranking", "models/nlp:sentiment"),
    *("models/nlp:entities", "models/vision:segmenter", "models/vision:ocr", "pricing", "returns"),
)
TYPES = ("model", "model", "network")
LABELS = (("tabular", "gbm"), ("text",), ("images", "gpu"))


def refs() -> list[TagRef]:
    """Fourteen models with some versions and stages each."""
    found: list[TagRef] = []
    for number, name in enumerate(NAMES):
        path = name.replace(":", "=")
        for minor in range(2 + number % 4):
            when = day(1 + number) + timedelta(days=20 * minor)
            commit = f"{number + minor:x}"[-1]
            found.append(tag(f"{path}@v1.{minor}.0", commit, when))
            if number % 5 != 4:
                stage = ("staging", "prod")[minor % 2]
                later = when + timedelta(days=2, hours=3)
                found.append(tag(f"{path}#{stage}#{minor + 1}", commit, later, by="Grace Example"))
    return found


def furnish(here: Site) -> str:
    """Put the models into a site; gives the path of their project's page."""
    here.models.answers["acme/models"] = catalogue(here.calendar(), *refs())
    here.models.said["acme/models"] = {
        ModelName.parse(name): Annotation(
            TYPES[number % 3], LABELS[number % 3], f"What {name} is for, in a sentence or two."
        )
        for number, name in enumerate(NAMES)
    }
    return here.project("Customer models").path
