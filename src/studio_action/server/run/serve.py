"""`studio-action serve`: a registry of one's own, from a configuration file or without one."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from studio_action.server.run.configuration.reading import FILE, VARIABLES, Options, read
from studio_action.server.settings import ServerSettings

_HELP = f"""Answer the API of DVC Studio from Git repositories.

What is not said here is read from the environment ({FILE} for --config), then from the
configuration file. Callers need a token: see `studio-action token create --help`.
"""
_ENTRIES = {
    "data-dir": "Where mirrors, and SQLite's file, are kept.",
    "database": "The database's URL, without a password. [default: SQLite, in the data-dir]",
    "url": "The public address, with its sub-path, where a proxy stands in front.",
    "host": "The address to listen at. [default: 127.0.0.1]",
    "port": "The port to listen at; 0 is any free one. [default: 8000]",
    "workers": "How many processes answer. [default: 1]",
}
"""The entries of the configuration file that are options as well, and what they are."""


def serve_command(environ: Mapping[str, str]) -> click.Command:
    """The command `serve`, in an environment."""

    def call(
        config: str,
        repository: tuple[str, ...],
        folder: tuple[str, ...],
        check: bool,
        **entries: str,
    ) -> int:
        named = {name.replace("_", "-"): text for name, text in entries.items()}
        settings = read(Options(config, named, repository, folder), environ, Path.cwd())
        if check:
            return _check(settings, environ)
        from studio_action.server.run import process

        process.serve(settings, environ)
        return 0

    return click.Command(
        "serve",
        callback=call,
        params=[
            click.Option(["--config"], default="", help="The configuration file, in YAML."),
            click.Option(
                ["--repository"],
                multiple=True,
                metavar="[OWNER/NAME=]ADDRESS",
                help="A repository to serve: its address, or a folder of this machine.",
            ),
            click.Option(
                ["--folder"],
                multiple=True,
                metavar="NAME=PATH",
                help="A folder of this machine that DVC remotes may be in.",
            ),
            *(_option(name, text) for name, text in _ENTRIES.items()),
            click.Option(
                ["--check"],
                is_flag=True,
                help="Only tell whether all of this is right and can be reached.",
            ),
        ],
        help=_HELP,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def _check(settings: ServerSettings, environ: Mapping[str, str]) -> int:
    """Look at everything that the server would use, and leave nothing behind."""
    from studio_action.server.db import database
    from studio_action.server.run import checking, process

    with tempfile.TemporaryDirectory() as folder:
        # Of its own: the server's may be in use, or not be there yet.
        own = replace(settings, data_dir=Path(folder), database=f"sqlite:///{folder}/check.db")
        services = process.make_services(own, environ)
        try:
            database.migrate(services.engine)
            code = checking.run(
                own.repositories, services.models, process.network_of(environ), click.echo
            )
        finally:
            services.engine.dispose()
    return checking.run_database(settings.database, click.echo) or code


def _option(name: str, text: str) -> click.Option:
    return click.Option([f"--{name}"], default="", help=f"{text} (Or {VARIABLES[name]}.)")
