"""Which paths from outside may become files, and where. Pure.

A registry's answer is not trusted: what could leave the workspace, reach into `.git`, or be read
as something else on another system is refused before the first byte. A path that the user wrote is
trusted, and read as a shell reads it.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from studio_action.errors import UnexpectedAnswer
from studio_action.text import printable

STATE_FOLDER = ".studio-action"
"""Our own folder in the workspace; it ignores itself in Git."""

_LONGEST_PART = 255
_LONGEST_PATH = 4096
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_DRIVE = re.compile(r"[A-Za-z]:")
# What HFS+ ignores in a name: git's own list, utf8.c `next_hfs_char`.
_IGNORED_BY_HFS = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")


def check_path(path: str) -> None:
    """Raise `UnexpectedAnswer` unless `path` is a plain file path below some folder."""
    reason = _fault(path)
    if reason:
        raise UnexpectedAnswer(
            f"{printable(path, 200)!r} is an unsafe path: {reason}",
            "Nothing was downloaded; look at what the registry stores for this model",
        )


def _fault(path: str) -> str:
    if not path:
        return "it is empty"
    if _CONTROL.search(path):
        return "it has a control character"
    if path.startswith("/"):
        return "it is absolute"
    if "\\" in path or _DRIVE.match(path):
        return "it is a Windows path"
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        return "it is not Unicode text"
    if len(encoded) > _LONGEST_PATH:
        return f"it is longer than {_LONGEST_PATH} bytes"
    parts = path.split("/")
    return next((fault for part in parts if (fault := _fault_of_part(part))), "") or (
        f"{STATE_FOLDER} is kept by studio-action"
        if comparison_key(parts[0]) == STATE_FOLDER
        else ""
    )


def _fault_of_part(part: str) -> str:
    if part in ("", ".", ".."):
        return "it has an empty part, '.' or '..'"
    if len(part) > _LONGEST_PART // 4 and len(part.encode()) > _LONGEST_PART:
        return f"a part is longer than {_LONGEST_PART} bytes"
    plain = part if part.isascii() else _IGNORED_BY_HFS.sub("", part)
    plain = plain.rstrip(". ").partition(":")[0].casefold()
    if plain in (".git", "git~1"):
        return "it reaches into Git's own folder"
    return ""


def from_home(text: str, home: str) -> Path:
    """Return the path that a user wrote as `text`; a leading `~` is the folder `home`.

    Raises `ValueError`, in words that follow the text, where that cannot be told.
    """
    slashes = text if sys.platform != "win32" else text.replace("\\", "/")
    first, _, rest = slashes.partition("/")
    if not first.startswith("~"):
        return Path(text)
    if first != "~":
        raise ValueError(f"begins with {first!r}, which is read as somebody's home")
    if not Path(home).is_absolute():
        raise ValueError("begins with '~', and HOME does not say what that is")
    return Path(home, rest.lstrip("/"))


def comparison_key(path: str) -> str:
    """Return a form that is equal for names that some file systems cannot tell apart."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def find_clash(paths: Iterable[str]) -> tuple[str, str] | None:
    """Return two of `paths` that cannot both be files of one folder; None if all can.

    Equal but for case or Unicode form, or one a folder of the other.
    """
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in paths:
        name = comparison_key(path)
        if name in files:
            return files[name], path
        if name in folders:
            return folders[name], path
        files[name] = path
        folder = name.rpartition("/")[0]
        while folder and folder not in folders:  # above a known one, all are known
            if folder in files:
                return files[folder], path
            folders[folder] = path
            folder = folder.rpartition("/")[0]
    return None


def common_root(paths: Iterable[str]) -> str:
    """Return the file itself if there is one path, else the deepest folder that holds all.

    '' is the top of the repository.
    """
    every = list(paths)
    if len(every) == 1:
        return str(PurePosixPath(every[0]))
    shared: list[str] = []
    folders = {path.rpartition("/")[0] for path in every}
    for level in zip(*(PurePosixPath(folder).parts for folder in folders), strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    return "/".join(shared)
