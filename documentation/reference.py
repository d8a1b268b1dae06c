"""The reference: tables of the documentation that are made from the program's own.

A page has a region for each, between two comments, and whatever people write around it:

    <!-- made by make reference: outputs -->
    <!-- end -->
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from documentation.api import api_table, openapi_document
from documentation.figures import server_rows, times_rows
from studio_action import errors
from studio_action.cli import Environment, make_program
from studio_action.inputs.outputs_table import COMMANDS, CREATE, DOWNLOAD, OUTPUTS, RESOLVE
from studio_action.inputs.table import INPUTS, Input
from studio_action.server.run.commands import COMMANDS as SERVER_COMMANDS

DOCS = Path(__file__).parents[1] / "docs"
OPENAPI = DOCS / "openapi.json"
RESULTS = DOCS.parent / "benchmarks/RESULTS.md"
_REGION = re.compile(
    r"(?P<begin><!-- made by make reference: (?P<name>[\w-]+) -->\n).*?(?P<end><!-- end -->)",
    re.DOTALL,
)
_SHORT = {DOWNLOAD: "download", RESOLVE: "resolve", CREATE: "create"}
_OTHER_CODES = {
    "0": "done, or skipped as an input or a tag asked",
    "1": "bug in studio-action: its traceback is shown; please report it",
    "130`, `143": "SIGINT, SIGTERM: stopped at once, nothing half-written at a final path",
}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown; a `|` in a cell stays one."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    text = "\n".join(f"| {' | '.join(line)} |" for line in cells)
    return text.replace("| --- |", "|---|").replace(" --- |", "---|") + "\n"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _of(commands: tuple[str, ...]) -> str:
    """Return the commands in short, in the order of the program."""
    if commands in ((), COMMANDS):
        return "all"
    return ", ".join(_SHORT.get(each, each) for each in commands)


def _heading(commands: tuple[str, ...]) -> str:
    return "Every command" if commands in ((), COMMANDS) else " and ".join(commands)


def _input_row(each: Input) -> Iterator[str]:
    yield _code(each.name)
    yield _code(each.default)
    yield each.help
    yield ", ".join(map(_code, each.also))


def inputs_table() -> str:
    """Return the inputs, with a table for each group of commands that take them."""
    head = ["input", "default", "meaning", "also read from"]
    headings = dict.fromkeys(_heading(each.commands) for each in INPUTS)
    return "\n".join(f"### {heading}\n\n{table(head, _inputs(heading))}" for heading in headings)


def _inputs(heading: str) -> Iterator[Iterator[str]]:
    return (_input_row(each) for each in INPUTS if _heading(each.commands) == heading)


def outputs_table() -> str:
    """Return the outputs, each with the commands that write it."""
    return table(
        ["output", "of", "meaning"],
        [[_code(each.name), _of(each.commands), each.help] for each in OUTPUTS],
    )


def exit_codes_table() -> str:
    """Return the exit codes: those of the errors, and the others."""
    found = {
        str(each.exit_code): each.meaning
        for each in vars(errors).values()
        if isinstance(each, type)
        and issubclass(each, errors.StudioActionError)
        and hasattr(each, "exit_code")
    }
    codes = sorted((found | _OTHER_CODES).items(), key=lambda item: int(item[0].partition("`")[0]))
    return table(["code", "meaning"], [[_code(code), meaning] for code, meaning in codes])


def commands_table() -> str:
    """Return every command with its summary, and the options that are no inputs."""
    return "\n".join(_commands())


def _commands() -> Iterator[str]:
    for name, command in make_program(Environment({})).commands.items():
        if name in SERVER_COMMANDS:
            yield from _command(name, SERVER_COMMANDS[name]({}))
        else:
            yield from _command(name, command)


def _command(name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=f"studio-action {name}")
    usage = " ".join(command.collect_usage_pieces(context))
    summary = (command.help or "").strip()
    yield f"### studio-action {name}\n\n{summary}\n"
    yield f"```text\nstudio-action {name} {usage}\n```\n"
    if name in COMMANDS:
        yield "Its options are [the inputs](inputs.md).\n"
        return
    options = [each for each in command.params if isinstance(each, click.Option)]
    if options:
        yield table(["option", "meaning"], map(_option_row, options))
    if isinstance(command, click.Group):
        for own, part in command.commands.items():
            yield from _command(f"{name} {own}", part)


def _option_row(option: click.Option) -> Iterator[str]:
    yield _code(", ".join(option.opts))
    yield option.help or ""


TABLES: Mapping[str, Callable[[], str]] = {
    "inputs": inputs_table,
    "outputs": outputs_table,
    "exit-codes": exit_codes_table,
    "commands": commands_table,
    "times": lambda: table(*times_rows(RESULTS.read_text("utf-8"))),
    "servers": lambda: table(*server_rows(RESULTS.read_text("utf-8"))),
    "api": lambda: api_table(openapi_document(), table),
}


def filled(page: str) -> str:
    """Return the page with each of its regions made anew; raise `KeyError` for an unknown one."""

    def made(region: re.Match[str]) -> str:
        return f"{region['begin']}\n{TABLES[region['name']]().strip()}\n\n{region['end']}"

    return _REGION.sub(made, page)


def made_files() -> dict[Path, str]:
    """Return the text that each file with something made has to have."""
    pages = {path: path.read_text("utf-8") for path in sorted(DOCS.rglob("*.md"))}
    made = {path: filled(text) for path, text in pages.items() if _REGION.search(text)}
    return made | {OPENAPI: _json(openapi_document())}


def _json(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the files."""
    for path, text in made_files().items():
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
