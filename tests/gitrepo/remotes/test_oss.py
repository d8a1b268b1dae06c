from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timezone
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from studio_action.errors import BadInput
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.remotes.identity import Identity
from studio_action.gitrepo.remotes.oss import OssRemote
from studio_action.net import signed_url

NOW = datetime(2026, 7, 6, tzinfo=timezone.utc)
KEY = "files/md5/a b/é+%~(1)!*'"
REGION = "https://oss-cn-hangzhou.aliyuncs.com"
KEYS = {"oss_key_id": "LTAI", "oss_key_secret": "hunter2"}


def opened(endpoint: str = REGION, options: dict[str, str] | None = None, **environ: str) -> str:
    said = {"oss_endpoint": endpoint} if endpoint else {}
    settings = Settings.of("store", "oss://models/sub", {**said, **(options or {})})
    remote = OssRemote.open(settings, Identity(environ))
    return remote.place(KEY, "", NOW).url


def signed_v4(url: str, secret: str) -> str:
    """https://www.alibabacloud.com/help/en/oss/developer-reference/add-signatures-to-urls"""
    parts = urlsplit(url)
    pairs = sorted(pair for pair in parts.query.split("&") if "signature=" not in pair)
    request = f"GET\n/models{parts.path}\n{'&'.join(pairs)}\n\n\nUNSIGNED-PAYLOAD"
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    _, date, region, *rest = query["x-oss-credential"].split("/")
    scope = "/".join((date, region, *rest))
    hashed = hashlib.sha256(request.encode()).hexdigest()
    to_sign = f"OSS4-HMAC-SHA256\n{query['x-oss-date']}\n{scope}\n{hashed}"
    key = f"aliyun_v4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


def signed_v1(url: str, secret: str) -> str:
    """https://www.alibabacloud.com/help/en/oss/developer-reference/ddd-signatures-to-urls"""
    parts = urlsplit(url)
    expires = parse_qs(parts.query)["Expires"][0]
    to_sign = f"GET\n\n\n{expires}\n{unquote(parts.path)}"
    return base64.b64encode(hmac.digest(secret.encode(), to_sign.encode(), "sha1")).decode()


@pytest.mark.parametrize("endpoint", [REGION, "oss-cn-hangzhou.aliyuncs.com"])
def test_place__signed_for_the_region_of_the_endpoint(endpoint: str) -> None:
    url = opened(endpoint, KEYS)

    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert url.startswith("https://models.oss-cn-hangzhou.aliyuncs.com/sub/files/md5/a%20b/%C3%A9")
    assert query["x-oss-credential"].split("/")[::2] == ["LTAI", "cn-hangzhou", "aliyun_v4_request"]
    assert query["x-oss-signature"] == signed_v4(url, "hunter2")
    assert "hunter2" not in url


def test_place__at_an_endpoint_of_ones_own() -> None:
    url = opened("http://127.0.0.1:9000", KEYS)

    assert url.startswith("http://127.0.0.1:9000/models/sub/files/")
    assert parse_qs(urlsplit(url).query)["Signature"] == [signed_v1(url, "hunter2")]


def test_place__for_an_hour() -> None:
    expires = signed_url.expiry(opened(options=KEYS))

    assert expires is not None
    assert 3500 < (expires - datetime.now(timezone.utc)).total_seconds() <= 3600


def test_open__by_the_environment() -> None:
    environ = {
        "OSS_ENDPOINT": REGION,
        "OSS_ACCESS_KEY_ID": "LTAI",
        "OSS_ACCESS_KEY_SECRET": "hunter2",
        "OSS_SESSION_TOKEN": "t0ken",
    }

    url = opened("", **environ)

    assert "x-oss-security-token=t0ken" in url
    assert "t0ken" in signed_url.secrets_of(url)


@pytest.mark.parametrize(
    ("endpoint", "options", "why"),
    [
        ("", KEYS, "does not say its endpoint"),
        (REGION, {}, "no credentials were found for the remote 'store'"),
        (REGION, {"oss_key_id": "LTAI"}, "no credentials were found for the remote 'store'"),
    ],
)
def test_open__not_enough(endpoint: str, options: dict[str, str], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        opened(endpoint, options)


def test_place__no_bucket() -> None:
    settings = Settings.of("store", "oss://b", {"oss_endpoint": REGION, **KEYS})

    with pytest.raises(BadInput, match=r"cannot be signed: .*Bucket name is invalid"):
        OssRemote.open(settings, None).place("k", "", NOW)
