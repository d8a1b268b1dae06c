from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from google.oauth2.credentials import Credentials

from studio_action.errors import BadInput, Unreachable
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.remotes.gcs import GcsRemote
from studio_action.gitrepo.remotes.identity import Identity
from studio_action.net import signed_url
from studio_action.net.network import Network

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)


def settings(**options: str) -> Settings:
    return Settings.of("cloud", "gs://models/registry", options)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def account(key: rsa.RSAPrivateKey, tmp_path: Path) -> Path:
    """The key file of a service account."""
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = tmp_path / "account.json"
    content = {
        "type": "service_account",
        "client_email": "ci@example.iam.gserviceaccount.com",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "token_uri": "https://oauth2.googleapis.com/token",
        "project_id": "example",
    }
    file.write_text(json.dumps(content))
    return file


def test_place__signed_for_an_hour(account: Path, key: rsa.RSAPrivateKey) -> None:
    remote = GcsRemote.open(settings(credentialpath=str(account)), Network(), Identity({}))

    url = remote.place("files/a b+é", "", NOW).url

    parts, query = urlsplit(url), parse_qs(urlsplit(url).query)
    assert parts.netloc == "storage.googleapis.com"
    assert parts.path == "/models/registry/files/a%20b%2B%C3%A9"
    assert query["X-Goog-Expires"] == ["3600"]
    assert signed_url.expiry(url) is not None
    unsigned = parts.query.partition("&x-goog-signature=")[0].partition("&X-Goog-Signature=")[0]
    canonical = "\n".join(
        ["GET", parts.path, unsigned, "host:storage.googleapis.com", "", "host", "UNSIGNED-PAYLOAD"]
    )
    digest = hashes.Hash(hashes.SHA256())
    digest.update(canonical.encode())
    scope = query["X-Goog-Credential"][0].partition("/")[2]
    to_sign = "\n".join(
        ["GOOG4-RSA-SHA256", query["X-Goog-Date"][0], scope, digest.finalize().hex()]
    )
    key.public_key().verify(  # raises where the signature is another
        bytes.fromhex(query["X-Goog-Signature"][0]),
        to_sign.encode(),
        padding.PKCS1v15(),
        hashes.SHA256(),
    )


def test_place__a_version(monkeypatch: pytest.MonkeyPatch, account: Path) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account))
    remote = GcsRemote.open(settings(), Network(), Identity({}))

    query = parse_qs(urlsplit(remote.place("a", "1700000000000001", NOW).url).query)

    assert query["generation"] == ["1700000000000001"]


def test_place__an_access_token() -> None:
    remote = GcsRemote(settings(), Credentials(token="ya29.secret"))

    place = remote.place("a b", "17", NOW)

    assert (
        place.url == f"https://storage.googleapis.com/models/registry/{quote('a b')}?generation=17"
    )
    assert place.headers == ("Authorization: Bearer ya29.secret",)
    assert "ya29" not in repr(remote) + repr(place)


def test_place__open_to_all() -> None:
    said = settings(allow_anonymous_login="true", endpointurl="http://127.0.0.1:4443/")

    place = GcsRemote.open(said, Network(), Identity({})).place("a", "", NOW)

    assert place.url == "http://127.0.0.1:4443/models/registry/a"


def test_open__no_credentials(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{}")

    with pytest.raises(BadInput, match="Google knows no credentials for the remote 'cloud'"):
        GcsRemote.open(settings(credentialpath=str(tmp_path / "bad.json")), Network(), Identity({}))
    with pytest.raises(BadInput, match="Google knows no credentials"):
        GcsRemote.open(
            settings(credentialpath=str(tmp_path / "none.json")), Network(), Identity({})
        )


def test_open__a_log_in_that_nobody_answers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    person = {
        "type": "authorized_user",
        "client_id": "1",
        "client_secret": "2",
        "refresh_token": "1//s3cret",
    }
    (tmp_path / "person.json").write_text(json.dumps(person))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "person.json"))
    nowhere = Network(proxies={"https": "http://127.0.0.1:1"})

    with pytest.raises(Unreachable, match="Google gives no access token") as caught:
        GcsRemote.open(settings(), nowhere, Identity({}))

    assert "s3cret" not in str(caught.value)


def test_open__without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud.storage", None)

    with pytest.raises(BadInput, match=r"Install studio-action\[gcs\]"):
        GcsRemote.open(settings(), Network(), Identity({}))
