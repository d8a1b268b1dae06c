"""The real program before a server of one's own: no repository has to be read beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio_action import cli
from tests import sample
from tests.end_to_end.conftest import Ran
from tests.end_to_end.test_download import contents
from tests.gitrepo.repositories import committed, git, made_at, sample_at
from tests.servers.registry import REPOSITORY, OwnServer, own_server
from tests.signature.sigstore_instance import new_key
from tests.signature.statements import content, of_files, public_pem, signed_by_key

POLICY = b"""
rules:
- {name: not huge, max-size: 1GB}
- {name: tiny, models: az-model, max-size: 0}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServer]:
    folder = tmp_path_factory.mktemp("own")
    repository = sample_at(folder / "sample.git")
    git(folder, "clone", "--quiet", str(repository), "made")
    committed(folder / "made", {".studio-action.yml": POLICY})
    git(folder / "made", "push", "--quiet", "origin", "HEAD")
    with own_server(folder / "server", repository, sample.REMOTES, base_path="/studio") as running:
        yield running


def run(server: OwnServer, capfd: pytest.CaptureFixture[str], command: str, *options: str) -> Ran:
    """Run `command` where there is no git to read tags with."""
    outputs = Path.cwd().parent / "outputs.json"
    environ = {
        "STUDIO_ACTION_REPO": REPOSITORY,
        "DVC_STUDIO_URL": server.url,
        "DVC_STUDIO_TOKEN": server.token,
        "PATH": "",
    }
    code = cli.run([command, f"--output-json={outputs}", *options], environ)
    written = json.loads(outputs.read_text()) if outputs.exists() else {}
    return Ran(code, written, "".join(capfd.readouterr()))


def files(workspace: Path) -> dict[str, bytes]:
    return {
        path.relative_to(workspace).as_posix(): path.read_bytes()
        for path in workspace.rglob("*")
        if path.is_file() and ".studio-action" not in path.parts
    }


@pytest.mark.parametrize(
    ("name", "options", "version", "previous"),
    [
        pytest.param("dir-model", ["--stage", "prod"], "v0.2.0", "", id="stage"),
        pytest.param("text-classifier", ["--stage", "prod"], "v1.0.0", "v2.0.0", id="roll-back"),
        pytest.param("text-classifier", ["--version", "^1"], "v1.1.0-beta.11", "", id="range"),
        pytest.param(
            "models/churn:churn", ["--prerelease", "exclude"], "v3.0.0", "", id="latest stable"
        ),
        pytest.param("local-model", [], "v1.0.0", "", id="latest"),
    ],
)
def test_download__the_version_is_known_without_git(
    server: OwnServer,
    workspace: Path,
    capfd: pytest.CaptureFixture[str],
    name: str,
    options: list[str],
    version: str,
    previous: str,
) -> None:
    ran = run(server, capfd, "download-model", "--model", name, *options)

    assert (ran.code, files(workspace)) == (0, contents(name, version)), ran.said
    found = sample.expected()["models"][name]["versions"][version]
    assert (ran.outputs["version"], ran.outputs["revision"]) == (version, found["revision"])
    assert (ran.outputs["previous-version"], ran.outputs["path"]) == (previous, found["path"])
    assert ran.outputs["digest"] == found["digest"]
    assert "Version supplied by the server" in ran.said
    assert server.token not in ran.said
    assert "Signature" not in ran.said


def test_resolve__sizes_are_known_without_asking_the_storage(
    server: OwnServer, workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ran = run(server, capfd, "resolve-model", "--model", "text-classifier", "--stage", "prod")

    (file,) = sample.expected()["models"]["text-classifier"]["versions"]["v1.0.0"]["files"]
    assert (ran.code, ran.outputs["size"]) == (0, str(file["size"])), ran.said


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param(["--model", "none"], 12, id="model"),
        pytest.param(["--model", "none", "--if-not-found", "warn"], 0, id="model, a warning"),
        pytest.param(["--model", "text-classifier", "--version", "v9.9.9"], 12, id="version"),
        pytest.param(["--model", "az-model", "--repo", "acme/others"], 12, id="repository"),
        pytest.param(["--model", "unpushed-model"], 12, id="lost object"),
        pytest.param(["--model", "a", "--version", "^x"], 10, id="no range"),
    ],
)
def test_exit_code(
    server: OwnServer,
    workspace: Path,
    capfd: pytest.CaptureFixture[str],
    options: list[str],
    code: int,
) -> None:
    ran = run(server, capfd, "download-model", *options)

    assert ran.code == code, ran.said
    assert files(workspace) == {}


def test_create_project__the_same_again(
    server: OwnServer, workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first, again = (run(server, capfd, "create-project") for _ in range(2))

    assert (first.code, first.outputs) == (0, again.outputs), first.said
    assert first.outputs["project-url"].startswith(f"{server.url}/user/")


@pytest.fixture(scope="module")
def of_signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OwnServer, str]]:
    """A server of two signed models, and the key: one is a folder, the other a file."""
    folder, key = tmp_path_factory.mktemp("signed"), new_key()
    in_it = content(signed_by_key(of_files({"a": b"a", "deep/b": b"b"}), key))
    beside = content(signed_by_key(of_files({".": b"x"}), key))
    artifacts = {"m": {"path": "m"}, "f": {"path": "f/x.pkl"}}
    model = {"m/a": b"a", "m/deep/b": b"b", "m/model.sig": in_it}
    files = {"dvc.yaml": json.dumps({"artifacts": artifacts}).encode(), **model}
    repository = made_at(
        folder / "repository",
        {**files, "f/x.pkl": b"x", "f/model.sig": beside},
        *("m@v1.0.0", "f@v1.0.0"),
    )
    with own_server(folder / "server", repository, {}) as running:
        yield running, public_pem(key)


def test_signature__in_the_models_folder_alone(
    of_signed: tuple[OwnServer, str], workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server, pem = of_signed
    trusted = ("--require-signature=key", f"--signature-public-key={pem}")

    folder = run(server, capfd, "download-model", "--model=m", *trusted)
    file = run(server, capfd, "download-model", "--model=f", *trusted)

    assert folder.code == 0, folder.said
    assert "Signed by the key" in folder.said
    assert file.code == 17, file.said
    assert "Studio sends only the model's own files" in file.said
    assert set(files(workspace)) == {"m/a", "m/deep/b", "m/model.sig"}


def test_policy__is_told_by_the_server(
    server: OwnServer, workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """This step has no git to read it with."""
    fit = run(server, capfd, "download-model", "--model", "local-model")
    unfit = run(server, capfd, "download-model", "--model", "az-model")

    assert fit.code == 0, fit.said
    assert re.search(r"Policy \.studio-action\.yml at [0-9a-f]{7}: not huge\n", fit.said)
    assert unfit.code == 17, unfit.said
    assert "(rule 'tiny' of .studio-action.yml at" in unfit.said
