from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.errors import BadInput, UnexpectedAnswer
from studio_action.gitrepo.remotes.config import Config, ConfigFile, Settings

COMMITTED = """
[core]
    remote = Storage   # DVC takes names in lower case
    autostage = true
['remote "storage"']
    url = s3://models/registry/
    endpointurl = http://127.0.0.1:9000
['remote "odd name"']
    url = "https://models.example.com/a b"
['remote "shelf"']
    URL = ../../shelf
['remote "server"']
    url = https://models.example.com/top
    user = ada
    password = first
['remote "images"']
    url = remote://Server/images
    password = second
"""


def config(*texts: str, folder: Path | None = None) -> Config:
    return Config.read(ConfigFile(f"file {n}", text, folder) for n, text in enumerate(texts))


def test_remote__the_default_one() -> None:
    found = config(COMMITTED).remote("")

    assert (found.name, found.url) == ("storage", "s3://models/registry")
    assert found["endpointurl"] == "http://127.0.0.1:9000"
    assert found["region"] == ""
    assert (found.scheme, found.bucket) == ("s3", "models")
    assert found.below("files/md5/ab/cd") == "registry/files/md5/ab/cd"


def test_remote__by_name_in_any_case() -> None:
    assert config(COMMITTED).remote("ODD name").url == "https://models.example.com/a b"


def test_remote__later_files_over_earlier() -> None:
    local = "['remote \"storage\"']\nsecret_access_key = a,b#c\naccess_key_id = 'x # y'\n"
    other = "['remote \"storage\"']\nendpointurl = http://127.0.0.1:1\n[core]\nremote = shelf\n"

    found = config(COMMITTED, local, other)

    assert found.default == "shelf"
    assert found.remote("storage").url == "s3://models/registry"
    assert found.remote("storage")["endpointurl"] == "http://127.0.0.1:1"
    assert found.remote("storage")["access_key_id"] == "x # y"


def test_remote__of_another_remote() -> None:
    found = config(COMMITTED).remote("images")

    assert found.url == "https://models.example.com/top/images"
    assert (found["user"], found["password"]) == ("ada", "second")


def test_remote__a_folder_beside_the_configuration(tmp_path: Path) -> None:
    found = config(COMMITTED, folder=tmp_path / ".dvc").remote("shelf")

    assert (found.scheme, found.url) == ("", str(tmp_path / ".dvc/../../shelf"))


@pytest.mark.parametrize(
    ("path", "here", "elsewhere"),
    [("keys", "/srv/.dvc/keys", ""), ("/etc/keys", "/etc/keys", "/etc/keys")],
    ids=["relative", "absolute"],
)
def test_remote__credentials_in_a_file(path: str, here: str, elsewhere: str) -> None:
    text = f"['remote \"a\"']\nurl = s3://b\ncredentialpath = {path}\n"

    assert config(text, folder=Path("/srv/.dvc")).remote("a")["credentialpath"] == here
    assert config(text).remote("a")["credentialpath"] == elsewhere


def test_remote__a_folder_in_a_repository_that_is_not_here() -> None:
    assert config(COMMITTED).remote("shelf").url == "../../shelf"


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("", "", "has no default remote at this revision"),
        (
            "['remote \"a\"']\nurl = s3://b",
            "",
            "has no default remote at this revision; it has 'a'",
        ),
        (COMMITTED, "none", "has no remote 'none' at this revision; it has 'images', 'odd name'"),
        ("['remote \"a\"']\nregion = x", "a", "has no remote 'a'"),
        ("['remote \"a\"']\nurl = remote://a/b", "a", "has no remote 'a'"),
    ],
    ids=["no remotes", "no default", "another name", "no url", "of itself"],
)
def test_remote__missing(text: str, name: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        config(text).remote(name)


def test_read__another_format_does_not_show_secrets() -> None:
    with pytest.raises(UnexpectedAnswer, match="file 0 cannot be read") as caught:
        config("password = s3cret\n[unclosed\npassword = s3cret")

    assert "s3cret" not in str(caught.value)


def test_settings__secrets_are_not_in_the_repr() -> None:
    found = config("['remote \"a\"']\nurl = https://u:s3cret@h/\npassword = s3cret\n")

    assert "s3cret" not in repr(found)
    assert "s3cret" not in repr(found.remote("a"))


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("False", False), ("", True), ("maybe", True)]
)
def test_flag(text: str, value: bool) -> None:
    assert Settings("a", "s3://b", {"use_ssl": text}).flag("use_ssl", default=True) is value


@given(st.text())
def test_read__any_text(text: str) -> None:
    with pytest.raises((BadInput, UnexpectedAnswer)) as caught:
        config(text).remote("")

    assert str(caught.value).isprintable()
