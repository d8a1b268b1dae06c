"""Outputs in files: the CI system's own, to which is added, and those that a user names."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from studio_action.ci import dotenv
from studio_action.workspace.workspace import Workspace, refused


def size(path: Path) -> int:
    """Return the bytes of the file at `path`, 0 if there is none yet; raise `WorkspaceRefused`."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise refused("the CI system's file cannot be read", path, error) from error


def append(path: Path, text: str) -> None:
    """Add `text` to the file at `path`, on a line of its own; raise `WorkspaceRefused`."""
    if not text:
        return
    try:
        with path.open("ab+") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                text = text if file.read(1) == b"\n" else f"\n{text}"
            file.write(text.encode(errors="backslashreplace"))
    except OSError as error:
        raise refused("the CI system's file cannot be written", path, error) from error


def write(path: Path, text: str, mode: int = 0o666) -> None:
    """Put `text` at `path`, whole or not at all, owned as the folder is that it lies in.

    `mode` is subject to the umask. Folders that are missing are made. Raises `WorkspaceRefused`.
    """
    whole = path.absolute()
    try:
        top = next(folder for folder in whole.parents if folder.is_dir())
    except OSError as error:
        raise refused("a file cannot be written", path, error) from error
    workspace = Workspace.at(top)
    workspace.write(workspace.root / whole.relative_to(top), text, mode)


def json_text(outputs: Mapping[str, str]) -> str:
    """Return all outputs as one JSON object: lists as lists, everything else as text.

    It is ASCII, so that any terminal and any reader can take it.
    """
    values = {
        name: json.loads(value) if name in dotenv.LISTS and value else value
        for name, value in outputs.items()
    }
    return json.dumps(values, indent=2) + "\n"


def write_json(path: Path, outputs: Mapping[str, str]) -> None:
    """Write the file of input `output-json`; raise `WorkspaceRefused`."""
    write(path, json_text(outputs))


def write_env(path: Path, outputs: Mapping[str, str], prefix: str) -> None:
    """Write the file of input `output-env`, as GitLab reads it; raise `WorkspaceRefused`."""
    named = dotenv.variables(outputs, prefix)
    write(path, dotenv.render({n: v for n, v in named.items() if dotenv.can_carry(v)}))


def write_each(folder: Path, outputs: Mapping[str, str]) -> None:
    """Write one file per output, named as the output is, for input `output-dir`.

    A file holds the value and no line end: it is a result of Tekton, or a parameter of Argo
    Workflows, to the byte. Raises `WorkspaceRefused`.

    https://tekton.dev/docs/pipelines/tasks/#emitting-results
    """
    for name, value in outputs.items():
        write(folder / name, value)
