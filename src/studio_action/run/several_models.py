"""What the commands do for several models: those that input `models` lists, or all there are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from studio_action.ci import files
from studio_action.download import sizes
from studio_action.errors import (
    BadInput,
    ContentMismatch,
    NoSuchModel,
    NotFound,
    PolicyRefused,
    UnexpectedAnswer,
)
from studio_action.gitrepo.gto.history import Model
from studio_action.inputs.config import (
    Download,
    DownloadModels,
    ListModels,
    ModelTask,
    Resolve,
    ResolveModels,
)
from studio_action.inputs.outputs_table import DOWNLOAD, MODEL_PREFIX, RESOLVE
from studio_action.model.artifact import ArtifactRef
from studio_action.model.paths import STATE_FOLDER
from studio_action.outputs import report
from studio_action.run import job_page
from studio_action.run.context import RunContext, publish
from studio_action.run.download import Start, deliver
from studio_action.run.preparing import Prepared, Verifier, prepare
from studio_action.run.resolving import answered, resolve
from studio_action.run.side_by_side import Answer, Resolved, resolved
from studio_action.run.size_limit import check_total
from studio_action.run.sources import open_source
from studio_action.run.together import about
from studio_action.run.wiring import (
    open_downloader,
    open_network,
    open_signatures,
    show_progress,
)


def download(task: DownloadModels, context: RunContext) -> None:
    """Bring all models into the workspace, or none of them."""
    workspace, platform = context.config.workspace, context.platform
    deadline, tasks = context.config.limits.deadline, task.downloads
    delivery = next(iter(tasks.values())).delivery
    start = Start.now(deadline)
    for each in tasks.values():
        workspace.inside(each.delivery.dest)  # refused before anything is requested
    say_sources(tasks.values(), context)
    try:
        with (
            open_network(context) as network,
            open_downloader(delivery, context, network) as downloader,
            resolved(tasks, context, network, delivery.connections) as answers,
            open_signatures(context, network, downloader) as verifier,
            show_progress(context) as progress,
        ):
            found = found_models(tasks, answers, context)
            prepared = prepared_models(tasks, found, verifier, context)
            delivered = deliver(
                prepared,
                downloader=downloader,
                workspace=workspace,
                platform=platform,
                progress=progress,
                start=start,
                deadline=deadline,
                job=context.config.job,
            )
    finally:
        workspace.hand_over(workspace.root / STATE_FOLDER)
    skipped = report.skipped_outputs(DOWNLOAD)
    outputs = {
        name: delivered[name].outputs(each.previous) if name in delivered else skipped
        for name, each in tasks.items()
    }
    publish(report.models_outputs(DOWNLOAD, outputs), MODEL_PREFIX, context)
    for name, one in delivered.items():
        job_page.show(tasks[name], one, context)


def resolve_models(task: ResolveModels, context: RunContext) -> None:
    """Answer the same without downloading."""
    say_sources(task.resolves.values(), context)
    urls: dict[str, Mapping[str, str]] = {}
    skipped = report.skipped_outputs(RESOLVE)
    outputs = dict.fromkeys(task.resolves, skipped)
    with (
        open_network(context) as network,
        resolved(task.resolves, context, network, sizes.CONNECTIONS) as answers,
    ):
        for name, answer in found_models(task.resolves, answers, context).items():
            with about(name):
                outputs[name] = answered(task.resolves[name], answer.found, network, context)
            urls[name] = {file.path: file.url for file in answer.found.files}
    if task.urls_file:
        files.write(task.urls_file, json.dumps(urls, indent=2) + "\n", mode=0o600)
    publish(report.models_outputs(RESOLVE, outputs), MODEL_PREFIX, context)


def list_models(task: ListModels, context: RunContext) -> None:
    """Say which models of a repository have what is wanted, and which version of each it is.

    A model that has no such version, that a policy refuses or that is broken is left out. Sizes are
    those that DVC's files have: no storage is asked.
    """
    like, platform = task.like, context.platform
    platform.info(like.source.reason)
    outputs, stages = {}, {}
    with (
        open_network(context) as network,
        open_source(like.request, like.source.studio, context, network) as source,
    ):
        models = source.models()
        for model in sorted(models, key=str):
            name = str(model)
            artifact = ArtifactRef(like.request.artifact.repository, model)
            request = replace(like.request, artifact=artifact)
            registry, policy = source.registry(request, None)
            try:
                found = resolve(request, registry=registry, policy=policy, platform=platform)
                check_total(found.files, found.most_bytes)
            except (NoSuchModel, PolicyRefused) as error:
                platform.info(f"{name} is left out: {error}")
                continue
            except (NotFound, BadInput, ContentMismatch, UnexpectedAnswer) as error:
                platform.warning(f"{name} is left out, because it is broken: {error}")
                continue
            outputs[name] = report.resolve_outputs(
                found.resolution, found.files, found.digest, request.filters
            )
            stages[name] = _stages(models[model])
    publish(report.models_outputs(RESOLVE, outputs, stages), MODEL_PREFIX, context)


def _stages(model: Model) -> dict[str, str]:
    """Return the version, or the commit, that holds each stage."""
    held = {stage: model.in_stage(stage) for stage in sorted(model.stages)}
    return {stage: version.name for stage, version in held.items() if version}


def say_sources(tasks: Iterable[ModelTask], context: RunContext) -> None:
    """Say where the models come from, and why."""
    for reason in dict.fromkeys(each.source.reason for each in tasks):
        context.platform.info(reason)


def prepared_models(
    tasks: Mapping[str, Download],
    found: Mapping[str, Resolved],
    verifier: Verifier,
    context: RunContext,
) -> dict[str, Prepared]:
    """Return what is to be done for each model; raise for whatever forbids one of them."""
    prepared = {}
    for name, answer in found.items():
        with about(name):
            prepared[name] = prepare(
                answer.found,
                tasks[name].request,
                tasks[name].delivery,
                registry=answer.registry,
                workspace=context.config.workspace,
                platform=context.platform,
                deadline=context.config.limits.deadline,
                verifier=verifier,
            )
    return prepared


def found_models(
    tasks: Mapping[str, Download] | Mapping[str, Resolve],
    answers: Mapping[str, Answer],
    context: RunContext,
) -> dict[str, Resolved]:
    """Return the models that were found; `if-not-found` says what follows for the others."""
    found = {}
    for name, answer in answers.items():
        if isinstance(answer, Resolved):
            found[name] = answer
            continue
        then = tasks[name].request.if_not_found
        if then == "error":
            with about(name):
                raise answer
        say = context.platform.warning if then == "warn" else context.platform.info
        say(f"Skipped: {name}: {answer}" if name else f"Skipped: {answer}")
    return found
