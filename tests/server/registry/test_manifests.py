from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from studio_action.clock import Clock
from studio_action.digest import Digest
from studio_action.errors import BadInput, ContentMismatch, ObjectMissing, Unreachable
from studio_action.gitrepo.locating import InRemote, Located
from studio_action.gitrepo.remotes import opening
from studio_action.gitrepo.remotes.config import Settings
from studio_action.gitrepo.remotes.web import WebRemote
from studio_action.network import Network
from studio_action.server.registry.manifests import Manifests, signed
from studio_action.server.registry.storages import Storages
from tests.download.storage import Reply, Storage, running
from tests.server.serving import START

CONTENT = json.dumps([{"md5": "0a" * 16, "relpath": "a"}]).encode()
MD5 = hashlib.md5(CONTENT).hexdigest() + ".dir"
KEY = f"files/md5/{MD5[:2]}/{MD5[2:]}"


@pytest.fixture
def storage() -> Iterator[Storage]:
    with running() as server:
        yield server


@pytest.fixture
def manifests(tmp_path: Path) -> Manifests:
    (tmp_path / "shelf").mkdir()
    theirs = opening.Storages(Network(), {})
    opened = Storages({"shelf": tmp_path / "shelf"}, ours=theirs, theirs=theirs, now=lambda: 0.0)
    clock = Clock(sleep=lambda seconds: None)
    return Manifests(opened, Network(), tmp_path / "partial", lambda: START, clock)


def manifest(url: str, **options: str) -> Located:
    home = InRemote(Settings("r", url, options), KEY)
    return Located("m.dir", home, None, Digest("md5", MD5), False)


def test_read__from_a_storage_that_the_server_was_told_of(
    storage: Storage, manifests: Manifests
) -> None:
    storage.put(f"top/{KEY}", CONTENT)

    assert manifests.read(manifest(f"{storage.url}/top", any_storage="true")) == CONTENT
    assert not list(manifests.folder.iterdir())


def test_read__from_a_folder(tmp_path: Path, manifests: Manifests) -> None:
    place = tmp_path / "shelf" / KEY
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)

    assert manifests.read(manifest(str(tmp_path / "shelf"))) == CONTENT


def test_read__an_address_that_only_a_repository_names(
    storage: Storage, manifests: Manifests
) -> None:
    storage.put(f"top/{KEY}", CONTENT)

    with pytest.raises(BadInput, match="'r' is at an address of the server's own machine"):
        manifests.read(manifest(f"{storage.url}/top"))
    assert not storage.requests


def test_read__other_content_than_promised(storage: Storage, manifests: Manifests) -> None:
    storage.put(f"top/{KEY}", b"[]")

    with pytest.raises(ContentMismatch):
        manifests.read(manifest(f"{storage.url}/top", any_storage="true"))


def test_read__none_in_a_storage(storage: Storage, manifests: Manifests) -> None:
    with pytest.raises(ObjectMissing):
        manifests.read(manifest(f"{storage.url}/top", any_storage="true"))


def test_read__none_in_a_folder(tmp_path: Path, manifests: Manifests) -> None:
    with pytest.raises(ObjectMissing):
        manifests.read(manifest(str(tmp_path / "shelf")))


def test_read__a_storage_that_keeps_failing(storage: Storage, manifests: Manifests) -> None:
    storage.always(lambda request: Reply(500))

    with pytest.raises(Unreachable):
        manifests.read(manifest(f"{storage.url}/top", any_storage="true"))


@pytest.mark.parametrize(
    "options",
    [
        {"auth": "basic", "user": "ada", "password": "s3cret"},
        {"auth": "custom", "custom_auth_header": "X-Token", "password": "s3cret"},
    ],
    ids=["basic", "custom"],
)
def test_signed__what_a_url_cannot_carry(options: dict[str, str]) -> None:
    settings = Settings("r", "https://h/top", options)

    with pytest.raises(BadInput, match="Remote not supported: 'r' needs a password") as caught:
        signed(WebRemote(settings), settings, InRemote(settings, KEY), datetime.now())

    assert "s3cret" not in str(caught.value)
