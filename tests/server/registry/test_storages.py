from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from studio_action.errors import BadInput, ObjectMissing, StudioActionError, Unreachable
from studio_action.gitrepo.dvc.config import Settings
from studio_action.gitrepo.dvc.trust import Origin
from studio_action.gitrepo.remotes import opening
from studio_action.gitrepo.remotes.base import Place, Remote
from studio_action.gitrepo.remotes.identity import Identity
from studio_action.net.network import Network
from studio_action.server.links import InFolder
from studio_action.server.registry import storages
from studio_action.server.registry.storages import (
    KEPT,
    KEPT_FAILURE,
    MOST_KEPT,
    ServedFolder,
    ServedStorages,
    check_remotes,
    effective_config,
)
from tests.fakes import Time
from tests.server.serving import repository


@dataclass(frozen=True)
class Named:
    """A remote that tells by whom it was opened."""

    name: str
    settings: Settings

    def place(self, key: str, version_id: str, now: datetime) -> Place:
        raise NotImplementedError


@dataclass
class Opener:
    """Opens whatever it is asked for, unless there is a `failure`."""

    name: str
    failure: StudioActionError | None = None
    asked: list[Settings] = field(default_factory=list)

    def __call__(self, settings: Settings) -> Remote:
        self.asked.append(settings)
        if self.failure:
            raise self.failure
        return Named(self.name, settings)


@dataclass
class Openers:
    folders: Mapping[str, Path] = field(default_factory=dict)
    ours: Opener = field(default_factory=lambda: Opener("ours"))
    theirs: Opener = field(default_factory=lambda: Opener("theirs"))
    time: Time = field(default_factory=Time)
    said: list[str] = field(default_factory=list)

    def storages(self) -> ServedStorages:
        return ServedStorages(
            self.folders,
            with_credentials=self.ours,
            without_credentials=self.theirs,
            now=lambda: self.time.now,
            say=self.said.append,
        )


def settings(committed: str, configured: Mapping[str, Mapping[str, str]], name: str) -> Settings:
    """What counts of a remote."""
    asked = repository("acme/models", remotes=configured)
    return effective_config(asked, ".dvc/config", committed).remote(name)


def texts(said: Settings) -> Mapping[str, str]:
    """What counts, whoever said it."""
    return {name: option.text for name, option in said.options.items()}


def config(**remotes: Mapping[str, str]) -> str:
    """The text of `.dvc/config`."""
    return "".join(
        f"['remote \"{name}\"']\n" + "".join(f"{key} = {text}\n" for key, text in said.items())
        for name, said in remotes.items()
    )


def opened(committed: str, configured: Mapping[str, Mapping[str, str]], name: str = "r") -> Named:
    found = Openers().storages().opened(settings(committed, configured, name))
    assert isinstance(found, Named)
    return found


def nobodys(committed: str) -> object:
    """What the server opens a remote with that its configuration does not know."""
    nobody = opening.StorageRemotes(Network(), None)
    found = ServedStorages(
        {}, with_credentials=Opener("ours"), without_credentials=nobody, now=lambda: 0.0, say=print
    )
    return found.opened(settings(committed, {}, "r"))


# Whose word counts, and with whose credentials


THEIR_KEYS = {"access_key_id": "theirs", "secret_access_key": "x"}


@pytest.mark.parametrize(
    ("said", "configured", "by", "url"),
    [
        ({"url": "s3://b/p", **THEIR_KEYS}, {}, "theirs", "s3://b/p"),
        ({"url": "s3://b/p", "allow_anonymous_login": "true"}, {}, "theirs", "s3://b/p"),
        ({"url": "https://h/p"}, {}, "theirs", "https://h/p"),
        ({"url": "https://h/p", "any_storage": "true"}, {}, "theirs", "https://h/p"),
        ({"url": "s3://b/p"}, {"r": {"url": "s3://b/p"}}, "ours", "s3://b/p"),
        ({"url": "s3://evil/p"}, {"R": {"URL": "s3://b/p"}}, "ours", "s3://b/p"),
        ({}, {"r": {"url": "s3://b/p"}}, "ours", "s3://b/p"),
        ({"url": "s3://any/p"}, {"r": {"any_storage": "true"}}, "ours", "s3://any/p"),
    ],
    ids=[
        "with keys of its own",
        "open to all",
        "a web server",
        "a repository that says what it cannot",
        "named",
        "named, and the repository says another",
        "known to the configuration alone",
        "wherever the repository says",
    ],
)
def test_opened__by_whom(
    said: Mapping[str, str], configured: Mapping[str, Mapping[str, str]], by: str, url: str
) -> None:
    found = opened(config(r=said) if said else "", configured)

    assert (found.name, found.settings.url) == (by, url)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("s3://b/p", {}),
        ("s3://b/p", {"access_key_id": "half"}),
        ("s3://b/p", {"profile": "admin", "credentialpath": "/root/.aws/credentials"}),
        ("azure://c/p", {"account_name": "a"}),
        ("azure://c/p", {"account_name": "a", "tenant_id": "t", "client_id": "c"}),
        ("gs://b/p", {}),
        ("gs://b/p", {"credentialpath": "/etc/key.json"}),
        ("gs://b/p", {**THEIR_KEYS}),
    ],
    ids=["none", "half", "a profile of ours", "azure", "half of a login", "gs", "a file", "of s3"],
)
def test_opened__without_credentials_of_its_own(url: str, options: Mapping[str, str]) -> None:
    with pytest.raises(BadInput, match="No credentials were provided for the remote 'r'"):
        nobodys(config(r={"url": url, **options}))


def test_opened__a_log_in_of_theirs_at_an_address_of_the_servers_own_network() -> None:
    login = {"tenant_id": "t", "client_id": "c", "client_secret": "s"}
    connection = "AccountName=x;BlobEndpoint=http://169.254.169.254"
    said = config(r={"url": "azure://c/p", "connection_string": connection, **login})

    with pytest.raises(BadInput, match="at an address of the server's own network"):
        nobodys(said)


def test_opened__an_endpoint_without_a_key() -> None:
    connection = "AccountName=x;BlobEndpoint=https://evil.example.com"

    with pytest.raises(BadInput, match="No credentials were provided for the remote 'r'"):
        nobodys(config(r={"url": "azure://c/p", "connection_string": connection}))


def test_governed__options_that_name_what_is_on_this_machine() -> None:
    options = dict.fromkeys(("credentialpath", "configpath", "profile", "ssl_verify"), "/etc/x")
    said = config(r={"url": "https://h/p", **options})

    assert texts(settings(said, {}, "r")) == {"url": "https://h/p"}
    ours = {"r": {"url": "gs://b/p", **options}}
    assert texts(settings(said, ours, "r")).items() >= options.items()


def test_governed__a_named_remote_is_described_by_the_configuration_alone() -> None:
    said = config(
        r={
            "url": "azure://c/p",
            "account_name": "evil",
            "connection_string": "BlobEndpoint=https://evil.example.com",
            "endpointurl": "https://evil.example.com",
            "worktree": "true",
            "version_aware": "true",
        }
    )

    found = settings(said, {"r": {"url": "azure://c/p", "account_name": "a"}}, "r")

    assert texts(found) == {
        "url": "azure://c/p",
        "account_name": "a",
        "worktree": "true",
        "version_aware": "true",
    }


def test_governed__options_without_a_url_go_over_those_of_the_repository() -> None:
    said = config(r={"url": "s3://b/p", "region": "eu-west-1", **THEIR_KEYS})

    found = settings(said, {"r": {"region": "us-east-1", "endpointurl": "https://minio"}}, "r")

    assert found["region"] == "us-east-1"
    assert found["endpointurl"] == "https://minio"
    assert found["access_key_id"] == "theirs"


def test_governed__a_folder_of_a_named_remote() -> None:
    said = config(sub={"url": "remote://r/sub", "endpointurl": "https://evil", "worktree": "true"})

    found = opened(said, {"r": {"url": "s3://b/p", "access_key_id": "ours"}}, "sub")

    assert found.name == "ours"
    assert texts(found.settings) == {
        "url": "s3://b/p/sub",
        "access_key_id": "ours",
        "worktree": "true",
    }


def test_governed__a_folder_of_a_remote_of_theirs() -> None:
    said = config(r={"url": "s3://b/p"}, sub={"url": "remote://r/sub", **THEIR_KEYS})

    found = opened(said, {}, "sub")

    assert (found.name, found.settings.url) == ("theirs", "s3://b/p/sub")


def test_governed__remotes_that_are_in_one_another() -> None:
    said = config(r={"url": "remote://s/x"}, s={"url": "remote://r/x"})

    with pytest.raises(BadInput, match="no remote is named"):
        settings(said, {}, "r")


@pytest.mark.parametrize(
    "url",
    ["remote://r/../other", "remote://r/..", "remote://r/%2e%2e/x", "remote://r/a/./b"],
    ids=["above", "above itself", "in disguise", "the same"],
)
def test_opened__a_folder_that_leads_out_of_a_named_remote(url: str) -> None:
    with pytest.raises(BadInput, match="its url leads upwards"):
        opened(config(sub={"url": url}), {"r": {"url": "s3://b/p"}}, "sub")


@pytest.mark.parametrize(
    ("configured", "message"),
    [
        ({"r": {"secret_access_key": "x"}}, "Name its url beside them"),
        ({"r": {"Password": "x", "any_storage": "false"}}, "Name its url beside them"),
        ({"r": {"credentialpath": "/etc/key.json"}}, "Name its url beside them"),
        ({"r": {"url": "remote://s/x"}}, "Name that of s"),
        ({"r": {"url": "remote://s/x"}, "s": {"region": "x"}}, "Name that of s"),
    ],
    ids=["a key", "a password", "a file", "in theirs", "in one that is not named"],
)
def test_check__credentials_that_could_go_anywhere(
    configured: Mapping[str, Mapping[str, str]], message: str
) -> None:
    asked = repository("acme/models", remotes=configured)

    with pytest.raises(BadInput, match=message):
        check_remotes(asked)
    with pytest.raises(BadInput, match=message):
        effective_config(asked, ".dvc/config", "")


def test_check__what_is_sound() -> None:
    named = {"url": "s3://b/p", "secret_access_key": "x"}
    told = {
        "r": named,
        "s": {"url": "remote://R/sub"},
        "t": {"any_storage": "True", "password": "x"},
        "u": {"region": "x"},
    }

    check_remotes(repository("acme/models", remotes=told))


def test_opened__a_token_that_opens_more_than_one_file() -> None:
    azure = opening.StorageRemotes(
        Network(), Identity({"AZURE_STORAGE_SAS_TOKEN": "?sv=1&sig=s3cret"})
    )
    found = ServedStorages(
        {}, with_credentials=azure, without_credentials=azure, now=lambda: 0.0, say=print
    )
    said = {"url": "azure://c/p", "account_name": "a"}

    with pytest.raises(BadInput, match="SAS token") as caught:
        found.opened(settings("", {"r": said}, "r"))

    assert "s3cret" not in str(caught.value)


# Folders of this machine


@pytest.fixture
def shelves(tmp_path: Path) -> ServedStorages:
    """A server with two folders, one in the other, beside one that it was not given."""
    for name in ("data/models/top", "secret"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "data/out").symlink_to(tmp_path / "secret")
    (tmp_path / "data/alias").symlink_to(tmp_path / "data/models")
    folders = {"data": tmp_path / "data", "models": tmp_path / "data/models"}
    return Openers(folders).storages()


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("data", ServedFolder("data", "")),
        ("data/new", ServedFolder("data", "new")),
        ("data/models/top", ServedFolder("models", "top")),
        ("data/models/../models", ServedFolder("models", "")),
        ("data/alias/top", ServedFolder("models", "top")),
    ],
    ids=["itself", "not there yet", "the innermost", "on a way round", "by a link"],
)
def test_opened__a_folder_of_the_server(
    shelves: ServedStorages, tmp_path: Path, path: str, folder: ServedFolder
) -> None:
    found = shelves.opened(Settings.of("r", str(tmp_path / path), {}))

    assert found == folder


@pytest.mark.parametrize(
    "path",
    ["secret", "data/out", "data/../secret", "database", "../data", ""],
    ids=["another", "a link", "above", "a name that begins so", "relative", "nothing"],
)
@pytest.mark.parametrize("origin", ["repository", "outside"])
def test_opened__a_folder_that_is_not_the_servers(
    shelves: ServedStorages, tmp_path: Path, path: str, origin: Origin
) -> None:
    url = path if path.startswith("..") or not path else str(tmp_path / path)

    with pytest.raises(BadInput, match="Local remote was ignored: 'r' is not in a folder"):
        shelves.opened(Settings.of("r", url, {}, origin))


def test_file__of_a_folder() -> None:
    assert ServedFolder("data", "").file("a/b") == InFolder("data", "a/b")
    assert ServedFolder("data", "top").file("a/b") == InFolder("data", "top/a/b")


def test_place__no_such_folder(shelves: ServedStorages) -> None:
    with pytest.raises(ObjectMissing, match="is not in the server's folder 'other'"):
        shelves.local_path(InFolder("other", "a"))


# How long remotes stay open


def theirs(url: str, options: Mapping[str, str]) -> Settings:
    return Settings.of("r", url, options, "repository")


def test_opened__is_kept_for_a_while() -> None:
    openers = Openers()
    found = openers.storages()
    said = theirs("https://h/p", {})

    first = found.opened(said)
    openers.time.now = KEPT - 1
    assert found.opened(theirs("https://h/p", {})) is first
    openers.time.now = KEPT
    assert found.opened(said) is not first
    assert len(openers.theirs.asked) == 2


def test_opened__says_once_what_does_not_count() -> None:
    openers = Openers()
    found = openers.storages()
    said = config(r={"url": "https://h/p", "profile": "admin", "keyfile": "/k"})

    for _ in range(3):
        found.opened(settings(said, {}, "r"))
        openers.time.now += KEPT

    (told,) = openers.said
    assert "Ignored keyfile, profile of the remote 'r'" in told
    assert told.endswith("To set it yourself: among the remotes of the configuration")


def test_opened__a_failure_is_kept_for_less() -> None:
    openers = Openers(theirs=Opener("theirs", Unreachable("nobody answers", "Wait")))
    found = openers.storages()
    said = theirs("https://h/p", {})

    for _ in range(3):
        with pytest.raises(Unreachable, match=r"nobody answers\. Wait"):
            found.opened(said)
    assert len(openers.theirs.asked) == 1
    openers.time.now, openers.theirs.failure = KEPT_FAILURE, None
    assert isinstance(found.opened(said), Named)


def test_opened__not_for_other_settings() -> None:
    openers = Openers()
    found = openers.storages()
    one = found.opened(theirs("https://h/p", {"user": "ada"}))

    assert found.opened(theirs("https://h/p", {"user": "bob"})) is not one


def test_opened__as_many_as_fit() -> None:
    openers = Openers()
    found = openers.storages()
    for number in range(MOST_KEPT + 1):
        found.opened(theirs(f"https://h/{number}", {}))
    found.opened(theirs(f"https://h/{MOST_KEPT}", {}))
    assert len(openers.theirs.asked) == MOST_KEPT + 1

    found.opened(theirs("https://h/0", {}))

    assert len(openers.theirs.asked) == MOST_KEPT + 2


def test_opened__once_though_many_ask() -> None:
    openers = Openers()
    found = openers.storages()

    with ThreadPoolExecutor(16) as threads:
        asked = [theirs(f"https://h/{number % 2}", {}) for number in range(64)]
        list(threads.map(found.opened, asked))

    assert len(openers.theirs.asked) == 2


def test_module__says_the_rule() -> None:
    assert storages.__doc__ is not None
    assert f"`{storages.TRUSTED}: true`" in storages.__doc__
