"""The files of a revision, from memory."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

from studio_action.gitrepo.git.trees import Entry

REVISION = "c0ffee" + "0" * 34


@dataclass(frozen=True, slots=True)
class MemoryFiles:
    """Implements `project.Files`; remembers what was asked for."""

    content: Mapping[str, bytes]
    executable: Collection[str] = ()
    links: Collection[str] = ()
    submodules: Collection[str] = ()
    revision: str = REVISION
    asked: list[str] = field(default_factory=list)

    def listing(self, folder: str) -> Mapping[str, Entry]:
        start = f"{folder}/" if folder else ""
        below = (path for path in self.content if path.startswith(start))
        return {
            path[len(start) :].partition("/")[0]: Entry(self._mode(path, start), path)
            for path in below
        }

    def _mode(self, path: str, start: str) -> int:
        if "/" in path[len(start) :]:
            return 0o040000
        if path in self.submodules:
            return 0o160000
        if path in self.links:
            return 0o120000
        return 0o100755 if path in self.executable else 0o100644

    def fetch(self, paths: Iterable[str]) -> None:
        pass

    def read(self, paths: Collection[str]) -> Mapping[str, bytes]:
        self.asked.extend(paths)
        return {path: self.content[path] for path in paths if path in self.content}


def files(
    texts: Mapping[str, str], executable: Collection[str] = (), links: Collection[str] = ()
) -> MemoryFiles:
    """Files by path, their text without the indentation of a test."""
    content = {path: dedent(text).encode() for path, text in texts.items()}
    return MemoryFiles(content, executable, links)


def committed(repository: Path, revision: str) -> MemoryFiles:
    """The files of a commit of a real repository."""
    archive = subprocess.run(
        ["git", "archive", revision], cwd=repository, check=True, stdout=subprocess.PIPE
    ).stdout
    content, executable = {}, []
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in filter(tarfile.TarInfo.isfile, tar):
            file = tar.extractfile(member)
            assert file is not None
            content[member.name] = file.read()
            executable += [member.name] if member.mode & 0o100 else []
    return MemoryFiles(content, executable, revision=revision)
