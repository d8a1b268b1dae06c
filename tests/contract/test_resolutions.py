"""One suite for both readers of a repository: the Git registry and the models of our server.

Here no HTTP is between the test and the reader, so that each kind of error is seen as it is raised.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import pytest

from studio_action.errors import ContentMismatch, NoSuchModel, ObjectMissing, UnexpectedAnswer
from studio_action.gitrepo.git.credential import Credential
from studio_action.gitrepo.git.repository import Repository
from studio_action.model.artifact import AtStage, AtVersion, Latest, Resolution, Selector
from studio_action.model.digest import Digest
from tests import sample
from tests.gitrepo.dvc_files import dvc_yaml, folder_in_git
from tests.gitrepo.repositories import made_at, make_git, sample_at
from tests.registries import answers
from tests.registries.answers import at
from tests.registries.places import Places
from tests.server.served import FOLDERS, served
from tests.servers import SampleStorage
from tests.servers.git import git_server

Reader = Literal["git", "server"]
READERS: tuple[Reader, ...] = get_args(Reader)
Remotes = Mapping[str, Mapping[str, str]]
PASSWORD = "correct-horse-battery"
MODELS: dict[str, Any] = sample.expected()["models"]
VERSIONS = [
    pytest.param(name, version, found, id=f"{name} {version[:12]}")
    for name, model in MODELS.items()
    for version, found in model["versions"].items()
    if "problem" not in found
]


class Side(Protocol):
    """One repository, read by one of the two."""

    def resolve(self, model: str, selector: Selector, /) -> Resolution: ...

    def bytes_of(self, resolution: Resolution, /) -> dict[str, bytes]: ...


def over(
    reader: Reader,
    data: Path,
    stack: ExitStack,
    repository: Path,
    remotes: Remotes,
    folders: Mapping[str, Path],
) -> Side:
    """Let `reader` read the repository at this path; only the server is given `folders`."""
    if reader == "server":
        return served(data, repository, remotes, folders)
    return Places(data, stack).over(Repository.open(repository, make_git()), remotes)


# The sample registry, as the real gto and dvc have it


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_at(tmp_path_factory.mktemp("bare") / "sample.git")


@pytest.fixture(scope="module", params=READERS)
def reader(request: pytest.FixtureRequest) -> Reader:
    found: Reader = request.param
    return found


@pytest.fixture(scope="module")
def on_disk(reader: Reader, bare: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    """The sample repository read in place, its remotes folders."""
    with ExitStack() as stack:
        data = tmp_path_factory.mktemp("data") / "data"
        yield over(reader, data, stack, bare, sample.REMOTES, FOLDERS)


@pytest.fixture
def on_servers(
    reader: Reader, bare: Path, tmp_path: Path, real_storage: SampleStorage
) -> Iterator[Side]:
    """The sample repository over HTTP (Git with a password), its remotes real servers."""
    remotes = real_storage.remotes
    with ExitStack() as stack:
        if reader == "git":
            server = stack.enter_context(git_server(bare.parent, password=PASSWORD))
            program = make_git(credential=Credential(server.url, PASSWORD))
            fetched = Repository.clone_from(
                f"{server.url}/sample.git", program, tmp_path / "fetched"
            )
            yield Places(tmp_path / "place", stack).over(fetched, remotes)
        else:
            server = stack.enter_context(git_server(bare.parent))
            found = served(tmp_path / "data", f"{server.url}/sample.git", remotes, FOLDERS)
            found.world.moment = found.world.moment.now(found.world.moment.tzinfo)  # storages look
            yield found


def check(asked: Side, name: str, version: str, found: dict[str, Any]) -> None:
    """Assert that it answers, and delivers, what the real dvc has."""
    resolution = asked.resolve(name, at(name, version))

    answers.check(resolution, asked.bytes_of(resolution), found)


@pytest.mark.parametrize(("name", "version", "found"), VERSIONS)
def test_resolve__each_version_on_disk(
    on_disk: Side, name: str, version: str, found: dict[str, Any]
) -> None:
    check(on_disk, name, version, found)


def test_resolve__each_version_on_real_servers(on_servers: Side) -> None:
    for case in VERSIONS:
        name, version, found = case.values
        assert isinstance(name, str)
        assert isinstance(version, str)
        assert isinstance(found, dict)
        check(on_servers, name, version, found)


def test_resolve__each_stage_and_the_latest(on_disk: Side) -> None:
    for name, model in MODELS.items():
        asked: dict[Selector, str] = {
            AtStage(stage): version for stage, version in model["stages"].items()
        }
        latest = model["versions"].get(model["latest"], {"problem": "not annotated"})
        if latest.get("problem") != "not annotated":
            asked[Latest()] = model["latest"]
        for selector, version in asked.items():
            found = on_disk.resolve(name, selector)
            assert found.revision == model["versions"][version]["revision"], (name, selector)
            assert found.version == (version if version.startswith("v") else ""), (name, selector)


def test_resolve__all_that_is_known(on_disk: Side) -> None:
    found = on_disk.resolve("text-classifier", AtStage("prod"))

    (file,) = MODELS["text-classifier"]["versions"]["v1.0.0"]["files"]
    assert (found.source, found.stage, found.version) == ("git", "prod", "v1.0.0")
    assert (found.tag, found.previous_version) == ("text-classifier@v1.0.0", "v2.0.0")
    assert found.registered is not None
    assert found.assigned is not None
    assert found.registered.tag == "text-classifier@v1.0.0"
    assert found.assigned.tag.startswith("text-classifier#prod")
    assert found.assigned.tagger
    assert found.assigned.when > found.registered.when
    (got,) = found.files
    assert (got.path, got.size, got.executable) == (file["path"], file["size"], False)
    assert got.digest == Digest("md5", file["md5"])


def test_resolve__a_model_that_git_holds(on_disk: Side) -> None:
    found = on_disk.resolve("git-model", Latest())

    content = b'{"intercept": 0.5}\n'
    (file,) = found.files
    assert file.digest == Digest("md5", hashlib.md5(content).hexdigest())
    assert file.size == len(content)
    assert on_disk.bytes_of(found) == {"in-git/model.json": content}


def test_bytes__of_a_model_that_was_not_pushed(on_disk: Side, reader: Reader) -> None:
    found = on_disk.resolve("unpushed-model", AtStage("prod"))

    where = {
        "git": "is missing from its remote",
        "server": "is not in the server's folder 'objects'",
    }
    with pytest.raises(ObjectMissing, match=where[reader]):
        on_disk.bytes_of(found)


NO_MODEL = r"model none not found: no annotated tag of {} names it\. Models: az-dir, az-model"


@pytest.mark.parametrize(
    ("model", "selector", "message"),
    [
        ("none", Latest(), NO_MODEL),
        (
            "text-classifier",
            AtVersion("v9.9.9"),
            r"version v9\.9\.9 not found for .* Versions: v2\.0\.0, ",
        ),
        (
            "text-classifier",
            AtStage("Prod"),
            r"stage Prod not found for .* Stages: dev, prod, staging",
        ),
        ("dir-model", AtVersion("v0.11.0"), r"version v0\.11\.0 not found for dir-model"),
        ("gone-model", Latest(), "is deprecated"),
        ("old-model", AtVersion("v2.0.0"), "old-model"),
    ],
    ids=["model", "lightweight tag", "stage", "deregistered", "deprecated", "not annotated"],
)
def test_resolve__none(
    on_disk: Side, reader: Reader, model: str, selector: Selector, message: str
) -> None:
    repository = {"git": "models", "server": "acme/models"}[reader]
    with pytest.raises(NoSuchModel, match=message.format(repository)):
        on_disk.resolve(model, selector)


# Repositories of other shapes


@pytest.fixture
def open_with(reader: Reader, tmp_path: Path) -> Iterator[Callable[[Path, Remotes], Side]]:
    """Opens the repository at a path; its remotes may be folders of this test."""
    with ExitStack() as stack:
        yield lambda repository, remotes: over(
            reader, tmp_path / "data", stack, repository, remotes, {"test": tmp_path}
        )


def test_resolve__a_folder_that_git_holds(
    open_with: Callable[[Path, Remotes], Side], tmp_path: Path
) -> None:
    folder, content = folder_in_git(tmp_path / "made")
    side = open_with(folder, {})

    found = side.resolve("m", Latest())

    assert side.bytes_of(found) == content
    assert [file.path for file in found.files if file.executable] == ["m/tool"]


def test_resolve__a_manifest_that_is_another(
    open_with: Callable[[Path, Remotes], Side], tmp_path: Path
) -> None:
    digest = "0a" * 16
    out = {"path": "m", "md5": f"{digest}.dir", "hash": "md5"}
    files = {
        ".dvc/config": b"[core]\nremote = r\n['remote \"r\"']\nurl = https://models.example.com/r",
        "dvc.yaml": dvc_yaml("m"),
        "m.dvc": json.dumps({"outs": [out]}).encode(),
    }
    folder = made_at(tmp_path / "made", files, "m@v1.0.0")
    manifest = tmp_path / f"remote/files/md5/0a/{digest[2:]}.dir"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("[]")
    side = open_with(folder, {"r": {"url": str(tmp_path / "remote")}})

    with pytest.raises(ContentMismatch):
        side.resolve("m", Latest())


def test_resolve__a_pointer_of_git_lfs(
    open_with: Callable[[Path, Remotes], Side], tmp_path: Path
) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    files = {"dvc.yaml": dvc_yaml("m.bin"), "m.bin": pointer}
    side = open_with(made_at(tmp_path / "made", files, "m@v1.0.0"), {})

    with pytest.raises(UnexpectedAnswer, match="is in Git LFS"):
        side.resolve("m", Latest())
