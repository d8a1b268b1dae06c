from __future__ import annotations

import pytest

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.dvc.parents import check_parents
from tests.gitrepo.memory import MemoryFiles

FILES = MemoryFiles(
    {
        "a/b": b"",
        "link": b"",
        "libs/models": b"",
        "other": b"",
        ".gitmodules": b'[submodule "zoo"]\n\tpath = libs/models\n\turl = https://x/y.git\n',
    },
    links=["link"],
    submodules=["libs/models", "other"],
)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("link/x/m.bin", "link/x/m.bin is in the symbolic link link at c0ffee0, which is not"),
        ("libs/models/m", "libs/models/m is in the submodule 'zoo' at libs/models at c0ffee0"),
        ("other/m", "other/m is in the submodule at other at c0ffee0"),
        ("a/b/c", "a/b/c is in the file a/b at c0ffee0"),
    ],
)
def test_check_parents__what_is_no_folder(path: str, told: str) -> None:
    with pytest.raises(UnexpectedAnswer, match=told):
        check_parents(path, FILES)


@pytest.mark.parametrize("path", ["a/b", "link", "nowhere/x/y", "a/c/d", "m"])
def test_check_parents__folders_alone(path: str) -> None:
    check_parents(path, FILES)
