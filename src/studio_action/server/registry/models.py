"""The models of served repositories: resolves versions and finds their files."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock

from studio_action.errors import BadInput, ObjectMissing, StudioActionError
from studio_action.gitrepo.dvc.annotations import Annotation
from studio_action.gitrepo.dvc.config import Config
from studio_action.gitrepo.dvc.imports import ImportSource
from studio_action.gitrepo.git.failures import BrokenRepository
from studio_action.gitrepo.git.program import Git
from studio_action.gitrepo.git.revision import Revision
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto.history import Model, Prerelease
from studio_action.gitrepo.gto.timeline import Event
from studio_action.gitrepo.locate import located, locating
from studio_action.gitrepo.locate.located import AtUrl, InRepository, LocatedFile
from studio_action.gitrepo.remotes import opening
from studio_action.gitrepo.remotes.identity import Identity
from studio_action.model.artifact import ArtifactRef, ModelName, RemoteFile, Resolution, Selector
from studio_action.net.clock import Clock, Deadline, Limits
from studio_action.net.network import Network
from studio_action.registries.version_choice import choose_version, find_model, stage_of
from studio_action.server.links import InFolder, InMirror, InWebRemote, Link, LocalFile
from studio_action.server.registry.manifests import Manifests, signed_url
from studio_action.server.registry.mirror_fetcher import GitFor, Log, PushCounts
from studio_action.server.registry.mirror_folders import State
from studio_action.server.registry.mirrors import Mirrors, Snapshot
from studio_action.server.registry.model_details import (
    AnnotationsCache,
    DetailsCache,
    ModelDetails,
    read_annotations,
    read_details,
)
from studio_action.server.registry.model_files import ModelFiles, ModelFilesCache
from studio_action.server.registry.relayed import RelayedRemote, place_of, relayed
from studio_action.server.registry.storages import (
    Opened,
    ServedFolder,
    ServedStorages,
    check_folder,
    effective_config,
)
from studio_action.server.registry.upstream import Upstream, UpstreamResponse
from studio_action.server.settings import ServedRepository, ServerSettings
from studio_action.studio.resolve import CommittedPolicy

MOST_FILES = 100_000
"""The most files of a model that is served; the answer has some hundred bytes for each."""
_LARGE = 5_000
"""The files of a model whose answer is not made at the same time as another such."""
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The models of a repository and their events, newest first, at the time `refreshed`.

    It is `failing` if the repository could not be fetched since.
    """

    models: Mapping[ModelName, Model]
    events: Mapping[ModelName, Sequence[Event]]
    refreshed: datetime
    failing: bool = False
    tags: Sequence[TagRef] = ()


class Models:
    """The models of all repositories; safe to use from any thread."""

    def __init__(
        self,
        settings: ServerSettings,
        mirrors: Mirrors,
        storages: ServedStorages,
        manifests: Manifests,
        utc: Callable[[], datetime],
        clock: Clock = Clock(),  # noqa: B008 - frozen
    ) -> None:
        self._repositories = {each.name: each for each in settings.repositories}
        self._mirrors, self._storages, self._manifests = mirrors, storages, manifests
        self._utc = utc
        self._located = ModelFilesCache(clock.now)
        self._details, self._annotations = DetailsCache(), AnnotationsCache()
        self._signing = Lock()

    def resolve(
        self,
        repository: ServedRepository,
        name: ModelName,
        selector: Selector,
        *,
        prerelease: Prerelease = "include",
        link: Link,
    ) -> Resolution:
        """Return a model version with fresh URLs of its files.

        `link` makes the URLs of files that the server sends itself. Raise `NoSuchModel`,
        `ObjectMissing`, `BadInput`, `UnexpectedAnswer`, `ContentMismatch`, and the errors of
        `Mirrors.snapshot`.
        """
        artifact = ArtifactRef(repository.name, name)
        for attempt in range(_ATTEMPTS):
            snapshot = self._mirrors.snapshot(repository)
            choice = choose_version(
                find_model(snapshot.models, artifact), artifact, selector, prerelease
            )
            revision = choice.version.revision
            try:
                found = self._find(repository, snapshot, revision, name)
                break
            except BrokenRepository:
                if attempt == _ATTEMPTS - 1 or not self._mirrors.replaced(repository, snapshot):
                    raise
        with self._signing if len(found.files) > _LARGE else nullcontext():
            files = tuple(self._signed(repository, found.files, link))
        return Resolution(
            artifact=artifact,
            selector=selector,
            source="git",
            files=files,
            version=choice.name,
            stage=stage_of(selector),
            tag=choice.version.tag,
            revision=revision,
            previous_version=choice.previous_name,
            root=found.root,
            registered=choice.registered,
            assigned=choice.assigned,
        )

    def known(self, repository: ServedRepository) -> Snapshot | None:
        """Return the state of the repository if it is known without asking; never blocks.

        What was made of an equal state still holds.
        """
        return self._mirrors.known(repository)

    def state(self, repository: ServedRepository) -> Snapshot:
        """Return the state of the repository; raise the errors of `Mirrors.snapshot`."""
        return self._mirrors.snapshot(repository)

    def policy(self, repository: ServedRepository) -> CommittedPolicy | None:
        """Return the policy of the default branch, None where that branch is not known.

        Raise `UnexpectedAnswer` for a file that is none, and the errors of `Mirrors.snapshot`.
        """
        found = self._mirrors.snapshot(repository).policy
        if isinstance(found, StudioActionError):
            raise found
        return found

    def catalogue(self, repository: ServedRepository) -> Catalogue:
        """Return all models of the repository; raise the errors of `Mirrors.snapshot`."""
        snapshot = self._mirrors.snapshot(repository)
        return Catalogue(
            snapshot.models, snapshot.events, snapshot.refreshed, snapshot.failing, snapshot.tags
        )

    def annotations(self, repository: ServedRepository) -> Mapping[ModelName, Annotation]:
        """Return what the default branch says of the models; raise the errors of `snapshot`."""
        snapshot = self._mirrors.snapshot(repository)

        def read() -> Mapping[ModelName, Annotation]:
            with self._mirrors.opened(repository, snapshot) as opened:
                revision = opened.default_branch()
                return read_annotations(snapshot.models, revision) if revision else {}

        return self._annotations.get(repository.name, snapshot.refreshed, read)

    def details(self, repository: ServedRepository, name: ModelName, revision: str) -> ModelDetails:
        """Return what is known of a model at a commit besides its files.

        Raise `UnexpectedAnswer`, and the errors of `Mirrors.snapshot`.
        """
        snapshot = self._mirrors.snapshot(repository)

        def read() -> ModelDetails:
            with self._mirrors.opened(repository, snapshot) as opened:
                return read_details(name, opened.revision(revision))

        return self._details.get((repository.name, revision, name), read)

    def located(self, repository: ServedRepository, name: ModelName, revision: str) -> ModelFiles:
        """Return where the files of a model are at a commit; raise what `resolve` raises."""
        return self._find(repository, self._mirrors.snapshot(repository), revision, name)

    def signed(
        self, repository: ServedRepository, files: Sequence[LocatedFile], link: Link
    ) -> Sequence[RemoteFile]:
        """Return files with fresh URLs; raise what `resolve` raises."""
        return tuple(self._signed(repository, files, link))

    def refresh(self, repository: ServedRepository) -> None:
        """Fetch the repository now; raise `TokenRefused`, `NoSuchModel` or `Unreachable`."""
        self._mirrors.refresh(repository)

    def mirrors(self) -> Mapping[str, State]:
        """Return the state of each repository's mirror, by the repository's name."""
        return self._mirrors.states()

    def file(self, served: LocalFile) -> Path:
        """Return the path of a local file; extract it from the mirror if necessary.

        Raise `ObjectMissing`, and for a mirror the errors of `Mirrors.snapshot`.
        """
        match served:
            case InFolder():
                return self._storages.local_path(served)
            case InMirror(name, object_name, _):
                repository = self._repositories.get(name)
                if repository is None:
                    raise ObjectMissing(f"{name} is no longer served", "Request the file again")
                return self._content(repository, object_name)

    def open_remote_file(
        self, method: str, file: InWebRemote, headers: Mapping[str, str]
    ) -> UpstreamResponse:
        """Request a file of a web remote with the server's own credentials.

        Raise `ObjectMissing`, `BadInput` or `Unreachable`.
        """
        place = place_of(self._repositories.get(file.repository), file)
        return self._manifests.upstream.request(method, place, headers)

    def _content(self, repository: ServedRepository, name: str) -> Path:
        folder = self._mirrors.objects(repository)
        place = folder / name
        if place.is_file():
            return place
        snapshot = self._mirrors.snapshot(repository)
        with self._mirrors.opened(repository, snapshot) as opened:
            return opened.content(name, folder)

    def _find(
        self, repository: ServedRepository, snapshot: Snapshot, revision: str, name: ModelName
    ) -> ModelFiles:
        """Return where the model's files are at a revision; cached."""

        def locate() -> ModelFiles:
            context = _ServedContext(repository, self._repositories, self._mirrors, self._manifests)
            with self._mirrors.opened(repository, snapshot) as opened:
                at = opened.revision(revision)
                return ModelFiles(*locating.locate_model(name, at, context, most_files=MOST_FILES))

        return self._located.get((repository.name, revision, name), locate)

    def _signed(
        self, repository: ServedRepository, files: Sequence[LocatedFile], link: Link
    ) -> Iterator[RemoteFile]:
        now = self._utc()
        # By the remote's settings, which a model's files share.
        opened: dict[int, Opened | RelayedRemote] = {}
        for file in files:
            home, owner = file.home, self._repositories.get(file.repository, repository)
            if isinstance(home, AtUrl):
                url = home.url
            elif isinstance(home, InRepository):
                assert file.digest is not None  # Git's files are hashed when found
                url = link(InMirror(owner.name, home.object, file.digest))
            else:
                remote = opened.get(id(home.settings))
                if remote is None:
                    remote = self._storages.opened(home.settings)
                    check_folder(owner, home.settings, remote)
                    remote = relayed(owner, home.settings) or remote
                    opened[id(home.settings)] = remote
                if isinstance(remote, (ServedFolder, RelayedRemote)):
                    url = link(remote.file(home.key))
                else:
                    url = signed_url(remote, home.settings, home, now)
            yield RemoteFile(file.path, url, file.size, file.digest, executable=file.executable)


@dataclass(frozen=True, slots=True)
class _ServedContext:
    """What the server adds to a repository; implements `located.RepositoryContext`."""

    served: ServedRepository
    repositories: Mapping[str, ServedRepository]
    mirrors: Mirrors
    manifests: Manifests

    @property
    def repository(self) -> str:
        """The repository's name."""
        return self.served.name

    @property
    def objects(self) -> Path:
        """The mirror's folder with contents of files."""
        return self.mirrors.objects(self.served)

    def config(self, top: str, committed: str) -> Config:
        """Return the repository's DVC configuration, as far as it counts, with the server's."""
        return effective_config(self.served, located.config_path(top), committed)

    def manifest(self, file: LocatedFile) -> bytes:
        """Return the content of a manifest."""
        return self.manifests.read(self.served, file)

    @contextmanager
    def imported(self, source: ImportSource) -> Iterator[tuple[Revision, _ServedContext]]:
        """Yield another served repository at a commit, if it is among the `imports`.

        Its remotes are those of its own configuration; the importing repository cannot change them.
        """
        other = self._other(source)
        snapshot = self.mirrors.snapshot(other)
        with self.mirrors.opened(other, snapshot) as opened:
            opened.fetch_commit(source.commit)
            context = _ServedContext(other, self.repositories, self.mirrors, self.manifests)
            yield opened.revision(source.commit), context

    def _other(self, source: ImportSource) -> ServedRepository:
        found = next((it for it in self.repositories.values() if it.is_at(source.address)), None)
        if found is None or found.name not in self.served.imports:
            # The same error for all, so that it does not tell which repositories are served.
            raise BadInput(
                f"{self.served.name} may not import from there on this server",
                f"Serve that repository, and name it among the `imports` of {self.served.name} in"
                " the server's configuration",
            )
        if source.config or source.options:
            raise BadInput(
                f"the import describes remotes of {found.name}, which is not for it to say here",
                "Import it without --config and --remote; the server's configuration can have them",
            )
        return found


def make_models(
    settings: ServerSettings,
    *,
    network: Network,
    environ: Mapping[str, str],
    pushes: PushCounts,
    utc: Callable[[], datetime],
    log: Log,
    clock: Clock = Clock(),  # noqa: B008 - frozen
) -> Models:
    """Return the models of a server; `environ` has its own credentials and the PATH."""
    mirrors = Mirrors(settings, make_git_for(network, environ, clock), pushes, utc, log, clock)
    storages = ServedStorages(
        settings.folders,
        with_credentials=opening.StorageRemotes(network, Identity(environ)),
        without_credentials=opening.StorageRemotes(network, None),
        now=clock.now,
        say=lambda text: log(text, level="warning"),
    )
    manifests = Manifests(
        storages, Upstream(network), network, settings.data_dir / "partial", utc, clock
    )
    return Models(settings, mirrors, storages, manifests, utc, clock)


def make_git_for(network: Network, environ: Mapping[str, str], clock: Clock) -> GitFor:
    """Return a function that makes the git program for a repository, with one silent retry."""

    def make_git(repository: ServedRepository, seconds: float) -> Git:
        limits = Limits(_TIMEOUT, 1, Deadline(seconds, clock), random.random)
        return Git(network, limits, environ, lambda line: None, repository.credential)

    return make_git


_TIMEOUT = 15.0
"""The seconds without a byte after which git gives up."""
