"""`studio-action promote` and `rollback`: commands that make a tag."""

from __future__ import annotations

import sys
from dataclasses import replace

import click

from studio_action.cli.environment import Environment
from studio_action.cli.options import LateCommand, option_for, text_of
from studio_action.inputs.outputs_table import DOCTOR
from studio_action.inputs.table import BY_NAME

SUMMARIES = {
    "promote": "Assign a stage to a version, as `gto assign` does.",
    "rollback": "Give a stage back to the version that held it before.",
}


def make(name: str, environment: Environment) -> click.Command:
    """Make a command that makes a tag, in the name of the person who runs it."""

    def call(
        model: str,
        stage: str,
        repo: str,
        remote: str,
        dry_run: bool,
        push: bool,
        sign: bool,
        version: str = "",
        **shown: str | None,
    ) -> None:
        import time

        from studio_action.ci.results import Results, read_style
        from studio_action.inputs.config import RunConfig
        from studio_action.run import promotion
        from studio_action.run.context import RunContext

        wish = promotion.read_wish(model, stage, version, remote)
        wish = replace(wish, dry_run=dry_run, push=push, sign=sign)
        inputs = environment.inputs(
            {"repo": repo, **{key: text_of(it) for key, it in shown.items()}}
        )
        config = RunConfig.from_inputs(DOCTOR, inputs, environment.job)
        context = RunContext(config, environment.platform)
        outputs = promotion.run(wish, config, context, time.time)
        style = read_style(inputs["format"].text)
        Results(sys.stdout, style).publish(outputs, "MODEL_")

    def options() -> list[click.Parameter]:
        version = click.Option(["--version"], required=True, metavar="VERSION", help="E.g. v2.0.0.")
        return [
            click.Option(
                ["--model"], required=True, metavar="NAME", help="churn, or path/to:churn."
            ),
            *([version] if name == "promote" else []),
            click.Option(["--stage"], required=True, metavar="NAME", help="E.g. prod."),
            click.Option(
                ["--repo"], default=".", metavar="FOLDER", help="The checkout. [default: .]"
            ),
            click.Option(
                ["--remote"],
                default="origin",
                metavar="NAME",
                help="[default: origin]",
            ),
            click.Option(["--dry-run"], is_flag=True, help="Only say which tag would be made."),
            click.Option(["--push"], is_flag=True, help="Push the tag to the remote."),
            click.Option(["--sign"], is_flag=True, help="Sign the tag, as `git tag --sign` does."),
            *[option_for(BY_NAME[each], name) for each in ("format", "quiet")],
        ]

    return LateCommand(
        name,
        callback=call,
        options=options,
        help=f"{SUMMARIES[name]}\n\nThe tag is annotated, in your name as git knows it. The tags"
        " of the remote are read first, and the policy of the repository has to permit it.",
    )
