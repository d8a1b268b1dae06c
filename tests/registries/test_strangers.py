"""Repositories that mean harm: each tries to get at what whoever reads them has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from studio_action.artifact import Latest
from studio_action.errors import BadInput, StudioActionError
from studio_action.gitrepo.repository import Repository
from tests.gitrepo.repositories import git, made_at, make_git
from tests.registries.places import Places


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    with ExitStack() as stack:
        yield Places(tmp_path / "place", stack)


def hostile(tmp_path: Path, config: str) -> Repository:
    """A repository whose `.dvc/config` says `config` of its default remote `r`."""
    files = {
        ".dvc/config": f"[core]\nremote = r\n['remote \"r\"']\n{config}".encode(),
        "dvc.yaml": b"artifacts: {m: {path: m.bin, type: model}}",
        "m.bin.dvc": f"outs: [{{path: m.bin, md5: {'0a' * 16}, hash: md5}}]".encode(),
    }
    return Repository.at(made_at(tmp_path / "made", files, "m@v1.0.0"), make_git())


def test_a_committed_profile_runs_no_command(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    proof = tmp_path / "it-ran"
    (tmp_path / "aws.cfg").write_text(f"[profile evil]\ncredential_process = touch {proof}\n")
    config = f"url = s3://b/p\nconfigpath = {tmp_path}/aws.cfg\nprofile = evil\n"
    config += "endpointurl = http://127.0.0.1:1\n"
    place = places.over(hostile(tmp_path, config), {})

    with pytest.raises(StudioActionError):
        place.resolve("m", Latest())

    assert not proof.exists()
    (said,) = place.said
    assert "may not say configpath, profile of its remote 'r'" in said


def test_a_committed_config_local_is_ignored(places: Places, tmp_path: Path) -> None:
    place = places.over(hostile(tmp_path, ""), {"r": {"url": "https://models.example.com"}})
    git(places.folder / "checkout", "add", "--force", ".dvc/config.local")

    with pytest.raises(BadInput, match="has no remote 'r'"):
        place.resolve("m", Latest())

    (said,) = place.said
    assert "'.dvc/config.local' is a link, or Git tracks it" in said
