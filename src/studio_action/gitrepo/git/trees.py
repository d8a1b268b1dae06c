"""The folders of a commit, as Git stores them, which anyone may have written. Pure.

Git's own tools never make a folder with an entry called `..`, or two of one name, but its plumbing
does; what holds one is refused whole (https://git-scm.com/docs/git-fsck names the same faults).
"""

from __future__ import annotations

from dataclasses import dataclass

from studio_action.errors import UnexpectedAnswer
from studio_action.text import printable

FILE, FOLDER, LINK, SUBMODULE = 0o100000, 0o040000, 0o120000, 0o160000
"""What the upper bits of Git's modes say."""
_KINDS = frozenset({FILE, FOLDER, LINK, SUBMODULE})


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a folder: Git's mode of it, e.g. `0o100755`, and the name of its object."""

    mode: int
    name: str

    @property
    def kind(self) -> int:
        """`FILE`, `FOLDER`, `LINK` or `SUBMODULE`."""
        return self.mode & 0o170000

    @property
    def is_file(self) -> bool:
        return self.kind == FILE

    @property
    def is_folder(self) -> bool:
        return self.kind == FOLDER

    @property
    def executable(self) -> bool:
        return bool(self.mode & 0o100)


def read(content: bytes, width: int) -> dict[str, Entry]:
    """Return the entries of a folder by name, from the content of its tree object.

    Objects' names have `width` bytes. A name that is no UTF-8 has surrogates. Raises
    `UnexpectedAnswer` where Git itself would refuse to check the folder out.
    """
    found: dict[str, Entry] = {}
    place = 0
    while place < len(content):
        space, end = content.find(b" ", place), content.find(b"\0", place)
        if not place < space < end or len(content) <= end + width - 1:
            raise _wrong("cannot be read")
        name = content[space + 1 : end].decode("utf-8", "surrogateescape")
        mode = _mode(content[place:space])
        place = end + 1 + width
        if name in found or name in ("", ".", "..") or "/" in name or name.lower() == ".git":
            raise _wrong(f"has an entry {printable(name, 100)!r} that it must not have")
        found[name] = Entry(mode, content[end + 1 : place].hex())
    return found


def _mode(octal: bytes) -> int:
    try:
        mode = int(octal, 8)
    except ValueError:
        mode = 0
    if mode & 0o170000 not in _KINDS:
        raise _wrong(f"has an entry of the mode {printable(repr(octal), 50)}")
    return mode


def _wrong(fault: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        f"a folder of the repository {fault}", "Look at the repository with `git fsck`"
    )
