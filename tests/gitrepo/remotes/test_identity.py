from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

import studio_action
from studio_action.errors import BadInput
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.remotes.azure import AzureRemote
from studio_action.gitrepo.remotes.gcs import GcsRemote
from studio_action.gitrepo.remotes.identity import nobody_for_aws
from studio_action.gitrepo.remotes.opening import StorageRemotes
from studio_action.gitrepo.remotes.s3 import S3Remote
from studio_action.net.network import Network

FINDS = (
    "DefaultAzureCredential",
    "ManagedIdentityCredential",
    "EnvironmentCredential",
    "google.auth.default",
    "botocore.session.Session(",
    "get_session(",
    "boto3",
)
"""What finds credentials on a machine."""


def test_nothing_else_finds_credentials() -> None:
    sources = Path(studio_action.__file__).parent.rglob("*.py")
    named = {path.name for path in sources for text in FINDS if text in path.read_text("utf-8")}

    assert named == {"identity.py"}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """One that has credentials for everything; gives what a program of them would make."""
    proof = tmp_path / "it-ran"
    (tmp_path / "config").write_text(
        f"[profile admin]\ncredential_process = touch {proof}\nregion = eu-north-1\n"
        "endpoint_url = http://127.0.0.1:1\n"
    )
    for name, text in {
        "AWS_ACCESS_KEY_ID": "AKIDOURS",
        "AWS_SECRET_ACCESS_KEY": "s3cret",
        "AWS_SESSION_TOKEN": "t0ken",
        "AWS_PROFILE": "admin",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
        "AZURE_STORAGE_CONNECTION_STRING": "AccountName=acme;AccountKey=MDAw",
        "AZURE_STORAGE_SAS_TOKEN": "sig=s3cret",
        "GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "config"),
        "STORAGE_EMULATOR_HOST": "127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, text)
    return proof


def said(url: str, **options: str) -> Settings:
    return Settings.of("r", url, options, "repository")


def test_nobody_for_aws__knows_nothing_of_the_machine(machine: Path) -> None:
    session = nobody_for_aws()

    assert session.get_credentials() is None
    assert session.get_auth_token() is None
    assert session.get_config_variable("region") is None
    assert session.full_config["profiles"] == {}
    assert not machine.exists()


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("s3://b/p", {}),
        ("s3://b/p", {"access_key_id": "x"}),
        ("s3://b/p", {"secret_access_key": "x", "endpointurl": "http://127.0.0.1:1"}),
        ("gs://b/p", {"projectname": "p"}),
        ("azure://c/p", {"account_name": "acme"}),
        ("azure://c/p", {"connection_string": "AccountName=acme"}),
        ("azure://c/p", {"account_name": "acme", "tenant_id": "t", "client_id": "c"}),
    ],
)
def test_nobody_opens_nothing_that_needs_somebody(
    machine: Path, url: str, options: dict[str, str]
) -> None:
    with pytest.raises(BadInput, match="No credentials were provided for the remote 'r'"):
        StorageRemotes(Network(), None)(said(url, **options))

    assert not machine.exists()


@pytest.mark.usefixtures("machine")
def test_nobody_signs_with_what_the_repository_says() -> None:
    nowhere = Network(proxies={"https": "http://127.0.0.1:1"})
    keys = {"access_key_id": "AKIDTHEIRS", "secret_access_key": "x", "region": "eu-west-1"}

    remote = S3Remote.open(said("s3://models/p", **keys), nowhere, None)

    url = remote.place("k", "", datetime.now(timezone.utc)).url

    assert url.startswith("https://models.s3.")
    assert "AKIDTHEIRS" in url
    assert "t0ken" not in url


@pytest.mark.usefixtures("machine")
def test_nobody_reads_what_is_open_to_all() -> None:
    said_open = {"allow_anonymous_login": "true"}

    gcs = GcsRemote.open(said("gs://b/p", **said_open), Network(), None)
    azure = AzureRemote.open(said("azure://c/p", account_name="acme", **said_open), Network(), None)

    assert (gcs.credentials, gcs.endpoint) == (None, "https://storage.googleapis.com")
    assert (azure.signing, azure.account.sas) == (None, "")
