"""The real program, and a model on a web server whose password only the server of our own knows."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio_action import cli
from tests.download.storage import Reply, Storage
from tests.gitrepo.repositories import made_at
from tests.server.guarded import AUTHORIZATION, OPTIONS, PASSWORD, guarded
from tests.server.sample_registry import REPOSITORY, Registry, registry
from tests.server.serving import repository

FOLDER = {f"m/{name}.bin": os.urandom(1000) for name in "abc"}
LARGE = os.urandom(10_000_000 + 17)


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def key(hexadecimal: str) -> str:
    return f"r/files/md5/{hexadecimal[:2]}/{hexadecimal[2:]}"


@pytest.fixture
def storage() -> Iterator[Storage]:
    """A large file and a folder, as DVC keeps them."""
    members = [{"md5": md5(each), "relpath": path[2:]} for path, each in sorted(FOLDER.items())]
    manifest = json.dumps(members).encode()
    objects = {key(md5(each)): each for each in (LARGE, *FOLDER.values())}
    with guarded({**objects, key(f"{md5(manifest)}.dir"): manifest}) as server:
        yield server


@pytest.fixture
def server(tmp_path: Path, storage: Storage) -> Iterator[Registry]:
    """A server of the two models, which knows the password."""
    (manifest,) = (name for name in storage.objects if name.endswith(".dir"))
    folder = {"path": "m", "md5": manifest[-37:].replace("/", ""), "hash": "md5"}
    large = {"path": "large.bin", "md5": md5(LARGE), "hash": "md5", "size": len(LARGE)}
    artifacts = {"folder": {"path": "m"}, "large": {"path": "large.bin"}}
    files = {
        ".dvc/config": f"[core]\nremote = web\n['remote \"web\"']\nurl = {storage.url}/r".encode(),
        "dvc.yaml": json.dumps({"artifacts": artifacts}).encode(),
        "m.dvc": json.dumps({"outs": [folder]}).encode(),
        "large.bin.dvc": json.dumps({"outs": [large]}).encode(),
    }
    place = made_at(tmp_path / "repository", files, "folder@v1.0.0", "large@v1.0.0")
    web = {"url": f"{storage.url}/r", **OPTIONS}
    served = repository(place, REPOSITORY, teams=frozenset({"ml"}), remotes={"web": web})
    (tmp_path / "data").mkdir()
    with registry(tmp_path / "data", repositories=(served,)) as running:
        yield running


def download(server: Registry, model: str, *options: str) -> int:
    environ = {
        "STUDIO_ACTION_REPO": REPOSITORY,
        "DVC_STUDIO_URL": server.url,
        "DVC_STUDIO_TOKEN": server.token,
        "PATH": "",
    }
    return cli.run(["download-model", "--model", model, *options], environ)


def test_download__a_large_file_over_many_connections(
    server: Registry, storage: Storage, workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert download(server, "large", "--connections=16", "--verify=require") == 0

    assert (workspace / "large.bin").read_bytes() == LARGE
    assert len([request for request in storage.requests if request.span]) > 1
    assert {request.headers["authorization"] for request in storage.requests} == {AUTHORIZATION}
    said = "".join(capfd.readouterr())
    assert PASSWORD not in said
    assert AUTHORIZATION not in said


def test_download__a_folder(server: Registry, workspace: Path) -> None:
    assert download(server, "folder", "--verify=require") == 0

    assert {path: (workspace / path).read_bytes() for path in FOLDER} == FOLDER


def test_download__a_storage_that_breaks_off_is_asked_for_the_rest(
    server: Registry, storage: Storage, workspace: Path
) -> None:
    pending = [1 << 20, 3 << 20]

    def script(request: object) -> Reply | None:
        return Reply(200, LARGE, cut=pending.pop()) if pending else None

    storage.scripts.insert(0, script)

    assert download(server, "large", "--verify=require") == 0

    assert (workspace / "large.bin").read_bytes() == LARGE


def test_download__it_counts_as_bytes_of_files(server: Registry, workspace: Path) -> None:
    assert download(server, "folder") == 0

    (told,) = (
        line
        for line in server.services.own.metrics.text().decode().splitlines()
        if line.startswith("studio_action_file_bytes_total")
    )
    assert float(told.split()[1]) >= sum(map(len, FOLDER.values()))
