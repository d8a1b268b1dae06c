"""The command line, and the one place where an error becomes an exit code.

What a command needs is imported when it runs, so that --help is there at once.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping, Sequence

import click

from studio_action.cli.environment import Environment
from studio_action.cli.program import make_program
from studio_action.errors import BadInput, Stopped, StudioActionError
from studio_action.inputs.lookup import Inputs
from studio_action.inputs.outputs_table import COMMANDS
from studio_action.signals import stopping
from studio_action.text import did_you_mean


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


def _fault(error: click.ClickException) -> str:
    """Return what is wrong with the command line; of an option that is none, the nearest one."""
    if isinstance(error, click.NoSuchOption):
        meant = did_you_mean(error.option_name, error.possibilities or ()).strip()
        return f"There is no option {error.option_name}. {meant}".strip()
    return error.format_message()
