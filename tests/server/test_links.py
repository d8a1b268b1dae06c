"""Signed URLs of the server's own files."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from studio_action.errors import UnexpectedAnswer
from studio_action.model.digest import Digest, digest_in_url
from studio_action.model.paths import check_path
from studio_action.net import signed_url
from studio_action.server import links
from studio_action.server.links import (
    BadLink,
    Grant,
    InFolder,
    InMirror,
    InWebRemote,
    Key,
    ServedFile,
)

NOW = datetime(2026, 11, 22, 12, 0, 0, 500_000, tzinfo=timezone.utc)
BASE = "https://models.example.org/studio"
GRANT = Grant("0123456789abcdef", "acme/models")
KEY = Key("k1", b"a secret of the server")
MD5 = Digest("md5", "0123456789abcdef0123456789abcdef")
CHURN = InFolder("models", "files/md5/01/23456789abcdef0123456789abcdef")


def opened(url: str, *, at: datetime = NOW, base: str = BASE) -> ServedFile:
    parts = urlsplit(url)
    path = unquote(parts.path).removeprefix(urlsplit(base).path + "/files/")
    file, grant = links.verify(path, parts.query, {KEY.id: KEY.secret}.get, at)
    assert grant == GRANT
    return file


segments = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)
file_paths = st.lists(segments, min_size=1, max_size=4).map("/".join)


def safe(path: str) -> bool:
    try:
        check_path(path)
    except UnexpectedAnswer:
        return False
    return True


@given(file_paths)
def test_signed__any_file_of_a_folder_comes_back(path: str) -> None:
    assume(safe(f"folders/models/{path}"))
    file = InFolder("models", path)

    url = links.sign(BASE, file, GRANT, KEY, NOW)

    assert url.isascii()
    assert opened(url) == file


@given(file_paths)
def test_signed__any_file_of_a_web_remote_comes_back(path: str) -> None:
    assume(safe(f"remotes/acme/models/web/{path}") and unquote(path) == path)
    file = InWebRemote("acme/models", "web", path)

    assert opened(links.sign(BASE, file, GRANT, KEY, NOW)) == file


@pytest.mark.parametrize(
    ("remote", "path"),
    [
        ("web", "../other"),
        ("web", "a/../../b"),
        ("web", "%2e%2e/b"),
        ("web", "a%2fb"),
        ("web", "a%5Cb"),
        ("web", "a\\b"),
        ("web", "a//b"),
        ("web", "/a"),
        ("web", ""),
        ("..", "a"),
        ("", "a"),
        ("we/b", "a"),
    ],
)
def test_signed__what_could_leave_a_web_remote(remote: str, path: str) -> None:
    with pytest.raises(UnexpectedAnswer):
        links.sign(BASE, InWebRemote("acme/models", remote, path), GRANT, KEY, NOW)


@pytest.mark.parametrize("length", [40, 64], ids=["SHA-1", "SHA-256"])
@pytest.mark.parametrize("name", ["acme/models", "group/sub/models"])
def test_signed__a_file_of_a_mirror_comes_back(name: str, length: int) -> None:
    file = InMirror(name, "a" * length, MD5)

    assert opened(links.sign(BASE, file, GRANT, KEY, NOW)) == file


@pytest.mark.parametrize(
    "file",
    [InMirror("acme/models", "a" * 40, MD5), InWebRemote("acme/models", "web", CHURN.path), CHURN],
    ids=["of a mirror", "of a web remote", "of a folder"],
)
def test_signed__the_digest_and_the_end_can_be_read_from_it(file: ServedFile) -> None:
    url = links.sign(BASE, file, GRANT, KEY, NOW)

    assert digest_in_url(url) == MD5
    assert signed_url.expiry(url) == NOW.replace(microsecond=0) + timedelta(hours=1)


def test_signed__its_signature_is_a_secret() -> None:
    url = links.sign(BASE, CHURN, GRANT, KEY, NOW)

    assert url.rpartition("=")[2] in signed_url.secrets_of(url)


def test_key__its_secret_is_not_shown() -> None:
    assert "secret of the server" not in repr(KEY)


@pytest.mark.parametrize(
    "path",
    ["../secrets", "/etc/passwd", "a/../../b", "a\0b", "", "a//b", ".git/config", "bad\ud800name"],
    ids=["parent", "absolute", "inner parent", "NUL", "empty", "empty part", "in .git", "no text"],
)
def test_signed__an_unsafe_path(path: str) -> None:
    with pytest.raises(UnexpectedAnswer):
        links.sign(BASE, InFolder("models", path), GRANT, KEY, NOW)


@pytest.mark.parametrize(
    "path",
    [
        "folders/models/../../etc/passwd",
        "folders/models//etc/passwd",
        "folders/models/a\0b",
        "folders/models/",
        "folders/models",
        "elsewhere/models/a",
        "repositories/../x/" + "a" * 40 + "/files/md5/01/23456789abcdef0123456789abcdef",
        "repositories/acme/models/" + "a" * 40 + "/files/md5/01/nothex",
        "remotes/acme/models/web/../a",
        "remotes/acme/models/web/%2e%2e/a",
        "remotes/acme/models/web/a%2Fb",
        "remotes/acme/models/../web/a",
        "remotes/acme/models/web",
        "remotes/acme/models/web/",
        "remotes/models/web",
    ],
)
def test_checked__a_path_that_is_well_signed_but_unsafe(path: str) -> None:
    expires = int(NOW.timestamp()) + 60
    signature = links._signature(path, expires, GRANT, KEY.secret)

    with pytest.raises(BadLink, match="not valid"):
        links.verify(
            path,
            f"Expires={expires}&Token={GRANT.token}&Repository={GRANT.repository}"
            f"&KeyId=k1&Signature={signature}",
            {KEY.id: KEY.secret}.get,
            NOW,
        )


@given(st.data(), st.characters(exclude_categories=("Cs",)))
def test_checked__any_changed_character_is_refused(data: st.DataObject, char: str) -> None:
    url = links.sign(BASE, CHURN, GRANT, KEY, NOW).removeprefix(f"{BASE}/files/")
    place = data.draw(st.integers(0, len(url) - 1))
    assume(url[place] != char)
    path, _, query = (url[:place] + char + url[place + 1 :]).partition("?")

    with pytest.raises(BadLink):
        links.verify(path, query, {KEY.id: KEY.secret}.get, NOW)


@pytest.mark.parametrize("more", ["&x=1", "&Expires=99999999999", "\n"])
def test_checked__something_added_is_refused(more: str) -> None:
    path, _, query = (
        links.sign(BASE, CHURN, GRANT, KEY, NOW).removeprefix(f"{BASE}/files/").partition("?")
    )

    with pytest.raises(BadLink, match="not valid"):
        links.verify(path, query + more, {KEY.id: KEY.secret}.get, NOW)


@pytest.mark.parametrize(
    ("passed", "good"), [(3599, True), (3600, False)], ids=["in the last second", "after an hour"]
)
def test_checked__for_an_hour(passed: int, good: bool) -> None:
    url = links.sign(BASE, CHURN, GRANT, KEY, NOW)
    at = NOW.replace(microsecond=0) + timedelta(seconds=passed)

    if good:
        assert opened(url, at=at) == CHURN
    else:
        with pytest.raises(BadLink, match="expired"):
            opened(url, at=at)


def test_checked__a_key_that_is_not_known() -> None:
    url = links.sign(BASE, CHURN, GRANT, Key("k2", KEY.secret), NOW)

    with pytest.raises(BadLink, match="not valid"):
        opened(url)


def test_checked__another_key_under_the_same_name() -> None:
    url = links.sign(BASE, CHURN, GRANT, Key("k1", b"another secret"), NOW)

    with pytest.raises(BadLink, match="not valid"):
        opened(url)


def test_checked__through_another_address() -> None:
    url = links.sign("http://10.0.0.1:8000", CHURN, GRANT, KEY, NOW)

    assert opened(url, base="http://10.0.0.1:8000") == CHURN
