"""`studio-action audit`: prints who was told of which version of a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta, timezone

import click

from studio_action.server.db.audit import AuditEntries, AuditEntry
from studio_action.server.run.database_options import (
    database_options,
    open_database,
    read_span,
)


def audit_command(environ: Mapping[str, str]) -> click.Command:
    """Return the command `audit` for an environment."""
    _audit.context_settings = {"obj": environ, "help_option_names": ["-h", "--help"]}
    return _audit


def _span(_context: click.Context, _option: click.Parameter, text: str) -> timedelta:
    return read_span(text)


@click.command("audit")
@click.option(
    "--since",
    callback=_span,
    metavar="TIME",
    default="7d",
    show_default=True,
    help="How far to look back, in days (7d) or hours (12h).",
)
@click.option("--repository", default="", help="Only this repository, OWNER/NAME.")
@click.option("--model", default="", help="Only this model.")
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=1000,
    show_default=True,
    help="The most entries.",
)
@database_options
@click.pass_obj
def _audit(
    environ: Mapping[str, str],
    /,
    since: timedelta,
    repository: str,
    model: str,
    limit: int,
    **where: str,
) -> None:
    """Print who was told of which version of a model, the newest first: a JSON object a line."""
    with open_database(environ, where) as engine:
        entries = AuditEntries(engine, lambda: datetime.now(timezone.utc))
        found = entries.newest(
            limit, since=entries.now() - since, repository=repository, model=model
        )
    for each in found:
        click.echo(json.dumps(_document(each)))


def _document(entry: AuditEntry) -> dict[str, object]:
    return {**asdict(entry), "time": entry.time.isoformat()}
