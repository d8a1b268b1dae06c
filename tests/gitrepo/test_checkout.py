from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio_action.errors import BadInput, Unreachable
from studio_action.gitrepo.checkout import fetch_or_stand_in, open_repository, origin, tracks
from studio_action.gitrepo.git.repository import Repository
from studio_action.model.artifact import ModelName
from studio_action.model.repository_url import RepositoryUrl
from tests.gitrepo.repositories import git, made_at, make_git
from tests.servers.git import GitServer, git_server


def test_origin(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "remote", "add", "origin", "git@github.com:acme/models.git")
    assert origin(tmp_path, os.environ) == "git@github.com:acme/models.git"


def test_origin__of_a_checkout_without_one(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert origin(tmp_path, os.environ) == ""


def test_origin__of_no_checkout(tmp_path: Path) -> None:
    assert origin(tmp_path, os.environ) == ""


def test_origin__of_no_folder(tmp_path: Path) -> None:
    assert origin(tmp_path / "none", os.environ) == ""


LOCAL = ".dvc/config.local"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / ".dvc").mkdir(parents=True)
    git(folder, "init", "--quiet")
    (folder / LOCAL).write_text("")
    return folder


def test_tracks__what_only_this_machine_has(checkout: Path) -> None:
    assert not tracks(checkout, LOCAL, os.environ)
    (checkout / ".dvc/.gitignore").write_text("config.local\n")
    assert not tracks(checkout, LOCAL, os.environ)


def test_tracks__by_another_way_to_the_checkout(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(checkout)

    assert not tracks(tmp_path / "alias", LOCAL, os.environ)


@pytest.mark.parametrize("name", [LOCAL, ".DVC/Config.Local"], ids=["it", "in another case"])
def test_tracks__what_git_brought(checkout: Path, name: str) -> None:
    (checkout / name).parent.mkdir(exist_ok=True)
    (checkout / name).write_text("")
    git(checkout, "add", "--force", name)

    assert tracks(checkout, LOCAL, os.environ)


def test_tracks__in_a_folder_whose_name_is_a_pattern(checkout: Path) -> None:
    (checkout / "[a]/.dvc").mkdir(parents=True)
    (checkout / "[a]" / LOCAL).write_text("")
    git(checkout, "add", "--force", "[a]")

    assert tracks(checkout, f"[a]/{LOCAL}", os.environ)


def test_tracks__a_link(checkout: Path) -> None:
    (checkout / "other").write_text("")
    (checkout / LOCAL).unlink()
    (checkout / LOCAL).symlink_to("../other")

    assert tracks(checkout, LOCAL, os.environ)


def test_tracks__in_a_folder_that_is_a_link(checkout: Path) -> None:
    (checkout / "sub").mkdir()
    (checkout / "sub/.dvc").symlink_to(checkout / ".dvc")

    assert tracks(checkout, f"sub/{LOCAL}", os.environ)


def test_tracks__in_a_submodule(checkout: Path, tmp_path: Path) -> None:
    module = tmp_path / "module"
    module.mkdir()
    git(module, "init", "--quiet")
    (module / ".dvc").mkdir()
    (module / LOCAL).write_text("")
    git(module, "add", "--force", ".")
    git(module, "commit", "--quiet", "-m", "x")
    git(checkout, "-c", "protocol.file.allow=always", "submodule", "add", str(module), "sub")

    assert tracks(checkout, f"sub/{LOCAL}", os.environ)


def test_tracks__where_git_cannot_tell(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / LOCAL).write_text("")

    assert tracks(tmp_path, LOCAL, os.environ)
    assert tracks(tmp_path / "none", LOCAL, os.environ)


# Open a repository that is named by a folder


def fetching(folder: Path, retries: int = 2) -> Callable[[RepositoryUrl], Repository]:
    def fetched(address: RepositoryUrl) -> Repository:
        return Repository.clone_from(str(address), make_git(retries=retries), folder / "s")

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
def cloned(server: GitServer, tmp_path: Path) -> Path:
    git(tmp_path, "clone", "--quiet", f"{server.url}/team/models.git", "checkout")
    server.requests.clear()
    return tmp_path / "checkout"


def names(repository: Repository) -> list[str]:
    with repository:
        return [tag.name for tag in repository.tags() if tag.annotated]


def test_open_repository__a_whole_checkout(cloned: Path, server: GitServer, tmp_path: Path) -> None:
    said: list[str] = []

    found = open_repository(cloned, make_git(), fetch=fetching(tmp_path), say=said.append)

    assert names(found) == ["m@v1.0.0", "m@v2.0.0"]
    assert (said, server.requests) == ([], [])


@pytest.mark.parametrize("lack", ["history", "tags", "annotation"])
def test_open_repository__its_origin(
    cloned: Path, tmp_path: Path, server: GitServer, lack: str
) -> None:
    match lack:
        case "history":
            (cloned / ".git/shallow").write_text(git(cloned, "rev-parse", "HEAD") + "\n")
        case "tags":
            git(cloned, "tag", "--delete", "m@v1.0.0", "m@v2.0.0")
        case _:
            git(cloned, "tag", "--force", "m@v2.0.0", "HEAD")
    before = git(cloned, "for-each-ref")
    said: list[str] = []

    found = open_repository(cloned, make_git(), fetch=fetching(tmp_path), say=said.append)

    assert names(found) == ["m@v1.0.0", "m@v2.0.0"]
    (line,) = said
    assert line.endswith("; reading its origin instead")
    assert git(cloned, "for-each-ref") == before


def test_open_repository__no_origin(tmp_path: Path) -> None:
    folder = made_at(tmp_path / "made", {"a": b"1"}, "m@v1.0.0")
    git(folder, "tag", "m@v2.0.0")
    said: list[str] = []

    found = open_repository(folder, make_git(), fetch=fetching(tmp_path), say=said.append)

    assert names(found) == ["m@v1.0.0"]
    assert "using local tags only" in said[0]


def test_open_repository__an_origin_that_fails(cloned: Path, tmp_path: Path) -> None:
    git(cloned, "tag", "--delete", "m@v1.0.0", "m@v2.0.0")
    git(cloned, "remote", "set-url", "origin", "http://127.0.0.1:1/team/models.git")

    with pytest.raises(Unreachable):
        open_repository(
            cloned, make_git(), fetch=fetching(tmp_path, retries=0), say=lambda line: None
        )


def test_open_repository__no_repository(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        open_repository(tmp_path, make_git(), fetch=fetching(tmp_path), say=print)


# Read tags where the repository cannot be reached


CHURN = ModelName("churn")
GONE = RepositoryUrl.parse("http://127.0.0.1:1/acme/models.git")


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    folder = made_at(tmp_path / "checkout", {"model.bin": b"x"}, "churn@v1.0.0")
    git(folder, "remote", "add", "origin", str(GONE))
    return folder


def test_fetch_or_stand_in__a_checkout_where_the_repository_is_gone(
    stand_in: Path, tmp_path: Path
) -> None:
    found = fetch_or_stand_in(
        GONE, str(GONE), make_git(), scratch=tmp_path / "scratch", workspace=stand_in
    )
    assert names(found) == ["churn@v1.0.0"]


def shallow(stand_in: Path) -> None:
    (stand_in / ".git/shallow").write_text(git(stand_in, "rev-parse", "HEAD") + "\n")


def other(stand_in: Path) -> None:
    git(stand_in, "remote", "set-url", "origin", "https://github.com/acme/other.git")


def untagged(stand_in: Path) -> None:
    git(stand_in, "tag", "--delete", "churn@v1.0.0")


@pytest.mark.parametrize("change", [shallow, other, untagged])
def test_fetch_or_stand_in__a_checkout_that_cannot_tell(
    stand_in: Path, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    change(stand_in)
    with pytest.raises(Unreachable):
        fetch_or_stand_in(
            GONE, str(GONE), make_git(), scratch=tmp_path / "scratch", workspace=stand_in
        )
