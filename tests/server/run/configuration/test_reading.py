from __future__ import annotations

from pathlib import Path

import pytest

from studio_action.errors import BadInput
from studio_action.gitrepo.git.credential import Credential
from studio_action.model.repository_url import RepositoryUrl
from studio_action.server.files.handing_over import HandOver
from studio_action.server.run.configuration.reading import Options, read
from studio_action.server.settings import (
    LimitSettings,
    MetricsSettings,
    ProcessSettings,
    ServedRepository,
    ServerSettings,
)

SMALLEST = "data-dir: data\nrepositories: [{url: https://git.example.org/acme/models.git}]\n"
WHOLE = """
url: https://models.example.org/studio/
data-dir: /data
database: {env: DATABASE_URL}
host: 0.0.0.0
port: 8080
workers: 2
folders: {models: /mnt/models}
webhook-secret: {file: webhook}
metrics-token: {env: METRICS}
audit-retention: 30d
trusted-proxies: [10.0.0.0/8, "::1"]
requests-per-minute: 60
largest-body: 2048
connections-per-address: 20
grace: 5s
drain: 10s
x-accel-redirect: /_files/
repositories:
  - name: acme/models
    url: https://github.com/acme/models.git
    aliases: ["git@internal.example.org:acme/models.git"]
    token: {file: git}
    teams: [ml]
    refresh: 30s
    stale-for: 2d
    webhook-secret: {env: HOOK}
    imports: [acme/more]
    folders: [models]
    remotes:
      Storage:
        url: s3://models/registry
        access_key_id: {env: KEY}
        secret_access_key: {env: SECRET}
        use_ssl: false
  - {name: acme/more, url: ./more}
"""
ENVIRON = {
    "DATABASE_URL": "postgresql://app:s3cret@db/registry",
    "METRICS": "for-metrics",
    "HOOK": "for-one",
    "KEY": "AKIA",
    "SECRET": "shh",
}


def configured(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> ServerSettings:
    (tmp_path / "server.yaml").write_text(text)
    return read(Options("server.yaml"), environ or {}, tmp_path)


@pytest.mark.parametrize(
    ("first", "second", "folders"),
    [
        ("ml", "ml", (None, None)),
        ("ml", "finance", (frozenset(), frozenset())),
        ("ml], folders: [models", "finance", (frozenset({"models"}), frozenset())),
    ],
    ids=["one team", "two teams", "two teams, and a folder of one"],
)
def test_read__whose_folders(
    tmp_path: Path, first: str, second: str, folders: tuple[frozenset[str] | None, ...]
) -> None:
    settings = configured(
        tmp_path,
        "data-dir: d\nfolders: {models: /mnt/models}\nrepositories:\n"
        f"- {{url: ./a/b, teams: [{first}]}}\n- {{url: ./c/d, teams: [{second}]}}\n",
    )

    assert tuple(each.folders for each in settings.repositories) == folders


def test_read__every_entry_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "webhook").write_text("for-all\n")
    (tmp_path / "git").write_text("ghp_token\n")

    settings = configured(tmp_path, WHOLE, ENVIRON)

    assert settings == ServerSettings(
        data_dir=Path("/data"),
        database="postgresql://app:s3cret@db/registry",
        repositories=(
            ServedRepository(
                name="acme/models",
                place=RepositoryUrl("https", "github.com", "acme/models.git"),
                aliases=(RepositoryUrl("scp", "internal.example.org", "acme/models.git"),),
                credential=Credential("https://github.com", "ghp_token"),
                teams=frozenset({"ml"}),
                remotes={
                    "Storage": {
                        "url": "s3://models/registry",
                        "access_key_id": "AKIA",
                        "secret_access_key": "shh",
                        "use_ssl": "false",
                    }
                },
                imports=frozenset({"acme/more"}),
                folders=frozenset({"models"}),
                webhook_secret="for-one",
                refresh=30.0,
                stale_for=172800.0,
            ),
            ServedRepository(name="acme/more", place=tmp_path / "more", folders=frozenset()),
        ),
        folders={"models": Path("/mnt/models")},
        url="https://models.example.org/studio",
        base_path="/studio",
        webhook_secret="for-all",
        metrics=MetricsSettings("for-metrics"),
        process=ProcessSettings(
            host="0.0.0.0",
            port=8080,
            workers=2,
            trusted_proxies=("10.0.0.0/8", "::1/128"),
            grace=5.0,
            audit_retention=30 * 24 * 3600.0,
            drain=10.0,
            hand_over=HandOver("/_files/"),
        ),
        limits=LimitSettings(requests_per_minute=60, largest_body=2048, connections_per_address=20),
    )


def test_read__secrets_are_not_in_the_repr(tmp_path: Path) -> None:
    (tmp_path / "webhook").write_text("for-all\n")
    (tmp_path / "git").write_text("ghp_token\n")

    shown = repr(configured(tmp_path, WHOLE, ENVIRON))

    assert not [text for text in (*ENVIRON.values(), "for-all", "ghp_token") if text in shown]


def test_read__a_name_is_the_last_two_parts_of_the_address(tmp_path: Path) -> None:
    text = "data-dir: d\nrepositories: [{url: https://git.example.org/a/b/c.git}, {url: /srv/x/y}]"

    names = [each.name for each in configured(tmp_path, text).repositories]

    assert names == ["b/c", "x/y"]


def test_read__the_database_is_in_the_data_dir_below_the_file(tmp_path: Path) -> None:
    settings = configured(tmp_path, SMALLEST)

    assert settings.data_dir == tmp_path / "data"
    assert settings.database == f"sqlite:///{tmp_path}/data/registry.db"


def test_read__no_file_at_all(tmp_path: Path) -> None:
    options = Options(
        entries={"data-dir": "state", "port": "0"},
        repositories=("./churn", "acme/models=https://git.example.org/x.git?a=b"),
        folders=("models=objects",),
    )

    settings = read(options, {}, tmp_path)

    assert settings.data_dir == tmp_path / "state"
    assert settings.process.port == 0
    assert settings.folders == {"models": tmp_path / "objects"}
    assert [(each.name, each.place) for each in settings.repositories] == [
        (f"{tmp_path.name}/churn", tmp_path / "churn"),
        ("acme/models", RepositoryUrl("https", "git.example.org", "x.git")),
    ]


@pytest.mark.parametrize(
    ("entries", "environ", "port"),
    [
        pytest.param({"port": "1"}, {"STUDIO_ACTION_PORT": "2"}, 1, id="the option"),
        pytest.param({}, {"STUDIO_ACTION_PORT": "2"}, 2, id="then the environment"),
        pytest.param({}, {}, 3, id="then the file"),
    ],
)
def test_read__precedence(
    entries: dict[str, str], environ: dict[str, str], port: int, tmp_path: Path
) -> None:
    file = tmp_path / "server.yaml"
    file.write_text(SMALLEST + "port: 3\n")
    environ = {**environ, "STUDIO_ACTION_SERVER_CONFIG": str(file)}

    assert read(Options(entries=entries), environ, Path("/")).process.port == port


def test_read__a_password_of_the_database_from_the_environment(tmp_path: Path) -> None:
    environ = {"STUDIO_ACTION_DATABASE": "postgresql://app:s3cret@db/registry"}

    assert configured(tmp_path, SMALLEST, environ).database == environ["STUDIO_ACTION_DATABASE"]


def test_read__a_password_on_the_command_line(tmp_path: Path) -> None:
    options = Options(entries={"database": "postgresql://app:s3cret@db/registry"})

    with pytest.raises(BadInput, match="STUDIO_ACTION_DATABASE") as refused:
        read(options, {}, tmp_path)

    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "base_path", "expected"),
    [
        pytest.param("https://h/studio", "", "/studio", id="the address's own"),
        pytest.param("https://h/studio", "base-path: /", "", id="a proxy takes it away"),
        pytest.param("https://h/studio", "base-path: inner/path/", "/inner/path", id="another"),
    ],
)
def test_read__base_path(url: str, base_path: str, expected: str, tmp_path: Path) -> None:
    settings = configured(tmp_path, f"{SMALLEST}url: {url}\n{base_path}\n")

    assert settings.base_path == expected


def repository(entry: str) -> str:
    return f"data-dir: d\nrepositories: [{{url: https://h.example.org/a/b, {entry}}}]"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("repositories: []", "data-dir: is missing", id="no data-dir"),
        pytest.param("data-dir: d", "no repository is given", id="no repository"),
        pytest.param(SMALLEST + "prot: 8000", "prot: is not a known entry", id="a typing error"),
        pytest.param(SMALLEST + "port: 70000", "port: ", id="no port"),
        pytest.param(SMALLEST + "port: 1\nport: 2", "line 1: 'port' is there twice", id="twice"),
        pytest.param(SMALLEST + "a: [", "is not YAML: line 3", id="no YAML"),
        pytest.param("", "has no entries", id="empty"),
        pytest.param(
            SMALLEST + "webhook-secret: hunter2", "webhook-secret: a secret must not", id="inline"
        ),
        pytest.param(
            SMALLEST + "webhook-secret: {env: NOT_SET}",
            "webhook-secret: the environment variable NOT_SET is empty or not set",
            id="no variable",
        ),
        pytest.param(
            SMALLEST + "metrics-token: {file: nowhere}",
            "metrics-token: the file cannot be read: FileNotFoundError",
            id="no file",
        ),
        pytest.param(
            SMALLEST + "database: postgresql://app:hunter2@db/x",
            "database: a password must not",
            id="a password of the database",
        ),
        pytest.param(SMALLEST + "database: hunter2", "database: is not the URL", id="no database"),
        pytest.param(SMALLEST + "url: ftp://h", "url: is not an http", id="another scheme"),
        pytest.param(SMALLEST + "url: https://u:hunter2@h", "url: has more", id="user info"),
        pytest.param(SMALLEST + "base-path: /a b", "base-path: is not a path", id="sub-path"),
        pytest.param(
            SMALLEST + "trusted-proxies: [proxy]", "trusted-proxies[0]: is not", id="no network"
        ),
        pytest.param(SMALLEST + "folders: {a/b: /x}", "folders.a/b: is not a name", id="folder"),
        pytest.param(SMALLEST + "folders: /x", "folders: is not a mapping", id="no mapping"),
        pytest.param(repository("token: hunter2"), "repositories[0].token: a secret", id="token"),
        pytest.param(
            repository("remotes: {s: {password: hunter2}}"),
            "repositories[0].remotes.s: password is a secret",
            id="a remote's password",
        ),
        pytest.param(
            repository("remotes: {s: {password: {env: PATH}}}"),
            "repositories[0]: the remote 's' of a/b has credentials",
            id="credentials for any storage",
        ),
        pytest.param(repository("refresh: soon"), "repositories[0].refresh: is not", id="time"),
        pytest.param(repository("name: models"), "repositories[0].name: is not", id="short name"),
        pytest.param(
            repository("imports: [c/d]"),
            "the repository a/b has c/d among its imports, which is not served",
            id="imports from nowhere",
        ),
        pytest.param(
            repository("folders: [models]"),
            "the repository a/b has models among its folders, which is not a folder of the server",
            id="folders that are not there",
        ),
        pytest.param(repository("imports: [d]"), "repositories[0].imports", id="imports, short"),
        pytest.param(repository("teams: [a b]"), "repositories[0].teams", id="team"),
        pytest.param(
            "data-dir: d\nrepositories: [{url: acme/models}]",
            "repositories[0].url: does not say where: write https://HOST/acme/models.git",
            id="short form",
        ),
        pytest.param(
            "data-dir: d\nrepositories: [{url: 'https://u:hunter2@h.example.org/a/b'}]",
            "repositories[0].url: holds user info",
            id="user info of a repository",
        ),
        pytest.param(
            "data-dir: d\nrepositories: [{url: https://h/a/b}, {url: https://i/A/b.git}]",
            "two repositories are named a/b",
            id="one name twice",
        ),
        pytest.param(
            "data-dir: d\nrepositories: [{url: /models}]", "needs a name", id="no name to be had"
        ),
    ],
)
def test_read__wrong(text: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        configured(tmp_path, text, {"PATH": "/bin"})

    assert fault in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_read__all_faults_at_once_and_where_they_come_from(tmp_path: Path) -> None:
    options = Options(entries={"port": "many"}, repositories=("models",))

    with pytest.raises(BadInput) as refused:
        read(options, {"STUDIO_ACTION_WORKERS": "-1"}, tmp_path)

    for origin in ("data-dir: is missing", "--port: ", "STUDIO_ACTION_WORKERS: ", "--repository: "):
        assert origin in str(refused.value)


def test_read__a_token_for_ssh(tmp_path: Path) -> None:
    text = "data-dir: d\nrepositories: [{url: 'git@h.org:a/b', token: {env: T}}]"

    with pytest.raises(BadInput, match="a token is for an http"):
        configured(tmp_path, text, {"T": "x"})


HOME = """
data-dir: ~/data
folders: {models: ~/shelf}
webhook-secret: {file: ~/webhook}
repositories: [{name: acme/models, url: ~/models}]
"""


def test_read__home(tmp_path: Path) -> None:
    (tmp_path / "server.yaml").write_text(HOME)
    (tmp_path / "webhook").write_text("for-all")
    (tmp_path / "models").mkdir()

    settings = read(
        Options("~/server.yaml", folders=("more=~/more",)), {"HOME": str(tmp_path)}, Path("/")
    )

    assert settings.data_dir == tmp_path / "data"
    assert settings.folders == {"models": tmp_path / "shelf", "more": tmp_path / "more"}
    assert settings.repositories[0].place == tmp_path / "models"
    assert settings.webhook_secret == "for-all"


@pytest.mark.parametrize(
    ("options", "environ"),
    [
        (Options(entries={"data-dir": "~ada/data"}), {}),
        (Options(), {"STUDIO_ACTION_DATA_DIR": "~ada/data"}),
        (Options("~ada/server.yaml"), {}),
    ],
    ids=["option", "variable", "configuration"],
)
def test_read__the_home_of_somebody_else(
    options: Options, environ: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="begins with '~ada', which is read as somebody's home"):
        read(options, {"HOME": str(tmp_path), **environ}, tmp_path)
