from __future__ import annotations

import http.client
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from studio_action.errors import BadInput
from studio_action.gitrepo.remotes.config import Settings
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
