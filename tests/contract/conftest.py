"""The sides that have to agree: a Git repository, and our own server over the same repository."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import pytest

from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.gto import history
from studio_action.gitrepo.gto.history import Prerelease
from studio_action.model.artifact import ArtifactRef, ModelName, Resolution, Selector
from studio_action.net.clock import Deadline, Limits
from studio_action.net.network import Network
from studio_action.registries.base import Registry
from studio_action.registries.extended import ExtendedStudioRegistry
from studio_action.registries.pinned import PinnedRegistry
from studio_action.registries.studio import StudioRegistry
from studio_action.studio.session import StudioSession
from tests import sample
from tests.gitrepo.repositories import make_git, sample_at
from tests.registries.places import Place, Places
from tests.server.guarded import OPTIONS, guarded
from tests.servers.registry import REPOSITORY, own_server

Side = Literal["git", "server", "server as Studio has it"]
"""The repository itself; the server's whole answer; its answer to what Studio is asked."""
SIDES: tuple[Side, ...] = get_args(Side)


class _Nobody:
    """What a server of ours leaves nothing to."""

    def resolve(self, artifact: ArtifactRef, selector: Selector) -> Resolution:
        raise AssertionError(f"the server did not tell the {selector} of {artifact}")


@dataclass(frozen=True)
class Contract:
    """All sides over one repository with one set of remotes."""

    place: Place
    studio: StudioRegistry

    def side(self, side: Side, prerelease: Prerelease = "include") -> Registry:
        """A registry that has not been asked yet."""
        match side:
            case "git":
                return replace(self.place.registry, prerelease=prerelease)
            case "server":
                return ExtendedStudioRegistry(self.studio, _Nobody(), prerelease, print)
            case "server as Studio has it":
                tags = self.place.registry.repository.tags
                return PinnedRegistry(self.studio, lambda: history.read(tags()), prerelease, print)

    def bytes_of(self, resolution: Resolution) -> dict[str, bytes]:
        """The files' content, every one verified by its digest."""
        return self.place.bytes_of(resolution)


@pytest.fixture(
    scope="module", params=["on disk", pytest.param("on servers", marks=pytest.mark.servers)]
)
def contract(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Contract]:
    """The sample registry, its remotes folders of this machine, and then real servers."""
    folder = tmp_path_factory.mktemp("contract")
    remotes = sample.REMOTES
    if request.param == "on servers":
        remotes = request.getfixturevalue("real_storage").remotes
    with agreeing(folder, remotes) as found:
        yield found


@pytest.fixture(scope="module")
def guarded_contract(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contract]:
    """The sample registry, one of whose remotes is a web server that demands a password."""
    with guarded(sample.objects("https", "models.example.com")) as storage:
        web = {"url": f"{storage.url}/registry", **OPTIONS}
        folder = tmp_path_factory.mktemp("guarded")
        with agreeing(folder, {**sample.REMOTES, "web": web}) as found:
            yield found


@contextmanager
def agreeing(folder: Path, remotes: Mapping[str, Mapping[str, str]]) -> Iterator[Contract]:
    """All sides, with these remotes."""
    repository = sample_at(folder / "sample.git")
    limits = Limits(30.0, 1, Deadline(), lambda: 0.0)
    with ExitStack() as stack:
        place = Places(folder / "place", stack).over(
            Repository.open(repository, make_git()), remotes
        )
        server = stack.enter_context(own_server(folder / "server", repository, remotes))
        session = StudioSession(f"{server.url}/", lambda: server.token, Network(), limits, print)
        stack.callback(session.close)
        yield Contract(place, StudioRegistry(session, place.masked.append))


def asked(model: str) -> ArtifactRef:
    """A model of the sample repository, by the name that the server has for that."""
    return ArtifactRef(REPOSITORY, ModelName.parse(model))
