"""Models at addresses of their own: artifacts with a URL, and what `dvc import-url` left there."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from studio_action.download.base import Fetched
from studio_action.errors import BadInput, ContentMismatch, ObjectMissing
from studio_action.gitrepo.git.repository import Repository
from studio_action.model.artifact import Latest
from tests.download.storage import Storage, running
from tests.fakes import Silence, md5
from tests.gitrepo.repositories import committed, made_at, make_git
from tests.registries.places import Place, Places
from tests.servers import SampleStorage

DVC = Path(__file__).parents[2] / ".venv-dvc" / "bin" / "dvc"


@pytest.fixture
def storage() -> Iterator[Storage]:
    with running() as found:
        yield found


class Made:
    """Makes a repository with one model, and asks for it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack = folder, stack

    def place(self, files: dict[str, bytes]) -> Place:
        return self.over(made_at(self.folder / "made", files, "m@v1.0.0"))

    def over(self, repository: Path) -> Place:
        places = Places(self.folder / "place", self._stack)
        return places.over(Repository.open(repository, make_git()), {})

    def fetched(self, files: dict[str, bytes]) -> Fetched:
        return fetched(self.place(files))


def fetched(place: Place) -> Fetched:
    files = place.resolve("m", Latest()).files
    (found,) = place.downloader.fetch(files, renew=dict, progress=Silence())
    return found


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    with ExitStack() as stack:
        yield Made(tmp_path, stack)


def annotation(path: str) -> bytes:
    return json.dumps({"artifacts": {"m": {"path": path}}}).encode()


def imported(url: str, **noted: object) -> dict[str, bytes]:
    """A model that was imported from a URL and not downloaded."""
    dvc_file = {"deps": [{"path": url, **noted}], "outs": [{"path": "m", "hash": "md5"}]}
    return {"dvc.yaml": annotation("m"), "m.dvc": json.dumps(dvc_file).encode()}


def test_resolve__an_artifact_with_a_url(made: Made, storage: Storage) -> None:
    url = storage.put("deep/m.bin", b"model")

    found = made.fetched({"dvc.yaml": annotation(f"{url}?download=true")})

    assert (found.file.path, found.partial.read_bytes()) == ("m.bin", b"model")
    assert found.verified == "length"
    asked = storage.requests[-1]
    assert asked.path == "/deep/m.bin?download=true"
    assert "authorization" not in asked.headers


def test_resolve__what_was_not_downloaded_is_checked_by_its_etag(
    made: Made, storage: Storage
) -> None:
    url = storage.put("m.bin", b"model")

    found = made.fetched(imported(url, checksum=f'"{md5(b"model")}"', size=5))

    assert (found.file.path, found.partial.read_bytes()) == ("m", b"model")
    assert found.verified == "etag"


def test_resolve__what_has_changed_since(made: Made, storage: Storage) -> None:
    url = storage.put("m.bin", b"other")

    with pytest.raises(ContentMismatch, match="it was changed after DVC noted its ETag"):
        made.fetched(imported(url, checksum=f'"{md5(b"model")}"', size=5))


def test_resolve__what_is_not_there(made: Made, storage: Storage) -> None:
    with pytest.raises(ObjectMissing, match="Check its address") as raised:
        made.fetched({"dvc.yaml": annotation(f"{storage.url}/models")})
    assert "dvc push" not in str(raised.value)


def test_resolve__in_a_remote_that_is_named(made: Made, storage: Storage) -> None:
    storage.put("models/deep/m.bin", b"model")
    config = f"['remote \"r\"']\nurl = {storage.url}/models\n".encode()

    found = made.fetched({".dvc/config": config, "dvc.yaml": annotation("remote://r/deep/m.bin")})

    assert (found.file.path, found.partial.read_bytes()) == ("m.bin", b"model")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "/etc/passwd", "remote://r/passwd"])
def test_resolve__a_file_of_this_machine(made: Made, url: str) -> None:
    config = b"['remote \"r\"']\nurl = /etc\n"

    with pytest.raises(Exception, match=r"is not a file or folder|is a local path"):
        made.fetched({".dvc/config": config, "dvc.yaml": annotation(url)})


def test_resolve__an_import_of_a_file_of_this_machine(made: Made) -> None:
    with pytest.raises((BadInput, ObjectMissing)):
        made.fetched(imported("/etc/passwd", md5="0a" * 16))


@pytest.mark.servers
def test_resolve__an_artifact_in_a_bucket(
    made: Made, real_storage: SampleStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the job's own keys, at the place that the job itself names for S3."""
    s3 = real_storage.s3
    s3.client().put_object(Bucket="models", Key="deep/m.bin", Body=b"model")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.secret)

    found = made.fetched(imported("s3://models/deep/m.bin", etag=md5(b"model")))

    assert (found.file.path, found.partial.read_bytes()) == ("m", b"model")
    assert found.verified == "etag"


@pytest.mark.oracle
@pytest.mark.parametrize("options", [["--no-download"], []])
def test_resolve__import_url_as_the_real_dvc_has_it(
    made: Made, storage: Storage, tmp_path: Path, options: list[str]
) -> None:
    url = storage.put("m.bin", b"model")
    repository = made_at(tmp_path / "real", {"dvc.yaml": annotation("m.bin")})
    dvc(repository, "init", "-q")
    dvc(repository, "remote", "add", "-q", "-d", "store", str(tmp_path / "store"))
    dvc(repository, "import-url", "-q", url, *options)
    committed(repository, {}, "m@v1.0.0")
    if not options:
        dvc(repository, "push", "-q")
        (repository / "m.bin").unlink()
    (tmp_path / "got").mkdir()
    dvc(tmp_path / "got", "artifacts", "get", str(repository), "m")

    found = fetched(made.over(repository))

    assert found.partial.read_bytes() == (tmp_path / "got" / "m.bin").read_bytes() == b"model"
    assert found.verified == ("etag" if options else "md5")


def dvc(folder: Path, *words: str) -> None:
    """Run the real dvc."""
    assert DVC.exists(), "Run `make dvc` first"
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "DVC_NO_ANALYTICS": "1"}
    subprocess.run([DVC, *words], cwd=folder, env=environ, check=True, capture_output=True)
