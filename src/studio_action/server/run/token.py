"""`studio-action token`: how people get the tokens of a server of their own, and lose them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeVar

import click

from studio_action.errors import BadInput, NotFound
from studio_action.model.repository_url import RepositoryUrl
from studio_action.server.access import Scope, Token
from studio_action.server.db import database
from studio_action.server.db.tokens import Tokens
from studio_action.server.run.configuration.reading import Options, read_database
from studio_action.text import printable

_SCOPES: tuple[Scope, ...] = ("model-registry", "project")
_TEAM = re.compile(r"\w[\w.-]*", re.ASCII)
_LONGEST_NAME = 100

Command = TypeVar("Command", bound=Callable[..., None])


def token_group(environ: Mapping[str, str]) -> click.Group:
    """The command `token` with its own, in an environment."""
    return click.Group(
        "token",
        commands=[_create, _list, _revoke],
        help="Make, list and revoke the tokens that `studio-action serve` takes.",
        context_settings={"obj": environ, "help_option_names": ["-h", "--help"]},
    )


def _lifetime(_context: click.Context, _option: click.Parameter, text: str) -> timedelta | None:
    """Read `90d`, `12h` or `never`."""
    if text == "never":
        return None
    found = re.fullmatch(r"([1-9]\d{0,4})([dh])", text, re.ASCII)
    if found is None:
        raise click.BadParameter("write a number of days or hours, such as 90d or 12h, or never")
    return timedelta(hours=int(found[1]) * (24 if found[2] == "d" else 1))


def _of_a_database(command: Command) -> Command:
    """Give a command the options that say where the database is."""
    options = (
        click.option("--config", default="", help="The server's configuration file."),
        click.option(
            "--database",
            default="",
            help="The database's URL, without a password: one that has a password is given in the"
            " environment variable STUDIO_ACTION_DATABASE.",
        ),
        click.option("--data-dir", default="", help="The server's folder: SQLite's file is there."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@contextmanager
def _tokens(environ: Mapping[str, str], where: Mapping[str, str]) -> Iterator[Tokens]:
    """The tokens of the database that the options, the environment or the file name."""
    entries = {name.replace("_", "-"): text for name, text in where.items() if name != "config"}
    options = Options(config=where["config"], entries=entries)
    engine = database.open_engine(read_database(options, environ, Path.cwd()))
    try:
        database.migrate(engine)
        yield Tokens(engine, _now)
    finally:
        engine.dispose()


def _now() -> datetime:
    return datetime.now(timezone.utc)


@click.command("create")
@click.option("--name", required=True, help="Whose it is, or what for: it is in lists and logs.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(_SCOPES),
    multiple=True,
    required=True,
    help="What it may do: read models, create projects. Can be repeated.",
)
@click.option("--team", "teams", multiple=True, help="Reads this team's repositories, too.")
@click.option("--repository", "repositories", multiple=True, help="Reads this one, OWNER/NAME.")
@click.option("--all-repositories", is_flag=True, help="Reads all that the server has.")
@click.option(
    "--expires",
    "lifetime",
    callback=_lifetime,
    metavar="TIME",
    default="90d",
    show_default=True,
    help="When it ends: in so many days (90d) or hours (12h), or never.",
)
@_of_a_database
@click.pass_obj
def _create(
    environ: Mapping[str, str],
    /,
    name: str,
    scopes: Sequence[Scope],
    teams: Sequence[str],
    repositories: Sequence[str],
    all_repositories: bool,
    lifetime: timedelta | None,
    **where: str,
) -> None:
    """Make a token and print it, this once, on standard output."""
    if not (teams or repositories or all_repositories):
        raise BadInput(
            "the token would read nothing", "Give --repository, --team or --all-repositories"
        )
    given: dict[str, Any] = {
        "scopes": scopes,
        "teams": [_team(each) for each in teams],
        "repositories": [_repository(each) for each in repositories],
        "all_repositories": all_repositories,
        "expires": None if lifetime is None else _now() + lifetime,
    }
    with _tokens(environ, where) as tokens:
        text, token = tokens.create(_name(name), **given)
    _say(f"Token {token.id} of {token.name}: {_scopes(token)}; reads {_reads(token)};")
    _say(f"expires: {_moment(token.expires)}. Its text is shown now and never again:")
    click.echo(text)


def _name(text: str) -> str:
    if not text.strip() or not text.isprintable() or "/" in text or len(text) > _LONGEST_NAME:
        raise BadInput(
            f"--name {printable(text, 100)!r} is no name",
            f"Write up to {_LONGEST_NAME} characters on one line, without a slash",
        )
    return text.strip()


def _team(text: str) -> str:
    if not _TEAM.fullmatch(text):
        raise BadInput(
            f"--team {printable(text, 100)!r} is no team's name",
            "Write it as in the server's configuration: letters, digits, '.', '_' and '-'",
        )
    return text


def _repository(text: str) -> str:
    repository = RepositoryUrl.parse(text)
    if repository.form != "short":
        raise BadInput(
            "--repository takes a name, no address",
            "Write OWNER/NAME, as in the server's configuration",
        )
    return repository.path


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
@_of_a_database
@click.pass_obj
def _list(environ: Mapping[str, str], /, as_json: bool, **where: str) -> None:
    """Show all tokens: whose they are, what for, what they read, and whether they are good."""
    with _tokens(environ, where) as tokens:
        found, now = tokens.all(), _now()
    if as_json:
        click.echo(json.dumps([_document(token, now) for token in found], indent=2))
        return
    heading = ("ID", "NAME", "SCOPES", "READS", "EXPIRES", "LAST USED", "STATE")
    rows = [heading, *(_row(token, now) for token in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heading))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _row(token: Token, now: datetime) -> tuple[str, ...]:
    return (
        token.id,
        printable(token.name),
        _scopes(token),
        printable(_reads(token)),
        _moment(token.expires),
        _moment(token.last_used),
        _state(token, now),
    )


def _document(token: Token, now: datetime) -> dict[str, object]:
    """Return the token for `--json`: times in ISO 8601, and its state instead of `revoked`."""
    shown = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in token.values().items()
        if name != "revoked"
    }
    return {**shown, "state": _state(token, now)}


@click.command("revoke")
@click.argument("id")
@_of_a_database
@click.pass_obj
def _revoke(environ: Mapping[str, str], /, id: str, **where: str) -> None:
    """End the token of this ID at once, and for good."""
    with _tokens(environ, where) as tokens:
        if not tokens.revoke(id):
            raise NotFound(
                "there is no token of this id", "See `studio-action token list` for those there are"
            )
    _say(f"Token {id} is revoked.")


def _say(line: str) -> None:
    """For people; standard output is for what programs read."""
    click.echo(line, err=True)


def _scopes(token: Token) -> str:
    return ", ".join(sorted(token.scopes))


def _reads(token: Token) -> str:
    if token.all_repositories:
        return "all repositories"
    teams = (f"those of team {team}" for team in sorted(token.teams))
    return ", ".join([*sorted(token.repositories), *teams])


def _moment(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


def _state(token: Token, now: datetime) -> str:
    if token.revoked is not None:
        return "revoked"
    return "valid" if token.valid(now) else "expired"
