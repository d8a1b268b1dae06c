"""What the projects' files and objects are made of is what the real dvc makes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import sample
from tests.differential.programs import PYTHON, Dvc, environ_of_dvc
from tests.differential.project import git
from tests.differential.writing import Content, Raw, Storage, is_text
from tests.differential.writing import yaml as written

FOLDER = {
    "a/b.bin": b"\0\xff", "a.txt": b"x\r\n", "a b/é": b"", "Z": b"z", "a/B": b"B", "a-": b"-"
}  # fmt: skip


@pytest.mark.oracle
@pytest.mark.parametrize("content", [b"bytes\r\n", b"", FOLDER], ids=["file", "empty", "folder"])
def test_keep__as_dvc_add_and_push(dvc: Dvc, tmp_path: Path, content: Content) -> None:
    repository, shelf = _started(dvc, tmp_path)
    _put(repository / "m", content)

    dvc.run(repository, "add", "m")
    dvc.run(repository, "push")

    storage = Storage()
    told = {**storage.keep(content), "path": "m"}
    assert yaml.safe_load((repository / "m.dvc").read_text()) == {"outs": [told]}
    assert _files(shelf) == storage.objects


@pytest.mark.oracle
def test_keep__as_dvc_repro(dvc: Dvc, tmp_path: Path) -> None:
    repository, shelf = _started(dvc, tmp_path)
    (repository / "sub").mkdir()
    stage = {
        "cmd": "printf 1 > ../m-012",
        "wdir": "sub",
        "outs": [{"../m-${n}": {"persist": True}}],
    }
    pipeline = {"vars": [{"n": Raw("'012'")}], "stages": {"train": stage}}
    (repository / "dvc.yaml").write_bytes(written(pipeline))

    dvc.run(repository, "repro")
    dvc.run(repository, "push")

    storage = Storage()
    locked = {"cmd": stage["cmd"], "outs": [{"path": "../m-012", **storage.keep(b"1")}]}
    lock = yaml.safe_load((repository / "dvc.lock").read_text())
    assert lock == {"schema": "2.0", "stages": {"train": locked}}
    assert _files(shelf) == storage.objects


def test_keep__as_dvc_2_did(tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(sample.BUNDLE), "sample")
    name, versions = "legacy-dir", sample.expected()["models"]["legacy-dir"]["versions"]
    found = next(iter(versions.values()))
    git(tmp_path / "sample", "checkout", "--quiet", found["revision"])
    content = {
        file["path"].removeprefix(f"{found['path']}/"): sample.object_path(file["url"]).read_bytes()
        for file in found["files"]
    }

    storage = Storage()
    told = storage.keep(content, legacy=True)

    (out,) = yaml.safe_load((tmp_path / "sample" / f"{found['path']}.dvc").read_text())["outs"]
    assert {**told, "path": "dir"} == out, name
    there = {sample.object_path(file["url"]) for file in found["files"]}
    root = next(iter(there)).parents[1]
    assert all((root / key).read_bytes() == kept for key, kept in storage.objects.items())


def test_is_text() -> None:
    assert [is_text(each) for each in (b"", b"a\r\n", b"a\0", b"\xff" * 4)] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.oracle
@pytest.mark.parametrize("flow", [True, False])
def test_yaml__is_read_by_dvc_as_it_was_meant(tmp_path: Path, flow: bool) -> None:
    value = {
        "no": ["on", "012", "1e3", "true", "", "a: b", "a #b", "- x", "~", "é", "null", "1.0"],
        "1e3": {"x": None, "y": True, "z": [{"a": 1, "b": []}, {}, [1, [2]]], "é x": "v "},
        "raw": [Raw("012"), Raw("1e3"), Raw("no")],
    }
    script = (
        "import sys, json; from ruamel.yaml import YAML;"
        "print(json.dumps(YAML(typ='safe').load(sys.stdin.buffer)))"
    )

    read = subprocess.run(
        [PYTHON, "-c", script],
        input=written(value, flow=flow),
        env=environ_of_dvc(tmp_path),
        stdout=subprocess.PIPE,
        check=True,
    )

    assert json.loads(read.stdout) == {**value, "raw": [12, 1000.0, "no"]}


def _started(dvc: Dvc, folder: Path) -> tuple[Path, Path]:
    """An empty project, and the folder that is its remote."""
    repository, shelf = folder / "repository", folder / "shelf"
    repository.mkdir()
    shelf.mkdir()
    git(repository, "init", "--quiet")
    dvc.run(repository, "init", "--quiet")
    dvc.run(repository, "remote", "add", "--default", "shelf", str(shelf))
    return repository, shelf


def _put(path: Path, content: Content) -> None:
    for name, each in content.items() if isinstance(content, Mapping) else [("", content)]:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(each)


def _files(folder: Path) -> dict[str, Any]:
    files = filter(Path.is_file, folder.rglob("*"))
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}
