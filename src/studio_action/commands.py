"""What each command does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING

from studio_action import pull, report, settings, summary
from studio_action.answering import registry_for
from studio_action.ci import files
from studio_action.ci.base import Platform
from studio_action.ci.job import Job
from studio_action.download import sizes
from studio_action.errors import NoSuchModel
from studio_action.inputs import Inputs
from studio_action.outputs import DOWNLOAD, MODEL_PREFIX, PROJECT_PREFIX, RESOLVE
from studio_action.paths import STATE_FOLDER
from studio_action.policy import Previous
from studio_action.question import Question, Skip, read_place, read_question, source_told
from studio_action.step import Step

if TYPE_CHECKING:
    from studio_action.doctor import Diagnosis


def run(command: str, inputs: Inputs, job: Job, platform: Platform) -> None:
    """Run `command`; raise a `StudioActionError` for whatever stops it."""
    step = Step.of(inputs, job, platform)
    match command:
        case "download-model":
            _ask(step, DOWNLOAD, _download)
        case "resolve-model":
            _ask(step, RESOLVE, _resolve)
        case _:
            _create(step)


Answer = Callable[[Step, Question, Previous | None], None]
"""Answers a question; the last argument is what the pipeline had before."""


def _ask(step: Step, command: str, answer: Answer) -> None:
    """Answer the question that the inputs ask, unless a tag or `if-not-found` ends it early."""
    question = read_question(step.inputs, step.job, step.origin)
    if isinstance(question, Skip):
        step.platform.info(f"Skipped: {question.reason}")
        step.publish(report.skipped_outputs(command), MODEL_PREFIX)
        return
    step.platform.info(source_told(step.inputs))
    previous = step.previous
    if question.source == "studio":
        settings.read_studio(step.inputs, step.job)  # refused before anything is made
    try:
        answer(step, question, previous)
    except NoSuchModel as error:
        if question.if_not_found == "error":
            raise
        say = step.platform.warning if question.if_not_found == "warn" else step.platform.info
        say(f"Skipped: {error}")
        step.publish(report.skipped_outputs(command), MODEL_PREFIX)


def _download(step: Step, question: Question, previous: Previous | None) -> None:
    delivery = settings.read_delivery(step.inputs)
    try:
        with (
            step.network() as network,
            step.downloader(delivery, network) as downloader,
            registry_for(question, step, network, downloader) as registry,
            step.progress() as progress,
        ):
            delivered = pull.download(
                question,
                delivery,
                registry=registry,
                downloader=downloader,
                workspace=step.workspace,
                platform=step.platform,
                progress=progress,
                deadline=step.limits.deadline,
            )
    finally:
        step.workspace.hand_over(step.workspace.root / STATE_FOLDER)
    step.publish(delivered.outputs(previous), MODEL_PREFIX)
    step.platform.summarize(summary.of_download(delivered.download, delivered.manifest))


def _resolve(step: Step, question: Question, previous: Previous | None) -> None:
    urls_file = step.inputs["urls-file"].text
    with step.network() as network, registry_for(question, step, network) as registry:
        found = pull.resolve(question, registry=registry, platform=step.platform)
        measured = sizes.measured(found.files, network, step.limits)
    if urls_file:
        urls = {file.path: file.url for file in found.files}
        place = step.place(PurePath(urls_file))
        files.write(place, json.dumps(urls, indent=2) + "\n", mode=0o600)
    step.publish(
        report.resolve_outputs(
            found.resolution, measured, found.digest, question.filters, previous
        ),
        MODEL_PREFIX,
    )


def _create(step: Step) -> None:
    project = settings.read_new_project(step.inputs, step.job, step.origin)
    with step.network() as network, step.studio(network) as registry:
        projects = registry.create_project(project)
    for each in projects:
        step.platform.link(f"Studio project {each.name} ({each.id})", each.url)
    step.publish(report.project_outputs(projects), PROJECT_PREFIX)
    step.platform.summarize(summary.of_projects(projects))


def examine(inputs: Inputs, job: Job, platform: Platform) -> Diagnosis:
    """What `doctor` has to say about the repository of input `repo`."""
    from studio_action import doctor
    from studio_action.gitrepo import diagnosis, history
    from studio_action.registries.git import GitRegistry

    step = Step.of(inputs, job, platform)
    place = read_place(inputs, job, step.origin)
    with (
        step.network() as network,
        step.scratch() as scratch,
        step.transfer(scratch, network) as transfer,
        step.repository(place, network, scratch) as repository,
    ):
        refs = repository.tags()
        models = history.read(refs)
        around = step.surroundings(place, network, transfer, scratch)
        return doctor.examine(
            str(place),
            models,
            GitRegistry(repository, around, "include", platform.mask, platform.debug),
            list(diagnosis.of_tags(refs, models)),
            lambda files: sizes.lost(files, network, step.limits),
        )
