"""What each command does."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from studio_action.ci import files
from studio_action.ci.base import Platform
from studio_action.errors import NoSuchModel
from studio_action.inputs.config import (
    CreateProject,
    Download,
    DownloadModels,
    Examine,
    ExamineServer,
    ListModels,
    Resolve,
    ResolveModels,
    RunConfig,
)
from studio_action.inputs.model_request import Skip
from studio_action.inputs.outputs_table import MODEL_PREFIX, PROJECT_PREFIX
from studio_action.model.paths import STATE_FOLDER
from studio_action.run.context import RunContext, publish
from studio_action.run.preloading import preloading
from studio_action.run.repositories import open_repository
from studio_action.run.sources import (
    committed_policy,
    open_registry,
    resolve_context,
)
from studio_action.run.wiring import (
    open_downloader,
    open_network,
    open_signatures,
    open_studio,
    open_transfer,
    scratch_folder,
    show_progress,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from studio_action.download.base import Progress
    from studio_action.model.artifact import RemoteFile
    from studio_action.run.doctor import Diagnosis
    from studio_action.run.download import Delivered
    from studio_action.run.resolving import Found


def run(config: RunConfig, platform: Platform) -> None:
    """Do the task; raise a `StudioActionError` for whatever stops it."""
    context = RunContext(config, platform)
    match config.task:
        case Download() as task if task.delivery.dry_run:
            from studio_action.run import dry_run

            dry_run.plan_downloads({"": task}, context)
        case Download() | Resolve() as task:
            _use_model(task, context)
        case DownloadModels(downloads) as task:
            if next(iter(downloads.values())).delivery.dry_run:
                from studio_action.run import dry_run

                dry_run.plan_downloads(downloads, context)
            else:
                from studio_action.run import several_models

                several_models.download(task, context)
        case ResolveModels() as task:
            from studio_action.run import several_models

            several_models.resolve_models(task, context)
        case ListModels() as task:
            from studio_action.run import several_models

            several_models.list_models(task, context)
        case CreateProject() as task:
            _create(task, context)
        case Skip(reason):
            platform.info(f"Skipped: {reason}")
            _publish_skipped(context)
        case Examine() | ExamineServer():
            raise TypeError("`examine` does this task: it has an answer instead of outputs")


def _use_model(task: Download | Resolve, context: RunContext) -> None:
    """Download or resolve, unless `if-not-found` ends it early."""
    context.platform.info(task.source.reason)
    try:
        if isinstance(task, Download):
            _download(task, context)
        else:
            _resolve(task, context)
    except NoSuchModel as error:
        platform, then = context.platform, task.request.if_not_found
        if then == "error":
            raise
        say = platform.warning if then == "warn" else platform.info
        say(f"Skipped: {error}")
        _publish_skipped(context)


def _publish_skipped(context: RunContext) -> None:
    from studio_action.outputs import report

    publish(report.skipped_outputs(context.config.command), MODEL_PREFIX, context)


def _download(task: Download, context: RunContext) -> None:
    delivered = deliver(task, context)

    from studio_action.outputs import details
    from studio_action.run import job_page

    context.platform.describe(details.of_download(delivered.download, _now()))
    publish(delivered.outputs(task.previous), MODEL_PREFIX, context)
    job_page.show(task, delivered, context)


def deliver(
    task: Download,
    context: RunContext,
    show: Callable[[RunContext], AbstractContextManager[Progress]] = show_progress,
) -> Delivered:
    """Bring the model into the workspace; `show` makes what shows how far that is."""
    workspace, platform = context.config.workspace, context.platform
    try:
        with (
            preloading("studio_action.run.download", "studio_action.download.transfer"),
            open_network(context) as network,
            open_downloader(task.delivery, context, network) as downloader,
            open_registry(
                task.request,
                task.source.studio,
                context,
                network,
                downloader,
                task.delivery.signature,
            ) as (registry, policy),
            open_signatures(context, network, downloader) as verifier,
            show(context) as progress,
        ):
            from studio_action.run import download as recipe

            return recipe.download(
                task.request,
                task.delivery,
                registry=registry,
                policy=policy,
                downloader=downloader,
                workspace=workspace,
                platform=platform,
                progress=progress,
                deadline=context.config.limits.deadline,
                verifier=verifier,
                job=context.config.job,
            )
    finally:
        workspace.hand_over(workspace.root / STATE_FOLDER)


def _resolve(task: Resolve, context: RunContext) -> None:
    from studio_action.outputs import details
    from studio_action.run.resolving import answered, resolve

    request = task.request
    with (
        open_network(context) as network,
        open_registry(request, task.source.studio, context, network) as (registry, policy),
    ):
        found = resolve(request, registry=registry, policy=policy, platform=context.platform)
        outputs = answered(task, found, network, context)
    if task.urls_file:
        urls = {file.path: file.url for file in found.files}
        files.write(task.urls_file, json.dumps(urls, indent=2) + "\n", mode=0o600)
    context.platform.describe(details.of_resolution(found.resolution, _now()))
    publish(outputs, MODEL_PREFIX, context)


def _now() -> datetime:
    return datetime.now(timezone.utc)


def look_up(task: Resolve, context: RunContext) -> tuple[Found, tuple[RemoteFile, ...]]:
    """Return what the request means, and its files with their sizes, where those can be had."""
    from studio_action.run.resolving import measured, resolve

    with (
        open_network(context) as network,
        open_registry(task.request, task.source.studio, context, network) as (registry, policy),
    ):
        found = resolve(task.request, registry=registry, policy=policy, platform=context.platform)
        return found, tuple(measured(found, network, context))


def _create(task: CreateProject, context: RunContext) -> None:
    with (
        open_network(context) as network,
        open_studio(task.studio, context, network, "project") as studio,
    ):
        projects = studio.create_project(task.project)

    from studio_action.outputs import report, summary

    for each in projects:
        context.platform.link(f"Studio project {each.name} ({each.id})", each.url)
    publish(report.project_outputs(projects), PROJECT_PREFIX, context)
    context.platform.summarize(summary.of_projects(projects))


def examine(config: RunConfig, platform: Platform) -> Diagnosis:
    """Return what `doctor` has to say about a repository."""
    from studio_action.download import sizes
    from studio_action.gitrepo import diagnosis
    from studio_action.gitrepo.gto import history
    from studio_action.registries.git import GitRegistry
    from studio_action.run import doctor
    from studio_action.run.policy_diagnosis import check_policy

    context = RunContext(config, platform)
    assert isinstance(config.task, Examine)  # nothing else is examined
    location = config.task.location
    folder = location if isinstance(location, Path) else None
    with (
        open_network(context) as network,
        scratch_folder(config.workspace) as scratch,
        open_transfer(context, scratch, network) as transfer,
        open_repository(location, context, network, scratch) as repository,
    ):
        refs = repository.tags()
        models = history.read(refs)
        warnings: list[str] = []
        resolving = resolve_context(location, context, network, transfer, scratch, warnings.append)
        return doctor.examine(
            str(location),
            models,
            GitRegistry(
                repository, resolving, "include", platform.mask, warnings.append, platform.debug
            ),
            [
                *diagnosis.check_tags(refs, models),
                *diagnosis.check_files(models, repository.revision),
                *check_policy(
                    lambda: committed_policy(repository, folder, context, network, scratch), models
                ),
            ],
            lambda files: sizes.look(files, network, config.limits),
            warnings,
        )
