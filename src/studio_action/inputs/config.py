"""What one run is to do, as one frozen value; nothing below it sees inputs or the environment.

Everything wrong is refused here, before anything is sent; the error names the input and where its
value came from. What is read besides: the files that inputs name, and the checkout's `origin`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, cast

from studio_action.ci.job import Job
from studio_action.download.base import Verify
from studio_action.gitrepo import checkout
from studio_action.inputs import parsers
from studio_action.inputs.git_repository import (
    GitAccess,
    Origin,
    RepositoryLocation,
    read_git_access,
    read_location,
    read_repository,
)
from studio_action.inputs.lookup import Inputs, Value
from studio_action.inputs.model_request import ModelRequest, Skip, read_model_request
from studio_action.inputs.network import NetworkOptions, read_limits, read_network
from studio_action.inputs.outputs_table import CREATE, DOCTOR, DOWNLOAD, RESOLVE, SERVER_DOCTOR
from studio_action.inputs.previous import Previous, read_previous
from studio_action.inputs.signature import read_sha256, read_signature
from studio_action.inputs.studio import (
    Keyless,
    Source,
    Studio,
    read_keyless,
    read_source,
    read_studio,
)
from studio_action.inputs.tag_signature import read_tag_signature
from studio_action.inputs.version_limits import read_version_limits
from studio_action.model.plan import Layout
from studio_action.net.clock import Limits
from studio_action.studio.api import NewProject
from studio_action.workspace.workspace import Workspace

if TYPE_CHECKING:
    from studio_action.signature.policy import SignaturePolicy

MOST_CONNECTIONS = 256


@dataclass(frozen=True, slots=True)
class Reports:
    """Files and a folder for the outputs, besides the CI system's own."""

    json: Path | None = None
    env: Path | None = None
    dir: Path | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the files are to come into the workspace.

    `expected_sha256` is that of the one file, hexadecimal, '' for any; `signature` says who must
    have signed the model, None for nobody. `prune` removes what the model no longer has; with
    `dry_run`, the workspace stays as it is.
    """

    dest: PurePath
    layout: Layout
    overwrite: bool
    verify: Verify
    connections: int
    cache_dir: PurePath | None = None
    expected_sha256: str = ""
    signature: SignaturePolicy | None = None
    ml_bom: bool = False
    prune: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Download:
    """Bring a model's files into the workspace; `previous` is what the pipeline had before."""

    request: ModelRequest
    source: Source
    previous: Previous | None
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Resolve:
    """Answer the same without downloading; `urls_file` receives the signed URLs."""

    request: ModelRequest
    source: Source
    previous: Previous | None
    urls_file: Path | None


@dataclass(frozen=True, slots=True)
class DownloadModels:
    """Bring the files of several models, by their names, into the workspace: all or none."""

    downloads: Mapping[str, Download]


@dataclass(frozen=True, slots=True)
class ResolveModels:
    """Answer for several models, by their names; `urls_file` receives all signed URLs."""

    resolves: Mapping[str, Resolve]
    urls_file: Path | None


@dataclass(frozen=True, slots=True)
class ListModels:
    """Answer for every model of a repository that has what is wanted; `like` has any name."""

    like: Resolve


@dataclass(frozen=True, slots=True)
class CreateProject:
    """Create a project of a repository."""

    project: NewProject
    studio: Studio


@dataclass(frozen=True, slots=True)
class Examine:
    """Look at a repository's models, and at what is wrong with them."""

    location: RepositoryLocation


@dataclass(frozen=True, slots=True)
class ExamineServer:
    """Look at what a job needs to read a repository from a server without a stored secret.

    `repository` is '' where nothing names one.
    """

    keyless: Keyless
    repository: str


ModelTask = Download | Resolve
Task = (
    ModelTask
    | DownloadModels
    | ResolveModels
    | ListModels
    | CreateProject
    | Examine
    | ExamineServer
    | Skip
)


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What one run is to do: `task` is what `command` comes to.

    `environ` is the job's environment, for git, ssh and the libraries of cloud storage, which look
    for credentials there.
    """

    command: str
    task: Task
    job: Job
    workspace: Workspace
    limits: Limits
    network: NetworkOptions
    reports: Reports
    git_access: GitAccess
    environ: Mapping[str, str] = field(repr=False)

    @classmethod
    def from_inputs(cls, command: str, inputs: Inputs, job: Job) -> RunConfig:
        """Read what `command` takes; raise `BadInput` or `WorkspaceRefused` for what is wrong.

        A run that is skipped reads no token and no file. The deadline begins to count here.
        """
        limits = read_limits(inputs)
        _check_presentation(inputs)
        workspace = Workspace.at(job.workspace)
        task, network = _read_task(command, inputs, job, workspace)
        return cls(
            command,
            task,
            job,
            workspace,
            limits,
            network,
            read_reports(inputs, workspace)
            if command not in (DOCTOR, SERVER_DOCTOR)
            else Reports(),
            read_git_access(inputs, job),
            inputs.environ,
        )


def _read_task(
    command: str, inputs: Inputs, job: Job, workspace: Workspace
) -> tuple[Task, NetworkOptions]:
    """Read what is to be done and how the network is used, in the order of the error messages."""
    origin = partial(checkout.origin, workspace.root, inputs.environ)
    if command == DOCTOR:
        return Examine(read_location(inputs, job, origin)), read_network(inputs)
    if command == SERVER_DOCTOR:
        keyless = read_keyless(inputs, job)
        return ExamineServer(keyless, _repository(inputs, job, origin)), read_network(inputs)
    if command == CREATE:
        project = read_new_project(inputs, job, origin)
        network = read_network(inputs)
        return CreateProject(project, read_studio(inputs, job)), network
    task = _read_models(command, inputs, job, workspace)
    return task, NetworkOptions() if isinstance(task, Skip) else read_network(inputs)


def _read_models(command: str, inputs: Inputs, job: Job, workspace: Workspace) -> Task:
    """Read which models are requested: one, those that input `models` lists, or any."""
    if not inputs["models"].given and command != RESOLVE:
        return _read_model(command, inputs, job, workspace)

    from studio_action.inputs.several import (  # late: a usual step downloads one model
        ANY_MODEL,
        check_destinations,
        names_no_model,
        of_entry,
        read_entries,
    )

    if not inputs["models"].given:
        if names_no_model(inputs, job):
            like = _read_model(command, inputs.of_entry({"model": ANY_MODEL}), job, workspace)
            return like if isinstance(like, Skip) else ListModels(cast(Resolve, like))
        return _read_model(command, inputs, job, workspace)
    tasks: dict[str, ModelTask] = {}
    for entry in read_entries(inputs):
        task = of_entry(entry, lambda own: _read_model(command, own, job, workspace), inputs)
        if isinstance(task, Skip):  # the tag that triggered the run is none of ours
            return task
        tasks[entry.name] = task
    if command == RESOLVE:
        resolves = {name: each for name, each in tasks.items() if isinstance(each, Resolve)}
        return ResolveModels(resolves, _file(inputs["urls-file"], workspace))
    downloads = {name: each for name, each in tasks.items() if isinstance(each, Download)}
    check_destinations(
        {
            name: (each.request.artifact, each.delivery.dest, each.delivery.layout)
            for name, each in downloads.items()
        }
    )
    return DownloadModels(downloads)


def _read_model(
    command: str, inputs: Inputs, job: Job, workspace: Workspace
) -> Download | Resolve | Skip:
    """Read what is to be done for one model."""
    origin = partial(checkout.origin, workspace.root, inputs.environ)
    request = read_model_request(inputs, job, origin)
    if isinstance(request, Skip):
        return request
    limits = read_version_limits(inputs, job, request.artifact, workspace)
    request = replace(request, version_limits=limits)
    request = replace(request, tag_signature=read_tag_signature(inputs, workspace))
    previous = read_previous(inputs, workspace)
    source = read_source(inputs, job)
    if command == DOWNLOAD:
        return Download(request, source, previous, read_delivery(inputs))
    return Resolve(request, source, previous, _file(inputs["urls-file"], workspace))


def read_reports(inputs: Inputs, workspace: Workspace) -> Reports:
    """Read inputs `output-json`, `output-env` and `output-dir`."""
    return Reports(
        _file(inputs["output-json"], workspace),
        _file(inputs["output-env"], workspace),
        _file(inputs["output-dir"], workspace),
    )


def _check_presentation(inputs: Inputs) -> None:
    """Refuse wrong values of `format`, `quiet` and `verbose`, which the command line reads."""
    parsers.choice(inputs["format"])
    parsers.flag(inputs["quiet"])
    parsers.flag(inputs["verbose"])


def read_delivery(inputs: Inputs) -> Delivery:
    """Read `dest`, `layout`, `overwrite`, `verify`, `connections`, `cache-dir` and signatures."""
    return Delivery(
        parsers.path(inputs["dest"]) or PurePath(),
        cast(Layout, parsers.choice(inputs["layout"])),
        parsers.flag(inputs["overwrite"]),
        cast(Verify, parsers.choice(inputs["verify"])),
        parsers.count(inputs["connections"], 1, MOST_CONNECTIONS),
        parsers.path(inputs["cache-dir"]),
        read_sha256(inputs["expected-sha256"]),
        read_signature(inputs),
        parsers.flag(inputs["ml-bom"]),
        parsers.flag(inputs["prune"]),
        parsers.flag(inputs["dry-run"]),
    )


def read_new_project(inputs: Inputs, job: Job, origin: Origin) -> NewProject:
    """Read inputs `repo`, `project-name`, `team-name`, `subdir` and `public`."""
    return NewProject(
        read_repository(inputs, job, origin).clone_url(job.server),
        parsers.one_line(inputs["project-name"]),
        parsers.one_line(inputs["team-name"]),
        _subdir(inputs["subdir"]),
        parsers.flag(inputs["public"]),
    )


def _repository(inputs: Inputs, job: Job, origin: Origin) -> str:
    named = inputs["repo"].text or job.repository or origin()
    return str(read_repository(inputs, job, origin)) if named else ""


def _file(value: Value, workspace: Workspace) -> Path | None:
    """Return where a file is to be written; None for an input that was not given."""
    path = parsers.path(value)
    return workspace.place(path) if path else None


def _subdir(value: Value) -> str:
    subdir = parsers.one_line(value).rstrip("/")
    if subdir.startswith("/") or "\\" in subdir or ".." in subdir.split("/"):
        raise value.refuse("is not a folder of the repository", "Write it relative to its root")
    return subdir
