from __future__ import annotations

import os
from pathlib import Path

import pytest

from studio_action.errors import BadInput
from studio_action.gitrepo.signatures import unknown_user

NOBODY_KNOWS = 2_000_000_011


def test_variables__of_a_user_that_is_known(tmp_path: Path) -> None:
    assert unknown_user.variables(tmp_path, 0, list) == {}


def test_variables__of_a_user_that_is_not(tmp_path: Path) -> None:
    library = Path("/usr/lib/libnss_wrapper.so")

    found = unknown_user.variables(tmp_path, NOBODY_KNOWS, lambda: [library])

    assert found["LD_PRELOAD"] == str(library)
    passwd = Path(found["NSS_WRAPPER_PASSWD"]).read_text()
    assert passwd.split(":")[2:4] == [str(NOBODY_KNOWS), str(os.getgid())]


def test_variables__without_the_library(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=f"as user {NOBODY_KNOWS}: this machine has no such user"):
        unknown_user.variables(tmp_path, NOBODY_KNOWS, list)
