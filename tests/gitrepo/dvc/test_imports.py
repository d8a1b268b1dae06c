from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.errors import BadInput, ContentMismatch, StudioActionError, UnexpectedAnswer
from studio_action.gitrepo.dvc import imports
from studio_action.gitrepo.dvc.config import Config
from studio_action.gitrepo.dvc.documents import Node
from studio_action.gitrepo.dvc.imports import Import
from studio_action.model.digest import Digest, folder_digest
from studio_action.model.repository_url import RepositoryUrl

URL = "https://git.example/a/b.git"
COMMIT = "0a" * 20
MD5, OTHER = "0a" * 16, "0b" * 16


def an_import(path: object = "m.bin", **repo: object) -> Import:
    said = {"url": URL, "rev_lock": COMMIT, **repo}
    return Import(Node({"path": path, "repo": said}, "m.bin.dvc", ("deps", 0)))


def test_source() -> None:
    source = an_import(rev="main").source("")

    assert (source.address, source.commit) == (RepositoryUrl.parse(URL), COMMIT)
    assert str(source) == f"{URL} at 0a0a0a0"


@pytest.mark.parametrize(
    "url",
    [
        "/srv/models",
        "../models",
        ".",
        "models",
        "owner/name",
        "file:///srv/models",
        "ext::sh -c id",
        "ext::id",
        "-u/bin/id",
        "--upload-pack=id",
        "ssh://-oProxyCommand=id/a",
        "git@-oProxyCommand=id:a",
        "C:/models",
        "ftp://git.example/a",
        "",
        "https://git.example/a/../../b",
    ],
)
def test_source__not_an_address_to_fetch_from(url: str) -> None:
    with pytest.raises(BadInput, match=r"m.bin.dvc, deps\[0\].repo.url is not the address"):
        an_import(url=url).source("")


def test_source__user_info_is_dropped_and_not_shown() -> None:
    source = an_import(url="https://ada:hunter2@git.example/a").source("")

    assert str(source.address) == "https://git.example/a"
    with pytest.raises(BadInput) as raised:
        an_import(url="https://ada:hunter2@-x/a").source("")
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("commit", [None, "", "main", "0a0a0a0", "--all", COMMIT + "^", "0A" * 20])
def test_source__not_a_commit(commit: object) -> None:
    with pytest.raises(UnexpectedAnswer, match=r"rev_lock is not the full hash of a commit"):
        an_import(rev_lock=commit).source("")


@pytest.mark.parametrize("path", ["..", "../m", "a/../../m", ".", "/", ""])
def test_path__outside_of_the_repository(path: str) -> None:
    with pytest.raises(UnexpectedAnswer, match="is not a file or folder"):
        _ = an_import(path).path


def test_path__from_the_root() -> None:
    assert an_import("/deep/./m.bin").path == "deep/m.bin"


@pytest.mark.parametrize("path", ["/etc/dvc", "../config", "a/../../config"])
def test_config_file__outside_of_the_repository(path: str) -> None:
    with pytest.raises(UnexpectedAnswer, match=r"config is outside of the repository"):
        _ = an_import(config=path).config_file


COMMITTED = "[core]\nremote = a\n['remote \"a\"']\nurl = s3://a\n['remote \"b\"']\nurl = s3://b\n"


@pytest.mark.parametrize(
    ("repo", "text", "expected"),
    [
        ({}, "", "s3://a"),
        ({"remote": "b"}, "", "s3://b"),
        ({"remote": {"url": "s3://c"}}, "", "s3://c"),
        ({"config": {"core": {"remote": "b"}}}, "", "s3://b"),
        ({"config": {"remote": {"a": {"url": "s3://d"}}}}, "", "s3://d"),
        ({"config": {"remote": {"b": {"url": "s3://d"}}}, "remote": "b"}, "", "s3://d"),
        ({"config": "their/config"}, "['remote \"a\"']\nurl = s3://e\n", "s3://e"),
        ({"config": "their/config", "remote": "b"}, "['remote \"b\"']\nurl = s3://e\n", "s3://e"),
    ],
)
def test_files__what_an_import_says_of_remotes(
    repo: dict[str, Any], text: str, expected: str
) -> None:
    source = an_import(**repo).source(text)

    config = Config.read(source.files(".dvc/config", COMMITTED))

    assert config.remote("").url == expected


def test_files__a_config_that_cannot_be_read() -> None:
    source = an_import(config="their/config", remote="b").source("[a\nsecret")

    with pytest.raises(UnexpectedAnswer, match="cannot be read") as raised:
        Config.read(source.files(".dvc/config", COMMITTED))
    assert "secret" not in str(raised.value)


@given(
    st.dictionaries(st.text(), st.text() | st.integers() | st.none() | st.booleans()),
    st.text() | st.none() | st.dictionaries(st.text(), st.text()),
)
def test_source__any_text_is_read_or_refused(options: dict[str, Any], remote: object) -> None:
    try:
        source = an_import(config={"remote": {"a": options}}, remote=remote).source("")
        Config.read(source.files(".dvc/config", COMMITTED))
    except StudioActionError:
        pass


@given(st.text(st.characters(blacklist_categories=["Cs"])))
def test_files__a_value_is_no_more_than_a_value(text: str) -> None:
    """No text of an option can add another section."""
    source = an_import(config={"remote": {"a": {"url": "s3://x", "user": text}}}).source("")

    try:
        found = Config.read(source.files(".dvc/config", COMMITTED))
    except UnexpectedAnswer:
        return
    assert set(found.remotes) == {"a", "b"}


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"outs": [{"path": "m"}]},
        {"outs": [{"path": "m"}], "deps": [{"path": "s3://a/b"}]},
        {"outs": [{"path": "m"}, {"path": "n"}], "deps": [{"path": "m", "repo": {"url": URL}}]},
        {"outs": [{"path": "m"}], "deps": [{"repo": {"url": URL}}, {"path": "n"}]},
        {"cmd": "x", "outs": [{"path": "m"}], "deps": [{"path": "m", "repo": {"url": URL}}]},
    ],
)
def test_read__no_import(told: object) -> None:
    assert imports.read(Node(told, "m.dvc")) is None


NEW, OLD = Digest("md5", MD5), Digest("md5-dos2unix", MD5)


@pytest.mark.parametrize(
    ("imported", "found", "expected"),
    [
        (NEW, NEW, NEW),
        (NEW, None, NEW),
        (OLD, None, OLD),
        (OLD, NEW, NEW),
        (NEW, OLD, NEW),
        (NEW, Digest("md5-dos2unix", OTHER), NEW),
        (Digest("md5-dos2unix", OTHER), NEW, Digest("md5-dos2unix", OTHER)),
    ],
)
def test_check_imported_file(imported: Digest, found: Digest | None, expected: Digest) -> None:
    assert imports.check_imported_file("m", imported, found) == expected


@pytest.mark.parametrize(
    ("imported", "found"),
    [
        (NEW, Digest("md5", OTHER)),
        (OLD, Digest("md5-dos2unix", OTHER)),
        (Digest("md5", f"{MD5}.dir"), OLD),
        (NEW, Digest("md5-dos2unix", f"{MD5}.dir")),
    ],
)
def test_check_imported_file__not_what_was_imported(imported: Digest, found: Digest) -> None:
    with pytest.raises(ContentMismatch, match="m is not what was imported"):
        imports.check_imported_file("m", imported, found)


def test_check_imported_folder() -> None:
    whole = folder_digest([("a", MD5), ("b", OTHER)])
    found = {"a": OLD, "b": Digest("md5", OTHER)}

    assert imports.check_imported_folder("m", whole, found) == {"a": NEW, "b": Digest("md5", OTHER)}


def test_check_imported_folder__of_which_dvc_2_had_another_digest() -> None:
    whole = folder_digest([("a", OTHER), ("b", OTHER)])
    found = {"a": OLD, "b": Digest("md5", OTHER)}

    assert imports.check_imported_folder("m", whole, found) == found


@pytest.mark.parametrize("found", [{"a": NEW}, {"b": NEW}, {"a": NEW, "b": None}, {}])
def test_check_imported_folder__not_what_was_imported(found: dict[str, Digest | None]) -> None:
    whole = folder_digest([("a", MD5)]) if "b" in found else folder_digest([("a", OTHER)])

    with pytest.raises(ContentMismatch, match="m is not what was imported"):
        imports.check_imported_folder("m", whole, found)
