"""What keeps each file of a model: an object of a DVC remote, or one of Git's own.

For one commit that is the same for ever. The URLs, which are good for an hour, are made of it
where somebody asks for them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from studio_action.download.checksums import digests_of_file
from studio_action.errors import BadInput, ObjectMissing, StudioActionError, UnexpectedAnswer
from studio_action.gitrepo.dvc import artifacts, imports
from studio_action.gitrepo.dvc.artifacts import (
    Content,
    GitFile,
    ImportedContent,
    TrackedFile,
    TrackedFolder,
)
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.dvc.external import ExternalFile, web_address
from studio_action.gitrepo.dvc.imports import ImportSource
from studio_action.gitrepo.dvc.outputs import is_in
from studio_action.gitrepo.dvc.project import Project
from studio_action.gitrepo.git.revision import Revision
from studio_action.gitrepo.locate.located import (
    CONFIG,
    AtUrl,
    InRemote,
    InRepository,
    LocatedFile,
    RepositoryContext,
    config_path,
)
from studio_action.gitrepo.remotes.base import key_of
from studio_action.model.artifact import ModelName
from studio_action.model.digest import Digest
from studio_action.model.paths import check_path
from studio_action.text import printable, redact

_DVC_FILES = (
    *("dvc.yaml", "dvc.lock", ".dvc", ".dvcignore", "params.yaml", "artifacts.yaml"),
    CONFIG,
)
"""How the paths of files end that tell what keeps a model."""
MOST_HOPS = 10
"""Imports of imports that are followed, one after another."""
MOST_REPOSITORIES = 20
"""Other repositories that one model may be imported from, each at one commit."""
MOST_IMPORTS = 1000
"""Imported files and folders that one model may have."""
_POINTER = b"version https://git-lfs.github.com/spec/"


def locate_model(
    model: ModelName,
    revision: Revision,
    context: RepositoryContext,
    *,
    most_files: int = artifacts.MOST_FILES,
    say: Callable[[str], None] = lambda line: None,
) -> tuple[str, tuple[LocatedFile, ...]]:
    """Return the model's own path in the repository, and all its files in the order of their paths.

    `say` hears of files of the repository that could not be read and are not needed. Raises
    `BadInput` for a remote that is not set up, `UnexpectedAnswer` if the model has more than
    `most_files`, and what `artifacts` and `context` raise.
    """
    _fetch_tracking(revision)
    root = artifacts.path_of(model, revision)
    with ExitStack() as stack:
        followed = _OpenedImports(stack, most_files, say)
        if isinstance(root, ExternalFile):
            return root.path, _Locator(revision, root.path, context, followed).of((root,))
        locating = _Locator(revision, root, context, followed)
        return root, locating.of(artifacts.contents(root, revision, say))


def locate_file(
    path: str,
    revision: Revision,
    context: RepositoryContext,
    *,
    say: Callable[[str], None] = lambda line: None,
) -> LocatedFile | None:
    """Return the one file at `path`, which Git or DVC has; None if there is none.

    Raises what `locate_model` raises.
    """
    with ExitStack() as stack:
        locating = _Locator(
            revision, path, context, _OpenedImports(stack, artifacts.MOST_FILES, say)
        )
        try:
            found = locating.of(artifacts.contents(path, revision, say))
        except ObjectMissing:
            return None
    return found[0] if [file.path for file in found] == [path] else None


def _fetch_tracking(revision: Revision) -> None:
    """Fetch all of DVC's own files by one request."""
    revision.fetch_all(lambda path: path.endswith(_DVC_FILES))


@dataclass(slots=True)
class _OpenedImports:
    """The other repositories that imports of a model led to, open until it is located.

    `most_files` is how many files the model may have.
    """

    stack: ExitStack
    most_files: int
    say: Callable[[str], None]
    opened: dict[ImportSource, tuple[Revision, RepositoryContext]] = field(default_factory=dict)
    count: int = 0

    def open(
        self, source: ImportSource, context: RepositoryContext
    ) -> tuple[Revision, RepositoryContext]:
        """Return the repository, seen from `context`; raise `UnexpectedAnswer` where it is too
        many.
        """
        self.count += 1
        if self.count > MOST_IMPORTS:
            raise UnexpectedAnswer(f"the model has more than {MOST_IMPORTS} imports", _HINT)
        if source not in self.opened:
            if len(self.opened) >= MOST_REPOSITORIES:
                raise UnexpectedAnswer(
                    f"the model is imported from more than {MOST_REPOSITORIES} repositories", _HINT
                )
            revision, beyond = self.stack.enter_context(context.imported(source))
            _fetch_tracking(revision)
            self.opened[source] = revision, beyond
        return self.opened[source]


_HINT = "Import the model from where it was made"


class _Locator:
    """Tells what keeps the files of one revision, which the imports of `trail` led to."""

    def __init__(
        self,
        revision: Revision,
        path: str,
        context: RepositoryContext,
        followed: _OpenedImports,
        trail: tuple[tuple[ImportSource, str], ...] = (),
    ) -> None:
        self._revision, self._context = revision, context
        self._followed, self._trail = followed, trail
        self._top = Project.containing(path, revision).top
        committed = self._text(config_path(self._top))
        self._config = context.config(self._top, committed)
        self._settings: dict[str, Settings] = {}

    def _text(self, path: str) -> str:
        return self._revision.read([path]).get(path, b"").decode("utf-8", "replace")

    def of(self, contents: Collection[Content]) -> tuple[LocatedFile, ...]:
        self._check_number(len(contents))
        of_git = {content.path for content in contents if isinstance(content, GitFile)}
        self._revision.fetch(of_git)
        every: list[tuple[Content, LocatedFile]] = []
        for content in contents:
            every += ((content, file) for file in self._files(content))
            self._check_number(len(every))
        # As DVC has it: of a file that both have, Git's counts.
        files = [
            file
            for content, file in every
            if isinstance(content, GitFile) or file.path not in of_git
        ]
        for file in files:
            check_path(file.path)
        return tuple(sorted(files, key=lambda file: file.path))

    def _check_number(self, files: int) -> None:
        if files > self._followed.most_files:
            raise UnexpectedAnswer(
                f"the model has more than {self._followed.most_files:,} files",
                "Keep a model of more files as an archive, or as several models",
            )

    def _files(self, content: Content) -> Iterator[LocatedFile]:
        match content:
            case TrackedFile():
                yield self._stored(content)
            case TrackedFolder():
                manifest, most_files = self._manifest(content), self._followed.most_files
                yield from map(self._stored, artifacts.members(content, manifest, most_files))
            case GitFile():
                yield self._in_git(content)
            case ImportedContent():
                yield from self._imported(content)
            case ExternalFile():
                yield self._external(content)

    def _stored(self, stored: TrackedFile) -> LocatedFile:
        if stored.remote not in self._settings:
            self._settings[stored.remote] = self._config.remote(stored.remote)
        settings = self._settings[stored.remote]
        seen = replace(stored, path=posixpath.relpath(stored.path, self._top or "."))
        key = key_of(seen, worktree=settings.flag("worktree"), folder=not settings.scheme)
        home = InRemote(settings, key, stored.version_id)
        return LocatedFile(
            stored.path,
            home,
            stored.size,
            stored.digest,
            stored.executable,
            stored.pushed,
            self._context.repository,
        )

    def _manifest(self, folder: TrackedFolder) -> bytes:
        name = f"{folder.path}.dir"
        return self._context.manifest(
            self._stored(
                TrackedFile(name, folder.digest, remote=folder.remote, pushed=folder.pushed)
            )
        )

    def _in_git(self, file: GitFile) -> LocatedFile:
        entry = self._revision.find(file.path)
        assert entry is not None  # or it would not be in Git
        name = entry.name
        place = self._revision.objects.file(name, self._context.objects)
        with place.open("rb") as content:
            if content.read(len(_POINTER)) == _POINTER:
                raise UnexpectedAnswer(
                    f"{printable(file.path, 300)!r} is in Git LFS, and Git has only a pointer",
                    "Track it with DVC, or fetch it with git lfs",
                )
        found = digests_of_file(place, Digest("md5", ""))
        digest = Digest("md5", found.md5)
        return LocatedFile(
            file.path,
            InRepository(name),
            found.size,
            digest,
            file.executable,
            repository=self._context.repository,
        )

    def _external(self, file: ExternalFile) -> LocatedFile:
        return LocatedFile(
            file.path,
            self._at(file),
            file.size,
            file.digest,
            file.executable,
            repository=self._context.repository,
            etag=file.etag,
            external=True,
        )

    def _at(self, file: ExternalFile) -> InRemote | AtUrl:
        if file.scheme in ("http", "https"):
            return AtUrl(web_address(file.url))
        parent, _, key = file.url.rpartition("/")
        if parent not in self._settings:
            self._settings[parent] = self._parent_as_remote(file, parent)
        settings = self._settings[parent]
        if not settings.scheme:
            raise BadInput(
                f"{printable(file.path, 300)!r} is a local path, which cannot be read",
                "Push the file to a DVC remote",
            )
        return InRemote(settings, key, file.version_id)

    def _parent_as_remote(self, file: ExternalFile, parent: str) -> Settings:
        """Return the folder `parent` at an address of its own, as if it were a remote."""
        if file.scheme != "remote":
            return Settings.of(redact(parent), parent, {"url": parent}, "repository")
        name, _, folder = parent.partition("://")[2].partition("/")
        remote = self._config.remote(name)
        return replace(remote, url=f"{remote.url}/{folder}" if folder else remote.url)

    def _imported(self, content: ImportedContent) -> Iterator[LocatedFile]:
        name = content.source.config_file
        source = content.source.source(self._text(posixpath.join(self._top, name)) if name else "")
        try:
            found = list(_at_import_path(content, self._elsewhere(source, content.source.path)))
        except StudioActionError as error:
            if self._trail:  # who began tells where it leads
                raise
            shown = f"{printable(content.path, 200)} is imported from {source}"
            raise type(error)(f"{shown}: {error.message}", error.hint) from error
        yield from (file for file in found if is_in(file.path, content.wanted))

    def _elsewhere(self, source: ImportSource, path: str) -> tuple[LocatedFile, ...]:
        step = source, path
        if step in self._trail:
            raise UnexpectedAnswer("that leads to itself", _HINT)
        if len(self._trail) >= MOST_HOPS:
            raise UnexpectedAnswer(f"that is an import of more than {MOST_HOPS} imports", _HINT)
        revision, context = self._followed.open(source, self._context)
        there = _Locator(revision, path, context, self._followed, (*self._trail, step))
        return there.of(artifacts.contents(path, revision, self._followed.say))


def _at_import_path(
    content: ImportedContent, found: Iterable[LocatedFile]
) -> Iterator[LocatedFile]:
    """Yield the files of another repository at the paths that they were imported to.

    Raises `ContentMismatch` where they are not what was imported.
    """
    path = content.source.path
    files = {posixpath.relpath(file.path, path): file for file in found}
    digests = _digests(content, {name: file.digest for name, file in files.items()})
    for name, file in files.items():
        size = content.size if name == "." and file.size is None else file.size
        to = posixpath.normpath(posixpath.join(content.path, name))
        yield replace(file, path=to, digest=digests[name], size=size)


def _digests(
    content: ImportedContent, found: Mapping[str, Digest | None]
) -> Mapping[str, Digest | None]:
    """Return what each file is checked against: what was imported, where that was told."""
    if content.digest is None:
        return found
    if found.keys() == {"."}:
        return {".": imports.check_imported_file(content.path, content.digest, found["."])}
    return imports.check_imported_folder(content.path, content.digest, found)
