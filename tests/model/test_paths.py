from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.errors import UnexpectedAnswer
from studio_action.model.paths import check_path, common_root, find_clash

HOSTILE = {
    "empty": "",
    "absolute": "/etc/passwd",
    "parent": "../x",
    "parent inside": "models/../../x",
    "dot": "./x",
    "empty part": "models//x",
    "folder": "models/",
    "git": ".git/hooks/post-checkout",
    "git inside": "models/.git/config",
    "git in capitals": ".GIT/hooks/x",
    "git's short name on Windows": "GIT~1/hooks/x",
    "git with a trailing dot": ".git./hooks/x",
    "git with an NTFS stream": ".git::$INDEX_ALLOCATION/x",
    "git with what HFS+ ignores": ".g\u200cit/hooks/x",
    "drive": "C:\\x",
    "drive without a slash": "C:x",
    "backslash": "models\\x",
    "NUL": "models/x\x00.bin",
    "line break": "models/x\n::error::y",
    "escape": "models/\x1b[31m",
    "our own folder": ".studio-action/partial/x",
    "lone surrogate": "models/\udc80",
    "long part": "x" * 256,
    "long path": "x/" * 2048 + "x",
}


@pytest.mark.parametrize("path", HOSTILE.values(), ids=HOSTILE.keys())
def test_check_path__hostile(path: str) -> None:
    with pytest.raises(UnexpectedAnswer):
        check_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "model.onnx",
        "models/churn/model.bin",
        "a b/é.bin",
        ".gitignore",
        ".github/x",
        "x/.gitattributes",
        "..x",
        "#a",
        "x" * 64,
        "x" * 255,
        "é" * 127,
        "/".join(["x" * 255] * 16),
    ],
)
def test_check_path__plain(path: str) -> None:
    check_path(path)


@given(st.text(max_size=60))
def test_check_path__what_passes_stays_below_its_folder(path: str) -> None:
    try:
        check_path(path)
    except UnexpectedAnswer:
        return
    parts = PurePosixPath(path).parts
    assert "/".join(parts) == path
    assert not {"..", ".", "/"} & set(parts)
    assert not any(part.casefold() == ".git" for part in parts)


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        pytest.param(["a/x", "a/y"], None, id="siblings"),
        pytest.param(["a/x", "b/x"], None, id="same name in two folders"),
        pytest.param(["a", "a/x"], ("a", "a/x"), id="file then folder"),
        pytest.param(["a/x/y", "a"], ("a/x/y", "a"), id="folder then file"),
        pytest.param(["A/x", "a/X"], ("A/x", "a/X"), id="case"),
        pytest.param(["\u00e9", "e\u0301"], ("\u00e9", "e\u0301"), id="Unicode form"),
        pytest.param(["A/x", "a/y"], None, id="folders that differ by case merge"),
    ],
)
def test_clash(paths: list[str], expected: tuple[str, str] | None) -> None:
    assert find_clash(paths) == expected


@pytest.mark.parametrize(
    ("paths", "root"),
    [
        pytest.param(["a/b.bin"], "a/b.bin", id="one file"),
        pytest.param(["a/b/x", "a/b/y"], "a/b", id="one folder"),
        pytest.param(["a/b/x", "a/c/y"], "a", id="two folders"),
        pytest.param(["x", "a/y"], "", id="the top"),
        pytest.param(["a/x", "a/b/y"], "a", id="one deeper"),
    ],
)
def test_common_root(paths: list[str], root: str) -> None:
    assert common_root(paths) == root
