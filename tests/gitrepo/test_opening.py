from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio_action.errors import BadInput, Unreachable
from studio_action.gitrepo.opening import opened
from studio_action.gitrepo.repository import Repository
from studio_action.model.repository_url import RepositoryUrl
from tests.gitrepo.repositories import git, made_at, make_git
from tests.servers.git import GitServer, git_server


def fetching(folder: Path, retries: int = 2) -> Callable[[RepositoryUrl], Repository]:
    def fetched(address: RepositoryUrl) -> Repository:
        return Repository.of(address.sent, make_git(retries=retries), folder / "s")

    return fetched


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """A server with one repository, which has two versions of a model."""
    made = made_at(tmp_path / "made", {"a": b"1"}, "m@v1.0.0", "m@v2.0.0")
    (tmp_path / "served").mkdir()
    git(tmp_path, "clone", "--quiet", "--bare", str(made), "served/team/models.git")
    with git_server(tmp_path / "served") as running:
        yield running


@pytest.fixture
def checkout(server: GitServer, tmp_path: Path) -> Path:
    git(tmp_path, "clone", "--quiet", f"{server.url}/team/models.git", "checkout")
    server.requests.clear()
    return tmp_path / "checkout"


def names(repository: Repository) -> list[str]:
    with repository:
        return [tag.name for tag in repository.tags() if tag.annotated]


def test_opened__a_whole_checkout(checkout: Path, server: GitServer, tmp_path: Path) -> None:
    said: list[str] = []

    found = opened(checkout, make_git(), remote=fetching(tmp_path), say=said.append)

    assert names(found) == ["m@v1.0.0", "m@v2.0.0"]
    assert (said, server.requests) == ([], [])


@pytest.mark.parametrize("lack", ["history", "tags", "annotation"])
def test_opened__its_origin(checkout: Path, tmp_path: Path, server: GitServer, lack: str) -> None:
    match lack:
        case "history":
            (checkout / ".git/shallow").write_text(git(checkout, "rev-parse", "HEAD") + "\n")
        case "tags":
            git(checkout, "tag", "--delete", "m@v1.0.0", "m@v2.0.0")
        case _:
            git(checkout, "tag", "--force", "m@v2.0.0", "HEAD")
    before = git(checkout, "for-each-ref")
    said: list[str] = []

    found = opened(checkout, make_git(), remote=fetching(tmp_path), say=said.append)

    assert names(found) == ["m@v1.0.0", "m@v2.0.0"]
    (line,) = said
    assert line.endswith(": its origin is read instead")
    assert git(checkout, "for-each-ref") == before


def test_opened__no_origin(tmp_path: Path) -> None:
    folder = made_at(tmp_path / "made", {"a": b"1"}, "m@v1.0.0")
    git(folder, "tag", "m@v2.0.0")
    said: list[str] = []

    found = opened(folder, make_git(), remote=fetching(tmp_path), say=said.append)

    assert names(found) == ["m@v1.0.0"]
    assert "what is there has to do" in said[0]


def test_opened__an_origin_that_fails(checkout: Path, tmp_path: Path) -> None:
    git(checkout, "tag", "--delete", "m@v1.0.0", "m@v2.0.0")
    git(checkout, "remote", "set-url", "origin", "http://127.0.0.1:1/team/models.git")

    with pytest.raises(Unreachable):
        opened(checkout, make_git(), remote=fetching(tmp_path, retries=0), say=lambda line: None)


def test_opened__no_repository(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        opened(tmp_path, make_git(), remote=fetching(tmp_path), say=print)
