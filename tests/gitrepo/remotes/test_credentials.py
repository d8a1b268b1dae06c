from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.errors import BadInput
from studio_action.gitrepo.dvc.trust import Origin
from studio_action.gitrepo.remotes.credentials import (
    Address,
    Credential,
    check,
    is_providers,
    outside_if_named,
    why_withheld,
)

AWS = "https://s3.eu-west-1.amazonaws.com"
OURS = Credential("key", "outside")


def at(kind: str, url: str, origin: Origin = "repository") -> Address:
    return Address("r", kind, url, origin, "endpointurl", "AWS_ENDPOINT_URL_S3")


PROVIDERS = [
    ("s3", AWS),
    ("s3", "https://s3.amazonaws.com/b/k"),
    ("s3", "https://S3.AMAZONAWS.COM:443"),
    ("s3", "https://b.s3.us-gov-west-1.amazonaws.com"),
    ("s3", "https://s3-us-west-2.amazonaws.com"),
    ("s3", "https://s3-fips.dualstack.us-east-1.amazonaws.com"),
    ("s3", "https://s3.cn-north-1.amazonaws.com.cn"),
    ("gs", "https://storage.googleapis.com"),
    ("gs", "https://storage.europe-west3.rep.googleapis.com"),
    ("azure", "https://ours.blob.core.windows.net"),
    ("azure", "https://ours.blob.core.chinacloudapi.cn"),
    ("oss", "https://oss-cn-hangzhou.aliyuncs.com"),
]
OTHERS = [
    ("s3", "http://s3.eu-west-1.amazonaws.com"),
    ("s3", "https://s3.eu-west-1.amazonaws.com:8443"),
    ("s3", "https://s3.eu-west-1.amazonaws.com.evil.example"),
    ("s3", "https://evil.example/s3.eu-west-1.amazonaws.com"),
    ("s3", "https://s3.eu-west-1.amazonaws.com@evil.example"),
    ("s3", "https://x@s3.eu-west-1.amazonaws.com"),
    ("s3", "https://evil.example\\@s3.eu-west-1.amazonaws.com"),
    ("s3", "https://s3.eu-west-1.amazonaws.com\n"),
    ("s3", "https://evils3.amazonaws.com"),
    ("s3", "https://a1b2c3.execute-api.us-east-1.amazonaws.com"),
    ("s3", "https://s3.execute-api.us-east-1.amazonaws.com"),
    ("s3", "https://ec2-192-0-2-1.compute-1.amazonaws.com"),
    ("s3", "https://s3-1234.us-east-1.elb.amazonaws.com"),
    ("s3", "https://s3.us-east-1.elb.amazonaws.com"),
    ("s3", "https://ap-1.s3-object-lambda.us-east-1.amazonaws.com"),
    ("s3", "https://storage.googleapis.com"),
    ("gs", "https://evil.googleapis.com"),
    ("gs", "https://storage.googleapis.com.evil.example"),
    ("gs", "http://metadata.google.internal"),
    ("azure", "https://ours.evil.blob.core.windows.net"),
    ("azure", "https://evil.example/.blob.core.windows.net"),
    ("azure", "https://ours.file.core.windows.net"),
    ("azure", "https://ours.blob.core.windows.net.evil.example"),
    ("azure", "https://OURS_.blob.core.windows.net"),
    ("oss", "https://evil.aliyuncs.com"),
    ("http", "https://s3.amazonaws.com"),
    ("ssh", "ssh://storage.googleapis.com"),
    ("s3", "no address"),
    ("s3", "https://[h"),
    ("s3", "https://:443"),
    ("s3", ""),
]


@pytest.mark.parametrize(("kind", "url"), PROVIDERS)
def test_is_providers(kind: str, url: str) -> None:
    assert is_providers(at(kind, url))
    assert why_withheld(OURS, at(kind, url)) == ""


@pytest.mark.parametrize(("kind", "url"), OTHERS)
def test_is_providers__others(kind: str, url: str) -> None:
    assert not is_providers(at(kind, url))
    assert "only the repository says to send it to" in why_withheld(OURS, at(kind, url))
    assert why_withheld(OURS, at(kind, url, "outside")) == ""
    assert why_withheld(Credential("key", "repository"), at(kind, url)) == ""


@pytest.mark.parametrize(
    ("account", "why"),
    [
        ("ours", ""),
        (None, ""),
        ("theirs", "it is for the account 'theirs', and not for 'ours'"),
        ("", "it is for an account that nobody named, and not for 'ours'"),
    ],
)
def test_why_withheld__an_account(account: str | None, why: str) -> None:
    address = at("azure", "https://ours.blob.core.windows.net")

    assert why_withheld(Credential("key", "outside", account), address) == why


@given(st.text(), st.sampled_from(["s3", "gs", "azure", "oss", "http"]))
def test_why_withheld__any_address(url: str, kind: str) -> None:
    assert why_withheld(OURS, at(kind, url)).isprintable()


@pytest.mark.parametrize(
    ("url", "named", "outside"),
    [
        ("http://minio:9000", "http://minio:9000/", True),
        ("http://minio", "http://MINIO:80", True),
        ("https://minio/s3/x", "https://minio/s3", True),
        ("https://minio/s3", "https://minio/s3x", False),
        ("http://minio:9000", "http://minio:9001", False),
        ("http://minio:9000", "https://minio:9000", False),
        ("http://minio:9000@evil", "http://minio:9000", False),
        ("http://minio:9000", "", False),
        ("no address", "no address", False),
    ],
)
def test_outside_if_named(url: str, named: str, outside: bool) -> None:
    found = outside_if_named(at("s3", url), ["", named])

    assert (found.origin == "outside") is outside


def test_check__says_which_why_and_how_to_allow_it() -> None:
    with pytest.raises(BadInput) as caught:
        check(OURS, at("s3", "http://minio.example.com:9000/s3"))

    assert str(caught.value) == (
        "the remote 'r' does not get the key: only the repository says to send it to"
        " minio.example.com:9000. To allow it, set it outside of the repository: `dvc remote modify"
        " --local r endpointurl http://minio.example.com:9000/s3`, or set AWS_ENDPOINT_URL_S3"
    )


def test_check__shows_no_secret() -> None:
    with pytest.raises(BadInput) as caught:
        check(OURS, at("http", "https://ada:s3cret@h/p"))

    assert "s3cret" not in str(caught.value) + repr(at("http", "https://ada:s3cret@h/p"))
