"""What is wrong with a repository's tags and files, and where GTO's and DVC's tools disagree. Pure.

`gto show` and `dvc artifacts get` read the same tags in two ways: DVC takes the newest tag of a
stage or a version even where it takes something back, and knows no deprecation (dvc,
`repo/artifacts.py`). Where a stage was unassigned, `dvc artifacts get --stage` still deploys it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.dvc.output_index import broken_files
from studio_action.gitrepo.dvc.project import Files, Project
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import tags
from studio_action.gitrepo.gto.history import Model, Version
from studio_action.gitrepo.gto.tags import (
    Assignment,
    Creation,
    Deregistration,
    Registration,
    Tag,
    Unassignment,
)
from studio_action.model.artifact import ModelName
from studio_action.model.versions import semantic

Severity = Literal["note", "warning", "error"]
"""`note`: good to know; `warning`: somebody may deploy what was not meant; `error`: broken."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is worth a look, about one model or, without, the repository."""

    severity: Severity
    model: str
    text: str


def check_tags(refs: Iterable[TagRef], models: Mapping[ModelName, Model]) -> Iterator[Finding]:
    """Yield what the tags themselves show, in the order of the models' names."""
    read = [(ref, tag) for ref in refs if (tag := tags.parse(ref.name)) is not None]
    yield from _unusable(read)
    for name in sorted(models, key=str):
        ours = [(ref, tag) for ref, tag in read if ref.annotated and tag.model == name]
        yield from (Finding("warning", str(name), text) for text in models[name].warnings)
        yield from _disagreements(models[name], ours)


def check_model(refs: Iterable[TagRef], model: Model) -> Iterator[Finding]:
    """Yield what the tags show about one model; `refs` may be those of the whole repository."""
    name = model.name
    start = f"{name.folder}={name.name}" if name.folder else name.name
    own = [ref for ref in refs if ref.name.startswith((f"{start}@", f"{start}#"))]
    yield from check_tags(own, {name: model})


def check_files(
    models: Mapping[ModelName, Model], files_at: Callable[[str], Files]
) -> Iterator[Finding]:
    """Yield DVC's files that cannot be read where a latest version is, or one that holds a stage.

    `files_at` gives the files of a commit. We leave such a file out where a model is told of
    elsewhere; DVC answers nothing. Each is told once, however many commits have it.
    """
    told: set[tuple[str, str]] = set()
    for revision in dict.fromkeys(_revisions(models)):
        for path, fault in _broken(files_at(revision)):
            key = path, fault.replace(revision[:7], "")
            if key not in told:
                told.add(key)
                yield Finding("warning", "", f"{fault}; `dvc` fails on it")


def _broken(files: Files) -> list[tuple[str, str]]:
    """Return the path of each broken file, and what is wrong with it."""
    try:
        return [(each.path, each.why.message) for each in broken_files(Project(files, ""))]
    except UnexpectedAnswer as error:  # more than can be looked through
        return [("", error.message)]


def _revisions(models: Mapping[ModelName, Model]) -> Iterator[str]:
    for name in sorted(models, key=str):
        model = models[name]
        held = (model.in_stage(stage) for stage in sorted(model.stages))
        yield from (each.revision for each in (model.latest(), *held) if each is not None)


def _unusable(read: list[tuple[TagRef, Tag]]) -> Iterator[Finding]:
    for ref, tag in read:
        if not ref.annotated:
            yield Finding(
                "warning",
                str(tag.model),
                f"tag {ref.name} is lightweight and ignored; create it with `gto`",
            )
        if isinstance(tag, Creation):
            yield Finding(
                "warning", str(tag.model), f"tag {ref.name} makes every `gto show` fail (KeyError)"
            )


def _disagreements(model: Model, read: list[tuple[TagRef, Tag]]) -> Iterator[Finding]:
    stages = {
        tag.stage: ref
        for ref, tag in sorted(read, key=_age)
        if isinstance(tag, (Assignment, Unassignment))
    }
    for stage, newest in sorted(stages.items()):
        ours = model.in_stage(stage)
        if ours is None or ours.revision != newest.revision:
            yield Finding(
                "warning",
                str(model.name),
                f"stage {stage}: gto says {_shown(ours) or 'unassigned'}; DVC would deploy"
                f" {newest.revision[:7]} (tag {newest.name})",
            )
    yield from _latest(model, read)


def _latest(model: Model, read: list[tuple[TagRef, Tag]]) -> Iterator[Finding]:
    named = {
        tag.version: ref
        for ref, tag in sorted(read, key=_age)
        if isinstance(tag, (Registration, Deregistration))
    }
    if not named:
        return
    highest = max(named, key=lambda version: semantic(version).precedence_key)
    ours = model.latest()
    if ours is None or ours.revision != named[highest].revision:
        yield Finding(
            "warning",
            str(model.name),
            f"latest version: gto says {_shown(ours) or 'none'}; DVC would deploy {highest}",
        )


def _age(each: tuple[TagRef, Tag]) -> tuple[int, str]:
    return each[0].when, each[0].name


def _shown(version: Version | None) -> str:
    return version.name if version else ""
