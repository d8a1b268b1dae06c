from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from studio_action.errors import BadInput, ContentMismatch, NoSuchModel, UnexpectedAnswer
from studio_action.gitrepo.dvc.config import Config, ConfigFile, Settings
from studio_action.gitrepo.dvc.imports import ImportSource
from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.git.revision import Revision
from studio_action.gitrepo.locate import locating
from studio_action.gitrepo.locate.located import InRemote, InRepository, LocatedFile
from studio_action.model.artifact import ModelName
from studio_action.model.digest import Digest, folder_digest
from tests.fakes import md5
from tests.gitrepo.repositories import made_at, make_git

CONFIG = (
    b"[core]\nremote = r\n['remote \"r\"']\nurl = s3://b/p\n['remote \"tree\"']\nurl = s3://t\n"
)
WORKTREE = CONFIG + b"worktree = true\n"


@dataclass
class Context:
    """What is outside of the repository: manifests by digest; keeps who was asked for what."""

    objects: Path
    manifests: dict[str, bytes] = field(default_factory=dict)
    asked: list[LocatedFile] = field(default_factory=list)
    tops: list[str] = field(default_factory=list)
    elsewhere: Mapping[str, Revision] = field(default_factory=dict)
    followed: list[ImportSource] = field(default_factory=list)
    repository: str = ""

    def config(self, top: str, committed: str) -> Config:
        self.tops.append(top)
        return Config.read([ConfigFile("config", committed, None)])

    def manifest(self, file: LocatedFile) -> bytes:
        self.asked.append(file)
        assert file.digest is not None
        return self.manifests[file.digest.hex]

    def imported(self, source: ImportSource) -> AbstractContextManager[tuple[Revision, Context]]:
        self.followed.append(source)
        return nullcontext((self.elsewhere[source.commit], self))


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path / "objects")


class Places:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.opened: list[Repository] = []

    def of(self, files: dict[str, bytes]) -> Revision:
        """A commit of `files`."""
        folder = made_at(self.folder / f"made{len(self.opened)}", files, "m@v1.0.0")
        self.opened.append(Repository.open(folder, make_git()))
        return self.opened[-1].revision(self.opened[-1].tags()[0].revision)


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    found = Places(tmp_path)
    yield found
    for each in found.opened:
        each.__exit__(None, None, None)


def annotation(path: str) -> bytes:
    return json.dumps({"artifacts": {"m": {"path": path}}}).encode()


def dvc_file(path: str, **told: object) -> bytes:
    return json.dumps({"outs": [{"path": path, "hash": "md5", **told}]}).encode()


HEX = "0a" * 16
R = Settings.of("r", "s3://b/p", {"url": "s3://b/p"}, "repository")


@pytest.mark.parametrize("size", [4, 5], ids=["of one folder", "of both together"])
def test_locate_model__more_files_than_may_be(places: Places, context: Context, size: int) -> None:
    manifest = json.dumps([{"md5": HEX, "relpath": f"{each}"} for each in range(size)]).encode()
    digest = f"{md5(manifest)}.dir"
    context.manifests[digest] = manifest
    files = {f"m/{name}.dvc": dvc_file(name, md5=digest) for name in "ab"}
    revision = places.of({"dvc.yaml": annotation("m"), ".dvc/config": CONFIG, **files})

    with pytest.raises(UnexpectedAnswer, match=r"more than 4\b"):
        locating.locate_model(ModelName("m"), revision, context, most_files=4)

    _, found = locating.locate_model(ModelName("m"), revision, context, most_files=2 * size)
    assert len(found) == 2 * size


def test_locate_model__a_file(places: Places, context: Context) -> None:
    revision = places.of(
        {
            ".dvc/config": CONFIG,
            "dvc.yaml": annotation("m.bin"),
            "m.bin.dvc": dvc_file("m.bin", md5=HEX, size=7, isexec=True),
        }
    )

    assert locating.locate_model(ModelName("m"), revision, context) == (
        "m.bin",
        (
            LocatedFile(
                "m.bin",
                InRemote(R, f"files/md5/0a/{HEX[2:]}"),
                7,
                Digest("md5", HEX),
                executable=True,
            ),
        ),
    )


def test_locate_model__a_folder_by_its_manifest(places: Places, context: Context) -> None:
    names = ["b", "a", "sub/c"]
    content = json.dumps([{"md5": HEX, "relpath": name} for name in names]).encode()
    digest = hashlib.md5(content).hexdigest() + ".dir"
    context.manifests[digest] = content
    revision = places.of(
        {".dvc/config": CONFIG, "dvc.yaml": annotation("m"), "m.dvc": dvc_file("m", md5=digest)}
    )

    root, files = locating.locate_model(ModelName("m"), revision, context)

    assert (root, [file.path for file in files]) == ("m", ["m/a", "m/b", "m/sub/c"])
    (asked,) = context.asked
    assert asked.home == InRemote(R, f"files/md5/{digest[:2]}/{digest[2:]}")


def test_locate_model__a_file_of_git(places: Places, context: Context) -> None:
    revision = places.of({"dvc.yaml": annotation("m.json"), "m.json": b"content"})

    _, (file,) = locating.locate_model(ModelName("m"), revision, context)

    name = "6b584e8ece562ebffc15d38808cd6b98fc3d97ea"
    assert file.home == InRepository(name)
    assert (file.size, file.digest) == (7, Digest("md5", md5(b"content")))
    assert (context.objects / name).read_bytes() == b"content"


def test_locate_model__dvc_in_a_folder_whose_remote_is_laid_out_by_path(
    places: Places, context: Context
) -> None:
    revision = places.of(
        {
            ".dvc/config": CONFIG,
            "team/.dvc/config": WORKTREE.replace(b"remote = r", b"remote = tree"),
            "team/deep/dvc.yaml": annotation("m.bin"),
            "team/deep/m.bin.dvc": dvc_file("m.bin", md5=HEX),
        }
    )

    root, (file,) = locating.locate_model(ModelName("m", "team/deep"), revision, context)

    assert context.tops == ["team"]
    assert root == "team/deep/m.bin"
    assert isinstance(file.home, InRemote)
    assert (file.home.settings.name, file.home.key) == ("tree", "deep/m.bin")


def test_locate_model__not_annotated(places: Places, context: Context) -> None:
    with pytest.raises(NoSuchModel, match="model m is not annotated"):
        locating.locate_model(ModelName("m"), places.of({"dvc.yaml": b"{}"}), context)


def test_locate_model__no_remote(places: Places, context: Context) -> None:
    revision = places.of({"dvc.yaml": annotation("m"), "m.dvc": dvc_file("m", md5=HEX)})

    with pytest.raises(BadInput, match="no default remote is configured"):
        locating.locate_model(ModelName("m"), revision, context)


def imported(path: str, commit: str, source: str, **told: object) -> bytes:
    repo = {"url": "https://git.example/a/b.git", "rev_lock": commit}
    outs = [{"path": path, "hash": "md5", **told}]
    return json.dumps({"deps": [{"path": source, "repo": repo}], "outs": outs}).encode()


def test_locate_model__an_import_is_where_it_came_from(places: Places, context: Context) -> None:
    there = places.of({".dvc/config": CONFIG, "deep/n.bin.dvc": dvc_file("n.bin", md5=HEX)})
    context.elsewhere = {"a" * 40: there}
    here = {
        "dvc.yaml": annotation("m.bin"),
        "m.bin.dvc": imported("m.bin", "a" * 40, "deep/n.bin", md5=HEX, size=7),
    }

    _, (file,) = locating.locate_model(ModelName("m"), places.of(here), context)

    assert (file.path, file.size, file.digest) == ("m.bin", 7, Digest("md5", HEX))
    assert file.home == InRemote(R, f"files/md5/0a/{HEX[2:]}")
    assert [str(source.address) for source in context.followed] == ["https://git.example/a/b.git"]


def test_locate_model__a_part_of_an_imported_folder(places: Places, context: Context) -> None:
    there = places.of({"data/a": b"a", "data/deep/b": b"b"})
    context.elsewhere = {"a" * 40: there}
    whole = folder_digest([("a", md5(b"a")), ("deep/b", md5(b"b"))])
    here = {
        "dvc.yaml": annotation("mine/deep"),
        "mine.dvc": imported("mine", "a" * 40, "data", md5=whole.hex),
    }

    _, files = locating.locate_model(ModelName("m"), places.of(here), context)

    assert [file.path for file in files] == ["mine/deep/b"]


@pytest.mark.parametrize("told", ["0b" * 16, "0b" * 16 + ".dir"])
def test_locate_model__an_import_that_is_not_what_was_imported(
    places: Places, context: Context, told: str
) -> None:
    context.elsewhere = {"a" * 40: places.of({"n": b"n"})}
    here = {"dvc.yaml": annotation("m"), "m.dvc": imported("m", "a" * 40, "n", md5=told)}

    with pytest.raises(ContentMismatch, match=r"m is imported from https.* is not what was"):
        locating.locate_model(ModelName("m"), places.of(here), context)


def test_locate_model__an_import_of_itself(places: Places, context: Context) -> None:
    here = places.of(
        {"dvc.yaml": annotation("m"), "m.dvc": imported("m", "a" * 40, "m", md5=HEX)},
    )
    context.elsewhere = {"a" * 40: here}

    with pytest.raises(UnexpectedAnswer, match="leads to itself"):
        locating.locate_model(ModelName("m"), here, context)


def test_locate_model__imports_of_imports_without_end(places: Places, context: Context) -> None:
    commits = [f"{number:040x}" for number in range(12)]
    here = [
        places.of({"dvc.yaml": annotation("m"), "m.dvc": imported("m", commit, "m", md5=HEX)})
        for commit in commits
    ]
    context.elsewhere = dict(zip(commits, here[1:], strict=False))

    with pytest.raises(UnexpectedAnswer, match="more than 10 imports"):
        locating.locate_model(ModelName("m"), here[0], context)
    assert len(context.followed) == locating.MOST_HOPS


def test_locate_model__imports_from_too_many_repositories(places: Places, context: Context) -> None:
    commits = [f"{number:040x}" for number in range(30)]
    context.elsewhere = dict.fromkeys(commits, places.of({"n": b"n"}))
    parts = {f"m/{commit}.dvc": imported(commit, commit, "n", md5=md5(b"n")) for commit in commits}

    with pytest.raises(UnexpectedAnswer, match="more than 20 repositories"):
        locating.locate_model(
            ModelName("m"), places.of({"dvc.yaml": annotation("m"), **parts}), context
        )
    assert len(context.followed) == locating.MOST_REPOSITORIES


def test_locate_model__too_many_imports(places: Places, context: Context) -> None:
    context.elsewhere = {"a" * 40: places.of({"n": b"n"})}
    parts = {
        f"m/{number}.dvc": imported(str(number), "a" * 40, "n", md5=md5(b"n"))
        for number in range(locating.MOST_IMPORTS + 1)
    }

    with pytest.raises(UnexpectedAnswer, match="more than 1000 imports"):
        locating.locate_model(
            ModelName("m"), places.of({"dvc.yaml": annotation("m"), **parts}), context
        )
    assert len(context.followed) == 1
