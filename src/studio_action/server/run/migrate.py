"""`studio-action migrate`: brings the database up to date before a new release starts."""

from __future__ import annotations

from collections.abc import Mapping

import click

from studio_action.server.db import database
from studio_action.server.run.database_options import database_options, open_database


def migrate_command(environ: Mapping[str, str]) -> click.Command:
    """Return the command `migrate` for an environment."""
    _migrate.context_settings = {"obj": environ, "help_option_names": ["-h", "--help"]}
    return _migrate


@click.command("migrate")
@database_options
@click.pass_obj
def _migrate(environ: Mapping[str, str], /, **where: str) -> None:
    """Migrate the schema of the server's database to that of this release, if it is older.

    Servers do so themselves when they start. Several of these may run at once.
    """
    with open_database(environ, where) as engine:
        click.echo(f"The database has the schema {database.revision(engine)}.", err=True)
