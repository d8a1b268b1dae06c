"""The same `.dvcignore` files, read by the real dvc and by us."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import event as noted
from hypothesis import strategies as st

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.dvc.project import Project
from tests.gitrepo.dvc.real_dvc import Dvc, running
from tests.gitrepo.memory import MemoryFiles

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module")
def dvc() -> Iterator[Dvc]:
    with running() as process:
        yield process


FOLDERS = ["", "a", "a/b", "a/b/c", "x.y", "a/x.y", "[z]"]
NAMES = ["a", "b", "ab", "x.y", "m.log", " s", "#h", "!n", ".dvcignore", "no\\te"]
PATHS = [f"{folder}/{name}".lstrip("/") for folder in FOLDERS for name in NAMES]
FILES = [path for path in PATHS if path not in FOLDERS]
# A bracket that excludes, after something else, may fit a slash, to DVC; not to Git, nor to us.
PIECES = [
    *("a", "b", "ab", "x.y", "m.log", "*", "?", "*.log", "**", "/", "/", "/", "[ab]", "/[!a]b"),
    *("[a-x]*", "\\", "#", "!", " ", "a*b", "***", "[", "]", "[]a]", ".", "..", "c", "[z]", "x*"),
    *("[b-a]", "[a-]", "/[^b]", "?*", "*?.*"),
]
PATTERN = st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join)
LINES = st.lists(st.tuples(st.sampled_from(["", "", "!"]), PATTERN).map("".join), max_size=4)
RULES = st.dictionaries(st.sampled_from(FOLDERS[:6]), LINES, min_size=1, max_size=3)


def ours(files: Mapping[str, str]) -> list[str]:
    project = Project(MemoryFiles({path: text.encode() for path, text in files.items()}), "")
    found = [path for path in files if not project.includes(path)]
    return found + [f"{path}/" for path in FOLDERS[1:] if not project.includes(path, folder=True)]


@given(rules=RULES)
@example(rules={"": ["*/"], "a": ["*/"]})
@example(rules={"": [], "a": ["**/"]})
@example(rules={"": [], "a": ["***", "!a"]})
@example(rules={"": ["a/*", "!a/b/"], "a/b": ["!ab", "/m.log"]})
@example(rules={"a": ["/"], "": ["!"]})
@example(rules={"a": ["\\#h", "\\!n"], "": ["\\#h", "!#h"]})
@example(rules={"": [".*"], "a": ["b"]})
@example(rules={"": ["**/b", "a/**", "!a/**/ab"]})
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_includes__what_the_real_dvc_sees(dvc: Dvc, rules: dict[str, list[str]]) -> None:
    texts = {f"{folder}/.dvcignore".lstrip("/"): "\n".join(rules[folder]) for folder in rules}
    files = {**dict.fromkeys(FILES, ""), **texts}
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            place = Path(folder, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        asked = [*files, *(f"{path}/" for path in FOLDERS[1:])]
        theirs = dvc.ignored(Path(folder), asked)

    if isinstance(theirs, str):
        noted("dvc refuses")
        with pytest.raises(UnexpectedAnswer):
            ours(files)
    else:
        noted("some are ignored" if len(theirs) > len(FILES) // 10 else "few are ignored")
        assert sorted(ours(files)) == sorted(theirs)
