"""How CI systems read what we write, to the letter, so that a test can read it back."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path


class FormatError(Exception):
    """The CI system would refuse the file, or fail the step."""


def github_file(text: str) -> dict[str, str]:
    """`$GITHUB_OUTPUT` as the runner reads it (actions/runner, `FileCommandManager.cs`)."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, _, value = line.partition("=")
        elif heredoc >= 0:
            name, _, fence = line.partition("<<")
            if not fence:
                raise FormatError(f"no delimiter: {line!r}")
            inside: list[str] = []
            while (inner := next(lines, None)) != fence:
                if inner is None:
                    raise FormatError(f"the delimiter {fence!r} does not come back")
                inside.append(inner)
            value = "\n".join(inside)
        else:
            raise FormatError(f"invalid format: {line!r}")
        if not name:
            raise FormatError(f"no name: {line!r}")
        found[name] = value
    return found


def github_commands(log: str) -> list[tuple[str, str]]:
    """The commands, and their data, that the runner sees in a log (`ActionCommand.cs`)."""
    found = []
    for line in re.split(r"\r\n|\r|\n", log):
        modern = re.match(r"\s*::([^ :]+)(?: .*?)?::(.*)", line)
        match = modern or re.search(r"##\[([^\] ]+)[^\]]*\](.*)", line)
        if match:
            found.append((match[1], match[2]))
    return found


def azure_commands(log: str) -> list[tuple[str, str, str]]:
    """Area and action, properties and data of the commands that the agent sees in a log."""
    found = []
    for line in re.split(r"\r\n|\r|\n", log):
        if match := re.search(r"##vso\[(\S+?)(?: (.*?))?\](.*)", line):
            data = match[3].replace("%0D", "\r").replace("%0A", "\n").replace("%AZP25", "%")
            found.append((match[1], match[2] or "", data))
    return found


def gitlab_dotenv(content: bytes, most_variables: int = 20) -> dict[str, str]:
    """A dotenv report as GitLab reads it (`parse_dotenv_artifact_service.rb`).

    A value that GitLab would expand is an error here.
    """
    if len(content) >= 5 * 1024:
        raise FormatError("Dotenv Artifact Too Big")
    found: dict[str, str] = {}
    for line in content.decode("utf-8").splitlines(keepends=True):
        match = re.fullmatch(r"(.*?)=(.*)", line.strip())
        if not match:
            raise FormatError(f"Invalid Format: {line!r}")
        name, value = match[1].strip(), match[2].strip()
        if not re.fullmatch(r"[a-zA-Z0-9_]{1,255}", name):
            raise FormatError(f"Key can contain only letters, digits and '_': {name!r}")
        if "$" in value:
            raise FormatError(f"would be expanded: {value!r}")
        found[name] = value
    if len(found) > most_variables:
        raise FormatError("Dotenv files cannot have more variables")
    return found


def gitlab_annotations(content: str) -> list[tuple[str, str]]:
    """Labels and URLs of an annotations report."""
    (links,) = json.loads(content).values()
    return [(link["external_link"]["label"], link["external_link"]["url"]) for link in links]


def shell_script(path: Path) -> dict[str, str]:
    """The variables that a script exports, by running it as CircleCI does."""
    done = subprocess.run(
        ["/bin/bash", "--noprofile", "--norc", "-c", '. "$0" && env -0', path],
        env={},
        capture_output=True,
        check=True,
        timeout=30,
    )
    pairs = (entry.partition("=") for entry in done.stdout.decode().split("\0") if entry)
    return {name: value for name, _, value in pairs if name not in ("PWD", "SHLVL", "_")}
