"""Each command, put together from its concrete parts."""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from urllib.parse import urlsplit

from studio_action import pull, report, settings, summary
from studio_action.artifact import ModelName
from studio_action.ci import files
from studio_action.ci.base import Platform
from studio_action.ci.job import Job
from studio_action.ci.progress import shown
from studio_action.clock import Clock, Deadline
from studio_action.download import sizes
from studio_action.download.base import Downloader
from studio_action.download.cache import Cache, CachedDownloader
from studio_action.download.engine import Limits
from studio_action.download.transfer import Transfer
from studio_action.errors import DeadlinePassed, NoSuchModel, Unreachable
from studio_action.gitrepo import checkout
from studio_action.gitrepo.history import Model
from studio_action.gitrepo.program import Git
from studio_action.gitrepo.reading import models_of
from studio_action.inputs import Inputs
from studio_action.network import Network
from studio_action.outputs import DOWNLOAD, MODEL_PREFIX, PROJECT_PREFIX, RESOLVE
from studio_action.paths import STATE_FOLDER
from studio_action.policy import Previous, previous_digest, previous_manifest
from studio_action.registries.pinned import PinnedRegistry
from studio_action.registries.studio import StudioRegistry
from studio_action.repository import RepositoryUrl
from studio_action.session import Patience, StudioSession
from studio_action.settings import Question, Skip
from studio_action.trust import ca_bundle
from studio_action.workspace import Workspace

TAGS_DEADLINE = 10.0
"""Seconds that reading the tags may take; without them all works, but the version is not known."""


@dataclass(frozen=True, slots=True)
class Step:
    """One run of one command: what was said to it, where it works, and who hears of it."""

    inputs: Inputs
    job: Job
    platform: Platform
    workspace: Workspace
    reports: settings.Reports
    limits: settings.Limits
    deadline: Deadline

    @classmethod
    def of(cls, inputs: Inputs, job: Job, platform: Platform) -> Step:
        """The step that these inputs describe; raises `BadInput` for what is wrong with them."""
        limits = settings.read_limits(inputs)
        return cls(
            inputs,
            job,
            platform,
            Workspace.at(job.workspace),
            settings.read_reports(inputs),
            limits,
            Deadline(limits.deadline),
        )

    def origin(self) -> str:
        """Where the checkout in the workspace came from."""
        return checkout.origin(self.workspace.root)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for a while: the system's, or ours where a container has none to write to."""
        try:
            place = tempfile.gettempdir()
        except OSError:
            place = str(self.workspace.state())
        with tempfile.TemporaryDirectory(dir=place, prefix="studio-action-") as folder:
            yield Path(folder)

    @contextmanager
    def network(self) -> Iterator[Network]:
        """Whom to trust and which proxies to use, for Studio and storage alike."""
        trust = settings.read_trust(self.inputs)
        proxies = settings.read_proxies(self.inputs.environ)
        for proxy in proxies.values():
            self.platform.mask(urlsplit(proxy).password or "")
        with self.scratch() as scratch:
            yield Network(ca_bundle(trust.pem, instead=trust.instead, folder=scratch), proxies)

    @contextmanager
    def studio(self, network: Network) -> Iterator[StudioRegistry]:
        """The registry that Studio is, with a session that is closed in the end."""
        place = settings.read_studio(self.inputs, self.job)
        self.platform.mask(place.token)
        if place.unsafe:
            self.platform.warning(f"{place.base} is plain http: the token travels unencrypted")
        patience = Patience(self.limits.timeout, self.limits.retries, self.deadline, random.random)
        session = StudioSession(place.base, place.token, network, patience, self.platform.warning)
        try:
            yield StudioRegistry(session, self.platform.mask)
        finally:
            session.close()

    @contextmanager
    def registry(self, question: Question, network: Network) -> Iterator[PinnedRegistry]:
        """Studio, asked for the very version that the repository's tags tell."""
        with (
            self.studio(network) as studio,
            self.scratch() as scratch,
        ):
            yield PinnedRegistry(
                studio,
                lambda: self.models(question, network, scratch),
                question.prerelease,
                self.platform.info,
            )

    def models(
        self, question: Question, network: Network, scratch: Path
    ) -> Mapping[ModelName, Model]:
        """What the repository's tags say: one attempt, of a few seconds."""
        address = RepositoryUrl.parse(question.artifact.repository)
        credential = settings.read_credential(self.inputs, self.job, address)
        if credential:
            self.platform.mask(credential.password)
        deadline = Deadline(min(TAGS_DEADLINE, self.deadline.remaining()))
        patience = Patience(TAGS_DEADLINE, 0, deadline, random.random)
        git = Git(network, patience, self.inputs.environ, self.platform.info, credential)
        try:
            return models_of(
                address,
                git,
                server=self.job.server,
                scratch=scratch / "tags",
                workspace=self.workspace.root,
            )
        except DeadlinePassed as error:
            self.deadline.check()
            raise Unreachable(f"{address} did not answer in {TAGS_DEADLINE:g} s") from error

    @contextmanager
    def downloader(self, delivery: settings.Delivery, network: Network) -> Iterator[Downloader]:
        """The engine, behind a cache where one was asked for.

        What the engine leaves unfinished waits in our folder for the next run.
        """
        state = self.workspace.state("partial")
        limits = Limits(delivery.connections, self.limits.timeout, self.limits.retries)
        with (
            Transfer(
                state,
                limits=limits,
                network=network,
                verify=delivery.verify,
                deadline=self.deadline,
            ) as transfer,
            tempfile.TemporaryDirectory(dir=state.parent, prefix="copies-") as copies,
        ):
            if delivery.cache_dir is None:
                yield transfer
            else:
                cache = Cache.at(self.place(delivery.cache_dir))
                yield CachedDownloader(cache, transfer, Path(copies), self.platform.info)

    @property
    def previous(self) -> Previous | None:
        """What the pipeline had before, if it says so."""
        digest, manifest = self.inputs["previous-digest"], self.inputs["previous-manifest"]
        if digest.text:
            return previous_digest(digest.text)
        if not manifest.text:
            return None
        place = self.place(PurePath(manifest.text))
        return previous_manifest(lambda: place.read_text("utf-8"), manifest.text)

    def publish(self, outputs: Mapping[str, str], prefix: str) -> None:
        """Hand the outputs to later steps, and to the files that were asked for."""
        self.platform.publish(outputs, prefix)
        hidden = {name: self.platform.hide(value) for name, value in outputs.items()}
        if self.reports.json:
            files.write_json(self.place(self.reports.json), hidden)
        if self.reports.env:
            files.write_env(self.place(self.reports.env), hidden, prefix)

    def place(self, path: PurePath) -> Path:
        """Where a file that the user named goes: into the workspace, or where the path says."""
        return Path(path) if path.is_absolute() else self.workspace.inside(path)


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
    question = settings.read_question(step.inputs, step.job, step.origin)
    if isinstance(question, Skip):
        step.platform.info(f"Skipped: {question.reason}")
        step.publish(report.skipped_outputs(command), MODEL_PREFIX)
        return
    previous = step.previous
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
            step.registry(question, network) as registry,
            step.downloader(delivery, network) as downloader,
            shown(step.job, sys.stderr, say=step.platform.info, clock=Clock()) as progress,
        ):
            delivered = pull.download(
                question,
                delivery,
                registry=registry,
                downloader=downloader,
                workspace=step.workspace,
                platform=step.platform,
                progress=progress,
                clock=Clock(),
            )
    finally:
        step.workspace.hand_over(step.workspace.root / STATE_FOLDER)
    step.publish(delivered.outputs(previous), MODEL_PREFIX)
    step.platform.summarize(summary.of_download(delivered.download, delivered.manifest))


def _resolve(step: Step, question: Question, previous: Previous | None) -> None:
    urls_file = step.inputs["urls-file"].text
    with step.network() as network, step.registry(question, network) as registry:
        found = pull.resolve(question, registry=registry, platform=step.platform)
        measured = sizes.measured(
            found.files, network, timeout=step.limits.timeout, deadline=step.deadline
        )
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
