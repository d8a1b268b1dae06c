"""The files of a checkout that name the release."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

HISTORY = ("CHANGELOG.md", "requirements/", "tests/fixtures/", "tests/release/", "tests/tools/")
"""What names other things, or what was: it keeps its names."""


def environ() -> dict[str, str]:
    """Return this process's environment without what points Git at another repository."""
    return {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}


def git(root: Path, *arguments: str) -> str:
    """Return what `git` prints for the repository at `root`."""
    return subprocess.run(
        ["git", *arguments], cwd=root, env=environ(), check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def texts(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield the text files of a checkout, with what they hold."""
    listed = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        path = root / name
        if name.startswith(HISTORY) or path.is_symlink() or not path.is_file():
            continue
        try:
            yield path, path.read_text("utf-8")
        except UnicodeDecodeError:
            continue


def rewrite(root: Path, change: Callable[[str], str]) -> list[Path]:
    """Change the texts of a checkout; return the files that have changed."""
    changed = [(path, new) for path, old in texts(root) if (new := change(old)) != old]
    for path, new in changed:
        path.write_text(new, "utf-8")
    return [path for path, _ in changed]
