from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from studio_action.errors import (
    BadInput,
    ContentMismatch,
    ObjectMissing,
    UnexpectedAnswer,
    Unreachable,
)
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.dvc.trust import Origin
from studio_action.gitrepo.locate.located import InRemote, LocatedFile
from studio_action.gitrepo.remotes import opening
from studio_action.gitrepo.remotes.web import WebRemote
from studio_action.model.digest import Digest
from studio_action.net.clock import Clock
from studio_action.net.network import Network
from studio_action.server.registry.manifests import LARGEST, Manifests, signed_url
from studio_action.server.registry.storages import ServedStorages
from studio_action.server.registry.upstream import Upstream
from studio_action.server.settings import ServedRepository
from tests.download.storage import Reply, Storage, running
from tests.download.unfit import UNFIT
from tests.server.guarded import OPTIONS, PASSWORD, guarded
from tests.server.serving import START, repository

CONTENT = json.dumps([{"md5": "0a" * 16, "relpath": "a"}]).encode()
REPOSITORY = repository("https://git.example.org/acme/models.git")
MD5 = hashlib.md5(CONTENT).hexdigest() + ".dir"
KEY = f"files/md5/{MD5[:2]}/{MD5[2:]}"


@pytest.fixture
def storage() -> Iterator[Storage]:
    with running() as server:
        yield server


@pytest.fixture
def manifests(tmp_path: Path) -> Manifests:
    (tmp_path / "shelf").mkdir()
    theirs = opening.StorageRemotes(Network(), None)
    shelves = ServedStorages(
        {"shelf": tmp_path / "shelf"},
        with_credentials=theirs,
        without_credentials=theirs,
        now=lambda: 0.0,
        say=print,
    )
    clock = Clock(sleep=lambda seconds: None)
    return Manifests(
        shelves, Upstream(Network()), Network(), tmp_path / "partial", lambda: START, clock
    )


def manifest(url: str, origin: Origin = "outside", **options: str) -> LocatedFile:
    home = InRemote(Settings.of("r", url, options, origin), KEY)
    return LocatedFile("m.dir", home, None, Digest("md5", MD5), False)


def test_read__from_a_storage_that_the_server_was_told_of(
    storage: Storage, manifests: Manifests
) -> None:
    storage.put(f"top/{KEY}", CONTENT)

    assert manifests.read(REPOSITORY, manifest(f"{storage.url}/top")) == CONTENT
    assert not list(manifests.folder.iterdir())


def test_read__from_a_folder(tmp_path: Path, manifests: Manifests) -> None:
    place = tmp_path / "shelf" / KEY
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)

    assert manifests.read(REPOSITORY, manifest(str(tmp_path / "shelf"))) == CONTENT


@pytest.mark.parametrize("make", UNFIT)
def test_read__no_regular_file_of_a_folder(
    tmp_path: Path, manifests: Manifests, make: Callable[[Path], object]
) -> None:
    place = tmp_path / "shelf" / KEY
    place.parent.mkdir(parents=True)
    make(place)

    with pytest.raises(ObjectMissing):
        manifests.read(REPOSITORY, manifest(str(tmp_path / "shelf")))


def test_read__longer_than_any_from_a_folder(tmp_path: Path, manifests: Manifests) -> None:
    place = tmp_path / "shelf" / KEY
    place.parent.mkdir(parents=True)
    place.touch()
    os.truncate(place, LARGEST + 1)

    with pytest.raises(UnexpectedAnswer, match="more than"):
        manifests.read(REPOSITORY, manifest(str(tmp_path / "shelf")))


def test_read__longer_than_any_from_a_storage(storage: Storage, manifests: Manifests) -> None:
    head = {"Content-Range": f"bytes 0-99/{LARGEST + 1}"}
    storage.always(lambda _: Reply(206, bytes(100), head))

    with pytest.raises(UnexpectedAnswer, match="has more than"):
        manifests.read(REPOSITORY, manifest(f"{storage.url}/top", any_storage="true"))


def test_read__from_a_folder_with_other_content(tmp_path: Path, manifests: Manifests) -> None:
    place = tmp_path / "shelf" / KEY
    place.parent.mkdir(parents=True)
    place.write_bytes(b"[]")

    with pytest.raises(ContentMismatch):
        manifests.read(REPOSITORY, manifest(str(tmp_path / "shelf")))


def test_read__an_address_that_only_a_repository_names(
    storage: Storage, manifests: Manifests
) -> None:
    storage.put(f"top/{KEY}", CONTENT)

    with pytest.raises(BadInput, match="'r' is at an address of the server's own machine"):
        manifests.read(REPOSITORY, manifest(f"{storage.url}/top", "repository"))
    assert not storage.requests


def test_read__other_content_than_promised(storage: Storage, manifests: Manifests) -> None:
    storage.put(f"top/{KEY}", b"[]")

    with pytest.raises(ContentMismatch):
        manifests.read(REPOSITORY, manifest(f"{storage.url}/top"))


def test_read__none_in_a_storage(storage: Storage, manifests: Manifests) -> None:
    with pytest.raises(ObjectMissing):
        manifests.read(REPOSITORY, manifest(f"{storage.url}/top"))


def test_read__none_in_a_folder(tmp_path: Path, manifests: Manifests) -> None:
    with pytest.raises(ObjectMissing):
        manifests.read(REPOSITORY, manifest(str(tmp_path / "shelf")))


def test_read__a_storage_that_keeps_failing(storage: Storage, manifests: Manifests) -> None:
    storage.always(lambda request: Reply(500))

    with pytest.raises(Unreachable):
        manifests.read(REPOSITORY, manifest(f"{storage.url}/top"))


@pytest.mark.parametrize(
    "options",
    [
        {"auth": "basic", "user": "ada", "password": "s3cret"},
        {"auth": "custom", "custom_auth_header": "X-Token", "password": "s3cret"},
    ],
    ids=["basic", "custom"],
)
def test_signed__what_a_url_cannot_carry(options: dict[str, str]) -> None:
    settings = Settings.of("r", "https://h/top", options)

    with pytest.raises(BadInput, match="Remote not supported: 'r' needs a password") as caught:
        signed_url(WebRemote(settings), settings, InRemote(settings, KEY), datetime.now())

    assert "s3cret" not in str(caught.value)


@pytest.fixture
def behind_a_password() -> Iterator[tuple[Storage, ServedRepository, LocatedFile]]:
    """A remote that the configuration names, its repository, and a manifest that it keeps."""
    with guarded({f"top/{KEY}": CONTENT}) as server:
        said = {"url": f"{server.url}/top", **OPTIONS}
        asked = repository("https://git.example.org/acme/models.git", remotes={"r": said})
        yield server, asked, manifest(said["url"], **OPTIONS)


Guarded = tuple[Storage, ServedRepository, LocatedFile]


def test_read__from_a_remote_with_a_password(
    behind_a_password: Guarded, manifests: Manifests
) -> None:
    _, asked, file = behind_a_password

    assert manifests.read(asked, file) == CONTENT


def test_read__a_password_that_the_configuration_does_not_name(
    behind_a_password: Guarded, manifests: Manifests
) -> None:
    storage, _, file = behind_a_password

    with pytest.raises(BadInput, match="needs a password"):
        manifests.read(REPOSITORY, file)
    assert not storage.requests


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(404), ObjectMissing),
        (Reply(403), Unreachable),
        (Reply(200, b"[]"), ContentMismatch),
        (Reply(200, bytes(100), cut=1), Unreachable),
    ],
    ids=["none", "refused", "another", "broken off"],
)
def test_read__what_is_no_manifest_behind_a_password(
    behind_a_password: Guarded,
    manifests: Manifests,
    reply: Reply,
    error: type[Exception],
) -> None:
    storage, asked, file = behind_a_password
    storage.scripts.insert(0, lambda request: reply)

    with pytest.raises(error) as caught:
        manifests.read(asked, file)
    assert PASSWORD not in str(caught.value)
