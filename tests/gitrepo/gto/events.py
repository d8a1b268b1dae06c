"""Tag histories in short: `m@v1.0.0 c1 5` is an annotated tag on the commit c1, five seconds on."""

from __future__ import annotations

from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import history
from studio_action.gitrepo.gto.history import Model
from studio_action.model.artifact import ModelName

M = ModelName("m")
START = 1_800_000_000


def commit(name: str) -> str:
    """The revision of a commit of that name, e.g. `c1`: 40 digits."""
    return name.removeprefix("c") * 40


def tagged(*events: str) -> list[TagRef]:
    """Tags in the order of time, a second apart where no second is given."""
    refs = []
    for number, event in enumerate(events):
        name, place, *second = event.split()
        when = START + int(second[0] if second else number)
        refs.append(TagRef(name, commit(place), when, annotated=True))
    return refs


def model(*events: str, name: ModelName = M) -> Model:
    return history.read(tagged(*events))[name]
