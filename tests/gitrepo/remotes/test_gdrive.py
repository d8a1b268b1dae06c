from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from studio_action.download.filesystems import Filesystems, Status
from studio_action.errors import BadInput, TokenRefused
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.remotes import gdrive
from tests.gitrepo.remotes.reading import NOW

URL = "gdrive://0AIac4JZqHhKmUk9PDA/models"
FILE = "gdrive_service_account_json_file_path"


class GDriveAuthError(Exception):
    """As pydrive2 calls it."""


class Drive:
    """What is told to pydrive2, in its place: there is no Google in a test."""

    told: Mapping[str, Any]
    failure: Exception | None = None

    def __init__(self, path: str, **login: Any) -> None:
        Drive.told = {"path": path, **login}
        if Drive.failure:
            raise Drive.failure

    def info(self, path: str) -> dict[str, Any]:
        return {"name": path, "type": "file", "size": 3, "checksum": "abc"}


@pytest.fixture
def drive(monkeypatch: pytest.MonkeyPatch) -> type[Drive]:
    package, module = ModuleType("pydrive2"), ModuleType("pydrive2.fs")
    module.GDriveFileSystem = Drive  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pydrive2", package)
    monkeypatch.setitem(sys.modules, "pydrive2.fs", module)
    monkeypatch.setattr(gdrive, "find_spec", lambda name: True)
    Drive.failure = None
    return Drive


def opened(options: dict[str, str], **environ: str) -> gdrive.ConnectedRemote:
    said = Settings.of("store", URL, {"gdrive_use_service_account": "true", **options})
    return gdrive.opened(said, environ, Filesystems())


def test_opened__as_pydrive2_is_told(drive: type[Drive], tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    key.write_text("{}")

    remote = opened({FILE: str(key), "gdrive_service_account_user_email": "ada@example.com"})
    connected = remote.connect(5.0)

    assert drive.told == {
        "path": "0AIac4JZqHhKmUk9PDA/models",
        "use_service_account": True,
        "client_json": None,
        "client_json_file_path": str(key),
        "client_user_email": "ada@example.com",
        "acknowledge_abuse": False,
        "skip_instance_cache": True,
    }
    assert (connected.seekable, connected.status("x")) == (False, Status(3, "abc"))


def test_opened__the_environment_counts_more(drive: type[Drive]) -> None:
    opened({FILE: "/nowhere"}, GDRIVE_CREDENTIALS_DATA='{"key": 1}').connect(5.0)

    assert drive.told["client_json"] == '{"key": 1}'
    assert drive.told["client_json_file_path"] is None


def test_place__below_the_folder(drive: type[Drive]) -> None:
    remote = opened({}, GDRIVE_CREDENTIALS_DATA="{}")

    url = remote.place("files/md5/ab/cd", "", NOW).url

    home = remote.filesystems.find(url)
    assert url == f"{URL}/files/md5/ab/cd"
    assert home is not None
    assert home.path == "0AIac4JZqHhKmUk9PDA/models/files/md5/ab/cd"
    assert "GDRIVE" not in repr(remote)


def test_connect__refused(drive: type[Drive]) -> None:
    drive.failure = GDriveAuthError("private key 5ec2e7")

    with pytest.raises(TokenRefused, match="Google refuses the service account") as refused:
        opened({}, GDRIVE_CREDENTIALS_DATA="{}").connect(5.0)
    assert "5ec2e7" not in str(refused.value)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"gdrive_use_service_account": "false"}, "needs a service account"),
        ({}, "has no key of a service account"),
        ({FILE: "/nowhere"}, "has no key of a service account at '/nowhere'"),
    ],
)
def test_opened__nobody(options: dict[str, str], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        opened(options)


def test_opened__pydrive2_is_not_here() -> None:
    with pytest.raises(BadInput, match=r"Install studio-action\[gdrive\]"):
        opened({}, GDRIVE_CREDENTIALS_DATA="{}")
