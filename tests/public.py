"""The public-style repositories in `fixtures/public`: what each is, and what is asked about it."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from tests.differential.project import (
    UPSTREAM,
    UPSTREAM_REVISION,
    WEB,
    File,
    Project,
    Question,
    git,
)

FOLDER = Path(__file__).parent / "fixtures/public"
NAMES = ("get-started", "monorepo", "serving")
_IMPORTED = "get-started"


@cache
def project(name: str) -> Project:
    """The repository, whose remote and whose upstream may lie anywhere, by URL."""
    upstream = project(_IMPORTED) if name != _IMPORTED else None
    words = {f"https://models.example.com/{name}": WEB}
    if upstream:
        words |= {"https://git.example.com/acme/get-started.git": UPSTREAM}
        words |= {_newest(_IMPORTED): UPSTREAM_REVISION}
    with tempfile.TemporaryDirectory() as folder:
        repository = _cloned(name, Path(folder))
        commits = _lines(repository, "rev-list", "--reverse", "main")
        of_tag = "--format=%(*objectname) %(refname:strip=2)"
        tags = _lines(repository, "for-each-ref", "--sort=taggerdate", of_tag, "refs/tags")
        named = [tuple(line.split(" ", 1)) for line in tags]
        return Project(
            commits=tuple(_tree(repository, commit, words) for commit in commits),
            tags=tuple((tag, commits.index(commit)) for commit, tag in named),
            shelf={},
            web=_objects(name),
            questions=tuple(dict.fromkeys(q for _, tag in named for q in _questions(tag))),
            features=frozenset(),
            upstream=upstream,
            served=True,
        )


def _questions(tag: str) -> list[Question]:
    """What the tag answers, and the latest version."""
    model, at, version = tag.replace("=", ":").partition("@")
    if at:
        return [Question(model, version), Question(model)]
    model, stage, _ = model.split("#")
    return [Question(model, stage=stage)]


def _cloned(name: str, folder: Path) -> Path:
    git(folder, "clone", "--quiet", "--bare", str(FOLDER / f"{name}.bundle"), name)
    return folder / name


def _newest(name: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        return _lines(_cloned(name, Path(folder)), "rev-parse", "main")[0]


def _lines(repository: Path, *words: str) -> list[str]:
    return git(repository, *words).decode().splitlines()


def _tree(repository: Path, commit: str, words: dict[str, str]) -> dict[str, File]:
    tree = {}
    for line in git(repository, "ls-tree", "-r", "-z", commit).decode().split("\0")[:-1]:
        about, path = line.split("\t")
        mode, _, name = about.split()
        content = git(repository, "cat-file", "blob", name)
        for word, meaning in words.items():
            content = content.replace(word.encode(), meaning.encode())
        tree[path] = File(content, mode)
    return tree


def _objects(name: str) -> dict[str, bytes]:
    root = FOLDER / "objects" / name
    files = sorted(filter(Path.is_file, root.rglob("*")))
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in files}
