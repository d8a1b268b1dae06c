from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.errors import BadInput, UnexpectedAnswer
from studio_action.gitrepo.dvc import external
from studio_action.gitrepo.dvc.documents import Node
from studio_action.gitrepo.dvc.external import ExternalFile
from studio_action.model.digest import Digest


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("s3://b/k", "s3"),
        ("HTTPS://h/k", "https"),
        ("remote://r/k", "remote"),
        ("models/m", ""),
        ("/models/m", ""),
        ("file:///m", ""),
        ("C:/m", ""),
        ("a b://c", ""),
        ("", ""),
    ],
)
def test_scheme_of(text: str, scheme: str) -> None:
    assert external.scheme_of(text) == scheme


def annotated(url: str, folder: str = "") -> ExternalFile:
    return external.artifact(folder, Node(url, "dvc.yaml", ("artifacts", "m", "path")))


@pytest.mark.parametrize(
    ("url", "folder", "path"),
    [
        ("s3://b/deep/m.bin", "", "m.bin"),
        ("s3://b/deep/m.bin", "models/churn", "models/churn/m.bin"),
        ("s3://b/a?b#c", "", "a?b#c"),
        ("https://h/deep/m.bin?download=true#top", "", "m.bin"),
        ("https://h/a%20b", "", "a b"),
        ("azure://c/m", "", "m"),
        ("gs://b/m", "", "m"),
    ],
)
def test_artifact(url: str, folder: str, path: str) -> None:
    assert annotated(url, folder) == ExternalFile(path, url)


@pytest.mark.parametrize(
    "url",
    [
        "file://host/etc/passwd",
        "s3://b/deep/",
        "https://h/deep/",
        "s3://b/a/../c",
        "https://h/a/%2e%2e/c",
        "https://ada:hunter2@h/m",
        "https://ada@h/m",
        "https://[x/m",
        "https://h:port/m",
        "https://@/m",
        "s3://b/a\nb",
        "http://169.254.169.254/latest/meta-data/iam",
        "http://0xa9fea9fe/latest",
        "http://metadata.google.internal/x",
    ],
)
def test_artifact__not_read(url: str) -> None:
    with pytest.raises(BadInput, match=r"artifacts.m.path ") as raised:
        annotated(url)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://h/a b", "https://h/a%20b"),
        ("https://h/a%20b?x=%2F&y=1#z", "https://h/a%20b?x=%2F&y=1"),
        ("https://h/é", "https://h/%C3%A9"),
        ("http://[::1]:80/a", "http://[::1]:80/a"),
    ],
)
def test_web_address(url: str, sent: str) -> None:
    assert external.web_address(url) == sent


def dvc_file(**dep: Any) -> Node:
    return Node({"outs": [{"path": "m"}], "deps": [dep]}, "m.dvc")


@pytest.mark.parametrize(
    "dep", [{"path": "data"}, {"path": "s3://b/k", "repo": {"url": "https://h/r"}}, {}]
)
def test_dependency__no_url(dep: dict[str, Any]) -> None:
    assert external.dependency(dvc_file(**dep)) is None


def test_imported__a_file() -> None:
    told = external.dependency(dvc_file(path="s3://b/k", etag="abc", size=7, version_id="v"))
    digest = Digest("md5", "0a" * 16)
    assert told is not None

    assert list(external.imported("m", told, digest)) == [
        ExternalFile("m", "s3://b/k", "abc", "v", 7, digest)
    ]


def test_imported__a_folder_by_its_files() -> None:
    files = [{"relpath": "a b", "checksum": "x"}, {"relpath": "c/d", "md5": "0a" * 16}]
    told = external.dependency(dvc_file(path="https://h/data/", files=files))
    assert told is not None

    assert list(external.imported("m", told, None)) == [
        ExternalFile("m/a b", "https://h/data/a%20b", "x"),
        ExternalFile("m/c/d", "https://h/data/c/d", digest=Digest("md5", "0a" * 16)),
    ]


@pytest.mark.parametrize("name", ["../../x", "", ".", "a/"])
def test_imported__a_file_outside_of_its_folder(name: str) -> None:
    told = external.dependency(dvc_file(path="s3://b/data", files=[{"relpath": name}]))
    assert told is not None

    with pytest.raises(BadInput, match="relpath"):
        list(external.imported("m", told, None))


@given(
    st.text() | st.none() | st.sampled_from(["s3://b/k", "https://h/k", "https://h/"]),
    st.dictionaries(
        st.sampled_from(["etag", "checksum", "size", "version_id", "files", "isexec"]),
        st.text() | st.integers() | st.lists(st.dictionaries(st.just("relpath"), st.text())),
    ),
)
def test_imported__anything_is_read_or_refused(path: str | None, said: dict[str, Any]) -> None:
    with suppress(BadInput, UnexpectedAnswer):
        told = external.dependency(dvc_file(path=path, **said))
        if told is not None:
            list(external.imported("m", told, None))
