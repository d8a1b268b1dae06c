"""`studio-action token`: creates, lists and revokes access tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

import click

from studio_action.errors import BadInput, NotFound
from studio_action.model.repository_url import RepositoryUrl
from studio_action.server.access import Scope, Token
from studio_action.server.db.tokens import Tokens
from studio_action.server.run.database_options import (
    database_options,
    open_database,
    read_span,
)
from studio_action.text import printable

_SCOPES: tuple[Scope, ...] = ("model-registry", "project")
_TEAM = re.compile(r"\w[\w.-]*", re.ASCII)
_LONGEST_NAME = 100


def token_group(environ: Mapping[str, str]) -> click.Group:
    """Return the command `token` with its subcommands, for an environment."""
    return click.Group(
        "token",
        commands=[_create, _list, _revoke],
        help="Create, list and revoke access tokens for `studio-action serve`.",
        context_settings={"obj": environ, "help_option_names": ["-h", "--help"]},
    )


def _lifetime(_context: click.Context, _option: click.Parameter, text: str) -> timedelta | None:
    """Return the lifetime in `90d` or `12h`, None for `never`; raise `BadParameter` for others."""
    if text == "never":
        return None
    try:
        return read_span(text)
    except click.BadParameter as error:
        raise click.BadParameter(f"{error.message}, or never") from None


@contextmanager
def _tokens(environ: Mapping[str, str], where: Mapping[str, str]) -> Iterator[Tokens]:
    """Yield the tokens of the database that the options, environment or file name."""
    with open_database(environ, where) as engine:
        yield Tokens(engine, _now)


def _now() -> datetime:
    return datetime.now(timezone.utc)


@click.command("create")
@click.option("--name", required=True, help="Who or what uses it; lists and logs show this.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(_SCOPES),
    multiple=True,
    required=True,
    help="What it allows: reading models, or creating projects. Can be repeated.",
)
@click.option(
    "--team", "teams", multiple=True, help="Let it read this team's repositories. Can be repeated."
)
@click.option(
    "--repository",
    "repositories",
    multiple=True,
    help="Let it read the repository OWNER/NAME. Can be repeated.",
)
@click.option("--all-repositories", is_flag=True, help="Let it read all repositories.")
@click.option(
    "--expires",
    "lifetime",
    callback=_lifetime,
    metavar="TIME",
    default="90d",
    show_default=True,
    help="Its lifetime in days (90d) or hours (12h), or never.",
)
@database_options
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
    """Create a token and print it, only this once, on standard output."""
    if not (teams or repositories or all_repositories):
        raise BadInput(
            "the token could read nothing", "Give --repository, --team or --all-repositories"
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
            f"--name {printable(text, 100)!r} is not a name",
            f"Write up to {_LONGEST_NAME} characters on one line, without a slash",
        )
    return text.strip()


def _team(text: str) -> str:
    if not _TEAM.fullmatch(text):
        raise BadInput(
            f"--team {printable(text, 100)!r} is not the name of a team",
            "Write it as in the server's configuration: letters, digits, '.', '_' and '-'",
        )
    return text


def _repository(text: str) -> str:
    repository = RepositoryUrl.parse(text)
    if repository.form != "short":
        raise BadInput(
            "--repository takes a name, not a URL",
            "Write OWNER/NAME, as in the server's configuration",
        )
    return repository.path


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@database_options
@click.pass_obj
def _list(environ: Mapping[str, str], /, as_json: bool, **where: str) -> None:
    """List all tokens: names, scopes, repositories, and whether they are valid."""
    with _tokens(environ, where) as tokens:
        listed, now = tokens.all(), _now()
    if as_json:
        click.echo(json.dumps([_document(token, now) for token in listed], indent=2))
        return
    heading = ("ID", "NAME", "SCOPES", "READS", "EXPIRES", "LAST USED", "STATE")
    rows = [heading, *(_row(token, now) for token in listed)]
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
@database_options
@click.pass_obj
def _revoke(environ: Mapping[str, str], /, id: str, **where: str) -> None:
    """Revoke the token with this ID, at once and for good."""
    with _tokens(environ, where) as tokens:
        if not tokens.revoke(id):
            raise NotFound("there is no token with this id", "See `studio-action token list`")
    _say(f"Token {id} is revoked.")


def _say(line: str) -> None:
    """Print a line for people on standard error; standard output is for programs."""
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
