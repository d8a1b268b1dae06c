"""The files of a revision, from memory."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

REVISION = "c0ffee" + "0" * 34


@dataclass(frozen=True, slots=True)
class MemoryFiles:
    """Implements `dvcfiles.Files`; remembers what was asked for."""

    content: Mapping[str, bytes]
    executable: Collection[str] = ()
    links: Collection[str] = ()
    revision: str = REVISION
    asked: list[str] = field(default_factory=list)

    def modes(self) -> Mapping[str, int]:
        return {path: self._mode(path) for path in self.content}

    def _mode(self, path: str) -> int:
        if path in self.links:
            return 0o120000
        return 0o100755 if path in self.executable else 0o100644

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
