"""What a server adds to a repository while files are found: its configuration, its imports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from studio_action.errors import BadInput
from studio_action.gitrepo.dvc.config import Config
from studio_action.gitrepo.dvc.imports import ImportSource
from studio_action.gitrepo.git.revision import Revision
from studio_action.gitrepo.locate import located
from studio_action.gitrepo.locate.located import LocatedFile
from studio_action.server.registry.manifests import Manifests
from studio_action.server.registry.mirrors import Mirrors
from studio_action.server.registry.storages import effective_config
from studio_action.server.settings import ServedRepository


@dataclass(frozen=True, slots=True)
class ServedContext:
    """What the server adds to `served`; implements `located.RepositoryContext`."""

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
    def imported(self, source: ImportSource) -> Iterator[tuple[Revision, ServedContext]]:
        """Yield another served repository at a commit, if it is among the `imports`.

        Its remotes are those of its own configuration; the importing repository cannot change them.
        """
        other = self._other(source)
        snapshot = self.mirrors.snapshot(other)
        with self.mirrors.opened(other, snapshot) as opened:
            opened.fetch_commit(source.commit)
            context = ServedContext(other, self.repositories, self.mirrors, self.manifests)
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
