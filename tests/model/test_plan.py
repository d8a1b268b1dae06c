from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from studio_action.errors import PolicyRefused, WorkspaceRefused
from studio_action.model import plan
from studio_action.model.artifact import RemoteFile
from studio_action.model.digest import Digest, folder_digest
from studio_action.model.plan import Filters

ONE, TWO = "1" * 32, "2" * 32


def remote(path: str, md5: str = "") -> RemoteFile:
    return RemoteFile(path, f"https://storage/{path}", digest=Digest("md5", md5) if md5 else None)


def targets(paths: list[str], layout: plan.Layout, root: str) -> list[str]:
    return [str(each.target) for each in plan.place([remote(path) for path in paths], layout, root)]


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ("repo", ["models/churn/model.bin", "models/churn/vocab/words.txt"]),
        ("model", ["model.bin", "vocab/words.txt"]),
        ("flat", ["model.bin", "words.txt"]),
    ],
)
def test_place__folder(layout: plan.Layout, expected: list[str]) -> None:
    paths = ["models/churn/model.bin", "models/churn/vocab/words.txt"]
    assert targets(paths, layout, "models/churn") == expected


@pytest.mark.parametrize(
    ("layout", "expected"),
    [("repo", "models/churn.bin"), ("model", "churn.bin"), ("flat", "churn.bin")],
)
def test_place__file(layout: plan.Layout, expected: str) -> None:
    assert targets(["models/churn.bin"], layout, "models/churn.bin") == [expected]


def test_place__flat_with_one_name_twice() -> None:
    with pytest.raises(WorkspaceRefused, match=r"layout flat"):
        targets(["a/x", "b/x"], "flat", "")


@pytest.mark.parametrize(
    ("layout", "file", "folder"),
    [("repo", "m/a", "m"), ("model", "a", "."), ("flat", "a", ".")],
)
def test_model_path(layout: plan.Layout, file: str, folder: str) -> None:
    one = plan.place([remote("m/a")], layout, "m/a")
    two = plan.place([remote("m/a"), remote("m/b")], layout, "m")
    assert plan.model_path(one, layout, "m/a") == PurePosixPath(file)
    assert plan.model_path(two, layout, "m") == PurePosixPath(folder)


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        pytest.param((), (), ["m/a.onnx", "m/b.txt", "m/sub/c.onnx"], id="all"),
        pytest.param(("*.onnx",), (), ["m/a.onnx", "m/sub/c.onnx"], id="by ending, at any depth"),
        pytest.param(("/m/*.onnx",), (), ["m/a.onnx"], id="anchored"),
        pytest.param((), ("sub/",), ["m/a.onnx", "m/b.txt"], id="without a folder"),
        pytest.param(("m/**",), ("*.onnx",), ["m/b.txt"], id="exclude wins"),
    ],
)
def test_filters(include: tuple[str, ...], exclude: tuple[str, ...], expected: list[str]) -> None:
    files = [remote(path) for path in ("m/a.onnx", "m/b.txt", "m/sub/c.onnx")]
    assert [file.path for file in Filters(include, exclude).select(files)] == expected


def test_filters__nothing_left() -> None:
    with pytest.raises(PolicyRefused, match="none of the model's 1 files"):
        Filters(("*.bin",)).select([remote("m/a.onnx")])


def test_digest_of__file() -> None:
    assert plan.digest_of([remote("m/a", ONE)], "m/a") == Digest("md5", ONE)


def test_digest_of__folder_with_one_file() -> None:
    assert plan.digest_of([remote("m/a", ONE)], "m") == folder_digest([("a", ONE)])


def test_digest_of__folder() -> None:
    files = [remote("m/b", TWO), remote("m/a", ONE)]
    assert plan.digest_of(files, "m") == folder_digest([("a", ONE), ("b", TWO)])


def test_digest_of__unknown_before_the_download_and_known_after() -> None:
    files = [remote("m/a", ONE), remote("m/b")]
    assert plan.digest_of(files, "m") is None
    assert plan.digest_of(files, "m", {"m/b": TWO}) == folder_digest([("a", ONE), ("b", TWO)])


def test_require_digests() -> None:
    plan.require_digests([remote("m/a", ONE)])
    with pytest.raises(PolicyRefused, match="'m/b' and 1 more"):
        plan.require_digests([remote("m/a", ONE), remote("m/b"), remote("m/c")])
