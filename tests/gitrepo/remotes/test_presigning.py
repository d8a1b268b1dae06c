from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import Credentials, RefreshableCredentials

from studio_action.errors import BadInput
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.remotes.presigning import PROBE_KEY, PROBE_VERSION, Presigner
from studio_action.gitrepo.remotes.s3 import S3Remote
from studio_action.net import signed_url

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

KEYS = [
    "files/md5/ab/cdef",
    "a b/c+d&e=f?g#h",
    "é/\u4f60\u597d/\U0001f600",
    "100%/%20/%2F",
    "~-_.!*'()",
    "a//b/./c/",
    '@:;,$[]{}|\\^`"<>',
    "x" * 1000,
]
CONFIGS: dict[str, dict[str, Any]] = {
    "virtual-hosted": {"region_name": "eu-west-1"},
    "us-east-1": {"region_name": "us-east-1"},
    "path style": {"region_name": "eu-west-1", "s3": {"addressing_style": "path"}},
    "China": {"region_name": "cn-north-1"},
    "dual stack": {"region_name": "eu-west-1", "use_dualstack_endpoint": True},
    "FIPS": {"region_name": "us-west-2", "use_fips_endpoint": True},
    "accelerated": {"region_name": "eu-west-1", "s3": {"use_accelerate_endpoint": True}},
    "an endpoint": {"region_name": "us-east-1", "endpoint_url": "http://127.0.0.1:9000"},
    "below a path": {"region_name": "us-east-1", "endpoint_url": "https://minio.example.com/s3/"},
    "the default port": {"region_name": "us-east-1", "endpoint_url": "https://h.example.com:443"},
    "a name in capitals": {"region_name": "us-east-1", "endpoint_url": "https://Minio.Example.com"},
    "a session": {"region_name": "eu-west-1", "aws_session_token": "IQoJb3//+==&%"},
    "open to all": {"region_name": "eu-west-1", "signature_version": UNSIGNED},
}
_OF_CLIENT = ("region_name", "endpoint_url", "aws_session_token")


def client(told: dict[str, Any]) -> Any:
    config = {name: value for name, value in told.items() if name not in _OF_CLIENT}
    return botocore.session.Session().create_client(
        "s3",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key=SECRET,
        config=Config(**{"signature_version": "s3v4", **config}),
        **{name: value for name, value in told.items() if name in _OF_CLIENT},
    )


def presigned(of: Any, bucket: str, key: str, version_id: str) -> str:
    asked = {"Bucket": bucket, "Key": key} | ({"VersionId": version_id} if version_id else {})
    return str(of.generate_presigned_url("get_object", Params=asked, ExpiresIn=3600))


def moment_of(url: str) -> datetime:
    """When a URL was signed, whole seconds."""
    end = signed_url.expiry(url)
    return end - timedelta(hours=1) if end else NOW


@pytest.mark.parametrize(
    ("told", "bucket"),
    [pytest.param(told, "models", id=name) for name, told in CONFIGS.items()]
    + [pytest.param({"region_name": "eu-west-1"}, "models.example.com", id="a bucket with dots")],
)
def test_url__as_the_library_makes_it(told: dict[str, Any], bucket: str) -> None:
    library = client(told)
    unsigned = told.get("signature_version") is UNSIGNED
    credentials = Credentials("AKIDEXAMPLE", SECRET, told.get("aws_session_token"))
    keys = None if unsigned else credentials.get_frozen_credentials
    probe = presigned(library, bucket, PROBE_KEY, PROBE_VERSION)
    presigner = Presigner.like(probe, 3600, keys)

    assert presigner is not None
    for key in KEYS:
        for version_id in ("", "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY.vcdf/", "v 1"):
            url = presigned(library, bucket, key, version_id)
            assert presigner.url(key, version_id, moment_of(url)) == url
    library.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
        lambda url: url.replace("%2Fs3%2F", "%2Fs3express%2F"),
        lambda url: url[:-1] + ("0" if url[-1] != "0" else "1"),
        lambda url: url.replace("X-Amz-Date=2", "X-Amz-Date=x"),
        lambda url: "https://h/other?AWSAccessKeyId=x",
    ],
    ids=["SigV4A", "another service", "another signature", "no date", "SigV2"],
)
def test_like__a_bucket_that_is_signed_for_in_another_way(change: Callable[[str], str]) -> None:
    library = client({"region_name": "eu-west-1"})
    url = change(presigned(library, "models", PROBE_KEY, PROBE_VERSION))
    library.close()

    assert (
        Presigner.like(url, 3600, Credentials("AKIDEXAMPLE", SECRET).get_frozen_credentials) is None
    )


def test_place__the_library_signs_where_we_cannot() -> None:
    library = client({"region_name": "eu-west-1"})

    place = S3Remote(Settings.of("r", "s3://models/top", {}), library).place("a b", "", NOW)

    assert urlsplit(place.url).path == "/top/a%20b"
    assert "X-Amz-Signature" in parse_qs(urlsplit(place.url).query)
    library.close()


def temporary(number: int, minutes: float) -> dict[str, str]:
    end = datetime.now(timezone.utc) + timedelta(minutes=minutes)
    return {
        "access_key": f"AKID{number}",
        "secret_key": SECRET,
        "token": f"token{number}",
        "expiry_time": end.isoformat(),
    }


def test_url__temporary_credentials_are_renewed_before_they_end() -> None:
    given = iter([temporary(2, 60)])
    credentials = RefreshableCredentials.create_from_metadata(
        temporary(1, 5), lambda: next(given), "test"
    )
    keys = credentials.get_frozen_credentials
    presigner = Presigner("https://models.s3.amazonaws.com/", "us-east-1", 3600, keys)

    for _ in range(2):
        query = parse_qs(urlsplit(presigner.url("a", "", NOW)).query)
        assert query["X-Amz-Security-Token"] == ["token2"]
        assert query["X-Amz-Credential"][0].startswith("AKID2/")


def test_place__temporary_credentials_that_cannot_be_renewed() -> None:
    def renew() -> dict[str, str]:
        return {"access_key": "AKID"}  # no more

    credentials = RefreshableCredentials.create_from_metadata(temporary(1, 5), renew, "test")
    keys = credentials.get_frozen_credentials
    presigner = Presigner("https://models.s3.amazonaws.com/", "us-east-1", 3600, keys)
    remote = S3Remote(Settings.of("r", "s3://models/top", {}), None, presigner)

    with pytest.raises(BadInput, match="URLs of the remote 'r' cannot be signed"):
        remote.place("a", "", NOW)


def test_url__nothing_secret_in_the_repr() -> None:
    keys = Credentials("AKIDEXAMPLE", SECRET).get_frozen_credentials

    assert SECRET not in repr(Presigner("https://h/", "us-east-1", 3600, keys))
