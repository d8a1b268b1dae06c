"""Which model is requested: what the inputs and the tag that triggered the run say together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from studio_action.ci.job import Job
from studio_action.errors import BadInput
from studio_action.gitrepo.gto import tags
from studio_action.gitrepo.gto.history import Prerelease
from studio_action.inputs import parsers
from studio_action.inputs.git_repository import (
    Origin,
    RepositoryLocation,
    read_location,
    read_repository,
)
from studio_action.inputs.lookup import Inputs, Value
from studio_action.inputs.policy import read_policy_file, read_requirements
from studio_action.inputs.studio import read_source_name
from studio_action.inputs.triggers import read_triggers
from studio_action.model.artifact import (
    ArtifactRef,
    AtStage,
    AtVersion,
    Latest,
    ModelName,
    Selector,
    version_or_range,
)
from studio_action.model.plan import Filters
from studio_action.model.repository_url import RepositoryUrl
from studio_action.policy.requirements import Requirements
from studio_action.policy.rollback import VersionLimits

if TYPE_CHECKING:
    from studio_action.gitrepo.signatures.requirement import TagSignature
    from studio_action.policy.rules import PolicyFile

IfNotFound = Literal["error", "warn", "ignore"]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """Which model is requested, and what follows where there is none.

    `folder` is the repository's own, where it is named by one; `required` is what inputs require
    of the version, and `policy_file` has more rules; `tag_signature` is what the signatures of its
    tags must be, None for anything. `tag` and `revision` are those of the version, where its
    registration triggered the run. `version_limits` says what the version must not be older than.
    """

    artifact: ArtifactRef
    selector: Selector
    filters: Filters
    if_not_found: IfNotFound
    prerelease: Prerelease = "include"
    folder: Path | None = None
    required: Requirements = field(default_factory=Requirements)
    policy_file: PolicyFile | None = None
    tag: str = ""
    revision: str = ""
    version_limits: VersionLimits = field(default_factory=VersionLimits)
    tag_signature: TagSignature | None = None

    @property
    def location(self) -> RepositoryLocation:
        """Return where the repository is."""
        return self.folder or RepositoryUrl.parse(self.artifact.repository)

    @property
    def is_held_to_policy(self) -> bool:
        """Return whether inputs name any policy, so that the repository's must be known, too."""
        named = (self.policy_file, self.tag_signature)
        return bool(self.required) or any(each is not None for each in named)


@dataclass(frozen=True, slots=True)
class Skip:
    """Nothing is to be fetched, for a reason that is no fault."""

    reason: str


def read_model_request(inputs: Inputs, job: Job, origin: Origin) -> ModelRequest | Skip:
    """Read inputs `source`, `repo`, `model`, `version`, `stage`, the filters and the triggers."""
    source = read_source_name(inputs)
    _refuse_both(inputs["version"], inputs["stage"])
    objection = read_triggers(inputs).objection(job.tag, tags.parse(job.tag))
    requested = Skip(objection) if objection else _model(inputs, job)
    if isinstance(requested, Skip):
        return requested
    model, selector, registered = requested
    location = read_location(inputs, job, origin) if source == "git" else None
    repository = location or read_repository(inputs, job, origin)
    return ModelRequest(
        ArtifactRef(str(repository), model),
        selector,
        Filters(parsers.entries(inputs["include"]), parsers.entries(inputs["exclude"])),
        cast(IfNotFound, parsers.choice(inputs["if-not-found"])),
        cast(Prerelease, parsers.choice(inputs["prerelease"])),
        location if isinstance(location, Path) else None,
        read_requirements(inputs),
        read_policy_file(inputs, job.workspace),
        job.tag if registered else "",
        job.revision if registered else "",
    )


def _model(inputs: Inputs, job: Job) -> tuple[ModelName, Selector, bool] | Skip:
    """Return the model and the selector, from the inputs or from the tag that triggered the run.

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
        return Skip(f"tag {job.tag} removes something, so there is nothing to download")
    model, tagged = chosen
    return model, selector or tagged, selector is None and isinstance(tagged, AtVersion)


def _selector(inputs: Inputs) -> Selector | None:
    version, stage = inputs["version"].text, inputs["stage"].text
    if version:
        return version_or_range(version)
    return AtStage.parse(stage) if stage else None


def _refuse_both(version: Value, stage: Value) -> None:
    if version.text and stage.text:
        raise BadInput(
            f"inputs version ({version.text!r}) and stage ({stage.text!r}) cannot be used together",
            "Give one of them, or neither for the latest version",
        )
