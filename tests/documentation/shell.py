"""The commands of studio-action in a text of the shell, and whether their options exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click

from studio_action.cli import Environment, make_program
from studio_action.server.run.commands import COMMANDS as SERVER_COMMANDS

PROGRAM = make_program(Environment({}))
_NAMED = r"(?:studio-action(?:[:@][\w.-]+)?['\"]?\s+(?=[a-z]))"
_CONTINUED = r"(?:^\s*(?=download-model |resolve-model ))"
_START = re.compile(f"{_NAMED}|{_CONTINUED}", re.MULTILINE)
_END = {"|", "||", "&&", "&", ";", ">", "<", "#", ")"}


def commands_in(text: str) -> Iterator[list[str]]:
    """Yield each command with its options, without the program's name."""
    joined = text.replace("\\\n", " ")
    for found in _START.finditer(joined):
        line = joined[found.end() :].partition("\n")[0]
        words: list[str] = []
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
        lexer.whitespace_split = True
        lexer.commenters = "#"
        try:
            for word in lexer:
                if word in _END or set(word) <= set("|&;<>()"):
                    break
                words.append(word)
        except ValueError:  # a quote that was opened before the program's name
            words = line.split("'")[0].split('"')[0].split()
        if words and words[0] in PROGRAM.commands:
            yield words


def unknown_options(words: list[str]) -> list[str]:
    """Return the options that the command does not have."""
    command = SERVER_COMMANDS[words[0]]({}) if words[0] in SERVER_COMMANDS else None
    command = command or PROGRAM.commands[words[0]]
    rest = words[1:]
    if isinstance(command, click.Group) and rest[0] in command.commands:
        command, rest = command.commands[rest[0]], rest[1:]
    options = command.get_params(click.Context(command))
    known = {name for each in options for name in each.opts} | {"--help", "-h"}
    given = [word.partition("=")[0] for word in rest if word.startswith("--")]
    return [each for each in given if each not in known]
