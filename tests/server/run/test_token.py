from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from studio_action import cli
from studio_action.server.access import Token
from studio_action.server.db import database
from studio_action.server.db.tokens import InvalidToken, Tokens

ENOUGH = ("--name=ci", "--scope=model-registry", "--all-repositories")


@dataclass(frozen=True, slots=True)
class Terminal:
    """The command line in front of one database, which the environment names."""

    url: str
    tokens: Tokens
    capture: pytest.CaptureFixture[str]

    def run(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """Run `studio-action token …`; what it prints is returned, standard output first."""
        assert cli.run(["token", *arguments], {"STUDIO_ACTION_DATABASE": self.url}) == code
        printed = self.capture.readouterr()
        return printed.out, printed.err

    def listed(self) -> list[dict[str, Any]]:
        """What `token list --json` says."""
        found = json.loads(self.run("list", "--json")[0])
        assert isinstance(found, list)
        return found

    def create(self, *arguments: str) -> Token:
        """The token that `token create` makes."""
        return self.tokens.authenticate(self.run("create", *arguments)[0].strip())


@pytest.fixture
def terminal(database_url: str, engine: Engine, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(database_url, Tokens(engine, lambda: datetime.now(timezone.utc)), capsys)


def test_create__the_text_alone_is_on_standard_output(terminal: Terminal) -> None:
    out, err = terminal.run("create", *ENOUGH)
    text = out.removesuffix("\n")
    assert terminal.tokens.authenticate(text).name == "ci"
    assert text not in err
    assert text[21:] not in err


def test_create__what_it_is_for_is_on_standard_error(terminal: Terminal) -> None:
    teams = ("--team=ml", "--repository=acme/models")
    _, err = terminal.run("create", "--name=ci", "--scope=project", *teams, "--expires=never")
    assert "of ci: project; reads acme/models, those of team ml" in err
    assert "expires: never" in err


def test_create__everything(terminal: Terminal) -> None:
    token = terminal.create(
        "--name",
        "Ann's laptop",
        *("--scope", "model-registry", "--scope", "project"),
        *("--team", "ml", "--team", "vision"),
        *("--repository", "acme/models", "--repository", "acme/speech.git"),
    )
    assert token.name == "Ann's laptop"
    assert token.scopes == {"model-registry", "project"}
    assert token.teams == {"ml", "vision"}
    assert token.repositories == {"acme/models", "acme/speech"}
    assert not token.all_repositories


@pytest.mark.parametrize(
    ("given", "lifetime"),
    [
        ([], timedelta(days=90)),
        (["--expires=7d"], timedelta(days=7)),
        (["--expires=12h"], timedelta(hours=12)),
        (["--expires=never"], None),
    ],
    ids=["by default", "days", "hours", "never"],
)
def test_create__expires(terminal: Terminal, given: list[str], lifetime: timedelta | None) -> None:
    began = datetime.now(timezone.utc)
    expires = terminal.create(*ENOUGH, *given).expires
    if lifetime is None:
        assert expires is None
    else:
        assert expires is not None
        assert lifetime <= expires - began < lifetime + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--name=ci", "--scope=project"], "the token could read nothing. Give --repository"),
        (["--scope=project", "--all-repositories"], "Missing option '--name'"),
        (["--name=ci", "--all-repositories"], "Missing option '--scope'"),
        (["--name=ci", "--scope=admin", "--all-repositories"], "'admin' is not one of"),
        ([*ENOUGH, "--name= "], "--name '' is not a name"),
        ([*ENOUGH, "--name=a/b"], "--name 'a/b' is not a name"),
        ([*ENOUGH, "--name=a\x1b[2Jb"], "--name 'a�[2Jb' is not a name"),
        ([*ENOUGH, f"--name={'a' * 101}"], "is not a name. Write up to 100 characters"),
        ([*ENOUGH, "--team=a b"], "--team 'a b' is not the name of a team"),
        ([*ENOUGH, "--team=../x"], "--team '../x' is not the name of a team"),
        ([*ENOUGH, "--repository=models"], "repo 'models' is not the address"),
        ([*ENOUGH, "--repository=https://github.com/acme/models"], "Write OWNER/NAME"),
        ([*ENOUGH, "--expires=90"], "write a number of days or hours"),
        ([*ENOUGH, "--expires=0d"], "write a number of days or hours"),
        ([*ENOUGH, "--expires=999999d"], "write a number of days or hours"),
        ([*ENOUGH, "--expires="], "write a number of days or hours"),
        ([*ENOUGH, "surplus"], "unexpected extra argument"),
    ],
    ids=[
        "reads nothing",
        "no name",
        "no scope",
        "another scope",
        "blank name",
        "slash in the name",
        "escape sequence in the name",
        "long name",
        "space in the team",
        "path as the team",
        "no repository's name",
        "a repository's address",
        "no unit",
        "no time at all",
        "past the end of time",
        "empty time",
        "surplus argument",
    ],
)
def test_create__refused(terminal: Terminal, arguments: list[str], said: str) -> None:
    out, err = terminal.run("create", *arguments, code=10)
    assert out == ""
    assert said in err
    assert terminal.tokens.all() == []


def test_list__says_all_but_what_opens(terminal: Terminal) -> None:
    token = terminal.create("--name=ci", "--scope=project", "--team=ml", "--repository=acme/models")
    assert token.expires is not None
    last_used = terminal.listed()[0].pop("last_used")
    assert datetime.now(timezone.utc) - datetime.fromisoformat(last_used) < timedelta(minutes=1)
    assert terminal.listed() == [
        {
            "id": token.id,
            "name": "ci",
            "scopes": ["project"],
            "teams": ["ml"],
            "repositories": ["acme/models"],
            "all_repositories": False,
            "created": token.created.isoformat(),
            "expires": token.expires.isoformat(),
            "last_used": last_used,
            "issuer": None,
            "claims": None,
            "state": "valid",
        }
    ]


def test_list__for_people(terminal: Terminal) -> None:
    text = terminal.run("create", *ENOUGH, "--expires=never")[0].strip()
    out, _ = terminal.run("list")
    heading, row = out.splitlines()
    assert heading.split() == ["ID", "NAME", "SCOPES", "READS", "EXPIRES", "LAST", "USED", "STATE"]
    assert row.split() == [
        text[5:21], "ci", "model-registry", "all", "repositories", "never", "never", "valid"
    ]  # fmt: skip
    assert text[21:] not in out


def test_list__states(terminal: Terminal) -> None:
    past = datetime.now(timezone.utc) - timedelta(seconds=1)
    terminal.create(*ENOUGH)
    terminal.tokens.create("ci", scopes=["project"], teams=["ml"], expires=past)
    terminal.run("revoke", terminal.create(*ENOUGH).id)
    assert sorted(each["state"] for each in terminal.listed()) == ["expired", "revoked", "valid"]


def test_list__names_cannot_write_to_the_terminal(terminal: Terminal) -> None:
    terminal.tokens.create("a\x1b[2J", scopes=["project"], teams=["\x1b[1m"], expires=None)
    assert "\x1b" not in "".join(terminal.run("list"))


def test_list__none(terminal: Terminal) -> None:
    assert terminal.listed() == []


def test_revoke(terminal: Terminal) -> None:
    text = terminal.run("create", *ENOUGH)[0].strip()
    _, err = terminal.run("revoke", text[5:21])
    assert err == f"Token {text[5:21]} is revoked.\n"
    with pytest.raises(InvalidToken):
        terminal.tokens.authenticate(text)


def test_revoke__none(terminal: Terminal) -> None:
    _, err = terminal.run("revoke", "0" * 16, code=12)
    assert "there is no token with this id" in err


def test_revoke__the_text_instead_of_the_id_is_not_repeated(terminal: Terminal) -> None:
    text = terminal.run("create", *ENOUGH)[0].strip()
    assert text not in "".join(terminal.run("revoke", text, code=12))


def ids_in(folder: Path) -> list[str]:
    engine = database.open_engine(f"sqlite:///{folder}/registry.db")
    found = [each.id for each in Tokens(engine, lambda: datetime.now(timezone.utc)).all()]
    engine.dispose()
    return found


@pytest.mark.parametrize(
    ("options", "environ"),
    [
        (["--data-dir=state"], {}),
        (["--database=sqlite:///state/registry.db"], {}),
        (["--config=server.yaml"], {}),
        ([], {"STUDIO_ACTION_DATA_DIR": "state"}),
        ([], {"STUDIO_ACTION_DATABASE": "sqlite:///state/registry.db"}),
        ([], {"STUDIO_ACTION_SERVER_CONFIG": "server.yaml"}),
        (["--database=sqlite:///state/registry.db"], {"STUDIO_ACTION_DATABASE": "sqlite:///x.db"}),
        (["--config=server.yaml", "--data-dir=state"], {"STUDIO_ACTION_DATABASE": ""}),
    ],
    ids=[
        "folder",
        "URL",
        "configuration",
        "folder in the environment",
        "URL in the environment",
        "configuration in the environment",
        "an option before the environment",
        "an empty variable is none",
    ],
)
def test_where_the_database_is(
    workspace: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    environ: dict[str, str],
) -> None:
    (workspace / "server.yaml").write_text(
        "data-dir: state\n"
        "repositories: [{url: https://h.example.org/a/b, token: {env: NOT_SET_HERE}}]\n"
    )
    assert cli.run(["token", "create", *ENOUGH, *options], environ) == 0
    assert ids_in(workspace / "state") == [capsys.readouterr().out[5:21]]


@pytest.mark.parametrize("where", ["postgresql://u:s3cret@h/x", "postgresql://h/x?password=s3cret"])
def test_where_the_database_is__a_password_in_the_process_list(
    where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["token", "list", "--database", where], {}) == 10
    err = capsys.readouterr().err
    assert "in STUDIO_ACTION_DATABASE" in err
    assert "s3cret" not in err


def test_where_the_database_is__nobody_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["token", "list"], {}) == 10
    assert "database and data-dir are both missing" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["--help"], ["-h"], ["create", "--help"]])
def test_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["token", *command], {}) == 0
    assert capsys.readouterr().out.startswith("Usage: studio-action token")
