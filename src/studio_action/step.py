"""One run of one command: the concrete parts that its inputs ask for, put together.

What only one source needs is imported when that source is asked, so that a step starts faster.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from studio_action import bounded_json, regular, settings
from studio_action.artifact import ModelName
from studio_action.ci import files
from studio_action.ci.base import Platform
from studio_action.ci.job import Job
from studio_action.ci.progress import shown
from studio_action.clock import Clock, Deadline, Limits
from studio_action.download.base import Downloader, Progress, Verify
from studio_action.download.cache import Cache, CachedDownloader
from studio_action.download.local import LocalDownloader
from studio_action.download.transfer import Transfer
from studio_action.errors import DeadlinePassed, Unreachable
from studio_action.gitrepo import checkout, reading
from studio_action.gitrepo.history import Model
from studio_action.gitrepo.program import Git, has_ssh_key
from studio_action.gitrepo.repository import Repository
from studio_action.inputs import Inputs
from studio_action.network import Network, proxies_of
from studio_action.policy import Previous, previous_digest, previous_manifest
from studio_action.question import Place, read_credential
from studio_action.repository import RepositoryUrl
from studio_action.settings import Delivery
from studio_action.trust import ca_bundle
from studio_action.workspace import Workspace

if TYPE_CHECKING:
    from studio_action.gitrepo.whereabouts import Surroundings
    from studio_action.registries.studio import StudioRegistry

TAGS_DEADLINE = 10.0
"""Seconds that reading the tags beside Studio may take; without them the version is not known."""


@dataclass(frozen=True, slots=True)
class Step:
    """What was said to this run, where it works, and who hears of it."""

    inputs: Inputs
    job: Job
    platform: Platform
    workspace: Workspace
    reports: settings.Reports
    limits: Limits

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
        )

    def origin(self) -> str:
        """Where the checkout in the workspace came from."""
        return checkout.origin(self.workspace.root, self.inputs.environ)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for a while: the system's, or ours where a container has none to write to."""
        try:
            place = Path(tempfile.gettempdir())
        except OSError:
            place = Path.cwd()
        if place == Path.cwd():  # the last resort of Python's own search
            place = self.workspace.state()
        with tempfile.TemporaryDirectory(dir=place, prefix="studio-action-") as folder:
            yield Path(folder)

    @contextmanager
    def network(self) -> Iterator[Network]:
        """Whom to trust and which proxies to use, for Studio, Git and storage alike."""
        trust = settings.read_trust(self.inputs)
        proxies = proxies_of(self.inputs.environ)
        for proxy in proxies.values():
            self.platform.mask(urlsplit(proxy).password or "")
        with self.scratch() as scratch:
            yield Network(ca_bundle(trust.pem, instead=trust.instead, folder=scratch), proxies)

    @contextmanager
    def studio(self, network: Network) -> Iterator[StudioRegistry]:
        """The registry that Studio is, with a session that is closed in the end."""
        from studio_action.registries.studio import StudioRegistry
        from studio_action.session import StudioSession

        place = settings.read_studio(self.inputs, self.job)
        self.platform.mask(place.token)
        if place.unsafe:
            self.platform.warning(f"{place.base} is plain http: the token travels unencrypted")
        session = StudioSession(
            place.base, place.token, network, self.limits, self.platform.warning
        )
        try:
            yield StudioRegistry(session, self.platform.mask)
        finally:
            session.close()

    def git(self, place: Place, network: Network, limits: Limits) -> Git:
        """The git program, with the credential for the repository's own server."""
        credential = None
        if isinstance(place, RepositoryUrl):
            credential = read_credential(self.inputs, self.job, place)
        if credential:
            self.platform.mask(credential.password)
        return Git(network, limits, self.inputs.environ, self.platform.info, credential)

    def url(self, address: RepositoryUrl, git: Git) -> str:
        """Where to fetch from: with a token over https, else over ssh where there is a key."""
        over_ssh = git.credential is None and has_ssh_key(self.inputs.environ)
        return address.fetched(self.job.server, over_ssh=over_ssh)

    def repository(self, place: Place, network: Network, scratch: Path) -> Repository:
        """The repository itself: what is named by its address is fetched into `scratch`."""
        git = self.git(place, network, self.limits)
        if isinstance(place, RepositoryUrl):
            return Repository.of(self.url(place, git), git, scratch / "repository")
        from studio_action.gitrepo import opening

        return opening.opened(
            place,
            git,
            remote=lambda address: self.repository(address, network, scratch),
            say=self.platform.info,
        )

    def surroundings(
        self, place: Place, network: Network, downloader: Downloader, scratch: Path
    ) -> Surroundings:
        """What source `git` needs besides the repository."""
        from studio_action.gitrepo.remotes.opening import Storages
        from studio_action.gitrepo.whereabouts import Surroundings

        files = scratch / "files"
        files.mkdir()
        here = place if isinstance(place, Path) else self.workspace.root
        ours = isinstance(place, Path) or reading.is_checkout(here, place, self.inputs.environ)
        return Surroundings(
            open_remote=Storages(network, self.inputs.environ),
            downloader=downloader,
            scratch=files,
            environ=self.inputs.environ,
            checkout=here if ours else None,
            utc=lambda: datetime.now(timezone.utc),
            say=self.platform.warning,
        )

    def models(self, place: Place, network: Network, scratch: Path) -> Mapping[ModelName, Model]:
        """What the tags of Studio's repository say: one attempt, of a few seconds."""
        deadline = Deadline(min(TAGS_DEADLINE, self.limits.deadline.remaining()))
        git = self.git(place, network, Limits(TAGS_DEADLINE, 0, deadline))
        assert isinstance(place, RepositoryUrl)  # Studio knows no folders
        try:
            return reading.models_of(
                place,
                self.url(place, git),
                git,
                scratch=scratch / "tags",
                workspace=self.workspace.root,
            )
        except DeadlinePassed as error:
            self.limits.deadline.check()
            raise Unreachable(f"{place} did not answer in {TAGS_DEADLINE:g} s") from error

    @contextmanager
    def transfer(
        self, folder: Path, network: Network, *, connections: int = 16, verify: Verify = "auto"
    ) -> Iterator[Downloader]:
        """The engine, and what copies from folders of this machine; both wait in `folder`."""
        with (
            Transfer(
                folder / "partial",
                limits=self.limits,
                network=network,
                verify=verify,
                max_connections=connections,
            ) as transfer,
            tempfile.TemporaryDirectory(dir=folder, prefix="copies-") as copies,
        ):
            yield LocalDownloader(transfer, Path(copies), self.limits.deadline)

    @contextmanager
    def downloader(self, delivery: Delivery, network: Network) -> Iterator[Downloader]:
        """The engine, behind a cache where one was asked for.

        What the engine leaves unfinished waits in our folder for the next run.
        """
        state = self.workspace.state()
        with (
            self.transfer(
                state, network, connections=delivery.connections, verify=delivery.verify
            ) as transfer,
            tempfile.TemporaryDirectory(dir=state, prefix="copies-") as copies,
        ):
            if delivery.cache_dir is None:
                yield transfer
            else:
                cache = Cache.at(self.place(delivery.cache_dir))
                yield CachedDownloader(
                    cache, transfer, Path(copies), self.platform.info, self.limits.deadline
                )

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Who hears how far a download is."""
        with shown(self.job, sys.stderr, say=self.platform.info, clock=Clock()) as progress:
            yield progress

    @property
    def previous(self) -> Previous | None:
        """What the pipeline had before, if it says so."""
        digest, manifest = self.inputs["previous-digest"], self.inputs["previous-manifest"]
        if digest.text:
            return previous_digest(digest.text)
        if not manifest.text:
            return None
        place = self.place(PurePath(manifest.text))
        return previous_manifest(lambda: regular.read(place, bounded_json.LARGEST), manifest.text)

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
