"""The commands that a CI job runs: their inputs are options, or the environment's."""

from __future__ import annotations

from dataclasses import replace

import click

from studio_action.cli.environment import Environment
from studio_action.cli.options import GroupedCommand, option_for, text_of
from studio_action.inputs.outputs_table import CREATE, DOWNLOAD, RESOLVE
from studio_action.inputs.table import inputs_of

_SUMMARIES = {
    DOWNLOAD: "Resolve a model and put its files into the workspace.",
    RESOLVE: "Resolve a model without downloading it.",
    CREATE: "Create the Studio project of a repository.",
}


def make(name: str, environment: Environment) -> click.Command:
    """Make the command of this name, which reads its inputs and runs."""

    def call(**options: str | tuple[str, ...] | None) -> None:
        from studio_action.inputs import unknown
        from studio_action.inputs.config import RunConfig
        from studio_action.run import commands

        texts = {key.replace("_", "-"): text_of(value) for key, value in options.items()}
        inputs = environment.inputs(texts)
        for warning in unknown.warnings(environment.environ):
            environment.platform.warning(warning)
        commands.run(RunConfig.from_inputs(name, inputs, environment.job), environment.platform)

    def options() -> list[click.Parameter]:
        return [option_for(each, name) for each in inputs_of(name) if not each.secret]

    return GroupedCommand(name, callback=call, options=options, help=_SUMMARIES[name])


def storage_initializer(environment: Environment) -> click.Command:
    """Make the command that KServe's init container is; all other inputs are the environment's."""

    def call(source: str, dest: str) -> None:
        from pathlib import Path

        from studio_action.inputs.config import RunConfig
        from studio_action.inputs.storage_uri import read_storage_uri
        from studio_action.run import commands

        inputs = environment.inputs({**read_storage_uri(source), "dest": "."})
        job = replace(environment.job, workspace=Path(dest))
        config = RunConfig.from_inputs(DOWNLOAD, inputs, job)
        commands.run(config, environment.platform)
        config.workspace.remove_state()

    return click.Command(
        "storage-initializer",
        callback=call,
        params=[click.Argument(["source"]), click.Argument(["dest"])],
        help="Put a model into a model server's folder, for KServe.\n\n"
        "SOURCE is studio://HOST/OWNER/NAME?model=churn&stage=prod, DEST is the folder, which gets"
        " the model's files and nothing else. All other inputs are read from the environment.",
    )
