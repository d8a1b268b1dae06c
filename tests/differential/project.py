"""A DVC project as plain data: what Git has, what its remotes hold, and what is asked about it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

START = 1_800_000_000
SHELF, WEB, UPSTREAM, UPSTREAM_REVISION = "<SHELF>", "<WEB>", "<UPSTREAM>", "<UPSTREAM REVISION>"
"""Stand in DVC's files for what is known only once the project lies somewhere."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of Git; `mode` as `git ls-tree` shows it, so that it may be a link."""

    content: bytes
    mode: str = "100644"


@dataclass(frozen=True, slots=True)
class Question:
    """What `dvc artifacts get` is asked for: the latest version where neither is given."""

    model: str
    version: str = ""
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Project:
    """A repository: its commits, each a whole tree; its annotated tags, in the order of time.

    `shelf` and `web` are what its two remotes hold, a folder and a web server, by key.
    `features` name what of DVC is in it; `upstream` is the project that it imports from.
    """

    commits: tuple[Mapping[str, File], ...]
    tags: tuple[tuple[str, int], ...]
    shelf: Mapping[str, bytes]
    web: Mapping[str, bytes]
    questions: tuple[Question, ...]
    features: frozenset[str]
    upstream: Project | None = None
    served: bool = False
    """Whether it is asked for by its URL, and not by its folder."""

    def __str__(self) -> str:
        """All of it as text, so that a person can make it again."""
        lines = [f"features: {', '.join(sorted(self.features))}"]
        for number, tree in enumerate(self.commits):
            before = self.commits[number - 1] if number else {}
            lines.append(f"== commit {number}")
            lines += [f"-- gone: {path}" for path in before if path not in tree]
            for path, file in tree.items():
                if before.get(path) != file:
                    lines += [f"-- {file.mode} {path}", _shown(file)]
        lines += [f"== tag {name} on commit {commit}" for name, commit in self.tags]
        for name, objects in (("shelf", self.shelf), ("web", self.web)):
            lines += [f"== {name}/{key}: {content!r}" for key, content in objects.items()]
        lines += [f"== asked{' by URL' if self.served else ''}: {each}" for each in self.questions]
        if self.upstream:
            lines += ["==== upstream", str(self.upstream), "==== end of upstream"]
        return "\n".join(lines)


def _shown(file: File) -> str:
    try:
        return file.content.decode().rstrip("\n")
    except UnicodeDecodeError:
        return repr(file.content)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where projects are put: `folder` is served at `web` as files, at `git` as repositories."""

    folder: Path
    web: str
    git: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a project lies: as a checkout, and as a URL."""

    folder: Path
    url: str
    revision: str = field(default="")


def put(project: Project, ground: Ground, name: str) -> Place:
    """Make the project real as `ground.folder/name`, `name.git` and `name.shelf`, `name.web`."""
    upstream = put(project.upstream, ground, f"{name}-upstream") if project.upstream else None
    shelf, web = ground.folder / f"{name}.shelf", ground.folder / f"{name}.web"
    for folder, objects in ((shelf, project.shelf), (web, project.web)):
        for key, content in objects.items():
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            (folder / key).write_bytes(content)
    words = {SHELF: str(shelf), WEB: f"{ground.web}/{name}.web"}
    if upstream:
        words |= {UPSTREAM: upstream.url, UPSTREAM_REVISION: upstream.revision}
    bare, checkout = ground.folder / f"{name}.git", ground.folder / name
    git(ground.folder, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(bare, "fast-import", "--quiet", stdin=_history(project, words))
    git(ground.folder, "clone", "--quiet", str(bare), str(checkout))
    revision = git(bare, "rev-parse", "main").decode().strip()
    return Place(checkout, f"{ground.git}/{name}.git", revision)


def _history(project: Project, words: Mapping[str, str]) -> bytes:
    """The commits and tags as `git fast-import` reads them."""
    parts: list[bytes] = []
    for number, tree in enumerate(project.commits, 1):
        parts.append(b"commit refs/heads/main\nmark :%d\n" % number)
        parts.append(_who("committer", number) + b"data 7\nchanges\ndeleteall\n")
        for path, file in tree.items():
            content = file.content
            if path.endswith((".dvc", "/config", "dvc.yaml")):
                for word, meaning in words.items():
                    content = content.replace(word.encode(), meaning.encode())
            quoted = path.replace("\\", "\\\\").replace('"', '\\"')
            parts.append(f'M {file.mode} inline "{quoted}"\ndata {len(content)}\n'.encode())
            parts.append(content + b"\n")
    for number, (name, commit) in enumerate(project.tags, len(project.commits) + 1):
        parts.append(b"tag %s\nfrom :%d\n" % (name.encode(), commit + 1))
        parts.append(_who("tagger", number) + b"data 0\n")
    return b"".join(parts)


def _who(role: str, second: int) -> bytes:
    return f"{role} Ada <ada@example.com> {START + second} +0000\n".encode()


def git(folder: Path, *words: str, stdin: bytes = b"") -> bytes:
    done = subprocess.run(
        ["git", *words], cwd=folder, input=stdin, check=True, stdout=subprocess.PIPE
    )
    return done.stdout
