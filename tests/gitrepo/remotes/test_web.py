from __future__ import annotations

import base64
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from studio_action.errors import BadInput, UnexpectedAnswer
from studio_action.gitrepo.dvc.artifacts import TrackedFile
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.remotes.base import Place, key_of
from studio_action.gitrepo.remotes.web import LocalRemote, WebRemote
from studio_action.model.digest import Digest

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
HEX = "4c65eb98e1" + "0" * 22


def web(url: str, **options: str) -> Place:
    return WebRemote(Settings.of("web", url, options)).place("files/md5/ab/c d", "", NOW)


def test_key_of__a_path_that_leads_out() -> None:
    with pytest.raises(UnexpectedAnswer, match="is outside of its remote's folder"):
        key_of(TrackedFile("../m.bin", Digest("md5", HEX)), worktree=True)


def basic(text: str) -> str:
    return f"Authorization: Basic {base64.b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("stored", "worktree", "key"),
    [
        (TrackedFile("a", Digest("md5", HEX)), False, f"files/md5/4c/{HEX[2:]}"),
        (TrackedFile("a", Digest("md5", f"{HEX}.dir")), False, f"files/md5/4c/{HEX[2:]}.dir"),
        (TrackedFile("a", Digest("md5-dos2unix", HEX)), False, f"4c/{HEX[2:]}"),
        (TrackedFile("m/a", Digest("md5", HEX), version_id="1"), False, "m/a"),
        (TrackedFile("m/a", None, version_id="1"), False, "m/a"),
        (TrackedFile("m/a", Digest("md5", HEX)), True, "m/a"),
    ],
    ids=["DVC 3", "folder", "DVC 2", "versioned", "versioned, no digest", "worktree"],
)
def test_key_of(stored: TrackedFile, worktree: bool, key: str) -> None:
    assert key_of(stored, worktree=worktree) == key


def test_key_of__nothing_known() -> None:
    with pytest.raises(UnexpectedAnswer, match="neither a digest nor a version of 'a'"):
        key_of(TrackedFile("a", None), worktree=False)


@pytest.mark.parametrize(
    ("url", "options", "place"),
    [
        ("https://h/top", {}, Place("https://h/top/files/md5/ab/c%20d")),
        ("http://h:81", {}, Place("http://h:81/files/md5/ab/c%20d")),
        (
            "https://ada:p%40ss@h/top",
            {},
            Place("https://h/top/files/md5/ab/c%20d", (basic("ada:p@ss"),)),
        ),
        (
            "https://h",
            {"auth": "Basic", "user": "ada", "password": "pw"},
            Place("https://h/files/md5/ab/c%20d", (basic("ada:pw"),)),
        ),
        (
            "https://h",
            {"auth": "custom", "custom_auth_header": "X-Token", "password": "pw"},
            Place("https://h/files/md5/ab/c%20d", ("X-Token: pw",)),
        ),
    ],
    ids=["open", "port", "user info", "basic", "custom"],
)
def test_web__place(url: str, options: dict[str, str], place: Place) -> None:
    assert web(url, **options) == place
    assert "pw" not in repr(place)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"auth": "basic", "user": "ada"}, "needs user and password"),
        ({"auth": "custom", "password": "pw"}, "needs custom_auth_header and password"),
        ({"auth": "digest"}, "requires auth 'digest'"),
        (
            {"auth": "custom", "custom_auth_header": "A\r\nB", "password": "x"},
            "not a valid header line",
        ),
    ],
    ids=["no password", "no header", "digest", "two lines"],
)
def test_web__refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        web("https://h", **options)


def test_local__place() -> None:
    remote = LocalRemote(Settings.of("shelf", "/srv/.dvc/../shelf é", {}))

    assert remote.place("files/md5/ab/cd", "", NOW) == Place(
        "file:///srv/shelf%20%C3%A9/files/md5/ab/cd"
    )


def test_local__a_folder_of_a_checkout_that_is_not_here() -> None:
    with pytest.raises(BadInput, match=r"'shelf' is the folder '\.\./shelf' of a checkout"):
        LocalRemote(Settings.of("shelf", str(Path("../shelf")), {})).place("key", "", NOW)


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://h/top?token=x y", "https://h/top?token=x%20y/files/md5/ab/c%20d"),
        ("https://h?a=b%20c&d=", "https://h?a=b%20c&d=/files/md5/ab/c%20d"),
        (
            "https://h/\N{LATIN SMALL LETTER U WITH DIAERESIS}",
            "https://h/%C3%BC/files/md5/ab/c%20d",
        ),
    ],
    ids=["a query", "a query alone", "not ASCII"],
)
def test_place__as_dvc_asks(url: str, asked: str) -> None:
    assert web(url).url == asked


def test_place__a_fragment() -> None:
    with pytest.raises(BadInput, match="the url of the remote 'web' has a '#'"):
        web("https://h/top#x")


@pytest.mark.parametrize(
    ("local", "verify"),
    [
        ({}, False),
        ({"password": "s3cret"}, True),
        ({"password": "s3cret", "ssl_verify": "false"}, False),
        ({"ssl_verify": "/etc/ca.pem"}, Path("/etc/ca.pem")),
    ],
    ids=["theirs", "a password of ours", "both of ours", "authorities of ours"],
)
def test_place__ssl_verify(local: dict[str, str], verify: bool | Path) -> None:
    committed = {"auth": "basic", "user": "ada", "password": "theirs", "ssl_verify": "false"}
    theirs = Settings.of("web", "https://h", committed, "repository")
    ours = Settings.of("web", "https://h", local)
    said = replace(ours, options={**theirs.options, **ours.options})

    assert WebRemote(said).place("a", "", NOW).tls_verify == verify
