from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from studio_action.errors import UnexpectedAnswer, WorkspaceRefused
from studio_action.model import plan
from studio_action.model.artifact import RemoteFile
from studio_action.model.paths import check_path
from studio_action.model.windows_names import Flavour, fault_of

NONE_ON_WINDOWS = [
    "aux", "AUX.txt", "models/con", "nul.onnx", "com1.tar.gz", "LPT¹", "conin$", "prn .bin",
    "a.", "a ", "models./x", "a:b", "x::$DATA", "a?", "what*", "a|b", 'a"b', "<a>", "C:x",
    "STUDIO~1", "studio~1/x", "MODELF~12.BIN", "a\\b",
]  # fmt: skip
NAMES_ANYWHERE = [
    "model.onnx", "auxiliary", "con-model", "com", "com0x", "lpt", "a.b.c", ".hidden", "~1",
    "models/é/ü.bin", "much-longer-name~1", "nul-values/x",
]  # fmt: skip
words = st.text(st.sampled_from("aAcCoOnNuUxX1~.: $é\\|"), min_size=1, max_size=10)
paths = st.lists(words, min_size=1, max_size=3).map("/".join)


@pytest.mark.parametrize("path", NONE_ON_WINDOWS)
def test_fault_of__none_on_windows(path: str) -> None:
    assert fault_of(path, "windows")
    assert not fault_of(path, "posix")


@pytest.mark.parametrize("path", NAMES_ANYWHERE)
def test_fault_of__a_name_anywhere(path: str) -> None:
    assert (fault_of(path, "windows"), fault_of(path, "posix")) == ("", "")


@given(paths, st.sampled_from(["posix", "windows"]))
@example("models/../x", "windows")
@example("con/x", "windows")
def test_what_passes_both_checks_is_a_file_below_its_folder(path: str, flavour: Flavour) -> None:
    try:
        check_path(path)
    except UnexpectedAnswer:
        return
    if fault_of(path, flavour):
        return
    if flavour == "posix":
        assert PurePosixPath("/w", path).parts == ("/", "w", *path.split("/"))
        return
    whole = PureWindowsPath("C:\\w", path)
    assert whole.parts == ("C:\\", "w", *path.split("/"))
    assert not whole.is_reserved()
    assert not any(part.endswith((" ", ".")) or ":" in part for part in whole.parts[1:])


def test_place__says_which_file_and_why() -> None:
    files = [
        RemoteFile("models/model.bin", "https://x/1"),
        RemoteFile("models/aux.txt", "https://x/2"),
    ]
    with pytest.raises(WorkspaceRefused, match=r"aux.txt' cannot be placed: Windows keeps"):
        plan.place(files, "repo", "models", "windows")
    assert len(plan.place(files, "repo", "models", "posix")) == 2
