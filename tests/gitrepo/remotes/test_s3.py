from __future__ import annotations

import base64
import hashlib
import http.client
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from studio_action.errors import BadInput
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.dvc.trust import Origin
from studio_action.gitrepo.remotes.identity import Identity
from studio_action.gitrepo.remotes.s3 import S3Remote, region_of
from studio_action.net import signed_url
from studio_action.net.network import Network
from tests.servers import SampleStorage, tampered

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)

OPTIONS = {
    "endpointurl": "http://127.0.0.1:9000",
    "access_key_id": "AKIDEXAMPLE",
    "secret_access_key": "wJalrXUtnFEMI",
}


def remote(url: str = "s3://models/registry", **options: str) -> S3Remote:
    return S3Remote.open(Settings.of("storage", url, options), Network(), Identity({}))


def got(url: str) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def test_place__presigned_for_an_hour() -> None:
    place = remote(**OPTIONS).place("files/md5/ab/c d+é", "", NOW)

    parts, query = urlsplit(place.url), parse_qs(urlsplit(place.url).query)
    assert (parts.netloc, parts.path) == (
        "127.0.0.1:9000",
        "/models/registry/files/md5/ab/c%20d%2B%C3%A9",
    )
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == ["3600"]
    assert signed_url.expiry(place.url) is not None
    assert place.headers == ()
    assert place.url not in repr(place)


def test_place__a_version_and_a_session() -> None:
    place = remote(**OPTIONS, session_token="session", region="eu-west-1").place("a", "v 1", NOW)

    query = parse_qs(urlsplit(place.url).query)
    assert query["versionId"] == ["v 1"]
    assert query["X-Amz-Security-Token"] == ["session"]
    assert "/eu-west-1/s3/" in query["X-Amz-Credential"][0]


def test_place__open_to_all() -> None:
    place = remote(endpointurl=OPTIONS["endpointurl"], allow_anonymous_login="true").place(
        "a", "", NOW
    )

    assert place.url == "http://127.0.0.1:9000/models/registry/a"


def test_place__a_profile_of_files_that_the_remote_names(tmp_path: Path) -> None:
    keys = "[team]\naws_access_key_id = AKIDTEAM\naws_secret_access_key = x\n"
    (tmp_path / "keys").write_text(keys)
    (tmp_path / "config").write_text("[profile team]\nregion = eu-north-1\n")
    place = remote(
        endpointurl="http://127.0.0.1:9000",
        profile="team",
        credentialpath=str(tmp_path / "keys"),
        configpath=str(tmp_path / "config"),
    ).place("a", "", NOW)

    (credential,) = parse_qs(urlsplit(place.url).query)["X-Amz-Credential"]
    assert credential.startswith("AKIDTEAM/")
    assert "/eu-north-1/s3/" in credential


def test_place__keys_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")

    place = remote(endpointurl="http://127.0.0.1:9000").place("a", "", NOW)

    assert "AKIDENV" in place.url


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "Unable to locate credentials"),
        ({"profile": "none"}, "profile .none. could not be found"),
        ({"access_key_id": "x"}, "Partial credentials"),
        ({"endpointurl": "no url"}, "Invalid endpoint"),
    ],
    ids=["none", "no such profile", "half of them", "no such address"],
)
def test_place__cannot_be_signed(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, str], message: str
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")  # no test leaves this machine

    with pytest.raises(BadInput, match=message):
        remote(**{"endpointurl": "http://127.0.0.1:9000", **options}).place("a", "", NOW)


def test_open__without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.exceptions", None)

    with pytest.raises(BadInput, match=r"Install studio-action\[s3\]"):
        remote(**OPTIONS)


class _Elsewhere(BaseHTTPRequestHandler):
    """A bucket that refuses us, and says where it is."""

    def do_HEAD(self) -> None:
        self.send_response(403)
        self.send_header("x-amz-bucket-region", "ap-south-1")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_region_of__a_bucket_that_refuses(elsewhere: str) -> None:
    client = remote(**{**OPTIONS, "endpointurl": elsewhere}).client

    assert region_of(client, "models") == "ap-south-1"


def test_region_of__nobody_answers() -> None:
    client = remote(**{**OPTIONS, "endpointurl": "http://127.0.0.1:1"}).client

    assert region_of(client, "models") == ""


def test_place__a_real_server_takes_it(real_storage: SampleStorage) -> None:
    s3 = real_storage.s3
    key = "files/md5/30/f3ed692913558e79462bb0f410d1ee"
    place = remote(
        endpointurl=s3.endpoint, access_key_id=s3.key_id, secret_access_key=s3.secret
    ).place(key, "", datetime.now(timezone.utc))

    status, body = got(place.url)
    listed = dict(s3.objects("models"))
    assert (status, body) == (200, listed[f"registry/{key}"])
    assert got(tampered(place.url))[0] == 403


# Options as DVC has them


SSE = base64.b64encode(b"k" * 32).decode()


def test_place__a_key_of_the_objects_own() -> None:
    place = remote(**OPTIONS, sse_customer_key=SSE).place("a b", "v", NOW)

    md5 = base64.b64encode(hashlib.md5(b"k" * 32).digest()).decode()
    head = "x-amz-server-side-encryption-customer-"
    assert place.headers == (
        f"{head}algorithm: AES256",
        f"{head}key: {SSE}",
        f"{head}key-MD5: {md5}",
    )
    (signed,) = parse_qs(urlsplit(place.url).query)["X-Amz-SignedHeaders"]
    assert {"host", *(line.partition(":")[0].lower() for line in place.headers)} == set(
        signed.split(";")
    )
    assert SSE not in repr(place) + place.url


@pytest.mark.parametrize(
    "options",
    [
        {"sse_customer_key": "no base64!"},
        {"sse_customer_key": SSE, "sse_customer_algorithm": "A\nB"},
    ],
)
def test_place__no_key_of_the_objects_own(options: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="cannot be signed"):
        remote(**OPTIONS, **options)


def test_place__a_key_of_ours_for_objects_of_a_stranger() -> None:
    open_to_all = {**OPTIONS, "allow_anonymous_login": "true"}
    said = Settings.of("r", "s3://models", open_to_all, "repository")
    ours = Settings.of("r", "", {"sse_customer_key": SSE}).options

    with pytest.raises(BadInput, match="'r' does not get the sse_customer_key"):
        S3Remote.open(replace(said, options={**said.options, **ours}), Network(), Identity({}))


@pytest.mark.parametrize(
    ("options", "origin", "verify"),
    [
        ({}, "outside", True),
        ({"ssl_verify": "true"}, "outside", True),
        ({"ssl_verify": "False"}, "outside", False),
        ({"ssl_verify": "/etc/ca.pem"}, "outside", Path("/etc/ca.pem")),
        ({"ssl_verify": "false"}, "repository", False),
        ({"ssl_verify": "/etc/ca.pem"}, "repository", True),
    ],
)
def test_place__ssl_verify(options: dict[str, str], origin: Origin, verify: bool | Path) -> None:
    said = Settings.of("r", "s3://models", {**OPTIONS, **options}, origin)

    place = S3Remote.open(said, Network(), Identity({})).place("a", "", NOW)

    assert place.tls_verify == verify


def test_place__a_certificate_is_checked_where_a_credential_of_ours_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    nowhere = Network(proxies={"https": "http://127.0.0.1:1"})
    options = {"ssl_verify": "false", "region": "eu-west-1"}
    said = Settings.of("r", "s3://models", options, "repository")

    assert S3Remote.open(said, nowhere, Identity({})).place("a", "", NOW).tls_verify is True


@pytest.mark.parametrize("origin", ["outside", "repository"])
def test_place__without_tls(monkeypatch: pytest.MonkeyPatch, origin: Origin) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    nowhere = Network(proxies={"http": "http://127.0.0.1:1"})
    said = Settings.of("r", "s3://models", {"use_ssl": "false", "region": "eu-west-1"}, origin)

    if origin == "outside":
        url = S3Remote.open(said, nowhere, Identity({})).place("a", "", NOW).url
        assert url.startswith("http://models.s3.")
    else:
        with pytest.raises(BadInput, match="'r' does not get the credential of AWS"):
            S3Remote.open(said, nowhere, Identity({}))


def test_place__a_real_server_wants_the_key_of_the_object(real_storage: SampleStorage) -> None:
    s3 = real_storage.s3
    client = s3.client()
    client.create_bucket(Bucket="sealed")
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32}
    client.put_object(Bucket="sealed", Key="a", Body=b"weights", **key)
    client.close()
    place = remote(
        "s3://sealed",
        endpointurl=s3.endpoint,
        access_key_id=s3.key_id,
        secret_access_key=s3.secret,
        sse_customer_key=SSE,
    ).place("a", "", datetime.now(timezone.utc))

    lines = dict(line.split(": ") for line in place.headers)
    assert requests.get(place.url, headers=lines, timeout=5).content == b"weights"
    assert requests.get(place.url, timeout=5).status_code in (400, 403)
