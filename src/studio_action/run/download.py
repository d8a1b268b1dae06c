"""The use case: models' files come into the workspace, and the next step learns what it got."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import chain

from studio_action.ci.base import Platform
from studio_action.ci.job import Job
from studio_action.download.base import Downloader, Fetched, Progress
from studio_action.download.existing import Landing
from studio_action.inputs.config import Delivery
from studio_action.inputs.model_request import ModelRequest
from studio_action.inputs.previous import Previous
from studio_action.model.digest import Digest
from studio_action.net.clock import Deadline
from studio_action.outputs import manifest, report
from studio_action.outputs.earlier import Earlier
from studio_action.policy.policy import Policy
from studio_action.registries.base import Registry
from studio_action.run import records
from studio_action.run.earlier_records import earlier_of, pruning_lines, removals, stale_files
from studio_action.run.preparing import Prepared, Verifier, prepare
from studio_action.run.resolving import resolve
from studio_action.run.together import about, check_places, fetch
from studio_action.text import human_size, human_time
from studio_action.workspace.placing import Move, place_files
from studio_action.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Delivered:
    """A finished download, and the paths of its records, relative to the workspace, by outputs.

    `earlier` is what the last run placed for the model; None if there was none.
    """

    download: manifest.Download
    records: Mapping[str, str]
    earlier: Earlier | None = None

    def outputs(self, previous: Previous | None = None) -> dict[str, str]:
        """Return what later steps get; `previous` is what they had before."""
        return report.download_outputs(self.download, self.records, previous)


@dataclass(frozen=True, slots=True)
class Start:
    """When a download began: the time of day, and the clock's own."""

    day: datetime
    clock: float

    @classmethod
    def now(cls, deadline: Deadline) -> Start:
        """Return this moment."""
        return cls(datetime.now(timezone.utc), deadline.clock.now())


def download(
    request: ModelRequest,
    delivery: Delivery,
    *,
    registry: Registry,
    policy: Policy,
    downloader: Downloader,
    workspace: Workspace,
    platform: Platform,
    progress: Progress,
    deadline: Deadline,
    job: Job,
    verifier: Verifier | None = None,
) -> Delivered:
    """Bring one model into the workspace, whole and verified, and keep a record of it.

    `verifier` makes what verifies a signature. Where one is required, nothing is placed that it
    does not cover.
    """
    start = Start.now(deadline)
    workspace.inside(delivery.dest)  # refused before anything is requested
    found = resolve(request, registry=registry, policy=policy, platform=platform)
    prepared = prepare(
        found,
        request,
        delivery,
        registry=registry,
        workspace=workspace,
        platform=platform,
        deadline=deadline,
        verifier=verifier,
    )
    delivered = deliver(
        {"": prepared},
        downloader=downloader,
        workspace=workspace,
        platform=platform,
        progress=progress,
        start=start,
        deadline=deadline,
        job=job,
    )
    return delivered[""]


def deliver(
    models: Mapping[str, Prepared],
    *,
    downloader: Downloader,
    workspace: Workspace,
    platform: Platform,
    progress: Progress,
    start: Start,
    deadline: Deadline,
    job: Job,
) -> dict[str, Delivered]:
    """Bring models into the workspace, all of them or none, and keep a record of each.

    They are named by what messages call them: '' where there is but one.
    """
    if not models:
        return {}
    check_places(models, workspace)
    pruning = [each for each in models.values() if each.delivery.prune]
    stale = stale_files(pruning, workspace, platform.warning)
    with platform.group(_title(models.values())):
        fetched = fetch(models, downloader, progress)
        digests = {}
        for name, each in models.items():
            with about(name):
                digests[name] = each.check(fetched[name])
        every = (moves(each, fetched[name]) for name, each in models.items())
        pruned = place_files(chain.from_iterable(every), workspace, removals(stale, workspace))
    before = {name: earlier_of(each, workspace) for name, each in models.items()}
    for line in pruning_lines(stale, pruned, workspace):
        platform.info(line)
    done = {
        name: finished(each, fetched[name], digests[name], start, deadline, workspace)
        for name, each in models.items()
    }
    for name, one in done.items():
        platform.info(f"{name}: {summary_line(one)}" if name else summary_line(one))
    return {
        name: Delivered(one, _keep(models[name], one, workspace, job), before[name])
        for name, one in done.items()
    }


def _keep(
    prepared: Prepared, done: manifest.Download, workspace: Workspace, job: Job
) -> Mapping[str, str]:
    ml_bom = prepared.delivery.ml_bom
    return records.keep(done, prepared.dest, workspace, job, ml_bom=ml_bom)


def moves(prepared: Prepared, fetched: Sequence[Fetched]) -> Iterable[Move]:
    """Return where each file that came is to go."""
    return (
        Move(got.partial, each.place, got.file.executable)
        for got, each in zip(fetched, prepared.missing, strict=True)
    )


def finished(
    prepared: Prepared,
    fetched: Sequence[Fetched],
    digest: Digest | None,
    start: Start,
    deadline: Deadline,
    workspace: Workspace,
) -> manifest.Download:
    """Return what was done for one model, all of whose files are in place."""
    found, got = prepared.found, {each.file.path: each for each in fetched}
    return manifest.Download(
        resolution=found.resolution,
        path=workspace.relative(prepared.path),
        digest=digest,
        filters=prepared.request.filters,
        files=tuple(_record(each, got, prepared.kept, workspace) for each in prepared.landings),
        transferred=sum(each.transferred for each in fetched),
        started=start.day,
        seconds=deadline.clock.now() - start.clock,
        signatures=tuple(each.signed_by for each in prepared.signatures),
        policy=found.policy.applied if found.policy else (),
    )


def summary_line(download: manifest.Download) -> str:
    """Return one line that says what was got, and how fast."""
    files, size = len(download.files), human_size(download.size)
    what = f"{files} {'file' if files == 1 else 'files'}, {size}"
    if download.cached:
        return f"{what}: nothing to download, every digest verified"
    speed = human_size(download.transferred / max(download.seconds, 1e-3))
    return f"{what} in {human_time(download.seconds)} ({speed}/s); {_verification(download.files)}"


def _verification(files: Sequence[manifest.FileRecord]) -> str:
    unverified = sum(file.verified in ("none", "length", "off") for file in files)
    if not unverified:
        return "every digest verified"
    return f"{unverified} of them without a digest to verify"


def _title(models: Iterable[Prepared]) -> str:
    every = list(models)
    missing, kept = sum(len(it.missing) for it in every), sum(len(it.kept) for it in every)
    of_all = f" of {len(every)} models" if len(every) > 1 else ""
    there = f", {kept} already present" if kept else ""
    return f"Downloading {missing} {'file' if missing == 1 else 'files'}{of_all}{there}"


def _record(
    landing: Landing,
    fetched: Mapping[str, Fetched],
    kept: Mapping[str, Fetched],
    workspace: Workspace,
) -> manifest.FileRecord:
    source_path = landing.placement.file.path
    got = fetched.get(source_path) or kept[source_path]
    return manifest.FileRecord(
        workspace.relative(landing.place),
        source_path,
        got.size,
        got.md5,
        got.sha256,
        got.verified,
        got.origin,
    )
