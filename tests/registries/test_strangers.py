"""Repositories that mean harm: each tries to get at what whoever reads them has."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from studio_action.errors import BadInput, ObjectMissing, StudioActionError, UnexpectedAnswer
from studio_action.gitrepo.git.repository import Repository
from studio_action.model.artifact import Latest
from tests.download.storage import Reply, Storage, running
from tests.gitrepo.repositories import git, made_at, make_git
from tests.registries.places import Places


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    with ExitStack() as stack:
        yield Places(tmp_path / "place", stack)


WEIGHTS = f"path: m.bin, md5: {'0a' * 16}, hash: md5"


def hostile(tmp_path: Path, config: str, out: str = WEIGHTS) -> Repository:
    """A repository whose `.dvc/config` says `config` of its default remote `r`, and one output."""
    path = out.split("path: ")[1].split(",")[0]
    files = {
        ".dvc/config": f"[core]\nremote = r\n['remote \"r\"']\n{config}".encode(),
        "dvc.yaml": f"artifacts: {{m: {{path: {path}, type: model}}}}".encode(),
        f"{path}.dvc": f"outs: [{{{out}}}]".encode(),
    }
    return Repository.open(made_at(tmp_path / "made", files, "m@v1.0.0"), make_git())


def test_a_committed_profile_runs_no_command(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    proof = tmp_path / "it-ran"
    (tmp_path / "aws.cfg").write_text(f"[profile evil]\ncredential_process = touch {proof}\n")
    config = f"url = s3://b/p\nconfigpath = {tmp_path}/aws.cfg\nprofile = evil\n"
    config += "endpointurl = http://127.0.0.1:1\n"
    place = places.over(hostile(tmp_path, config), {})

    with pytest.raises(StudioActionError):
        place.resolve("m", Latest())

    assert not proof.exists()
    (said,) = place.said
    assert "Ignored configpath, profile of the remote 'r'" in said


def test_a_committed_config_local_is_ignored(places: Places, tmp_path: Path) -> None:
    place = places.over(hostile(tmp_path, ""), {"r": {"url": "https://models.example.com"}})
    git(places.folder / "checkout", "add", "--force", ".dvc/config.local")

    with pytest.raises(BadInput, match="no remote is named 'r'"):
        place.resolve("m", Latest())

    (said,) = place.said
    assert "'.dvc/config.local' is ignored: it is a link, or Git tracks it" in said


# Credentials, each to where they belong


@pytest.fixture
def listener() -> Iterator[Storage]:
    """Where a stranger listens."""
    with running() as storage:
        storage.always(lambda request: Reply(404))
        yield storage


AWS_KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIDOURS",
    "AWS_SECRET_ACCESS_KEY": "s3cret",
    "AWS_SESSION_TOKEN": "t0ken",
}
AZURE_KEY = base64.b64encode(b"0" * 64).decode()
PERSON = {"type": "authorized_user", "client_id": "1", "client_secret": "2", "refresh_token": "3"}


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """The environment of a job that has credentials for everything."""
    (tmp_path / "person.json").write_text(json.dumps(PERSON))
    environ = {
        **AWS_KEYS,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AZURE_STORAGE_ACCOUNT": "ours",
        "AZURE_STORAGE_SAS_TOKEN": "sig=s3cret",
        "GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "person.json"),
    }
    for name, text in environ.items():
        monkeypatch.setenv(name, text)
    return environ


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("url = s3://b/p\nendpointurl = {url}\n", "does not get the credential of AWS"),
        ("url = gs://b/p\nendpointurl = {url}\n", "does not get the credential of Google"),
        ("url = azure://c/p\naccount_name = evil\n", "does not get the AZURE_STORAGE_SAS_TOKEN"),
        (
            "url = azure://c/p\nconnection_string = AccountName=x;BlobEndpoint={url}\n",
            "does not get the log-in of Azure",
        ),
        (
            "url = azure://c/p\nconnection_string = AccountName=ours;BlobEndpoint={url}\n",
            "does not get the log-in of Azure",
        ),
        (
            "url = azure://c/p\naccount_name = 127.0.0.1/x?\n",
            "does not get the AZURE_STORAGE_SAS_TOKEN",
        ),
        (
            "url = azure://c/p\naccount_name = x@127.0.0.1/\n",
            "does not get the AZURE_STORAGE_SAS_TOKEN",
        ),
    ],
    ids=[
        "aws",
        "google",
        "another account",
        "an endpoint without a key",
        "an endpoint that names our account",
        "an account that is a host",
        "an account with user info",
    ],
)
def test_an_address_of_a_stranger_gets_nothing(
    places: Places,
    tmp_path: Path,
    listener: Storage,
    known: dict[str, str],
    config: str,
    message: str,
) -> None:
    place = places.over(hostile(tmp_path, config.format(url=listener.url)), {}, **known)

    with pytest.raises(BadInput, match=f"the remote 'r' {message}") as caught:
        place.resolve("m", Latest())

    assert not listener.requests
    assert not {"s3cret", "t0ken"} & set(str(caught.value).split("'"))


@pytest.mark.parametrize(
    ("config", "local"),
    [
        ("url = {url}/top\nauth = basic\nuser = ada\n", {"password": "s3cret"}),
        ("url = {url}/top\nauth = custom\ncustom_auth_header = X\n", {"password": "s3cret"}),
        ("url = s3://b/p\nendpointurl = {url}\naccess_key_id = x\n", {"secret_access_key": "x"}),
        ("url = s3://b/p\nendpointurl = {url}\n", {"access_key_id": "x", "secret_access_key": "x"}),
        ("url = azure://c/p\naccount_name = evil\n", {"account_key": AZURE_KEY}),
        ("url = azure://c/p\naccount_name = evil\n", {"sas_token": "sig=s3cret"}),
    ],
    ids=["password", "header", "half of a key", "key", "account key", "SAS"],
)
def test_what_the_checkout_knows_goes_nowhere_else(
    places: Places, tmp_path: Path, listener: Storage, config: str, local: dict[str, str]
) -> None:
    place = places.over(hostile(tmp_path, config.format(url=listener.url)), {"r": local})

    with pytest.raises(BadInput, match="the remote 'r' does not get the ") as caught:
        place.resolve("m", Latest())

    assert not listener.requests
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["remote://ours/../x", "remote://ours/%2e%2e/x", "remote://ours/sub?x", "remote://ours/#"],
)
def test_a_folder_that_leads_out_of_a_remote_of_ours(
    places: Places, tmp_path: Path, listener: Storage, url: str
) -> None:
    user_info = listener.url.replace("://", "://ada:s3cret@")
    place = places.over(
        hostile(tmp_path, f"url = '{url}'\n"), {"ours": {"url": f"{user_info}/top"}}
    )

    with pytest.raises(BadInput, match=r"the remote 'r' does not get the url|has a '#'"):
        place.resolve("m", Latest())
    assert not listener.requests


@pytest.mark.parametrize(
    "more", ["endpointurl = {url}\n", "endpointurl = {url}\nregion = x\n"], ids=["it", "and more"]
)
def test_a_folder_of_a_remote_of_ours_at_another_address(
    places: Places, tmp_path: Path, listener: Storage, more: str
) -> None:
    ours = {"url": "s3://b", "access_key_id": "AKIDOURS", "secret_access_key": "s3cret"}
    config = "url = remote://ours/sub\n" + more.format(url=listener.url)
    place = places.over(hostile(tmp_path, config), {"ours": ours})

    with pytest.raises(BadInput, match="the remote 'r' does not get the access key"):
        place.resolve("m", Latest())
    assert not listener.requests


def test_a_committed_key_of_google_runs_no_program(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    proof = tmp_path / "it-ran"
    account = {
        "type": "external_account",
        "audience": "x",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"executable": {"command": f"touch {proof}"}},
    }
    (tmp_path / "key.json").write_text(json.dumps(account))
    config = f"url = gs://b/p\ncredentialpath = {tmp_path}/key.json\n"
    place = places.over(hostile(tmp_path, config), {})

    with pytest.raises(BadInput, match="Google knows no credentials"):
        place.resolve("m", Latest())

    assert not proof.exists()


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_an_address_that_the_environment_names_too(
    places: Places,
    tmp_path: Path,
    listener: Storage,
    known: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    monkeypatch.setenv(variable, f"{listener.url}/")
    environ = {**known, variable: f"{listener.url}/"}
    config = f"url = s3://b/p\nendpointurl = {listener.url}\n"
    place = places.over(hostile(tmp_path, config), {}, **environ)

    (file,) = place.resolve("m", Latest()).files

    assert file.url.startswith(f"{listener.url}/b/p/")
    assert "AKIDOURS" in file.url


# Folders of this machine


SECRET = b"s3cret of the job"


@pytest.mark.parametrize(
    "out",
    [
        "path: environ, version_id: '1'",
        f"path: environ, md5: {'0a' * 16}, hash: md5, version_id: '1'",
        "path: environ, cloud: {r: {version_id: '1', etag: x}}",
        f"path: environ, md5: {'0a' * 16}, hash: md5",
        "path: environ, size: 17",
    ],
    ids=["a version", "a version and a digest", "a version in a cloud", "a digest", "neither"],
)
@pytest.mark.parametrize("url", ["/proc/self", "{folder}"], ids=["of the system", "another"])
@pytest.mark.parametrize("more", ["worktree = true\n", "version_aware = true\n", ""])
def test_a_folder_gives_no_file_by_its_name(
    places: Places, tmp_path: Path, url: str, more: str, out: str
) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private/environ").write_bytes(SECRET)
    config = f"url = {url.format(folder=tmp_path / 'private')}\n{more}"
    place = places.over(hostile(tmp_path, config, out), {})

    with pytest.raises((UnexpectedAnswer, ObjectMissing)):
        place.bytes_of(place.resolve("m", Latest()))


@pytest.mark.parametrize("by", ["itself", "a link", "a link below"])
def test_a_folder_that_is_the_systems(places: Places, tmp_path: Path, by: str) -> None:
    (tmp_path / "shelf/files").mkdir(parents=True)
    (tmp_path / "link").symlink_to("/proc/self")
    (tmp_path / "shelf/files/md5").symlink_to("/proc/self")
    url = {
        "itself": "/proc/self/../1",
        "a link": tmp_path / "link",
        "a link below": tmp_path / "shelf",
    }
    place = places.over(hostile(tmp_path, f"url = {url[by]}\n"), {})

    with pytest.raises(UnexpectedAnswer, match="in a folder of the system"):
        place.resolve("m", Latest())


def test_a_folder_of_the_users_own_gives_no_more(places: Places, tmp_path: Path) -> None:
    out = "path: environ, version_id: '1'"
    ours = {"r": {"url": str(tmp_path), "worktree": "true"}}
    place = places.over(hostile(tmp_path, "url = s3://b\n", out), ours)

    with pytest.raises(UnexpectedAnswer, match="by name or version instead of by digest"):
        place.resolve("m", Latest())
