"""Models that are imported from other repositories: what the real dvc delivers, and what it may."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from studio_action.errors import BadInput, ContentMismatch, StudioActionError, Unreachable
from studio_action.gitrepo.git.repository import Repository
from studio_action.model.artifact import Latest
from tests.download.storage import running
from tests.gitrepo.repositories import committed, git, made_at, make_git
from tests.registries.places import Places
from tests.servers.git import GitServer, git_server

DVC = Path(__file__).parents[2] / ".venv-dvc" / "bin" / "dvc"


@dataclass
class Site:
    """A Git server, and working copies of what it serves, in one folder."""

    folder: Path
    server: GitServer
    stack: ExitStack

    def url(self, name: str) -> str:
        return f"{self.server.url}/{name}.git"

    def push(self, name: str) -> None:
        """Serve the working copy `name` as it is."""
        there = self.server.folder / f"{name}.git"
        shutil.rmtree(there, ignore_errors=True)
        git(self.folder, "clone", "--quiet", "--bare", str(self.folder / name), str(there))

    def made(self, name: str, files: dict[str, bytes]) -> str:
        """Serve a new repository with one commit, and give that."""
        made = made_at(self.folder / name, files, *(["m@v1.0.0"] if "dvc.yaml" in files else []))
        self.push(name)
        return git(made, "rev-parse", "HEAD")

    def content(self, name: str, model: str = "m") -> dict[str, bytes]:
        """What the model of that repository is, by our own registry."""
        folder = self.folder / f"asked for {name} {model}"
        repository = Repository.clone_from(self.url(name), make_git(retries=0), folder / "fetched")
        place = Places(folder / "place", self.stack).over(repository, {})
        return place.bytes_of(place.resolve(model, Latest()))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "served").mkdir()
    with ExitStack() as stack, git_server(tmp_path / "served") as server:
        yield Site(tmp_path, server, stack)


# Against the real dvc


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Repositories that the real dvc made: `origin`, `middle` imports from it, `last` from both."""
    folder = tmp_path_factory.mktemp("imports")
    (folder / "served").mkdir()
    with ExitStack() as stack, git_server(folder / "served") as server:
        site = Site(folder, server, stack)
        _make_origin(site)
        _make_middle(site)
        _make_last(site)
        yield site


def _make_origin(site: Site) -> None:
    files = {"plain/p.txt": b"p", "plain/deep/q.txt": b"q\r\n", "sole.json": b"{}"}
    origin = made_at(site.folder / "origin", files)
    dvc(origin, "init", "-q")
    dvc(origin, "remote", "add", "-q", "-d", "store", str(site.folder / "store"))
    dvc(origin, "remote", "add", "-q", "other", str(site.folder / "other"))
    for path, content in {"data/a": b"a", "data/sub/b": b"b", "m.bin": b"model"}.items():
        (origin / path).parent.mkdir(exist_ok=True)
        (origin / path).write_bytes(content)
    dvc(origin, "add", "-q", "data", "m.bin")
    dvc(origin, "push", "-q")
    (origin / "elsewhere.bin").write_bytes(b"elsewhere")
    dvc(origin, "add", "-q", "elsewhere.bin")
    dvc(origin, "push", "-q", "-r", "other", "elsewhere.bin")
    committed(origin, {})
    site.push("origin")


def _make_middle(site: Site) -> None:
    middle = made_at(site.folder / "middle", {"readme": b"middle"})
    dvc(middle, "init", "-q")
    dvc(middle, "remote", "add", "-q", "-d", "mine", str(site.folder / "mine"))
    for path in ("data", "m.bin", "sole.json"):
        dvc(middle, "import", "-q", site.url("origin"), path)
    committed(middle, {})
    site.push("middle")


IMPORTS = {
    "file": ("origin", "m.bin", []),
    "folder": ("origin", "data", []),
    "part": ("origin", "data/sub", []),
    "member": ("origin", "data/sub/b", []),
    "of-git": ("origin", "sole.json", []),
    "folder-of-git": ("origin", "plain", []),
    "not-downloaded": ("origin", "m.bin", ["--no-download"]),
    "folder-not-downloaded": ("origin", "data", ["--no-download"]),
    "twice": ("middle", "m.bin", []),
    "folder-twice": ("middle", "data", []),
    "of-git-twice": ("middle", "sole.json", []),
    "other-remote": ("origin", "elsewhere.bin", ["--remote", "other"]),
    "inline": ("origin", "elsewhere.bin", ["--remote-config", "url=OTHER"]),
}


def _make_last(site: Site) -> None:
    last = made_at(site.folder / "last", {"readme": b"last"})
    dvc(last, "init", "-q")
    for name, (repository, path, options) in IMPORTS.items():
        said = [each.replace("OTHER", str(site.folder / "other")) for each in options]
        dvc(last, "import", "-q", site.url(repository), path, "-o", name, *said)
    models = {name: {"path": name} for name in IMPORTS} | {"inside": {"path": "folder/sub"}}
    tags = [f"{name}@v1.0.0" for name in models]
    committed(last, {"dvc.yaml": json.dumps({"artifacts": models}).encode()}, *tags)
    site.push("last")


@pytest.mark.oracle
@pytest.mark.parametrize("model", [*IMPORTS, "inside"])
def test_resolve__imports_as_the_real_dvc_has_them(
    imported: Site, tmp_path: Path, model: str
) -> None:
    dvc(tmp_path, "artifacts", "get", imported.url("last"), model, "-o", "got")

    path = "folder/sub" if model == "inside" else model
    assert imported.content("last", model) == {
        path if file == tmp_path / "got" else f"{path}/{file.relative_to(tmp_path / 'got')}": (
            file.read_bytes()
        )
        for file in [tmp_path / "got", *(tmp_path / "got").rglob("*")]
        if file.is_file()
    }


def dvc(folder: Path, *words: str) -> None:
    """Run the real dvc."""
    assert DVC.exists(), "Run `make dvc` first"
    home = folder / ".." / "home"
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "DVC_NO_ANALYTICS": "1"}
    subprocess.run([DVC, *words], cwd=folder, env=environ, check=True, capture_output=True)


# What an import may not say


def importing(repo: dict[str, Any], path: str = "m.bin", md5: str = "0a" * 16) -> dict[str, bytes]:
    dvc_file = {
        "deps": [{"path": path, "repo": repo}],
        "outs": [{"path": "m", "md5": md5, "hash": "md5"}],
    }
    return {
        "dvc.yaml": b"artifacts: {m: {path: m}}",
        "m.dvc": json.dumps(dvc_file).encode(),
    }


@pytest.mark.parametrize("url", ["PATH", "file://PATH", "../origin", ".", "ext::sh -c id"])
def test_resolve__an_import_of_a_folder_of_this_machine(site: Site, url: str) -> None:
    commit = site.made("origin", {"m.bin": b"secret"})
    url = url.replace("PATH", str(site.folder / "origin"))
    site.made("last", importing({"url": url, "rev_lock": commit}))

    with pytest.raises(BadInput, match="is not the address of a repository"):
        site.content("last")


def test_resolve__an_import_whose_content_is_another_now(site: Site) -> None:
    commit = site.made("origin", {"m.bin": b"another"})
    site.made("last", importing({"url": site.url("origin"), "rev_lock": commit}))

    with pytest.raises(ContentMismatch, match=r"m is not what was imported"):
        site.content("last")


def test_resolve__an_import_from_a_server_that_is_not_there(site: Site) -> None:
    repo = {"url": "http://127.0.0.1:1/m.git", "rev_lock": "0a" * 20}
    site.made("last", importing(repo))

    with pytest.raises(
        Unreachable, match=r"m is imported from http://127.0.0.1:1/m.git at 0a0a0a0"
    ):
        site.content("last")


def test_resolve__what_this_machine_says_of_a_remote_is_not_for_an_imports(site: Site) -> None:
    """`config.local` has a password for `store`, which is another storage of that name here."""
    config = b"[core]\nremote = store\n['remote \"store\"']\nurl = http://127.0.0.1:1/theirs\n"
    md5 = "0a" * 16
    tracked = json.dumps({"outs": [{"path": "m.bin", "md5": md5, "hash": "md5"}]}).encode()
    commit = site.made("origin", {".dvc/config": config, "m.bin.dvc": tracked})
    site.made("last", importing({"url": site.url("origin"), "rev_lock": commit}))
    repository = Repository.clone_from(site.url("last"), make_git(), site.folder / "fetched")
    ours = {"auth": "basic", "user": "ada", "password": "hunter2"}
    place = Places(site.folder / "place", site.stack).over(repository, {"store": ours})

    (file,) = place.resolve("m", Latest()).files

    assert file.url == f"http://127.0.0.1:1/theirs/files/md5/0a/{md5[2:]}"
    assert file.headers == ()


@pytest.mark.parametrize("option", ["configpath", "credentialpath", "profile"])
@pytest.mark.parametrize("inline", [True, False])
def test_resolve__an_import_cannot_name_files_of_this_machine(
    site: Site, option: str, inline: bool
) -> None:
    """Neither by the other repository's configuration, nor by what the import puts over it."""
    run = site.folder / "run"
    (site.folder / "aws").write_text(f"[p]\ncredential_process = touch {run}\n")
    value = "p" if option == "profile" else str(site.folder / "aws")
    said = {"url": "s3://b/p", "endpointurl": "http://127.0.0.1:1", option: value}
    config = "[core]\nremote = s\n['remote \"s\"']\n" + "".join(
        f"{name} = {text}\n" for name, text in said.items()
    )
    tracked = json.dumps({"outs": [{"path": "m.bin", "md5": "0a" * 16, "hash": "md5"}]}).encode()
    commit = site.made(
        "origin", {".dvc/config": b"" if inline else config.encode(), "m.bin.dvc": tracked}
    )
    repo: dict[str, Any] = {"url": site.url("origin"), "rev_lock": commit}
    if inline:
        repo["config"] = {"core": {"remote": "s"}, "remote": {"s": said}}
    site.made("last", importing(repo))

    with pytest.raises(StudioActionError):
        site.content("last")
    assert not run.exists()


@pytest.mark.parametrize("inline", [True, False])
def test_resolve__no_key_of_the_job_is_for_an_imports_endpoint(
    site: Site, inline: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listener that the other repository, or the import, names as its S3 hears nothing."""
    with running() as listener:
        said = {"url": "s3://b/p", "endpointurl": listener.url}
        config = "[core]\nremote = s\n['remote \"s\"']\n" + "".join(
            f"{name} = {text}\n" for name, text in said.items()
        )
        tracked = {"outs": [{"path": "m.bin", "md5": "0a" * 16, "hash": "md5"}]}
        commit = site.made(
            "origin",
            {
                ".dvc/config": b"" if inline else config.encode(),
                "m.bin.dvc": json.dumps(tracked).encode(),
            },
        )
        repo: dict[str, Any] = {"url": site.url("origin"), "rev_lock": commit}
        if inline:
            repo["config"] = {"core": {"remote": "s"}, "remote": {"s": said}}
        site.made("last", importing(repo))
        repository = Repository.clone_from(site.url("last"), make_git(), site.folder / "fetched")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
        place = Places(site.folder / "place", site.stack).over(repository, {})

        with pytest.raises(BadInput, match=r"127\.0\.0\.1"):
            place.bytes_of(place.resolve("m", Latest()))
        assert not [each for each in listener.requests if "AKIAEXAMPLE" in repr(each)]
