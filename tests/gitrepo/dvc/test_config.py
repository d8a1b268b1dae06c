from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.errors import BadInput, UnexpectedAnswer
from studio_action.gitrepo.dvc.config import Config, ConfigFile, Settings
from studio_action.gitrepo.dvc.trust import Origin

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


def config(*texts: str, folder: Path | None = None, origin: Origin = "outside") -> Config:
    return Config.read(
        ConfigFile(f"file {n}", text, folder, origin) for n, text in enumerate(texts)
    )


def both(committed: str, local: str, *, before: str = "") -> Config:
    """What counts of a committed file between one of the user's, and the checkout's own."""
    return Config.read(
        [
            ConfigFile("config", before, None, "outside"),
            ConfigFile(".dvc/config", committed, None, "repository"),
            ConfigFile("config.local", local, None, "outside"),
        ]
    )


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
        ("", "", "no default remote is configured at this revision"),
        (
            "['remote \"a\"']\nurl = s3://b",
            "",
            "no default remote is configured at this revision; it has 'a'",
        ),
        (
            COMMITTED,
            "none",
            "no remote is named 'none' at this revision; it has 'images', 'odd name'",
        ),
        ("['remote \"a\"']\nregion = x", "a", "no remote is named 'a'"),
        ("['remote \"a\"']\nurl = remote://a/b", "a", "no remote is named 'a'"),
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
    assert Settings.of("a", "s3://b", {"use_ssl": text}).flag("use_ssl", default=True) is value


@given(st.text())
def test_read__any_text(text: str) -> None:
    with pytest.raises((BadInput, UnexpectedAnswer)) as caught:
        config(text).remote("")

    assert str(caught.value).isprintable()


# Who said it


def test_remote__every_option_says_who_said_it() -> None:
    found = both(
        "['remote \"a\"']\nurl = https://h/p\nuser = ada\nauth = basic\n",
        "['remote \"a\"']\npassword = s3cret\nuser = bob\n",
    ).remote("a")

    assert (found["user"], found["auth"], found["password"]) == ("bob", "basic", "s3cret")
    assert found.origin == "repository"
    assert found.origin_of("user") == found.origin_of("password", "auth") == "outside"
    assert found.origin_of("auth") == found.origin_of("region") == "repository"


@pytest.mark.parametrize("before", [True, False], ids=["before it", "after it"])
def test_remote__what_is_said_in_both_places_is_said_outside(before: bool) -> None:
    text = "['remote \"a\"']\nurl = https://h/p\n"
    other = "['remote \"a\"']\nurl = https://other/p\n"

    assert both(text, "" if before else text, before=text if before else "").remote("a").origin == (
        "outside"
    )
    assert both(other, "", before=text).remote("a").origin == "repository"


def test_remote__committed_options_of_this_machine_do_not_count() -> None:
    text = (
        "['remote \"A\"']\nurl = s3://b\nregion = r\nconfigpath = aws.cfg\nPROFILE = admin\n"
        "jobs = 4\nsomething_new = x\n"
    )

    found = both(text, "['remote \"a\"']\ncredentialpath = /k\n").remote("a")

    assert set(found.options) == {"url", "region", "credentialpath"}
    assert found.dropped == ("configpath", "profile", "something_new")
    assert config(text.lower()).remote("a").dropped == ()


def test_remote__dropped_options_of_the_remote_it_is_in() -> None:
    text = (
        "['remote \"a\"']\nurl = s3://b\nprofile = admin\n"
        "['remote \"c\"']\nurl = remote://a/x\nkeyfile = k\n"
    )

    assert config(text, origin="repository").remote("c").dropped == ("keyfile", "profile")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("remote://ours/sub", "outside"),
        ("remote://ours/", "outside"),
        ("remote://ours/../other", "repository"),
        ("remote://ours/%2e%2e/other", "repository"),
        ("remote://ours/a?x=y", "repository"),
        ("remote://ours/a#x", "repository"),
        ("remote://ours/a\\b", "repository"),
        ("remote://theirs/sub", "repository"),
        ("https://h/top/sub", "repository"),
    ],
)
def test_remote__in_one_that_was_named_outside(url: str, origin: Origin) -> None:
    committed = (
        f"['remote \"sub\"']\nurl = '{url}'\n['remote \"theirs\"']\nurl = https://evil/top\n"
    )
    ours = "['remote \"ours\"']\nurl = https://h/top/\npassword = s3cret\n"

    assert both(committed, ours).remote("sub").origin == origin
    assert both(committed, "", before=ours).remote("sub").origin == origin


def test_remote__a_folder_that_was_named_outside_in_a_committed_one() -> None:
    committed = "['remote \"theirs\"']\nurl = https://evil/top\n"

    found = both(committed, "['remote \"mine\"']\nurl = remote://theirs/sub\n").remote("mine")

    assert (found.url, found.origin) == ("https://evil/top/sub", "repository")


def test_remote__of_two_sections_the_last_one_counts() -> None:
    text = (
        "['remote \"A\"']\nurl = https://one\nuser = ada\n['remote \"a\"']\nurl = https://two\n"
        "['remote  \"b\"']\nurl = https://one\n['remote \"b\"']\nregion = x\n"
    )

    assert config(text).remotes["a"].keys() == {"url"}
    assert config(text).remote("a").url == "https://two"
    assert config(text).remotes["b"].keys() == {"region"}


def test_read__one_section_twice() -> None:
    with pytest.raises(UnexpectedAnswer, match="file 0 cannot be read: ConfigObjError"):
        config("['remote \"a\"']\nurl = https://one\n['remote \"a\"']\nurl = https://two\n")


def test_read__a_committed_value_takes_nothing_from_outside() -> None:
    committed = "['remote \"a\"']\nurl = https://evil/%(password)s\n"
    ours = "[DEFAULT]\npassword = s3cret\n['remote \"a\"']\npassword = s3cret\n"

    with pytest.raises(UnexpectedAnswer, match="cannot be read: MissingInterpolationOption"):
        both(committed, ours)


def test_settings__equal_texts_of_others_are_not_the_same() -> None:
    ours = Settings.of("a", "https://h", {"user": "ada"})

    assert ours.identity != Settings.of("a", "https://h", {"user": "ada"}, "repository").identity


@pytest.mark.parametrize(
    "text",
    ["[DEFAULT]\na = 0\n" + "b = %(a)s%(a)s\n" * 7, "# x\n" * (1 << 17)],
    ids=["doubles itself", "is long"],
)
def test_read__a_committed_file_that_is_larger_than_it_should_be(text: str) -> None:
    with pytest.raises(UnexpectedAnswer, match="too long, or refers to itself too often"):
        config(text, origin="repository")
