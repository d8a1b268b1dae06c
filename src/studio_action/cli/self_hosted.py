"""The commands of the self-hosted registry, whose packages may not be installed."""

from __future__ import annotations

from collections.abc import Mapping

import click

from studio_action.errors import BadInput

SUMMARIES = {
    "serve": "Run a self-hosted registry over Git repositories.",
    "token": "Create, list and revoke the registry's tokens.",
    "audit": "Show who requested which version from the registry.",
    "migrate": "Bring the registry's database up to date.",
}


def make(name: str, environ: Mapping[str, str]) -> click.Command:
    """Make a command that is imported when it runs: it reads its own arguments, `--help` too."""

    def call(arguments: tuple[str, ...]) -> object:
        try:
            from studio_action.server.run.commands import COMMANDS as SERVER_COMMANDS
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            raise BadInput(
                f"{name} needs packages that are not installed: {missing} is missing",
                "Use the server's image, or install them: pip install 'studio-action[server]'",
            ) from error
        command = SERVER_COMMANDS[name](environ)
        given = arguments or (["--help"] if isinstance(command, click.Group) else [])
        return command.main(given, f"studio-action {name}", standalone_mode=False)

    return click.Command(
        name,
        callback=call,
        params=[click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)],
        help=SUMMARIES[name],
        add_help_option=False,
        context_settings={"ignore_unknown_options": True},
    )
