"""Straight from Git: every model, version and stage, with no Studio at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio_action import cli
from tests import sample
from tests.end_to_end.conftest import Program, Ran
from tests.end_to_end.test_download import CASES, contents
from tests.fakes import md5
from tests.gitrepo.repositories import committed, git, made_at, sample_at
from tests.servers import SampleStorage
from tests.servers.git import git_server

FOLDERS = {
    "storage": "s3/models/registry",
    "azure": "azure/models/registry",
    "web": "https/models.example.com/registry",
    "shelf": "file/srv/models/registry",
}
"""The sample's remotes, as folders of this machine."""
WITHOUT = {"DVC_STUDIO_URL": "", "DVC_STUDIO_TOKEN": ""}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    sample_at(folder / "models.git")
    return folder


def set_up(checkout: Path, remotes: dict[str, dict[str, str]]) -> None:
    """What a user says about remotes beside a repository: `dvc remote modify --local`."""
    sections = (
        f"['remote \"{name}\"']\n" + "".join(f"{key} = {text}\n" for key, text in options.items())
        for name, options in remotes.items()
    )
    (checkout / ".dvc/config.local").write_text("".join(sections))


@pytest.fixture
def checkout(program: Program, served: Path) -> Path:
    """The workspace is a whole checkout, and all remotes are folders."""
    git(program.workspace, "clone", "--quiet", str(served / "models.git"), ".")
    remotes = {name: {"url": str(sample.OBJECTS / place)} for name, place in FOLDERS.items()}
    set_up(program.workspace, remotes)
    return program.workspace


def run(program: Program, command: str, *options: str, **environ: str) -> Ran:
    asked = {"STUDIO_ACTION_REPO": ".", "PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    return program.run(command, *options, **{**asked, **WITHOUT, **environ})


def delivered(program: Program) -> dict[str, bytes]:
    files = program.files()
    return {path[4:]: content for path, content in files.items() if path.startswith("out/")}


@pytest.mark.parametrize(("name", "options", "version"), CASES)
def test_download__as_gto_and_dvc_have_it(
    program: Program, checkout: Path, name: str, options: list[str], version: str
) -> None:
    ran = run(program, "download-model", "--model", name, *options, "--dest=out")

    assert (ran.code, delivered(program)) == (0, contents(name, version)), ran.said
    found = sample.expected()["models"][name]["versions"][version]
    outputs = ran.outputs
    told = (outputs["revision"], outputs["digest"], outputs["source"])
    assert told == (found["revision"], found["digest"], "git")
    assert outputs["path"] == f"out/{found['path']}"
    assert program.server.requests == []


def test_download__from_a_folder_which_studio_cannot_serve(
    program: Program, checkout: Path
) -> None:
    ran = run(program, "download-model", "--model", "local-model", "--dest=out")

    version = ran.outputs["version"]
    assert (ran.code, delivered(program)) == (0, contents("local-model", version)), ran.said


def test_download__a_file_that_git_itself_holds(program: Program, checkout: Path) -> None:
    ran = run(program, "download-model", "--model", "git-model", "--dest=out")

    found = sample.expected()["models"]["git-model"]["versions"]["v1.0.0"]
    content = git(checkout, "cat-file", "blob", f"{found['revision']}:{found['path']}")
    assert ran.code == 0, ran.said
    assert {path: text.decode().strip() for path, text in delivered(program).items()} == {
        found["path"]: content
    }


@pytest.fixture
def real_checkout(
    real_program: Program, served: Path, real_storage: SampleStorage
) -> Iterator[Program]:
    """The workspace is a checkout of a repository on a server, its remotes real servers."""
    s3, azure = real_storage.s3, real_storage.azure
    with git_server(served) as server:
        git(real_program.workspace, "clone", "--quiet", str(served / "models.git"), ".")
        git(real_program.workspace, "remote", "set-url", "origin", f"{server.url}/models.git")
        set_up(
            real_program.workspace,
            {
                "storage": {
                    "endpointurl": s3.endpoint,
                    "access_key_id": s3.key_id,
                    "secret_access_key": s3.secret,
                },
                "azure": {"connection_string": azure.connection_string},
                "web": {"url": s3.public("https://models.example.com/registry")},
            },
        )
        yield real_program


@pytest.mark.parametrize("name", ["text-classifier", "dir-model", "az-dir", "web-model"])
def test_download__from_real_servers(real_checkout: Program, name: str) -> None:
    address = git(real_checkout.workspace, "remote", "get-url", "origin")

    ran = run(
        real_checkout, "download-model", "--model", name, "--dest=out", STUDIO_ACTION_REPO=address
    )

    version = sample.expected()["models"][name]["latest"]
    assert (ran.code, delivered(real_checkout)) == (0, contents(name, version)), ran.said


def test_resolve__sizes_are_known(program: Program, checkout: Path) -> None:
    ran = run(program, "resolve-model", "--model", "dir-model", "--version", "v0.2.0")

    files = sample.expected()["models"]["dir-model"]["versions"]["v0.2.0"]["files"]
    assert ran.outputs["size"] == str(sum(file["size"] for file in files)), ran.said


def test_download__an_object_that_was_never_pushed(program: Program, checkout: Path) -> None:
    ran = run(program, "download-model", "--model", "unpushed-model")
    assert ran.code == 12, ran.said


def test_download__an_executable_stays_one(program: Program, tmp_path: Path) -> None:
    files = {
        "dvc.yaml": b"artifacts:\n  tool:\n    path: tool.sh\n",
        "tool.sh": b"#!/bin/sh\n",
    }
    folder = made_at(tmp_path / "made", files)
    (folder / "tool.sh").chmod(0o755)
    committed(folder, {}, "tool@v1.0.0")

    ran = run(program, "download-model", "--model", "tool", STUDIO_ACTION_REPO=str(folder))

    assert ran.code == 0, ran.said
    assert os.access(program.workspace / "tool.sh", os.X_OK)


@pytest.mark.parametrize(("branch", "code"), [("main", 0), ("other", 17), ("none", 17)])
def test_require_ancestor_of(program: Program, tmp_path: Path, branch: str, code: int) -> None:
    files = {"dvc.yaml": b"artifacts:\n  m:\n    path: m.bin\n", "m.bin": b"first"}
    folder = made_at(tmp_path / "made", files)
    git(folder, "branch", "other")
    committed(folder, {"m.bin": b"second"}, "m@v1.0.0")

    ran = run(
        program,
        "download-model",
        "--model=m",
        f"--require-ancestor-of={branch}",
        STUDIO_ACTION_REPO=str(folder),
    )

    assert ran.code == code, ran.said
    assert bool(program.files()) is (code == 0)


def test_doctor(program: Program, checkout: Path) -> None:
    code = cli.run(["doctor", str(checkout), "--json"], dict(os.environ))

    found = json.loads(program.capfd.readouterr().out)
    seen = {(row["model"], row["version"]) for row in found["versions"]}
    assert code == 12
    assert {("text-classifier", "v2.0.0"), ("models/churn:churn", "v3.0.0")} <= seen
    errors = [each["model"] for each in found["findings"] if each["severity"] == "error"]
    assert errors == ["old-model", "unpushed-model"]
    texts = " ".join(each["text"] for each in found["findings"])
    assert "text-classifier@v9.9.9 is lightweight and ignored" in texts
    assert "latest version: gto says v0.10.0; DVC would deploy v0.11.0" in texts


@pytest.mark.parametrize("by_folder", [False, True])
def test_download__an_import_from_the_same_private_server(
    program: Program, tmp_path: Path, by_folder: bool
) -> None:
    """`git-token` reads the repository that is named, also by a checkout, and its neighbours."""
    password = "correct-horse-battery"
    (tmp_path / "private").mkdir()
    with git_server(tmp_path / "private", password=password) as server:
        origin = made_at(tmp_path / "origin", {"m.bin": b"model"})
        repo = {"url": f"{server.url}/origin.git", "rev_lock": git(origin, "rev-parse", "HEAD")}
        outs = [{"path": "m", "md5": md5(b"model"), "hash": "md5"}]
        dvc_file = json.dumps({"deps": [{"path": "m.bin", "repo": repo}], "outs": outs})
        files = {"dvc.yaml": b"artifacts: {m: {path: m}}", "m.dvc": dvc_file.encode()}
        registry = made_at(tmp_path / "registry", files, "m@v1.0.0")
        for made in (origin, registry):
            there = server.folder / f"{made.name}.git"
            git(tmp_path, "clone", "--quiet", "--bare", str(made), str(there))
        git(registry, "remote", "add", "origin", f"{server.url}/registry.git")
        place = str(registry) if by_folder else f"{server.url}/registry.git"

        ran = run(
            program,
            "download-model",
            "--model=m",
            "--dest=out",
            STUDIO_ACTION_REPO=place,
            STUDIO_ACTION_GIT_TOKEN=password,
        )

        assert (ran.code, delivered(program)) == (0, {"m": b"model"}), ran.said
        assert password not in ran.said
