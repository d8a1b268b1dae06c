"""`studio-action doctor`: what is wrong with a repository or, by `--server`, with an ID token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from studio_action.cli.environment import Environment
from studio_action.cli.options import LateCommand, option_for
from studio_action.inputs.outputs_table import DOCTOR, SERVER_DOCTOR
from studio_action.inputs.table import INPUTS

if TYPE_CHECKING:
    from studio_action.run.doctor import Diagnosis
    from studio_action.run.server_doctor import Checkup

_NETWORK = ("ca-bundle", "timeout", "retries", "deadline")


def make(environment: Environment) -> click.Command:
    """Make the command for one environment."""

    def call(repository: str, as_json: bool, server: str, **options: str | None) -> int:
        from studio_action.inputs.config import RunConfig

        texts = {name.replace("_", "-"): text or "" for name, text in options.items()}
        inputs = environment.inputs({"repo": repository, "studio-url": server, **texts})
        platform = environment.platform
        command = SERVER_DOCTOR if server else DOCTOR
        config = RunConfig.from_inputs(command, inputs, environment.job)
        found: Diagnosis | Checkup
        if server:
            from studio_action.run import server_doctor

            found = server_doctor.examine(config, platform)
        else:
            from studio_action.run import commands

            found = commands.examine(config, platform)
        for line in (found.document,) if as_json else found.lines():
            click.echo(platform.hide(line))
        return found.exit_code

    def options() -> list[click.Parameter]:
        return [
            click.Argument(["repository"], default=""),
            click.Option(["--json", "as_json"], is_flag=True, help="One JSON object."),
            click.Option(
                ["--server"],
                default="",
                metavar="URL",
                help="Instead, say what this job needs to get a token of that server for its"
                " ID token.",
            ),
            *[option_for(each, DOCTOR) for each in INPUTS if each.name in _NETWORK],
        ]

    return LateCommand(
        DOCTOR,
        callback=call,
        options=options,
        help="List a repository's models and their faults.\n\n"
        "REPOSITORY is an address or a folder; by default this job's repository. The exit code is"
        " 12 if something is broken, 17 if somebody may deploy what was not meant, else 0. With"
        " --server it is that of the step which failed.",
    )
