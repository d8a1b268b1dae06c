"""What is on the way to a path of a repository and is no folder: a link or a submodule. Pure."""

from __future__ import annotations

import posixpath
import re

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.dvc.project import Files, find, folders_to
from studio_action.gitrepo.git.trees import LINK, SUBMODULE, Entry
from studio_action.text import printable

_MODULES = ".gitmodules"


def check_parents(path: str, files: Files) -> None:
    """Raise `UnexpectedAnswer`, which says where, if a folder on the way to `path` is none."""
    for folder in list(folders_to(posixpath.dirname(path)))[1:]:
        entry = find(folder, files)
        if entry is None:
            return
        if not entry.is_folder:
            raise UnexpectedAnswer(
                f"{printable(path, 200)} is in {_described(folder, entry, files)}"
                f" at {files.revision[:7]}, which is not followed",
                "Annotate the model in the repository that has it"
                if entry.kind == SUBMODULE
                else "Annotate the path that it has without links",
            )


def _described(path: str, entry: Entry, files: Files) -> str:
    shown = printable(path, 200)
    if entry.kind == LINK:
        return f"the symbolic link {shown}"
    if entry.kind == SUBMODULE:
        name = _submodules(files).get(path, "")
        return (
            f"the submodule {printable(repr(name), 100)} at {shown}"
            if name
            else (f"the submodule at {shown}")
        )
    return f"the file {shown}"


def _submodules(files: Files) -> dict[str, str]:
    """Return the names of submodules by their paths (https://git-scm.com/docs/gitmodules)."""
    text = files.read([_MODULES]).get(_MODULES, b"").decode("utf-8", "replace")
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if head := re.match(r'\s*\[\s*submodule\s+"(.*)"\s*\]', line):
            name = head[1]
        elif told := re.match(r"\s*path\s*=\s*(.*?)\s*$", line):
            found[told[1].strip('"')] = name
    return found
