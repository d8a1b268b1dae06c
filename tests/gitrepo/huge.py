"""Repositories that stand for more than anyone has, and how soon they have to be answered for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.gitrepo.repositories import git, made_at


@contextmanager
def soon(seconds: float = 20) -> Iterator[None]:
    """In seconds of our own, however busy the machine is; git has little to do."""
    started = time.process_time()
    yield
    assert time.process_time() - started < seconds


def tree(folder: Path, *entries: tuple[str, str, str]) -> str:
    """A folder of entries (mode, object, name)."""
    kinds = {"040000": "tree", "100644": "blob"}
    lines = "".join(f"{mode} {kinds[mode]} {it}\t{name}\n" for mode, it, name in entries)
    return git(folder, "mktree", stdin=lines)


def tagged(folder: Path, root: str) -> None:
    git(folder, "tag", "-a", "m@v1.0.0", "-m", "m", git(folder, "commit-tree", root, "-m", "m"))


def bomb(folder: Path, width: int, depth: int, **top: str) -> Path:
    """A repository of `width ** depth` files, and objects for some dozens."""
    made_at(folder, {"m": b"m"})
    blob = git(folder, "rev-parse", "HEAD:m")
    inner = tree(folder, *(("100644", blob, f"f{number}") for number in range(width)))
    for _ in range(depth - 1):
        inner = tree(folder, *(("040000", inner, f"d{number}") for number in range(width)))
    written = {
        name: git(folder, "hash-object", "-w", "--stdin", stdin=text) for name, text in top.items()
    }
    files = [("100644", it, name.replace("_", ".")) for name, it in written.items()]
    tagged(folder, tree(folder, *files, ("040000", inner, "x")))
    return folder
