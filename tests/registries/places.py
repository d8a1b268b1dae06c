"""Source `git` over repositories whose remotes are on this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from studio_action.download.local import LocalDownloader
from studio_action.download.transfer import Transfer
from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.locate.context import ResolveContext
from studio_action.gitrepo.locate.import_repositories import ImportRepositories
from studio_action.gitrepo.remotes.identity import Identity
from studio_action.gitrepo.remotes.opening import StorageRemotes
from studio_action.model.artifact import ArtifactRef, ModelName, Resolution, Selector
from studio_action.net.clock import Deadline, Limits
from studio_action.net.network import Network
from studio_action.registries.git import GitRegistry
from tests.fakes import Silence
from tests.gitrepo.repositories import make_git


@dataclass
class Place:
    """One repository, a registry over it, and a downloader for what it answers."""

    registry: GitRegistry
    downloader: LocalDownloader
    masked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def resolve(self, model: str, selector: Selector) -> Resolution:
        artifact = ArtifactRef("models", ModelName.parse(model))
        return self.registry.resolve(artifact, selector)

    def bytes_of(self, resolution: Resolution) -> dict[str, bytes]:
        fetched = self.downloader.fetch(resolution.files, renew=dict, progress=Silence())
        assert {each.verified for each in fetched} <= {"md5", "md5-dos2unix"}
        return {each.file.path: each.partial.read_bytes() for each in fetched}


class Places:
    """Opens places in one folder, and closes them in the end."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack = folder, stack
        self.neighbours = ImportRepositories(make_git(), "", folder / "imports")
        for name in ("partial", "copies", "scratch", "checkout/.dvc", "dvc"):
            (folder / name).mkdir(parents=True)
        subprocess.run(["git", "init", "--quiet", folder / "checkout"], check=True)

    def over(
        self, repository: Repository, remotes: Mapping[str, Mapping[str, str]], **environ: str
    ) -> Place:
        """The place of `repository`; `remotes` go into the checkout's `config.local`."""
        masked: list[str] = []
        said: list[str] = []
        sections = (
            f"['remote \"{name}\"']\n" + "".join(f"{key} = {text}\n" for key, text in said.items())
            for name, said in remotes.items()
        )
        (self.folder / "checkout/.dvc/config.local").write_text("".join(sections))
        transfer = Transfer(
            self.folder / "partial",
            limits=Limits(10, 1),
            max_connections=4,
            network=Network(),
            verify="auto",
        )
        inner = self._stack.enter_context(transfer)
        downloader = LocalDownloader(inner, self.folder / "copies", Deadline())
        around = ResolveContext(
            open_remote=StorageRemotes(Network(), Identity(environ)),
            downloader=downloader,
            scratch=self.folder / "scratch",
            environ={"DVC_SYSTEM_CONFIG_DIR": "/none", "DVC_GLOBAL_CONFIG_DIR": "/none"},
            checkout=self.folder / "checkout",
            utc=lambda: datetime.now(timezone.utc),
            say=said.append,
            open_import=self.neighbours.open,
        )
        self._stack.enter_context(repository)
        registry = GitRegistry(repository, around, "include", masked.append, said.append)
        return Place(registry, downloader, masked, said)
