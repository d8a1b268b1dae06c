"""The command line, and the one place where an error becomes an exit code.

What a command needs is imported when it runs, so that --help is there at once.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from studio_action.errors import BadInput, Stopped, StudioActionError
from studio_action.inputs.groups import SHORT, grouped, help_text, is_usual, takes
from studio_action.inputs.lookup import Inputs
from studio_action.inputs.outputs_table import (
    COMMANDS,
    CREATE,
    DOCTOR,
    DOWNLOAD,
    RESOLVE,
    SERVER_DOCTOR,
)
from studio_action.inputs.table import BY_NAME, INPUTS, Input, inputs_of
from studio_action.signals import stopping
from studio_action.text import did_you_mean

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from studio_action.ci.base import Platform
    from studio_action.ci.job import Job
    from studio_action.run.doctor import Diagnosis
    from studio_action.run.server_doctor import Checkup

_SUMMARIES = {
    DOWNLOAD: "Resolve a model by stage, version or latest; put its files into the workspace.",
    RESOLVE: "Resolve a model without downloading it.",
    CREATE: "Create the Studio project of a repository.",
}

_PROMOTIONS = {
    "promote": "Give a stage to a version: make the tag that `gto assign` would make.",
    "rollback": "Give a stage back to the version that held it before.",
}

_SERVER_SUMMARIES = {
    "serve": "Serve models from Git repositories by the same API: a self-hosted registry.",
    "token": "Create, list and revoke tokens of the self-hosted registry.",
    "audit": "Show who requested which model version from the self-hosted registry.",
    "migrate": "Migrate the database of the self-hosted registry.",
}

_SHOWS_ALL = "studio_action.help_all"

_NETWORK = ("ca-bundle", "timeout", "retries", "deadline")


def main() -> None:
    """Run as a program: exit with the code that docs/reference/exit-codes.md gives."""
    gc.set_threshold(100_000)  # a short life with many values: looking through them costs a tenth
    sys.exit(run(sys.argv[1:], os.environ))


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command line in one environment; return the exit code."""
    environment = Environment(environ)
    try:
        with stopping():
            return _invoke(_arguments(arguments, environment), environment)
    except click.ClickException as error:
        usage = BadInput(_fault(error), "See studio-action --help")
        environment.platform.error(str(usage))
        return usage.exit_code
    except StudioActionError as error:
        environment.platform.error(str(error))
        return error.exit_code
    except Stopped as error:
        environment.platform.error(f"{error}; nothing was left half-written")
        return error.exit_code
    except Exception as error:
        import traceback

        for line in traceback.format_exc().splitlines():
            environment.platform.info(line)
        fault = f"bug in studio-action: {type(error).__name__}: {error}"
        environment.platform.error(fault)
        return 1


@dataclass
class Environment:
    """The environment, and what is made of it once it is needed: --help needs nothing.

    `options` are those of the command line, once it is read.
    """

    environ: Mapping[str, str] = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    def inputs(self, options: Mapping[str, str]) -> Inputs:
        """Return the inputs of a command that has these options."""
        self.options = options
        return Inputs(options, self.environ)

    @cached_property
    def job(self) -> Job:
        """Return the CI job that this runs in."""
        from studio_action.ci.platforms import detect_job
        from studio_action.inputs.parsers import is_true

        inputs = Inputs(self.options, self.environ)
        job = detect_job(self.environ, Path.cwd())
        quiet, verbose = is_true(inputs["quiet"]), is_true(inputs["verbose"])
        return replace(job, quiet=quiet, debug=job.debug or verbose)

    @cached_property
    def platform(self) -> Platform:
        """Return what writes for the job's CI system."""
        from studio_action.ci.platforms import platform_for
        from studio_action.ci.results import read_style

        return platform_for(
            self.job,
            stdout=sys.stdout,
            stderr=sys.stderr,
            style=read_style(Inputs(self.options, self.environ)["format"].text),
            plain=bool(self.environ.get("NO_COLOR")) or self.environ.get("TERM") == "dumb",
        )


def _arguments(arguments: Sequence[str], environment: Environment) -> list[str]:
    """Return the command line; a GitHub step or a pipe has none: an input names the command."""
    command = Inputs({}, environment.environ)["command"]
    if arguments or not (command.given or environment.job.system == "github"):
        return list(arguments) or ["--help"]
    if command.text not in COMMANDS:
        raise command.refuse(f"is not one of {', '.join(COMMANDS)}")
    return [command.text]


def _invoke(arguments: list[str], environment: Environment) -> int:
    """Let click read the command line and call the one command that it names."""
    program = make_program(environment)
    code = program.main(arguments, "studio-action", standalone_mode=False)
    return code if isinstance(code, int) else 0


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
        studio_action.add_command(_command(name, environment))
    studio_action.add_command(_storage_initializer(environment))
    studio_action.add_command(_doctor(environment))
    for name in _PROMOTIONS:
        studio_action.add_command(_promotion(name, environment))
    for name in _SERVER_SUMMARIES:
        studio_action.add_command(_of_the_server(name, environment.environ))
    return studio_action


def _command(name: str, environment: Environment) -> click.Command:
    def call(**options: str | tuple[str, ...] | None) -> None:
        from studio_action.inputs import unknown
        from studio_action.inputs.config import RunConfig
        from studio_action.run import commands

        texts = {key.replace("_", "-"): _text(value) for key, value in options.items()}
        inputs = environment.inputs(texts)
        for warning in unknown.warnings(environment.environ):
            environment.platform.warning(warning)
        commands.run(RunConfig.from_inputs(name, inputs, environment.job), environment.platform)

    options: list[click.Parameter] = [
        _option(each, name) for each in inputs_of(name) if not each.secret
    ]
    return _GroupedCommand(name, callback=call, params=options, help=_SUMMARIES[name])


def _storage_initializer(environment: Environment) -> click.Command:
    """Make the command that KServe's init container is; all other inputs are the environment's."""

    def call(source: str, dest: str) -> None:
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
        help="Put a model into the folder of a model server, as KServe asks for it.\n\n"
        "SOURCE is studio://HOST/OWNER/NAME?model=churn&stage=prod, DEST is the folder, which gets"
        " the model's files and nothing else. All other inputs are read from the environment.",
    )


def _doctor(environment: Environment) -> click.Command:
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

    options: list[click.Parameter] = [
        click.Argument(["repository"], default=""),
        click.Option(["--json", "as_json"], is_flag=True, help="One JSON object."),
        click.Option(
            ["--server"],
            default="",
            metavar="URL",
            help="Instead, say what this job needs to get a token of that server for its ID token.",
        ),
        *[_option(each, DOCTOR) for each in INPUTS if each.name in _NETWORK],
    ]
    return click.Command(
        DOCTOR,
        callback=call,
        params=options,
        help="List a repository's models, versions and stages, and what is wrong with them.\n\n"
        "REPOSITORY is an address or a folder; by default this job's repository. The exit code is"
        " 12 if something is broken, 17 if somebody may deploy what was not meant, else 0. With"
        " --server it is that of the step which failed.",
    )


def _promotion(name: str, environment: Environment) -> click.Command:
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
        inputs = environment.inputs({"repo": repo, **{key: _text(it) for key, it in shown.items()}})
        config = RunConfig.from_inputs(DOCTOR, inputs, environment.job)
        context = RunContext(config, environment.platform)
        outputs = promotion.run(wish, config, context, time.time)
        style = read_style(inputs["format"].text)
        Results(sys.stdout, style).publish(outputs, "MODEL_")

    version = click.Option(["--version"], required=True, metavar="VERSION", help="E.g. v2.0.0.")
    options: list[click.Parameter] = [
        click.Option(["--model"], required=True, metavar="NAME", help="churn, or path/to:churn."),
        *([version] if name == "promote" else []),
        click.Option(["--stage"], required=True, metavar="NAME", help="E.g. prod."),
        click.Option(["--repo"], default=".", metavar="FOLDER", help="The checkout. [default: .]"),
        click.Option(
            ["--remote"],
            default="origin",
            metavar="NAME",
            help="[default: origin]",
        ),
        click.Option(["--dry-run"], is_flag=True, help="Only say which tag would be made."),
        click.Option(["--push"], is_flag=True, help="Push the tag to the remote."),
        click.Option(["--sign"], is_flag=True, help="Sign the tag, as `git tag --sign` does."),
        *[_option(BY_NAME[each], name) for each in ("format", "quiet")],
    ]
    return click.Command(
        name,
        callback=call,
        params=options,
        help=f"{_PROMOTIONS[name]}\n\nThe tag is annotated, in your name as git knows it. The tags"
        " of the remote are read first, and the policy of the repository has to permit it.",
    )


def _of_the_server(name: str, environ: Mapping[str, str]) -> click.Command:
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
        help=_SERVER_SUMMARIES[name],
        add_help_option=False,
        context_settings={"ignore_unknown_options": True},
    )


def _fault(error: click.ClickException) -> str:
    """Return what is wrong with the command line; of an option that is none, the nearest one."""
    if isinstance(error, click.NoSuchOption):
        meant = did_you_mean(error.option_name, error.possibilities or ()).strip()
        return f"There is no option {error.option_name}. {meant}".strip()
    return error.format_message()


def _text(value: str | tuple[str, ...] | None) -> str:
    return "\n".join(value) if isinstance(value, tuple) else value or ""


class _GroupedCommand(click.Command):
    """A command whose `--help` shows the usual inputs in groups; `--help-all` shows all."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*super().get_params(ctx), _HELP_ALL]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        every = ctx.meta.get(_SHOWS_ALL, False)
        lines = {
            (each.name or "").replace("_", "-"): record
            for each in self.get_params(ctx)
            if (record := each.get_help_record(ctx))
        }
        names = [name for name in lines if every or name not in BY_NAME or is_usual(name)]
        for title, members in grouped(names):
            with formatter.section(title):
                formatter.write_dl([lines[name] for name in members])


def _show_all(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        ctx.meta[_SHOWS_ALL] = True
        click.echo(ctx.get_help())
        ctx.exit()


_HELP_ALL = click.Option(
    ["--help-all"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    help="Show every option, and exit.",
    callback=_show_all,
)


def _show_versions(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from studio_action.run.versions import lines

        click.echo("\n".join(lines()))
        ctx.exit()


def _completions(each: Input, begun: str) -> list[CompletionItem]:
    """Return what a shell offers for the value of an input that begins like this."""
    from click.shell_completion import CompletionItem

    if takes(each) in ("FILE", "FOLDER"):
        return [CompletionItem(begun, type="dir" if takes(each) == "FOLDER" else "file")]
    return [CompletionItem(choice) for choice in each.choices if choice.startswith(begun)]


def _option(each: Input, command: str) -> click.Option:
    """Make one option. Its text is judged in inputs/config.py, like that of every other origin."""
    shown = help_text(each, command)
    names = [f"--{each.name}"] + ([SHORT[each.name]] if each.name in SHORT else [])
    metavar = takes(each)
    match each.kind:
        case "flag":
            return click.Option(
                names, is_flag=False, flag_value="true", help=shown, metavar=metavar
            )
        case "list":
            return click.Option(names, multiple=True, help=shown, metavar=metavar)
        case "text":
            return click.Option(
                names,
                help=shown,
                metavar=metavar,
                shell_complete=lambda _, __, begun: _completions(each, begun),
            )
