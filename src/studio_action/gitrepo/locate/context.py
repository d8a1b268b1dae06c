"""Where each file of a model can be had now, as the job sees it: signed URLs, files, headers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from studio_action.download.base import Downloader, NoProgress
from studio_action.gitrepo import checkout
from studio_action.gitrepo.dvc import trust
from studio_action.gitrepo.dvc.artifacts import LARGEST_MANIFEST
from studio_action.gitrepo.dvc.config import Config, ConfigFile, Settings
from studio_action.gitrepo.dvc.imports import ImportSource
from studio_action.gitrepo.git.revision import Revision
from studio_action.gitrepo.locate.located import (
    AtUrl,
    InRemote,
    InRepository,
    LocatedFile,
    config_path,
)
from studio_action.gitrepo.remotes.base import Place, Remote
from studio_action.gitrepo.remotes.opening import RemoteOpener, config_files
from studio_action.model.artifact import RemoteFile
from studio_action.model.digest import Digest
from studio_action.net import signed_url
from studio_action.text import printable
from studio_action.workspace import regular_files

OpenImport = Callable[[ImportSource], AbstractContextManager[Revision]]
"""Opens the repository that an import leads to; raises `BadInput` where it may not lead there, and
what `Git.run_remote` raises."""


@dataclass(frozen=True)
class ResolveContext:
    """What is around a repository here; implements `located.RepositoryContext`.

    `checkout` is a checkout of it, whose `config.local` counts unless Git brought it, and whose
    relative paths do; `scratch` is a folder for as long as the files are needed; `environ` is the
    job's; `say` tells the job; `open_import` opens other repositories.
    """

    open_remote: RemoteOpener
    downloader: Downloader
    scratch: Path
    environ: Mapping[str, str] = field(repr=False)
    checkout: Path | None
    utc: Callable[[], datetime]
    say: Callable[[str], None]
    open_import: OpenImport = field(repr=False)
    _said: set[str] = field(default_factory=set, init=False, repr=False)
    _opened: dict[int, tuple[Settings, Remote]] = field(
        default_factory=dict, init=False, repr=False
    )
    _manifests: dict[Digest, bytes] = field(default_factory=dict, init=False, repr=False)

    @property
    def objects(self) -> Path:
        """See `located.RepositoryContext`."""
        return self.scratch

    @property
    def repository(self) -> str:
        """See `located.RepositoryContext`."""
        return ""

    def config(self, top: str, committed: str) -> Config:
        """See `located.RepositoryContext`: the machine's and the user's own count as well."""
        beside = self.checkout / top / ".dvc" if self.checkout else None
        file = ConfigFile(config_path(top), committed, beside)
        return Config.read(config_files(self.environ, [file], self._local(top)))

    def _local(self, top: str) -> Path | None:
        """Return the checkout's own `config.local`; only its owner can have written it."""
        path = f"{config_path(top)}.local"
        if self.checkout is None or not os.path.lexists(self.checkout / path):
            return None
        if checkout.tracks(self.checkout, path, self.environ):
            self._say_once(
                f"{printable(path, 300)!r} is ignored: it is a link, or Git tracks it, so somebody"
                " else may have written it. Remove it from the repository with `git rm --cached`"
            )
            return None
        return self.checkout / path

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self.say(text)

    def manifest(self, file: LocatedFile) -> bytes:
        """See `located.RepositoryContext`; its bytes are checked like those of any file."""
        if file.digest not in self._manifests:
            wanted = [replace(each, largest=LARGEST_MANIFEST) for each in self.files([file])]
            (fetched,) = self.downloader.fetch(
                wanted,
                renew=lambda: {each.path: each.url for each in self.files([file])},
                progress=NoProgress(),
            )
            assert file.digest is not None  # or it would not be a manifest
            self._manifests[file.digest] = regular_files.read(fetched.partial, LARGEST_MANIFEST)
            fetched.partial.unlink()
        return self._manifests[file.digest]

    @contextmanager
    def imported(self, source: ImportSource) -> Iterator[tuple[Revision, ImportContext]]:
        """See `located.RepositoryContext`."""
        with self.open_import(source) as revision:
            yield revision, ImportContext(source, self)

    def files(self, located: Iterable[LocatedFile]) -> tuple[RemoteFile, ...]:
        """Return where the files can be had now; raise what `remotes.base.Remote` raises."""
        return tuple(self._signed(located, self.utc()))

    def _signed(self, located: Iterable[LocatedFile], now: datetime) -> Iterator[RemoteFile]:
        for file in located:
            place = self._place(file.home, now)
            yield RemoteFile(
                file.path,
                place.url,
                file.size,
                file.digest,
                signed_url.expiry(place.url),
                place.headers,
                file.executable,
                file.pushed,
                etag=file.etag,
                external=file.external,
                tls_verify=place.tls_verify,
            )

    def _place(self, home: InRemote | InRepository | AtUrl, now: datetime) -> Place:
        if isinstance(home, InRepository):
            return Place((self.scratch / home.object).as_uri())
        if isinstance(home, AtUrl):
            return Place(home.url)
        opened = self._opened.get(id(home.settings))
        if opened is None:
            if home.settings.dropped:
                self._say_once(
                    trust.ignored_options_warning(home.settings.name, home.settings.dropped)
                )
            opened = home.settings, self.open_remote(home.settings)
            self._opened[id(home.settings)] = opened
        place = opened[1].place(home.key, home.version_id, now)
        said = home.settings["ssl_verify"]
        if told := trust.unchecked_certificate_warning(home.settings.name, said, place.tls_verify):
            self._say_once(told)
        return place


@dataclass(frozen=True, slots=True)
class ImportContext:
    """What is around a repository that an import leads to; implements `located.RepositoryContext`.

    Nothing that this machine's files say of a remote counts: they mean the remotes of another
    repository, which may have the same names.
    """

    source: ImportSource
    home: ResolveContext

    @property
    def objects(self) -> Path:
        """See `located.RepositoryContext`."""
        return self.home.objects

    @property
    def repository(self) -> str:
        """See `located.RepositoryContext`."""
        return str(self.source)

    def config(self, top: str, committed: str) -> Config:
        """See `located.RepositoryContext`."""
        return Config.read(self.source.files(config_path(top), committed))

    def manifest(self, file: LocatedFile) -> bytes:
        """See `located.RepositoryContext`."""
        return self.home.manifest(file)

    def imported(
        self, source: ImportSource
    ) -> AbstractContextManager[tuple[Revision, ImportContext]]:
        """See `located.RepositoryContext`."""
        return self.home.imported(source)
