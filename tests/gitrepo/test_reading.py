from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from studio_action.errors import Unreachable
from studio_action.gitrepo.reading import models_of
from studio_action.model.artifact import ModelName
from studio_action.model.repository_url import RepositoryUrl
from tests.gitrepo.repositories import git, made_at, make_git

CHURN = ModelName("churn")
GONE = RepositoryUrl.parse("http://127.0.0.1:1/acme/models.git")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = made_at(tmp_path / "checkout", {"model.bin": b"x"}, "churn@v1.0.0")
    git(folder, "remote", "add", "origin", GONE.sent)
    return folder


def test_models_of__a_checkout_where_the_repository_is_gone(checkout: Path, tmp_path: Path) -> None:
    found = models_of(GONE, GONE.sent, make_git(), scratch=tmp_path / "scratch", workspace=checkout)
    assert found[CHURN].at_version("v1.0.0") is not None


def shallow(checkout: Path) -> None:
    (checkout / ".git/shallow").write_text(git(checkout, "rev-parse", "HEAD") + "\n")


def other(checkout: Path) -> None:
    git(checkout, "remote", "set-url", "origin", "https://github.com/acme/other.git")


def untagged(checkout: Path) -> None:
    git(checkout, "tag", "--delete", "churn@v1.0.0")


@pytest.mark.parametrize("change", [shallow, other, untagged])
def test_models_of__a_checkout_that_cannot_tell(
    checkout: Path, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    change(checkout)
    with pytest.raises(Unreachable):
        models_of(GONE, GONE.sent, make_git(), scratch=tmp_path / "scratch", workspace=checkout)
