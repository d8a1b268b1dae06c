from __future__ import annotations

import pytest

from studio_action.net.origin import keeps_secrets, same_origin

BASE = "https://models.example.org/studio/"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("https://models.example.org/api/oauth/token", True),
        ("https://MODELS.example.org:443/", True),
        ("https://models.example.org:8443/", False),
        ("http://models.example.org/", False),
        ("https://models.example.org.evil.example/", False),
        ("https://evil.example/models.example.org", False),
        ("https://models.example.org@evil.example/", False),
        ("https://user@models.example.org/", False),
        ("//models.example.org/", False),
        ("https://models.example.org:x/", False),
        ("https://[models.example.org/", False),
        ("https://models.example.org\\@evil.example/", False),
        ("https://models.example.org\\.evil.example/", False),
        ("https://evil.example\\@models.example.org/", False),
        (" https://models.example.org/", False),
        ("https://models.exam\nple.org/", False),
        ("https://models.example.org/\t", False),
        ("https://models.example\u3002org/", False),
        ("sts.amazonaws.com", False),
        ("", False),
    ],
)
def test_same_origin(other: str, same: bool) -> None:
    assert same_origin(other, BASE) is same
    assert same_origin(BASE, other) is same


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://h/", True),
        ("http://h/", False),
        ("http://127.0.0.1:1/", True),
        ("http://[::1]:1/", True),
        ("http://localhost/", True),
        ("http://localhost.example.org/", False),
        ("http://127.0.0.1.example.org/", False),
        ("http://127.0.0.1@evil.example/", False),
        ("ftp://127.0.0.1/", False),
        ("", False),
    ],
)
def test_keeps_secrets(url: str, kept: bool) -> None:
    assert keeps_secrets(url) is kept
