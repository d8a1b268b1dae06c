"""The tags that decide what a request resolves to. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import history
from studio_action.gitrepo.gto.history import Model
from studio_action.model.artifact import Resolution


def deciding_tags(refs: Iterable[TagRef], found: Resolution) -> tuple[TagRef, ...]:
    """Return the annotated tags of a repository that say what `found` says; none if they do not.

    The first one registers the version; with a stage, the last one assigns it. A commit that is
    not registered has its assignment alone. They do not say so where another version or commit
    holds the stage by now, or where the version is another commit.
    """
    model = history.read(refs).get(found.artifact.model)
    if model is None:
        return ()
    return _of_stage(model, found) if found.stage else _of_version(model, found)


def _of_stage(model: Model, found: Resolution) -> tuple[TagRef, ...]:
    version, assignment = model.in_stage(found.stage), model.assignment(found.stage)
    if version is None or assignment is None:
        return ()
    if (version.name, version.revision) != (found.version or found.revision, found.revision):
        return ()
    return (version.ref, assignment) if version.registered else (assignment,)


def _of_version(model: Model, found: Resolution) -> tuple[TagRef, ...]:
    wanted = (found.version or found.revision, found.revision)
    matching = (each.ref for each in model.versions if (each.name, each.revision) == wanted)
    return tuple(matching)[:1]
