"""Which web remotes are passed on, and what a link cannot be made to reach."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from studio_action.errors import ObjectMissing
from studio_action.gitrepo.remotes.base import Place
from studio_action.server.links import InWebRemote
from studio_action.server.registry.relayed import RelayedRemote, place_of, relayed
from studio_action.server.registry.storages import effective_config
from tests.server.guarded import AUTHORIZATION, OPTIONS
from tests.server.serving import repository

URL = "https://models.example.com/r"
CONFIGURED = {"web": {"url": URL, **OPTIONS}}
LINE = f"Authorization: {AUTHORIZATION}"


def found(
    committed: str, configured: Mapping[str, Mapping[str, str]], name: str
) -> RelayedRemote | None:
    """What is relayed of a remote, as the repository and the configuration have it."""
    asked = repository("https://git.example.org/acme/models.git", remotes=configured)
    return relayed(asked, effective_config(asked, ".dvc/config", committed).remote(name))


def said(name: str, **options: str) -> str:
    return f"['remote \"{name}\"']\n" + "".join(
        f"{key} = {text}\n" for key, text in options.items()
    )


def test_relayed__a_remote_that_the_configuration_names() -> None:
    evil = said("web", url="https://evil.example", password="theirs")

    assert found(evil, CONFIGURED, "WEB") == RelayedRemote("acme/models", "web", "")


def test_relayed__on_webdav() -> None:
    login = {"url": "webdavs://models.example.com/dav", "user": "ada", "password": "open sesame"}
    asked = repository("https://git.example.org/acme/models.git", remotes={"dav": login})

    remote = found("", {"dav": login}, "dav")

    assert remote == RelayedRemote("acme/models", "dav", "")
    place = place_of(asked, remote.file("files/md5/ab/c d"))
    assert place.url == "https://models.example.com/dav/files/md5/ab/c%20d"
    assert [line.partition(" ")[0] for line in place.headers] == ["Authorization:"]


def test_relayed__a_folder_of_it() -> None:
    remote = found(said("sub", url="remote://web/top/deep"), CONFIGURED, "sub")

    assert remote == RelayedRemote("acme/models", "web", "top/deep/")
    assert remote.file("a/b") == InWebRemote("acme/models", "web", "top/deep/a/b")


@pytest.mark.parametrize(
    ("committed", "configured", "name"),
    [
        (said("own", url=URL, **OPTIONS), {}, "own"),
        (said("own", url=URL, **OPTIONS), CONFIGURED, "own"),
        (said("own", url=f"{URL}/x"), CONFIGURED, "own"),
        (said("own", url=URL), {"own": {"any_storage": "true", **OPTIONS}}, "own"),
        ("", {"web": {"url": URL}}, "web"),
        ("", {"web": {"url": "s3://b/p", **OPTIONS}}, "web"),
        (said("sub", url="remote://web/a%2fb"), CONFIGURED, "sub"),
        (said("sub", url="remote://web/a?x=y"), {"web": {"url": URL}}, "sub"),
    ],
    ids=[
        "a password of theirs",
        "a password of theirs that is ours",
        "a url of theirs, below ours",
        "wherever the repository says",
        "open to all",
        "no web server",
        "an escaped slash",
        "a query",
    ],
)
def test_relayed__what_is_not(
    committed: str, configured: Mapping[str, Mapping[str, str]], name: str
) -> None:
    assert found(committed, configured, name) is None


ASKED = repository("https://git.example.org/acme/models.git", remotes=CONFIGURED)


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("files/md5/ab/cdef", f"{URL}/files/md5/ab/cdef"),
        ("a b", f"{URL}/a%20b"),
        ("a?b#c", f"{URL}/a%3Fb%23c"),
        ("a;b", f"{URL}/a%3Bb"),
        ("100%", f"{URL}/100%25"),
        ("https://evil.example/x", f"{URL}/https%3A//evil.example/x"),
        ("@evil.example", f"{URL}/%40evil.example"),
    ],
)
def test_place_of__is_below_the_url(path: str, url: str) -> None:
    assert place_of(ASKED, InWebRemote("acme/models", "web", path)) == Place(url, (LINE,))


@pytest.mark.parametrize("remote", ["other", "", "WEB", "core"])
def test_place_of__a_remote_that_is_not_configured(remote: str) -> None:
    with pytest.raises(ObjectMissing, match="is no longer served"):
        place_of(ASKED, InWebRemote("acme/models", remote, "a"))


def test_place_of__a_repository_that_is_not_served() -> None:
    with pytest.raises(ObjectMissing, match="is no longer served"):
        place_of(None, InWebRemote("acme/gone", "web", "a"))


def test_place_of__credentials_in_the_url() -> None:
    asked = repository("https://g.example/a/b.git", remotes={"web": {"url": "https://u:p@h/r"}})

    assert place_of(asked, InWebRemote("a/b", "web", "k")).url == "https://h/r/k"
