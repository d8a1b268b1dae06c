from __future__ import annotations

from datetime import datetime, timezone

import pytest

from studio_action.net.signed_url import expiry, secrets_of

S3 = (
    "https://bucket.s3.amazonaws.com/churn/86/bd02?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIA%2F20230706%2Fus-east-1&X-Amz-Date=20230706T134619Z&X-Amz-Expires=3600"
    "&X-Amz-SignedHeaders=host&X-Amz-Signature=0f1e"
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param(
            "X-Amz-Date=20230706T134619Z&X-Amz-Expires=3600", (2023, 7, 6, 14, 46, 19), id="S3"
        ),
        pytest.param(
            "X-Goog-Date=20230706T134619Z&X-Goog-Expires=60", (2023, 7, 6, 13, 47, 19), id="Google"
        ),
        pytest.param("se=2023-07-06T13%3A46%3A19Z&sig=a", (2023, 7, 6, 13, 46, 19), id="Azure"),
        pytest.param("se=2023-07-06T13:46Z", (2023, 7, 6, 13, 46), id="Azure without seconds"),
        pytest.param("se=2023-07-06", (2023, 7, 6), id="Azure with a date alone"),
        pytest.param("se=2023-07-06T13:46:19.1234567Z", (2023, 7, 6, 13, 46, 19), id="decimals"),
        pytest.param("AWSAccessKeyId=A&Expires=1688651179", (2023, 7, 6, 13, 46, 19), id="SigV2"),
        pytest.param("md5=x&expires=1688651179", (2023, 7, 6, 13, 46, 19), id="nginx"),
    ],
)
def test_expiry(query: str, expected: tuple[int, int, int]) -> None:
    assert expiry(f"https://host/key?{query}") == datetime(*expected, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "X-Amz-Date=20230706T134619Z",
        "X-Amz-Date=yesterday&X-Amz-Expires=3600",
        "X-Amz-Date=99991231T235959Z&X-Amz-Expires=99999999999",
        "X-Amz-Expires=3600",
        "se=soon",
        "se=2023-13-06",
        "Expires=-1",
        "Expires=99999999999999999999",
        "Expires=²",
    ],
)
def test_expiry__not_told(query: str) -> None:
    assert expiry(f"https://host/key?{query}") is None


def test_secrets_of__s3() -> None:
    assert secrets_of(S3) == (
        S3.partition("?")[2],
        "AKIA%2F20230706%2Fus-east-1",
        "AKIA/20230706/us-east-1",
        "0f1e",
    )


def test_secrets_of__user_info() -> None:
    assert secrets_of("https://me:s%40cret@host/key") == (
        "me:s%40cret",
        "me:s@cret",
        "s%40cret",
        "s@cret",
    )


def test_secrets_of__plain_url() -> None:
    assert secrets_of("https://host/key") == ()


@pytest.mark.parametrize("vendor", ["amz", "goog", "oss"])
def test_expiry__of_each_vendor(vendor: str) -> None:
    url = f"https://x.example/a?x-{vendor}-date=20260301T000000Z&x-{vendor}-expires=60"
    assert expiry(url) == datetime(2026, 3, 1, 0, 1, tzinfo=timezone.utc)


def test_secrets_of__what_is_no_url() -> None:
    assert secrets_of("https://a:secret@b[c.example/x?sig=signed#y?z") == (
        "sig=signed", "a:secret", "secret", "signed",
    )  # fmt: skip
