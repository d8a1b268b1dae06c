"""The models of served repositories: resolves versions and finds their files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock

from studio_action.errors import ObjectMissing, StudioActionError
from studio_action.gitrepo.dvc.annotations import Annotation
from studio_action.gitrepo.git.failures import BrokenRepository
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto.history import Model, Prerelease
from studio_action.gitrepo.gto.timeline import Event
from studio_action.gitrepo.locate import locating
from studio_action.gitrepo.locate.located import AtUrl, InRepository, LocatedFile
from studio_action.model.artifact import ArtifactRef, ModelName, RemoteFile, Resolution, Selector
from studio_action.net.clock import Clock
from studio_action.registries.version_choice import choose_version, find_model, stage_of
from studio_action.server.links import InFolder, InMirror, InWebRemote, Link, LocalFile
from studio_action.server.registry.manifests import Manifests, signed_url
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
from studio_action.server.registry.served_context import ServedContext
from studio_action.server.registry.storages import (
    Opened,
    ServedFolder,
    ServedStorages,
    check_folder,
)
from studio_action.server.registry.upstream import UpstreamResponse
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
            context = ServedContext(repository, self._repositories, self._mirrors, self._manifests)
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
