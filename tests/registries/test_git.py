from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from studio_action.errors import (
    BadInput,
    ObjectMissing,
    UnexpectedAnswer,
)
from studio_action.gitrepo.git.repository import Repository
from studio_action.model.artifact import AtStage, AtVersion, Latest
from tests import sample
from tests.download.storage import Reply, Request, Storage, running
from tests.gitrepo.dvc_files import dvc_file, dvc_yaml, folder_in_git, kept
from tests.gitrepo.repositories import committed, git, made_at, make_git, sample_at
from tests.registries.places import Place, Places
from tests.servers import SampleStorage
from tests.servers.git import git_server

HEX = "0a" * 16


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    with ExitStack() as stack:
        yield Places(tmp_path / "place", stack)


# The sample registry: what the server answers alike is in tests/contract


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    sample_at(folder / "sample.git")
    return folder


@pytest.fixture
def on_disk(places: Places, served: Path) -> Place:
    """The sample repository read in place, its remotes folders."""
    return places.over(Repository.open(served / "sample.git", make_git()), sample.REMOTES)


def test_resolve__the_url_is_the_remote_s(on_disk: Place) -> None:
    found = on_disk.resolve("text-classifier", AtStage("prod"))

    (expected,) = sample.expected()["models"]["text-classifier"]["versions"]["v1.0.0"]["files"]
    objects = sample.OBJECTS / "s3/models/registry/files/md5"
    (file,) = found.files
    assert file.url == (objects / expected["md5"][:2] / expected["md5"][2:]).as_uri()


def test_resolve__again_reads_no_manifest_twice(
    places: Places, served: Path, tmp_path: Path
) -> None:
    shutil.copytree(sample.REMOTES["storage"]["url"], tmp_path / "remote")
    remotes = {**sample.REMOTES, "storage": {"url": str(tmp_path / "remote")}}
    place = places.over(Repository.open(served / "sample.git", make_git()), remotes)
    first = place.resolve("dir-model", Latest())
    shutil.rmtree(tmp_path / "remote")

    assert place.resolve("dir-model", Latest()) == first
    assert not any((places.folder / "copies").iterdir())


# Repositories of other shapes


def test_resolve__dvc_in_a_folder_of_the_repository(places: Places, tmp_path: Path) -> None:
    kept(tmp_path / "remote", b"weights")
    files = {
        "sub/.dvc/config": b"[core]\nremote = r\n['remote \"r\"']\nurl = " + str(tmp_path).encode(),
        "sub/dvc.yaml": dvc_yaml("m.bin"),
        "sub/m.bin.dvc": dvc_file(b"weights", "m.bin"),
    }
    made_at(tmp_path / "made", files, "sub=m@v1.0.0")
    (places.folder / "checkout/sub/.dvc").mkdir(parents=True)
    place = places.over(Repository.open(tmp_path / "made", make_git()), {})
    local = places.folder / "checkout/sub/.dvc/config.local"
    local.write_text(f"['remote \"r\"']\nurl = {tmp_path / 'remote'}\n")

    assert place.bytes_of(place.resolve("sub:m", Latest())) == {"sub/m.bin": b"weights"}


def test_resolve__a_remote_beside_the_checkout(places: Places, tmp_path: Path) -> None:
    kept(places.folder / "beside", b"weights")
    config = "[core]\nremote = r\n['remote \"r\"']\nurl = ../../beside\n"
    place = places.over(repository_with(tmp_path, config), {})

    assert place.bytes_of(place.resolve("m", Latest())) == {"m.bin": b"weights"}


def repository_with(tmp_path: Path, config: str, content: bytes = b"weights") -> Repository:
    files = {
        ".dvc/config": config.encode(),
        "dvc.yaml": dvc_yaml("m.bin"),
        "m.bin.dvc": dvc_file(content, "m.bin"),
    }
    made_at(tmp_path / "made", files, "m@v1.0.0")
    return Repository.open(tmp_path / "made", make_git())


WEB = "[core]\nremote = web\n['remote \"web\"']\nurl = https://models.example.com/top\n"


@pytest.fixture
def guarded() -> Iterator[Storage]:
    """A web server that wants to see a token."""

    def guard(request: Request) -> Reply | None:
        return None if request.headers.get("x-token") == "s3cret" else Reply(401)

    with running() as storage:
        storage.always(guard)
        yield storage


def test_resolve__a_web_server_that_wants_a_header(
    places: Places, tmp_path: Path, guarded: Storage
) -> None:
    content = b"weights" * 100_000
    md5 = hashlib.md5(content).hexdigest()
    guarded.put(f"top/files/md5/{md5[:2]}/{md5[2:]}", content)
    local = {"auth": "custom", "custom_auth_header": "X-Token", "password": "s3cret"}
    place = places.over(
        repository_with(tmp_path, WEB, content), {"web": {"url": f"{guarded.url}/top", **local}}
    )

    found = place.resolve("m", Latest())

    assert place.bytes_of(found) == {"m.bin": content}
    assert "s3cret" in place.masked
    assert "s3cret" not in repr(found)


def test_resolve__a_remote_that_keeps_versions(
    places: Places, tmp_path: Path, real_storage: SampleStorage
) -> None:
    s3 = real_storage.s3
    client = s3.client()
    client.create_bucket(Bucket="versioned")
    client.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    versions = [
        client.put_object(Bucket="versioned", Key="top/sub/m.bin", Body=content)["VersionId"]
        for content in (b"first", b"second")
    ]
    client.close()
    files = {
        ".dvc/config": b"[core]\nremote = s3\n['remote \"s3\"']\nurl = s3://versioned/top\n",
        "dvc.yaml": dvc_yaml("sub/m.bin"),
    }
    folder = made_at(tmp_path / "made", files)
    for number, content in enumerate((b"first", b"second")):
        cloud = {"s3": {"etag": "x", "version_id": versions[number]}}
        dvc = dvc_file(content, "m.bin", cloud=cloud)
        committed(folder, {"sub/m.bin.dvc": dvc}, f"m@v{number + 1}.0.0")
    remotes = {
        "endpointurl": s3.endpoint,
        "access_key_id": s3.key_id,
        "secret_access_key": s3.secret,
        "version_aware": "true",
    }
    place = places.over(Repository.open(folder, make_git()), {"s3": remotes})

    found = [place.bytes_of(place.resolve("m", AtVersion(f"v{n}.0.0"))) for n in (1, 2)]

    assert found == [{"sub/m.bin": b"first"}, {"sub/m.bin": b"second"}]


def test_resolve__a_remote_that_lacks_a_password(places: Places, tmp_path: Path) -> None:
    place = places.over(repository_with(tmp_path, WEB + "auth = basic\n"), {})

    with pytest.raises(BadInput, match="'web' needs user and password"):
        place.resolve("m", Latest())


def test_resolve__no_configuration_of_dvc(places: Places, tmp_path: Path) -> None:
    place = places.over(repository_with(tmp_path, ""), {})

    with pytest.raises(BadInput, match="no default remote is configured at this revision"):
        place.resolve("m", Latest())


FLAGGED = [
    pytest.param(
        {"m.bin.dvc": json.dumps({"outs": [{"path": "m.bin", "md5": HEX, "push": False}]})},
        id=".dvc file",
    ),
    pytest.param(
        {
            "dvc.lock": json.dumps(
                {"schema": "2.0", "stages": {"s": {"outs": [{"path": "m.bin", "md5": HEX}]}}}
            )
        },
        id="pipeline",
    ),
]


@pytest.mark.parametrize("told", FLAGGED)
def test_resolve__an_output_that_is_never_pushed(
    places: Places, tmp_path: Path, told: dict[str, str]
) -> None:
    pipeline = {
        "artifacts": {"m": {"path": "m.bin"}},
        "stages": {"s": {"cmd": "x", "outs": [{"m.bin": {"push": False}}]}},
    }
    files = {name: text.encode() for name, text in told.items()}
    files |= {".dvc/config": WEB.encode(), "dvc.yaml": json.dumps(pipeline).encode()}
    made_at(tmp_path / "made", files, "m@v1.0.0")
    (tmp_path / "remote").mkdir()
    remote = {"web": {"url": str(tmp_path / "remote")}}
    place = places.over(Repository.open(tmp_path / "made", make_git()), remote)

    with pytest.raises(ObjectMissing) as caught:
        place.bytes_of(place.resolve("m", Latest()))

    assert "The output is `push: false`, so it is never in the remote" in str(caught.value)
    assert "dvc push" not in str(caught.value)


def test_resolve__a_pointer_instead_of_a_model(places: Places, tmp_path: Path) -> None:
    files = {
        "dvc.yaml": dvc_yaml("m.bin.dvc"),
        "m.bin.dvc": dvc_file(b"x", "m.bin"),
        ".dvc/config": WEB.encode(),
    }
    made_at(tmp_path / "made", files, "m@v1.0.0")
    place = places.over(Repository.open(tmp_path / "made", make_git()), {})

    place.resolve("m", Latest())
    place.resolve("m", Latest())

    (said,) = place.said
    assert "'m.bin.dvc' is the model's path, and only points to content: write 'm.bin'" in said


def test_resolve__a_manifest_that_never_ends(places: Places, tmp_path: Path) -> None:
    digest = HEX + ".dir"
    told = {"outs": [{"path": "folder", "md5": digest, "hash": "md5"}]}
    files = {
        ".dvc/config": WEB.encode(),
        "dvc.yaml": dvc_yaml("folder"),
        "folder.dvc": json.dumps(told).encode(),
    }
    made_at(tmp_path / "made", files, "m@v1.0.0")
    manifest = tmp_path / f"remote/files/md5/{digest[:2]}/{digest[2:]}"
    manifest.parent.mkdir(parents=True)
    manifest.touch()
    os.truncate(manifest, (64 << 20) + 1)
    remote = {"web": {"url": str(tmp_path / "remote")}}
    place = places.over(Repository.open(tmp_path / "made", make_git()), remote)

    with pytest.raises(UnexpectedAnswer, match=r"'folder\.dir' has more than 67108864 bytes"):
        place.resolve("m", Latest())


def test_resolve__a_folder_that_git_holds_takes_two_fetches(places: Places, tmp_path: Path) -> None:
    _, content = folder_in_git(tmp_path / "made")
    (tmp_path / "served").mkdir()
    git(tmp_path, "clone", "--quiet", "--bare", "made", "served/made.git")
    git(tmp_path / "served/made.git", "config", "uploadpack.allowFilter", "true")
    with git_server(tmp_path / "served") as server:
        url = f"{server.url}/made.git"
        place = places.over(Repository.clone_from(url, make_git(), tmp_path / "fetched"), {})
        asked = len(server.requests)
        found = place.resolve("m", Latest())

        assert len(server.requests) - asked == 4  # two fetches: DVC's files, then these
    assert place.bytes_of(found) == content
    assert [file.path for file in found.files if file.executable] == ["m/tool"]


@pytest.mark.parametrize("path", [".git/hooks", "../m", "/m"], ids=["git", "above", "absolute"])
def test_resolve__a_path_that_is_not_safe(places: Places, tmp_path: Path, path: str) -> None:
    files = {"dvc.yaml": dvc_yaml(path), "m.dvc": dvc_file(b"x", path), ".dvc/config": WEB.encode()}
    made_at(tmp_path / "made", files, "m@v1.0.0")
    place = places.over(Repository.open(tmp_path / "made", make_git()), {})

    with pytest.raises((UnexpectedAnswer, ObjectMissing)):
        place.resolve("m", Latest())


def test_resolve__a_stage_that_moves_meanwhile(places: Places, tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    kept(remote, b"weights")
    place = places.over(repository_with(tmp_path, WEB), {"web": {"url": str(remote)}})
    git(tmp_path / "made", "tag", "-a", "m#prod#1", "-m", "to prod")
    first = place.resolve("m", AtStage("prod"))
    committed(tmp_path / "made", {}, "m@v2.0.0", "m#prod#2")

    assert place.resolve("m", AtStage("prod")) == first
