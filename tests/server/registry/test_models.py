from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import requests

from studio_action.errors import (
    BadInput,
    ContentMismatch,
    NoSuchModel,
    ObjectMissing,
    UnexpectedAnswer,
)
from studio_action.model.artifact import (
    AtStage,
    AtVersion,
    Latest,
    ModelName,
    Resolution,
    Selector,
)
from studio_action.model.digest import Digest
from studio_action.model.versions import InRange
from studio_action.server.links import InFolder, InMirror
from studio_action.server.registry.models import Models
from studio_action.server.settings import ServedRepository
from tests import sample
from tests.gitrepo.repositories import committed, git, made_at, sample_at
from tests.registries import answers
from tests.registries.answers import at
from tests.server.serving import World, link, made, repository, resolved, settings
from tests.servers import SampleStorage
from tests.servers.git import git_server

MODELS: dict[str, Any] = sample.expected()["models"]
VERSIONS = [
    pytest.param(name, version, found, id=f"{name} {version[:12]}")
    for name, model in MODELS.items()
    for version, found in model["versions"].items()
    if "problem" not in found
]
ON_DISK = {
    "storage": {"url": str(sample.OBJECTS / "s3/models/registry")},
    "azure": {"url": str(sample.OBJECTS / "azure/models/registry")},
    "web": {"url": str(sample.OBJECTS / "https/models.example.com/registry")},
    "shelf": {"url": str(sample.OBJECTS / "file/srv/models/registry")},
}
FOLDERS = {"objects": sample.OBJECTS}


@dataclass
class Server:
    """One repository that is served, and the world around it."""

    models: Models
    repository: ServedRepository
    world: World

    def resolve(self, model: str, selector: Selector) -> Resolution:
        return resolved(self.models, self.repository, model, selector)

    def content(self, url: str) -> bytes:
        """What is behind a URL: of this machine, or of a storage, asked without a token."""
        parts = urlsplit(url)
        if parts.netloc != "here":
            with requests.get(url, timeout=10) as answer:
                answer.raise_for_status()
                return answer.content
        kind, _, rest = unquote(parts.path).lstrip("/").partition("/")
        if kind == "folders":
            folder, _, path = rest.partition("/")
            return self.models.file(InFolder(folder, path)).read_bytes()
        name, object_name, md5 = rest.rsplit("/", 2)
        return self.models.file(InMirror(name, object_name, Digest("md5", md5))).read_bytes()


def served(
    data: Path,
    place: str | Path,
    remotes: Mapping[str, Mapping[str, str]],
    folders: Mapping[str, Path] | None = None,
) -> Server:
    world = World()
    asked = repository(place, remotes=remotes)
    return Server(made(settings(data, asked, folders=folders), world), asked, world)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_at(tmp_path_factory.mktemp("bare") / "sample.git")


@pytest.fixture(scope="module")
def on_disk(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The sample repository, its remotes folders of the server."""
    return served(tmp_path_factory.mktemp("data"), bare, ON_DISK, FOLDERS)


@pytest.fixture
def on_servers(tmp_path: Path, bare: Path, real_storage: SampleStorage) -> Iterator[Server]:
    """The sample repository over HTTP, its remotes real servers."""
    s3, azure = real_storage.s3, real_storage.azure
    remotes = {
        "storage": {
            "url": "s3://models/registry",
            "endpointurl": s3.endpoint,
            "access_key_id": s3.key_id,
            "secret_access_key": s3.secret,
        },
        "azure": {
            "url": "azure://models/registry",
            "connection_string": azure.connection_string,
        },
        "web": {"url": s3.public("https://models.example.com/registry")},
        "shelf": ON_DISK["shelf"],
    }
    with git_server(bare.parent) as server:
        found = served(tmp_path, f"{server.url}/sample.git", remotes, FOLDERS)
        found.world.moment = found.world.moment.now(found.world.moment.tzinfo)  # storages look
        yield found


def check(asked: Server, name: str, version: str, found: dict[str, Any]) -> None:
    """Assert that it answers, and delivers, what the real dvc has."""
    resolution = asked.resolve(name, at(name, version))

    content = {file.path: asked.content(file.url) for file in resolution.files}
    answers.check(resolution, content, found)


# The sample registry, as the real gto and dvc have it


@pytest.mark.parametrize(("name", "version", "found"), VERSIONS)
def test_resolve__each_version_on_disk(
    on_disk: Server, name: str, version: str, found: dict[str, Any]
) -> None:
    check(on_disk, name, version, found)


def test_resolve__each_version_on_real_servers(on_servers: Server) -> None:
    for case in VERSIONS:
        name, version, found = case.values
        check(on_servers, str(name), str(version), found)  # type: ignore[arg-type]


def test_resolve__each_stage_and_the_latest(on_disk: Server) -> None:
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


def test_resolve__all_that_is_known(on_disk: Server) -> None:
    found = on_disk.resolve("text-classifier", AtStage("prod"))

    (file,) = MODELS["text-classifier"]["versions"]["v1.0.0"]["files"]
    assert (found.source, found.stage, found.version) == ("git", "prod", "v1.0.0")
    assert (found.tag, found.previous_version) == ("text-classifier@v1.0.0", "v2.0.0")
    assert str(found.artifact) == "text-classifier of acme/models"
    (got,) = found.files
    assert (got.path, got.size, got.executable) == (file["path"], file["size"], False)
    md5 = file["md5"]
    key = f"s3/models/registry/files/md5/{md5[:2]}/{md5[2:]}"
    assert got.url == f"https://here/folders/objects/{key}"


def test_resolve__a_model_that_git_holds(on_disk: Server) -> None:
    (file,) = on_disk.resolve("git-model", Latest()).files

    content = b'{"intercept": 0.5}\n'
    assert file.digest == Digest("md5", hashlib.md5(content).hexdigest())
    assert file.size == len(content)
    assert on_disk.content(file.url) == content


def test_resolve__a_range_and_prereleases(on_disk: Server) -> None:
    name = ModelName("churn", "models/churn")

    def version(selector: Selector, prerelease: Any) -> str:
        return on_disk.models.resolve(
            on_disk.repository, name, selector, prerelease=prerelease, link=link
        ).version

    assert version(InRange.parse(">=1,<2"), "include") == "v1.0.0"
    assert version(Latest(), "include") == "v3.1.0-rc.1"
    assert version(Latest(), "exclude") == "v3.0.0"
    assert version(Latest(), "only") == "v3.1.0-rc.1"


@pytest.mark.parametrize(
    ("model", "selector", "message"),
    [
        ("none", Latest(), r"no annotated tag of acme/models names the model none.* Models: az-di"),
        ("text-classifier", AtVersion("v9.9.9"), r"no version v9\.9\.9 .* Versions: v2\.0\.0, "),
        ("text-classifier", AtStage("Prod"), r"no stage Prod of .* Stages: dev, prod, staging"),
        ("dir-model", AtVersion("v0.11.0"), r"no version v0\.11\.0 of dir-model"),
        ("gone-model", Latest(), "is deprecated, by its tags"),
        ("old-model", AtVersion("v2.0.0"), "old-model"),
    ],
    ids=["model", "lightweight tag", "stage", "deregistered", "deprecated", "not annotated"],
)
def test_resolve__none(on_disk: Server, model: str, selector: Selector, message: str) -> None:
    with pytest.raises(NoSuchModel, match=message):
        on_disk.resolve(model, selector)


def test_file__a_model_that_was_not_pushed(on_disk: Server) -> None:
    (file,) = on_disk.resolve("unpushed-model", AtStage("prod")).files

    with pytest.raises(ObjectMissing, match="is not in the server's folder 'objects'"):
        on_disk.content(file.url)


def test_catalogue__models_and_what_happened_to_them(on_disk: Server) -> None:
    found = on_disk.models.catalogue(on_disk.repository)

    assert found.refreshed == on_disk.world.moment
    assert set(map(str, found.models)) >= set(MODELS)
    events = found.events[ModelName("gone-model")]
    assert [(event.kind, event.version, event.stage) for event in events] == [
        ("deprecated", "", ""),
        ("assigned", "v1.0.0", "prod"),
        ("registered", "v1.0.0", ""),
    ]
    assert {event.by for event in events} == {"Ada Example"}


# Repositories of other shapes


def dvc_file(content: bytes, path: str, **more: object) -> bytes:
    out = {"path": path, "md5": hashlib.md5(content).hexdigest(), "hash": "md5", **more}
    return json.dumps({"outs": [out]}).encode()


def dvc_yaml(path: str) -> bytes:
    return json.dumps({"artifacts": {"m": {"path": path, "type": "model"}}}).encode()


def dvc_config(url: str, *options: str) -> bytes:
    lines = ["[core]", "remote = r", "['remote \"r\"']", f"url = {url}", *options]
    return "\n".join(lines).encode()


def made_with(
    folder: Path, url: str = "/none", *, path: str = "m.bin", content: bytes = b"weights"
) -> Path:
    files = {
        ".dvc/config": dvc_config(url),
        "dvc.yaml": dvc_yaml(path),
        f"{path}.dvc": dvc_file(content, path),
    }
    return made_at(folder, files, "m@v1.0.0")


def kept(remote: Path, content: bytes, kind: str = "") -> str:
    """Put `content` into a remote that is a folder, as DVC 3 does; gives its MD5."""
    md5 = hashlib.md5(content).hexdigest() + kind
    place = remote / "files/md5" / md5[:2] / md5[2:]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return md5


def test_resolve__a_folder_that_git_holds(tmp_path: Path) -> None:
    content = {f"m/{name}": name.encode() for name in ("a", "b c", "deep/er", "same", "tool")}
    content["m/also"] = content["m/same"]
    folder = made_at(tmp_path / "made", {"dvc.yaml": dvc_yaml("m")})
    (folder / "m").mkdir()
    (folder / "m/tool").touch(0o755)
    committed(folder, content, "m@v1.0.0")
    server = served(tmp_path / "data", folder, {})

    found = server.resolve("m", Latest())

    assert {file.path: server.content(file.url) for file in found.files} == content
    assert [file.path for file in found.files if file.executable] == ["m/tool"]


def test_resolve__a_folder_of_ten_thousand_files(tmp_path: Path) -> None:
    members = [{"md5": f"{number:032x}", "relpath": f"{number}.bin"} for number in range(10_000)]
    md5 = kept(tmp_path / "remote", json.dumps(members).encode(), ".dir")
    out = {"path": "m", "md5": md5, "hash": "md5", "size": 1, "nfiles": 10_000}
    files = {
        ".dvc/config": dvc_config(str(tmp_path / "remote")),
        "dvc.yaml": dvc_yaml("m"),
        "m.dvc": json.dumps({"outs": [out]}).encode(),
    }
    folder = made_at(tmp_path / "made", files, "m@v1.0.0")
    server = served(tmp_path / "data", folder, {}, {"remote": tmp_path / "remote"})

    assert len(server.resolve("m", Latest()).files) == 10_000
    shutil.rmtree(tmp_path / "remote")
    assert len(server.resolve("m", Latest()).files) == 10_000  # the list is not read again


def test_resolve__a_manifest_that_is_another(tmp_path: Path) -> None:
    digest = "0a" * 16
    files = {
        ".dvc/config": dvc_config(str(tmp_path / "remote")),
        "dvc.yaml": dvc_yaml("m"),
        "m.dvc": json.dumps(
            {"outs": [{"path": "m", "md5": f"{digest}.dir", "hash": "md5"}]}
        ).encode(),
    }
    folder = made_at(tmp_path / "made", files, "m@v1.0.0")
    manifest = tmp_path / f"remote/files/md5/0a/{digest[2:]}.dir"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("[]")
    server = served(tmp_path / "data", folder, {}, {"remote": tmp_path / "remote"})

    with pytest.raises(ContentMismatch):
        server.resolve("m", Latest())


def test_resolve__a_pointer_of_git_lfs(tmp_path: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    folder = made_at(
        tmp_path / "made", {"dvc.yaml": dvc_yaml("m.bin"), "m.bin": pointer}, "m@v1.0.0"
    )

    with pytest.raises(UnexpectedAnswer, match="is in Git LFS"):
        served(tmp_path / "data", folder, {}).resolve("m", Latest())


def test_resolve__a_folder_that_the_server_was_not_given(tmp_path: Path) -> None:
    kept(tmp_path / "remote", b"weights")
    folder = made_with(tmp_path / "made", str(tmp_path / "remote"))

    with pytest.raises(BadInput, match="Local remote was ignored"):
        served(tmp_path / "data", folder, {}, FOLDERS).resolve("m", Latest())


def test_resolve__a_password_that_no_url_carries(tmp_path: Path) -> None:
    folder = made_with(tmp_path / "made", "https://ada:s3cret@models.example.com/r")

    with pytest.raises(BadInput, match="Remote not supported: 'r' needs a password") as caught:
        served(tmp_path / "data", folder, {}).resolve("m", Latest())

    assert "s3cret" not in str(caught.value)


SIGNED = ("access_key_id = a", "secret_access_key = b")


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("http://[bad/x", ()),
        ("http://h:99999999/x", ()),
        ("http:///x", ()),
        ("s3://b/p", (*SIGNED, "endpointurl = http://[h")),
        ("s3://b/p", (*SIGNED, "endpointurl = no address")),
        ("s3://a b@c/p", (*SIGNED, "endpointurl = http://h")),
        ("s3:///p", (*SIGNED, "endpointurl = http://h")),
        ("s3://b/p", (*SIGNED, "endpointurl = http://h", "region = e u/w")),
        ("azure://c/p", ("account_name = a", "account_key = x")),
        ("azure://c/p", ("connection_string = BlobEndpoint=https://[h;SharedAccessSignature=x",)),
        (
            "azure://c/p",
            ("account_name = a", "tenant_id = ?", "client_id = c", "client_secret = s"),
        ),
        ("gs://b/p", ()),
        ("ssh://h/p", ()),
        ('"/srv/\0x"', ()),
        ("~nosuchuser/x", ()),
        ("~/x", ()),
        ("../x", ()),
        ("/" + "x" * 5000, ()),
        ("%(nosuch)s", ()),
        ("", ()),
    ],
)
def test_resolve__a_remote_that_makes_no_sense(
    tmp_path: Path, url: str, options: tuple[str, ...]
) -> None:
    """Whatever a repository says, it is an error that can be explained."""
    files = {
        ".dvc/config": dvc_config(url, *options),
        "dvc.yaml": dvc_yaml("m.bin"),
        "m.bin.dvc": dvc_file(b"weights", "m.bin"),
    }
    folder = made_at(tmp_path / "made", files, "m@v1.0.0")

    with pytest.raises((BadInput, UnexpectedAnswer)):
        served(tmp_path / "data", folder, {}, FOLDERS).resolve("m", Latest())


def test_resolve__what_is_on_disk_outlives_the_repository(tmp_path: Path) -> None:
    folder = made_with(tmp_path / "made", "https://models.example.com/r")
    first = served(tmp_path / "data", folder, {})
    found = first.resolve("m", Latest())
    folder.rename(tmp_path / "gone")
    again = served(tmp_path / "data", folder, {})
    again.world.wait(3600)

    assert again.resolve("m", Latest()) == found


def test_resolve__tags_that_change_while_many_ask(tmp_path: Path) -> None:
    """Whatever is answered was true at some moment, and in the end the last push is seen."""
    folder = made_with(tmp_path / "made", "https://models.example.com/r")
    server = served(tmp_path / "data", folder, {})
    git(folder, "tag", "-a", "m#prod#0", "-m", "x")
    of_version = {"v1.0.0": git(folder, "rev-parse", "HEAD")}
    one_at_a_time = Lock()

    def ask(number: int) -> tuple[str, str]:
        if number % 40 == 20:
            with one_at_a_time:
                release = f"v2.{len(of_version)}.0"
                of_version[release] = committed(folder, {})
                date = f"2026-04-01T12:00:{len(of_version):02}+00:00"
                for tag in (f"m@{release}", f"m#prod#{number}"):
                    git(folder, "tag", "-a", tag, "-m", tag, date=date)
                server.world.wait(1)
                server.world.push(server.repository.name)
        found = server.resolve("m", AtStage("prod"))
        return found.version, found.revision

    with ThreadPoolExecutor(64) as threads:
        answers = list(threads.map(ask, range(200)))

    assert set(answers) <= set(of_version.items())
    assert ask(0) == ("v2.5.0", of_version["v2.5.0"])


def test_resolve__a_mirror_that_was_damaged(tmp_path: Path, bare: Path) -> None:
    server = served(tmp_path, bare, ON_DISK, FOLDERS)
    server.models.catalogue(server.repository)  # what is known of its tags stays in memory
    (mirror,) = (tmp_path / "mirrors").iterdir()
    shutil.rmtree(mirror / "1/objects/pack")

    assert server.resolve("text-classifier", AtStage("prod")).version == "v1.0.0"
    assert server.world.said == [
        "a repository's copy is broken; cloning it again repository=acme/models"
    ]


def test_refresh__asks_the_repository_itself(tmp_path: Path) -> None:
    folder = made_with(tmp_path / "made", "https://models.example.com/r")
    server = served(tmp_path / "data", folder, {})
    server.resolve("m", Latest())
    committed(folder, {}, "m@v2.0.0")
    server.world.wait(1)

    server.models.refresh(server.repository)

    assert server.resolve("m", Latest()).version == "v2.0.0"


# Files behind links


@pytest.mark.parametrize(
    ("folder", "path"),
    [
        ("objects", "../expected.json"),
        ("objects", "s3/../../expected.json"),
        ("objects", "s3"),
        ("objects", "s3/nowhere"),
        ("objects", "/etc/passwd"),
        ("other", "s3"),
    ],
    ids=["above", "above on a way round", "a folder", "nothing", "absolute", "another folder"],
)
def test_file__none(on_disk: Server, folder: str, path: str) -> None:
    with pytest.raises(ObjectMissing):
        on_disk.models.file(InFolder(folder, path))


def test_file__a_link_that_leads_out(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "folder/out").symlink_to(tmp_path / "secret")
    (tmp_path / "folder/file").write_text("file")
    (tmp_path / "folder/in").symlink_to("file")
    told = settings(tmp_path / "data", folders={"f": tmp_path / "folder"})
    found = made(told, World())

    assert found.file(InFolder("f", "in")).read_text() == "file"
    with pytest.raises(ObjectMissing):
        found.file(InFolder("f", "out"))


def test_file__what_another_machine_linked_to(tmp_path: Path, bare: Path) -> None:
    theirs, ours = (served(tmp_path / name, bare, {}) for name in ("theirs", "ours"))
    (file,) = theirs.resolve("git-model", Latest()).files

    assert ours.content(file.url) == b'{"intercept": 0.5}\n'


def test_file__of_a_repository_that_is_not_served_any_more(on_disk: Server) -> None:
    with pytest.raises(ObjectMissing, match="is no longer served"):
        on_disk.models.file(InMirror("acme/gone", "0a" * 20, Digest("md5", "0a" * 16)))
