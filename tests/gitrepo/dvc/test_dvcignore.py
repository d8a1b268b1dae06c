from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.dvc.dvcignore import Rules

DOCUMENT = ".dvcignore at c0ffee0"


def of(*lines: str, folder: str = "") -> Rules:
    return Rules.always().with_file(folder, "\n".join(lines).encode(), DOCUMENT)


@pytest.mark.parametrize(
    ("lines", "ignored", "seen"),
    [
        ([], [".git/", ".git", ".dvc/", "a/.dvc/", ".hg/"], ["m.dvc", ".dvc", ".hg", "a"]),
        (["a"], ["a", "a/", "x/a"], ["ab"]),
        (["/a"], ["a", "a/"], ["x/a"]),
        (["a/"], ["a/", "x/a/"], ["a", "x/a"]),
        (["x/a"], ["x/a"], ["y/x/a"]),
        (["**/x/a"], ["x/a", "y/z/x/a"], ["x/b"]),
        (["x/**"], ["x/a", "x/b/"], ["a"]),
        (["x/**/a"], ["x/a", "x/y/z/a"], ["x/y/b"]),
        (["*.log", "!keep.log"], ["a.log"], ["keep.log"]),
        (["!a", "a"], ["a"], ["b"]),
        (["# a", "", "  b  "], ["b"], ["# a", "a"]),
        ([r"\#a", r"\!b", r"c\*"], ["#a", "!b", "c*"], ["a", "b", "cd"]),
        (["[a-c]?", "[!x]z"], ["bq", "az"], ["b", "dq", "xz"]),
        (["[a"], [], ["[a", "a"]),
        (["a*b*c"], ["abc", "aXbXc", "abcbc"], ["ac", "abcd"]),
    ],
)
def test_ignores(lines: list[str], ignored: list[str], seen: list[str]) -> None:
    rules = of(*lines)

    found = [
        path
        for path in ignored + seen
        if rules.ignores(path.rstrip("/"), folder=path.endswith("/"))
    ]
    assert found == ignored


def test_ignores__the_lower_folder_has_the_last_word() -> None:
    rules = of("*.log").with_file("x/y", b"!a.log\n/b\n**/c\nd/e", DOCUMENT)

    assert rules.ignores("a.log", folder=False)
    assert not rules.ignores("x/y/z/a.log", folder=False)
    assert rules.ignores("x/y/b", folder=False)
    assert not rules.ignores("x/y/z/b", folder=False)
    assert rules.ignores("x/y/z/c", folder=False)
    assert rules.ignores("x/y/d/e", folder=False)
    assert not rules.ignores("b", folder=False)


@pytest.mark.parametrize("line", ["a\\", "!", "[b-a]"])
def test_with_file__what_dvc_cannot_read(line: str) -> None:
    with pytest.raises(UnexpectedAnswer, match=r"^\.dvcignore at c0ffee0 cannot be read"):
        of(line)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff", "cannot be read"),
        (b"a" * 1001, "longer than 1000"),
        (b"a\n" * 1001, "more than 1000 patterns"),
        (b"#" * (1 << 20) + b"\n", "has 1048577 bytes"),
    ],
)
def test_with_file__absurd(content: bytes, told: str) -> None:
    with pytest.raises(UnexpectedAnswer, match=told):
        Rules.always().with_file("", content, DOCUMENT)


@pytest.mark.parametrize(
    "pattern", ["a*" * 490 + "b", "**/a/" * 190 + "b", "?*" * 490, "**a" * 300]
)
def test_ignores__no_pattern_takes_for_ever(pattern: str) -> None:
    rules = of(pattern)
    started = time.perf_counter()

    rules.ignores("/".join(["a" * 255, *"a" * 100]), folder=False)

    assert time.perf_counter() - started < 5  # a regular expression would take years


@given(content=st.text(alphabet="ab*?[]!#/\\ -\n.", max_size=40))
def test_with_file__any_text(content: str) -> None:
    try:
        rules = Rules.always().with_file("x", content.encode(), DOCUMENT)
    except UnexpectedAnswer:
        return
    rules.ignores("x/a/b", folder=True)
