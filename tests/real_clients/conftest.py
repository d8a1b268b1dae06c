"""Our own server over a Git server and real storage, at an address of its own and below a path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.gitrepo.repositories import sample_at
from tests.servers import SampleStorage
from tests.servers.git import GitServer, git_server
from tests.servers.registry import REPOSITORY, OwnServer, own_server


@dataclass(frozen=True, slots=True)
class Served:
    """The server, and the repository that it and its callers name by its address."""

    server: OwnServer
    git: GitServer

    @property
    def repository(self) -> str:
        return f"{self.git.url}/{REPOSITORY}.git"

    @property
    def environ(self) -> dict[str, str]:
        """What the real clients read; below a path they need the final slash."""
        return {"DVC_STUDIO_URL": f"{self.server.url}/", "DVC_STUDIO_TOKEN": self.server.token}


@pytest.fixture(scope="module", params=["", "/studio"], ids=["without sub-path", "with sub-path"])
def served(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    real_storage: SampleStorage,
) -> Iterator[Served]:
    """The sample registry, its remotes real servers and one folder."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "repositories" / REPOSITORY).parent.mkdir(parents=True)
    sample_at(folder / "repositories" / f"{REPOSITORY}.git")
    with git_server(folder / "repositories") as git:
        repository = f"{git.url}/{REPOSITORY}.git"
        remotes, base_path = real_storage.remotes, request.param
        with own_server(folder / "server", repository, remotes, base_path=base_path) as server:
            yield Served(server, git)
