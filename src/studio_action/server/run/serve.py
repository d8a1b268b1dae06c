"""`studio-action serve`: runs the server, with a configuration file or without one."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from studio_action.server.run.configuration.reading import FILE, VARIABLES, Options, read
from studio_action.server.settings import ServerSettings

_HELP = f"""Serve the API of DVC Studio from Git repositories.

Options override the environment ({FILE} for --config), and that overrides the configuration
file. Clients need a token: see `studio-action token create --help`.
"""
_ENTRIES = {
    "data-dir": "The folder for mirrors, and for SQLite's file.",
    "database": "The database's URL, without a password. [default: SQLite, in the data-dir]",
    "url": "The public URL with its sub-path, if there is a proxy in front.",
    "host": "The address to listen on. [default: 127.0.0.1]",
    "port": "The port to listen on; 0 means any free one. [default: 8000]",
    "workers": "The number of worker processes. [default: 1]",
}
"""The entries of the configuration file that are options, too, with their help."""


def serve_command(environ: Mapping[str, str]) -> click.Command:
    """Return the command `serve` for an environment."""

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
                help="A repository to serve: its URL, or a folder of this machine.",
            ),
            click.Option(
                ["--folder"],
                multiple=True,
                metavar="NAME=PATH",
                help="A folder of this machine that may hold DVC remotes.",
            ),
            *(_option(name, text) for name, text in _ENTRIES.items()),
            click.Option(
                ["--check"],
                is_flag=True,
                help="Only check the configuration, and that everything can be reached.",
            ),
        ],
        help=_HELP,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def _check(settings: ServerSettings, environ: Mapping[str, str]) -> int:
    """Check everything that the server would use, and leave nothing behind; return an exit code."""
    from studio_action.server.db import database
    from studio_action.server.run import checking, process
    from studio_action.server.token_exchange.discovery import Discovery

    network = process.network_of(environ)
    with tempfile.TemporaryDirectory() as folder:
        # A separate folder: the server's may be in use, or not exist yet.
        own = replace(settings, data_dir=Path(folder), database=f"sqlite:///{folder}/check.db")
        services = process.make_services(own, environ)
        try:
            database.migrate(services.engine)
            code = checking.run(own.repositories, services.models, network, click.echo)
        finally:
            services.engine.dispose()
    code = checking.run_issuers(own.trusted_issuers, Discovery(network), click.echo) or code
    code = checking.run_log_in(own.pages.log_in, Discovery(network), click.echo) or code
    return checking.run_database(settings.database, click.echo) or code


def _option(name: str, text: str) -> click.Option:
    return click.Option([f"--{name}"], default="", help=f"{text} (Or {VARIABLES[name]}.)")
