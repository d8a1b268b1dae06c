from __future__ import annotations

from pathlib import Path

import pytest

from studio_action.download.filesystems import Filesystems
from studio_action.errors import BadInput
from studio_action.gitrepo.dvc.config import ConfigFile, Settings
from studio_action.gitrepo.remotes.azure import AzureRemote
from studio_action.gitrepo.remotes.connecting import ConnectedRemote
from studio_action.gitrepo.remotes.gcs import GcsRemote
from studio_action.gitrepo.remotes.identity import Identity
from studio_action.gitrepo.remotes.opening import StorageRemotes, config_files
from studio_action.gitrepo.remotes.oss import OssRemote
from studio_action.gitrepo.remotes.s3 import S3Remote
from studio_action.gitrepo.remotes.web import LocalRemote, WebRemote
from studio_action.gitrepo.remotes.webdav import WebDavRemote
from studio_action.net.network import Network

OSS = {"oss_endpoint": "oss-x.aliyuncs.com", "oss_key_id": "x", "oss_key_secret": "x"}
OPEN = {"allow_anonymous_login": "true"}


@pytest.mark.parametrize(
    ("url", "options", "kind"),
    [
        ("s3://b/k", {**OPEN, "endpointurl": "http://127.0.0.1:1"}, S3Remote),
        ("azure://c/k", {**OPEN, "account_name": "ours"}, AzureRemote),
        ("gs://b/k", OPEN, GcsRemote),
        ("https://h/k", {}, WebRemote),
        ("http://h/k", {}, WebRemote),
        ("webdavs://h/k", {}, WebDavRemote),
        ("oss://bbb/k", OSS, OssRemote),
        ("ssh://h/k", {}, ConnectedRemote),
        ("webhdfs://h/k", {}, ConnectedRemote),
        ("/srv/models", {}, LocalRemote),
    ],
    ids=["s3", "azure", "gs", "https", "http", "webdavs", "oss", "ssh", "webhdfs", "folder"],
)
def test_storages__by_scheme(url: str, options: dict[str, str], kind: type) -> None:
    storages = StorageRemotes(Network(), Identity({}), Filesystems())

    assert type(storages(Settings.of("r", url, options))) is kind


def test_storages__another_scheme() -> None:
    with pytest.raises(BadInput, match="'r' is on ftp://, which cannot be read here"):
        StorageRemotes(Network(), None)(Settings.of("r", "ftp://ada:pw@h/k", {}))


@pytest.mark.parametrize("scheme", ["ssh", "hdfs", "webhdfs", "gdrive"])
@pytest.mark.parametrize("identity", [Identity({}), None])
def test_storages__where_urls_are_signed_for_others(scheme: str, identity: Identity | None) -> None:
    with pytest.raises(BadInput, match=f"Remote not supported: no URL can be .* {scheme}://"):
        StorageRemotes(Network(), identity)(Settings.of("r", f"{scheme}://h/k", {}))


def test_config_files__in_their_order(tmp_path: Path) -> None:
    for name in ("site/config", "user/config", "checkout/.dvc/config.local"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(name)
    environ = {
        "DVC_SYSTEM_CONFIG_DIR": str(tmp_path / "site"),
        "DVC_GLOBAL_CONFIG_DIR": str(tmp_path / "user"),
    }
    committed = ConfigFile(".dvc/config", "committed", None)

    found = config_files(environ, [committed], tmp_path / "checkout/.dvc/config.local")

    assert [file.text for file in found] == [
        "site/config",
        "user/config",
        "committed",
        "checkout/.dvc/config.local",
    ]
    assert [file.origin for file in found] == ["outside", "outside", "repository", "outside"]
    assert found[-1].folder == tmp_path / "checkout/.dvc"


def test_config_files__none_there(tmp_path: Path) -> None:
    environ = {"DVC_SYSTEM_CONFIG_DIR": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}

    assert config_files(environ, [], None) == []


def test_config_files__not_text(tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(b"\xff\xfe")
    environ = {"DVC_SYSTEM_CONFIG_DIR": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}

    with pytest.raises(BadInput, match="cannot be read"):
        config_files(environ, [], None)
