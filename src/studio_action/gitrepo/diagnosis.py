"""What is wrong with a repository's tags, and where GTO's and DVC's own tools would disagree. Pure.

`gto show` and `dvc artifacts get` read the same tags in two ways: DVC takes the newest tag of a
stage or a version even where it takes something back, and knows no deprecation (dvc,
`repo/artifacts.py`). Where a stage was unassigned, `dvc artifacts get --stage` still deploys it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from studio_action.artifact import ModelName
from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo import tags
from studio_action.gitrepo.history import Model, TagRef, Version
from studio_action.gitrepo.project import Files, Project
from studio_action.gitrepo.tags import (
    Assignment,
    Creation,
    Deregistration,
    Registration,
    Tag,
    Unassignment,
)
from studio_action.gitrepo.telling import broken_in
from studio_action.versions import semantic

Severity = Literal["note", "warning", "error"]
"""`note`: good to know; `warning`: somebody may deploy what was not meant; `error`: broken."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is worth a look, about one model or, without, the repository."""

    severity: Severity
    model: str
    text: str


def of_tags(refs: Iterable[TagRef], models: Mapping[ModelName, Model]) -> Iterator[Finding]:
    """What the tags themselves show, in the order of the models' names."""
    read = [(ref, tag) for ref in refs if (tag := tags.parse(ref.name)) is not None]
    yield from _unusable(read)
    for name in sorted(models, key=str):
        ours = [(ref, tag) for ref, tag in read if ref.annotated and tag.model == name]
        yield from (Finding("warning", str(name), text) for text in models[name].warnings)
        yield from _disagreements(models[name], ours)


def of_files(
    models: Mapping[ModelName, Model], files_at: Callable[[str], Files]
) -> Iterator[Finding]:
    """DVC's files that cannot be read, in the projects of the models' latest versions.

    `files_at` gives the files of a commit.
    """
    seen: set[tuple[str, str]] = set()
    for name in sorted(models, key=str):
        latest = models[name].latest()
        if latest is None:
            continue
        try:
            project = Project.around(name.folder, files_at(latest.revision))
            if (latest.revision, project.top) not in seen:
                seen.add((latest.revision, project.top))
                for broken in broken_in(project):
                    yield Finding("warning", "", f"{broken.why.message}: `dvc` itself stops at it")
        except UnexpectedAnswer as error:
            yield Finding("warning", str(name), str(error))


def _unusable(read: list[tuple[TagRef, Tag]]) -> Iterator[Finding]:
    for ref, tag in read:
        if not ref.annotated:
            yield Finding(
                "warning",
                str(tag.model),
                f"tag {ref.name} is a lightweight one, which does not count: make it with gto",
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
                f"stage {stage} is {_shown(ours)} by `gto show`, and by `dvc artifacts get`"
                f" the commit {newest.revision[:7]} of tag {newest.name}",
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
            f"the latest version is {_shown(ours)} by `gto show`, and {highest} by"
            " `dvc artifacts get`",
        )


def _age(each: tuple[TagRef, Tag]) -> tuple[int, str]:
    return each[0].when, each[0].name


def _shown(version: Version | None) -> str:
    return version.name if version else "none"
