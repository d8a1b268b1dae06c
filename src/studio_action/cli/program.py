"""The program: its commands, and what `--version` says."""

from __future__ import annotations

import click

from studio_action.cli import doctor, promotion, self_hosted, steps
from studio_action.cli.environment import Environment
from studio_action.inputs.outputs_table import COMMANDS


def make_program(environment: Environment) -> click.Group:
    """Return the whole command line for one environment."""

    @click.group(context_settings={"help_option_names": ["-h", "--help"]})
    @click.option(
        "--version",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_versions,
        help="Show the versions of studio-action, Python, libcurl and git, and exit.",
    )
    def studio_action() -> None:
        """Turn 'the prod version of churn' into verified bytes in the workspace.

        Every option is also read from the environment: STUDIO_ACTION_MODEL for --model, and so on.
        The token is read from DVC_STUDIO_TOKEN or --token-file.
        """

    for name in COMMANDS:
        studio_action.add_command(steps.make(name, environment))
    studio_action.add_command(steps.storage_initializer(environment))
    studio_action.add_command(doctor.make(environment))
    for name in promotion.SUMMARIES:
        studio_action.add_command(promotion.make(name, environment))
    for name in self_hosted.SUMMARIES:
        studio_action.add_command(self_hosted.make(name, environment.environ))
    return studio_action


def _show_versions(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from studio_action.run.versions import lines

        click.echo("\n".join(lines()))
        ctx.exit()
