from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from studio_action.errors import (
    BadInput,
    ObjectMissing,
    UnexpectedAnswer,
)
from studio_action.model.artifact import (
    AtStage,
    Latest,
    ModelName,
    Selector,
)
from studio_action.model.digest import Digest
from studio_action.model.versions import InRange
from studio_action.server.links import InFolder, InMirror
from tests import sample
from tests.gitrepo.dvc_files import dvc_file, dvc_yaml, kept
from tests.gitrepo.repositories import committed, git, made_at, sample_at, tagged_at_once
from tests.server.served import FOLDERS, Server, served
from tests.server.serving import World, link, made, settings

MODELS: dict[str, Any] = sample.expected()["models"]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_at(tmp_path_factory.mktemp("bare") / "sample.git")


@pytest.fixture(scope="module")
def on_disk(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The sample repository, its remotes folders of the server."""
    return served(tmp_path_factory.mktemp("data"), bare, sample.REMOTES, FOLDERS)


# The sample registry: what the Git registry answers alike is in tests/contract


def test_resolve__the_url_is_of_the_server_s_folder(on_disk: Server) -> None:
    found = on_disk.resolve("text-classifier", AtStage("prod"))

    (expected,) = MODELS["text-classifier"]["versions"]["v1.0.0"]["files"]
    assert str(found.artifact) == "text-classifier of acme/models"
    md5 = expected["md5"]
    key = f"s3/models/registry/files/md5/{md5[:2]}/{md5[2:]}"
    (file,) = found.files
    assert file.url == f"https://here/folders/objects/{key}"


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
                tagged_at_once(folder, f"m@{release}", f"m#prod#{number}", date=date)
                server.world.wait(1)
                server.world.push(server.repository.name)
        found = server.resolve("m", AtStage("prod"))
        return found.version, found.revision

    with ThreadPoolExecutor(64) as threads:
        answers = list(threads.map(ask, range(200)))

    assert set(answers) <= set(of_version.items())
    assert ask(0) == ("v2.5.0", of_version["v2.5.0"])


def test_resolve__a_mirror_that_was_damaged(tmp_path: Path, bare: Path) -> None:
    server = served(tmp_path, bare, sample.REMOTES, FOLDERS)
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
