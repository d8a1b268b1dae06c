"""Which model is asked for: the inputs and the tag that triggered the run, as one question. Pure.

Everything wrong is refused here, before anything is sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

from studio_action import values
from studio_action.artifact import (
    ArtifactRef,
    AtStage,
    AtVersion,
    Latest,
    ModelName,
    Selector,
    SourceName,
)
from studio_action.ci.job import Job
from studio_action.download.plan import Filters
from studio_action.errors import BadInput
from studio_action.gitrepo import tags
from studio_action.gitrepo.history import Prerelease
from studio_action.gitrepo.program import Credential
from studio_action.inputs import Inputs, Value
from studio_action.policy import EVENTS, Triggers
from studio_action.repository import RepositoryUrl
from studio_action.versions import InRange

IfNotFound = Literal["error", "warn", "ignore"]
Origin = Callable[[], str]
"""Asks the checkout in the workspace for its remote `origin`; '' if there is none."""

Place = RepositoryUrl | Path
"""Where a repository is: at an address, or in a folder of this machine."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which model is asked for, and what follows where there is none.

    `folder` is the repository's own, where it is named by one; `branch` is the one that the
    version must be on, '' for any. `tag` and `revision` are those of the version, where its
    registration triggered the run.
    """

    artifact: ArtifactRef
    selector: Selector
    filters: Filters
    if_not_found: IfNotFound
    prerelease: Prerelease = "include"
    source: SourceName = "studio"
    folder: Path | None = None
    branch: str = ""
    tag: str = ""
    revision: str = ""

    @property
    def place(self) -> Place:
        """Where the repository is."""
        return self.folder or RepositoryUrl.parse(self.artifact.repository)


@dataclass(frozen=True, slots=True)
class Skip:
    """Nothing is to be fetched, for a reason that is no fault."""

    reason: str


def read_question(inputs: Inputs, job: Job, origin: Origin) -> Question | Skip:
    """Inputs `source`, `repo`, `model`, `version`, `stage`, the filters and `if-not-found`."""
    source = read_source(inputs)
    _refuse_both(inputs["version"], inputs["stage"])
    objection = _triggers(inputs).objection(job.tag, tags.parse(job.tag))
    asked = Skip(objection) if objection else _model(inputs, job)
    if isinstance(asked, Skip):
        return asked
    model, selector, registered = asked
    place = read_place(inputs, job, origin) if source == "git" else None
    repository = place or read_repository(inputs, job, origin)
    return Question(
        ArtifactRef(str(repository), model),
        selector,
        Filters(values.listed(inputs["include"]), values.listed(inputs["exclude"])),
        cast(IfNotFound, values.choice(inputs["if-not-found"])),
        cast(Prerelease, values.choice(inputs["prerelease"])),
        source,
        place if isinstance(place, Path) else None,
        _branch(inputs["require-ancestor-of"]),
        job.tag if registered else "",
        job.revision if registered else "",
    )


def read_source(inputs: Inputs) -> SourceName:
    """Input `source`; `auto` is Studio if a token or a URL of it was given, else Git."""
    source = values.choice(inputs["source"])
    if source == "auto":
        return "studio" if _studio_given(inputs) else "git"
    return cast(SourceName, source)


def source_told(inputs: Inputs) -> str:
    """Which source is asked, and why, for the log."""
    if values.choice(inputs["source"]) != "auto":
        return f"Source {inputs['source'].text}, as it was asked for"
    if given := _studio_given(inputs):
        return f"Source studio, because {given} was given"
    return "Source git, because neither a token nor a studio-url was given"


def _studio_given(inputs: Inputs) -> str:
    names = ("token", "token-file", "studio-url")
    return next((f"input {name}" for name in names if inputs[name].given), "")


def read_credential(inputs: Inputs, job: Job, address: RepositoryUrl) -> Credential | None:
    """Input `git-token`, for the Git server at `address` alone.

    A job's own token, which GitHub hands to every step that does not say otherwise, is for the
    job's own server.
    """
    given = inputs["git-token"]
    parts = urlsplit(address.fetched(job.server))
    origin = f"{parts.scheme}://{parts.netloc}"
    of_job = given.origin in ("GITHUB_TOKEN", "CI_JOB_TOKEN") or given.text.startswith("ghs_")
    if not given.text or (of_job and urlsplit(job.server).netloc != parts.netloc):
        return None
    user = "gitlab-ci-token:" if given.origin == "CI_JOB_TOKEN" else ""
    return Credential(origin, user + given.text)


def read_place(inputs: Inputs, job: Job, origin: Origin) -> Place:
    """Input `repo`, which may also be a folder of this machine."""
    return _folder(inputs["repo"], job) or read_repository(inputs, job, origin)


def read_repository(inputs: Inputs, job: Job, origin: Origin) -> RepositoryUrl:
    """Input `repo`, else this job's repository, else where the checkout came from."""
    given = inputs["repo"].text or job.repository or origin()
    if not given:
        raise BadInput(
            "input repo is missing, and neither the job nor a checkout tells the repository",
            "Give repo, e.g. owner/name or https://gitlab.example.org/group/name.git",
        )
    return RepositoryUrl.parse(given)


def _model(inputs: Inputs, job: Job) -> tuple[ModelName, Selector, bool] | Skip:
    """The model and the selector, from the inputs or from the tag that triggered the run.

    The flag says whether that tag registered the very version.
    """
    selector = _selector(inputs)
    if inputs["model"].text:
        return ModelName.parse(inputs["model"].text), selector or Latest(), False
    tag = tags.parse(job.tag) if job.tag else None
    if tag is None:
        run = f"tag {job.tag!r} is not GTO's" if job.tag else "no tag triggered this run"
        raise BadInput(f"input model is missing ({run})", "Give model, e.g. churn or path/to:churn")
    chosen = tags.selection(tag)
    if chosen is None:
        return Skip(f"tag {job.tag} takes something back, so there is nothing to fetch")
    model, tagged = chosen
    return model, selector or tagged, selector is None and isinstance(tagged, AtVersion)


def _folder(repo: Value, job: Job) -> Path | None:
    """The folder that `repo` names; None where it is no path."""
    if repo.text.startswith(("/", "./", "../")) or repo.text in (".", ".."):
        return (job.workspace / repo.text).resolve()
    return None


def _branch(value: Value) -> str:
    branch = values.one_line(value).removeprefix("refs/heads/").removeprefix("origin/")
    if re.search(r"[\s~^:?*\[\\]|\.\.|\A-|//|@\{|\A/|[/.]\Z", branch):
        raise value.refuse("is not a branch's name")
    return branch


def _triggers(inputs: Inputs) -> Triggers:
    events = values.listed(inputs["on-event"])
    for event in events:
        if event not in EVENTS:
            raise inputs["on-event"].refuse(f"has {event!r}, not one of {', '.join(EVENTS)}")
    return Triggers(values.listed(inputs["on-model"]), events, values.listed(inputs["on-stage"]))


def _selector(inputs: Inputs) -> Selector | None:
    version, stage = inputs["version"].text, inputs["stage"].text
    if version:
        whole = re.fullmatch(r"v?\d+\.\d+\.\d+([-+].*)?", version)
        return AtVersion.parse(version) if whole else InRange.parse(version)
    return AtStage.parse(stage) if stage else None


def _refuse_both(version: Value, stage: Value) -> None:
    if version.text and stage.text:
        raise BadInput(
            f"inputs version ({version.text!r}) and stage ({stage.text!r}) exclude each other",
            "Give one of them, or neither for the latest version",
        )
