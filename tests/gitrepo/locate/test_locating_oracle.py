"""What the real `dvc artifacts get` delivers of small repositories, and what we do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from studio_action.errors import StudioActionError
from studio_action.gitrepo.dvc.config import Config, ConfigFile
from studio_action.gitrepo.dvc.imports import ImportSource
from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.git.revision import Revision
from studio_action.gitrepo.locate import locating
from studio_action.gitrepo.locate.located import InRemote, LocatedFile, RepositoryContext
from studio_action.model.artifact import ModelName
from tests.gitrepo.dvc.real_dvc import Dvc, running
from tests.gitrepo.repositories import made_at, make_git

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module")
def dvc() -> Iterator[Dvc]:
    with running() as process:
        yield process


def out(path: str) -> str:
    """A `.dvc` file of an output whose content is its path."""
    return json.dumps({"outs": [{"path": path, "hash": "md5", "md5": md5(path.encode())}]})


def folder_out(path: str, *names: str) -> str:
    """A `.dvc` file of a folder of files, the content of each of which is its name."""
    return json.dumps(
        {"outs": [{"path": path, "hash": "md5", "md5": f"{md5(manifest(names))}.dir"}]}
    )


def manifest(names: tuple[str, ...]) -> bytes:
    return json.dumps([{"md5": md5(name.encode()), "relpath": name} for name in names]).encode()


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def lock(path: str) -> str:
    outs = [{"path": path, "hash": "md5", "md5": md5(path.encode())}]
    return json.dumps({"schema": "2.0", "stages": {"s": {"cmd": "a", "outs": outs}}})


def m(path: str, **more: object) -> str:
    return json.dumps({"artifacts": {"m": {"path": path}}, **more})


BROKEN = "a: ["
FOLDER = ("a", "b/c")
SAME: dict[str, tuple[str, dict[str, str]]] = {
    "a file": ("m", {"dvc.yaml": m("m.bin"), "m.bin.dvc": out("m.bin")}),
    "a broken file that is ignored": (
        "m",
        {"dvc.yaml": m("m"), "m.dvc": out("m"), "x/b.dvc": BROKEN, ".dvcignore": "x\n"},
    ),
    "a template that is ignored": (
        "m",
        {
            "dvc.yaml": m("m"),
            "m.dvc": out("m"),
            "x/dvc.yaml": '{"stages": {"s": {"cmd": "a", "outs": ["${nowhere}"]}}}',
            "x/dvc.lock": BROKEN,
            ".dvcignore": "/x/\n",
        },
    ),
    "a file of Git that is ignored": ("m", {"dvc.yaml": m("m"), "m": "m", ".dvcignore": "m\n"}),
    "a file of Git in an ignored folder": (
        "m",
        {"dvc.yaml": m("x/m"), "x/m": "m", ".dvcignore": "x/\n"},
    ),
    "a folder of Git, a part ignored": (
        "m",
        {"dvc.yaml": m("x"), "x/m": "m", "x/y/n.log": "n", "x/.dvcignore": "*.log\n"},
    ),
    "a folder of Git, had back in part": (
        "m",
        {"dvc.yaml": m("x"), "x/m": "m", "x/n": "n", ".dvcignore": "x/*\n!x/m\n"},
    ),
    "a tracked part whose .dvc file is ignored": (
        "m",
        {"dvc.yaml": m("x"), "x/m.dvc": out("m"), "x/a": "a", ".dvcignore": "m.dvc\n"},
    ),
    "a folder of both": (
        "m",
        {
            "dvc.yaml": m("x"),
            "x/m.dvc": out("m"),
            "x/a": "a",
            "x/dvc.yaml": "{}",
            "x/dvc.lock": "{schema: '2.0'}",
            "x/.gitignore": "/m\n",
            "x/.dvcignore": "b\n",
            "x/b": "b",
        },
    ),
    "a folder with a tracked folder": (
        "m",
        {"dvc.yaml": m("x"), "x/t.dvc": folder_out("t", *FOLDER), "x/a": "a"},
    ),
    "a tracked folder that Git has a part of": (
        "m",
        {"dvc.yaml": m("t"), "t.dvc": folder_out("t", *FOLDER), "t/a": "of Git", "t/d": "of Git"},
    ),
    "a part of a tracked folder that Git has a part of": (
        "m",
        {"dvc.yaml": m("t/b"), "t.dvc": folder_out("t", *FOLDER), "t/b/d": "of Git"},
    ),
    "a file that both have": ("m", {"dvc.yaml": m("m"), "m.dvc": out("m"), "m": "of Git"}),
    "a folder with a file that both have": (
        "m",
        {"dvc.yaml": m("x"), "x/m.dvc": out("m"), "x/m": "of Git"},
    ),
    "a project in a folder": (
        "sub:m",
        {"sub/.dvc/config": "", "sub/dvc.yaml": m("m"), "sub/m.dvc": out("m")},
    ),
    "a project in a folder, named from outside": (
        "m",
        {"sub/.dvc/config": "", "dvc.yaml": m("sub/m"), "sub/m.dvc": out("m")},
    ),
    "the folder of a project": (
        "m",
        {"sub/.dvc/config": "", "dvc.yaml": m("sub"), "sub/m.dvc": out("m"), "sub/a": "a"},
    ),
    "a folder with a project in it": (
        "m",
        {"x/sub/.dvc/config": "", "dvc.yaml": m("x"), "x/sub/m.dvc": out("m"), "x/b": "b"},
    ),
    "a broken file in the project inside": (
        "m",
        {"sub/.dvc/config": "", "dvc.yaml": m("m"), "m.dvc": out("m"), "sub/x.dvc": BROKEN},
    ),
    "a project that the one around it ignores": (
        "sub:m",
        {
            "sub/.dvc/config": "",
            "sub/dvc.yaml": m("m"),
            "sub/m.dvc": out("m"),
            ".dvcignore": "sub\n*.dvc\n",
        },
    ),
    "a file of the project around": (
        "sub:m",
        {"sub/.dvc/config": "", "sub/dvc.yaml": m("../m"), "m.dvc": out("m")},
    ),
    "a pointer": ("m", {"dvc.yaml": m("m.dvc"), "m.dvc": out("m")}),
    "a part that is told beside the folder": (
        "m",
        {"dvc.yaml": m("x/y"), "z/a.dvc": out("../x/y/m"), "x/y/b": "b"},
    ),
    "an output that Git keeps": (
        "m",
        {
            "dvc.yaml": m("x", stages={"s": {"cmd": "a", "outs": [{"x": {"cache": False}}]}}),
            "dvc.lock": lock("x"),
            "x/a": "a",
            "x/b.dvc": out("b"),
        },
    ),
}
REFUSED: dict[str, dict[str, str]] = {
    "a folder of Git that is ignored": {"dvc.yaml": m("x"), "x/m": "m", ".dvcignore": "x/\n"},
    "a folder in an ignored one": {"dvc.yaml": m("x/y"), "x/y/m": "m", ".dvcignore": "x/\n"},
    "an output in an ignored folder": {
        "dvc.yaml": m("x/m"),
        "t.dvc": out("x/m"),
        ".dvcignore": "x/\n",
    },
    "an output that is ignored": {"dvc.yaml": m("m"), "m.dvc": out("m"), ".dvcignore": "m\n"},
    "a part that is ignored": {
        "dvc.yaml": m("x"),
        "x/m.dvc": out("m"),
        "x/a": "a",
        ".dvcignore": "m\n",
    },
    "its .dvc file is ignored": {"dvc.yaml": m("m"), "m.dvc": out("m"), ".dvcignore": "*.dvc\n"},
    "dvc.yaml is ignored": {"dvc.yaml": m("m"), "m": "m", ".dvcignore": "dvc.yaml\n"},
    "the lock is ignored": {
        "dvc.yaml": m("m", stages={"s": {"cmd": "a", "outs": ["m"]}}),
        "dvc.lock": lock("m"),
        ".dvcignore": "dvc.lock\n",
    },
    "a project around tells of what is inside": {
        "sub/.dvc/config": "",
        "dvc.yaml": m("sub/m"),
        "t.dvc": out("sub/m"),
    },
    "a .dvcignore that cannot be read": {
        "dvc.yaml": m("m"),
        "m.dvc": out("m"),
        ".dvcignore": "a\\\n",
    },
    "a broken file that may tell of a part": {
        "dvc.yaml": m("x"),
        "x/m.dvc": out("m"),
        "x/b.dvc": BROKEN,
    },
    "a broken file that may be the one": {"dvc.yaml": m("m"), "x/b.dvc": BROKEN},
}
TOLERATED: dict[str, dict[str, str]] = {
    "a broken file beside": {"dvc.yaml": m("m"), "m.dvc": out("m"), "b.dvc": BROKEN},
    "a broken file elsewhere": {"dvc.yaml": m("x/m"), "x/m.dvc": out("m"), "y/b.dvc": BROKEN},
    "a broken file beside a folder": {
        "dvc.yaml": m("x"),
        "x/m.dvc": out("m"),
        "y/b.dvc": BROKEN,
    },
}


@dataclass
class Case:
    """A repository whose remotes are folders, one for every project."""

    folder: Path
    said: list[str] = field(default_factory=list)
    repository: str = ""

    def made(self, files: Mapping[str, str], model: str) -> Path:
        remote = self.folder / "remote"
        for content in [*map(str.encode, (*"abcdmnt", "m.bin", "b/c", "x/m", "../x/y/m", "sub/m"))]:
            self._put(remote, content)
        self._put(remote, manifest(FOLDER), ".dir")
        config = f"[core]\nremote = r\n['remote \"r\"']\nurl = {remote}\n"
        whole = {".dvc/config": "", **files}
        content = {
            path: (config if path.endswith(".dvc/config") else text).encode()
            for path, text in whole.items()
        }
        return made_at(self.folder / "made", content, f"{model.replace(':', '=')}@v1.0.0")

    def delivered(self, repository: Path, model: str) -> dict[str, str]:
        """What we find, its content where DVC has it, by path below the model's own."""
        with Repository.open(repository, make_git()) as opened:
            (tag,) = opened.tags()
            revision = opened.revision(tag.revision)
            root, files = locating.locate_model(
                ModelName.parse(model), revision, self, say=self.said.append
            )
        return {
            "" if file.path == root else file.path.removeprefix(f"{root}/"): self._content(file)
            for file in files
        }

    @property
    def objects(self) -> Path:
        return self.folder / "objects"

    def config(self, top: str, committed: str) -> Config:
        return Config.read([ConfigFile("config", committed, None)])

    def manifest(self, file: LocatedFile) -> bytes:
        return self._content(file).encode()

    def imported(
        self, source: ImportSource
    ) -> AbstractContextManager[tuple[Revision, RepositoryContext]]:
        raise NotImplementedError

    def _content(self, file: LocatedFile) -> str:
        if isinstance(file.home, InRemote):
            return (self.folder / "remote" / file.home.key).read_text()
        return (self.objects / file.home.object).read_text()

    def _put(self, remote: Path, content: bytes, suffix: str = "") -> None:
        name = md5(content) + suffix
        place = remote / "files/md5" / name[:2] / name[2:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


@pytest.mark.parametrize("name", SAME)
def test_delivered_as_by_dvc(dvc: Dvc, tmp_path: Path, name: str) -> None:
    model, files = SAME[name]
    case = Case(tmp_path)
    repository = case.made(files, model)

    theirs = dvc.delivered(repository, model)

    assert not isinstance(theirs, str), theirs
    assert case.delivered(repository, model) == theirs
    assert case.said == []


@pytest.mark.parametrize("name", REFUSED)
def test_refused_as_by_dvc(dvc: Dvc, tmp_path: Path, name: str) -> None:
    case = Case(tmp_path)
    repository = case.made(REFUSED[name], "m")

    assert isinstance(dvc.delivered(repository, "m"), str)
    with pytest.raises(StudioActionError):
        case.delivered(repository, "m")


@pytest.mark.parametrize("name", TOLERATED)
def test_tolerated_where_dvc_is_stopped(dvc: Dvc, tmp_path: Path, name: str) -> None:
    case = Case(tmp_path)
    repository = case.made(TOLERATED[name], "m")

    problem = dvc.delivered(repository, "m")

    assert isinstance(problem, str)
    assert "YAMLSyntaxError" in problem
    assert set(case.delivered(repository, "m").values()) == {"m"}
