"""The database that a command is to use: named by its options, the environment or the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import click
from sqlalchemy import Engine

from studio_action.server.db import database
from studio_action.server.run.configuration.reading import Options, read_database

Command = TypeVar("Command", bound=Callable[..., None])


def database_options(command: Command) -> Command:
    """Return the command with the options that name the database."""
    options = (
        click.option("--config", default="", help="The server's configuration file."),
        click.option(
            "--database",
            default="",
            help="The database's URL, without a password. Set the environment variable"
            " STUDIO_ACTION_DATABASE to a URL with a password.",
        ),
        click.option(
            "--data-dir", default="", help="The server's data folder, which holds SQLite's file."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@contextmanager
def open_database(environ: Mapping[str, str], where: Mapping[str, str]) -> Iterator[Engine]:
    """Yield the database that the options `where`, the environment or the file name."""
    entries = {name.replace("_", "-"): text for name, text in where.items() if name != "config"}
    options = Options(config=where["config"], entries=entries)
    engine = database.open_engine(read_database(options, environ, Path.cwd()))
    try:
        database.migrate(engine)
        yield engine
    finally:
        engine.dispose()


def read_span(text: str) -> timedelta:
    """Return the time in `90d` or `12h`; raise `BadParameter` for others."""
    found = re.fullmatch(r"([1-9]\d{0,4})([dh])", text, re.ASCII)
    if found is None:
        raise click.BadParameter("write a number of days or hours, such as 90d or 12h")
    return timedelta(hours=int(found[1]) * (24 if found[2] == "d" else 1))
