"""The outputs of a command on standard output: a table for people, JSON or lines for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TextIO

from studio_action.ci import dotenv
from studio_action.text import first_few, human_size, printable

Style = Literal["auto", "json", "table", "env", "path"]
STYLES: tuple[Style, ...] = ("auto", "json", "table", "env", "path")

NUMBERS = frozenset({"file-count", "size"})
FLAGS = frozenset({"cached", "changed", "made", "pushed", "skipped"})
"""The outputs that are numbers, and those that are true or false; an empty one is null."""

_SHOWN_FILES = 3


@dataclass(slots=True)
class Results:
    """Writes outputs to a stream. `auto` is a table on a terminal, and JSON for a program.

    `details` are what people want to know besides: rows of the table, and of nothing else.
    """

    stream: TextIO
    style: Style = "auto"
    details: dict[str, str] = field(default_factory=dict)

    def publish(self, outputs: Mapping[str, str], prefix: str) -> None:
        """Write all outputs, in the style that was chosen."""
        self.stream.write(self._text(outputs, prefix))
        self.stream.flush()

    def _text(self, outputs: Mapping[str, str], prefix: str) -> str:
        style = self.style
        if style == "auto":
            style = "table" if self.stream.isatty() else "json"
        match style:
            case "table":
                return table({**dict(rows(outputs)), **self.details})
            case "env":
                return dotenv.render(_carried(dotenv.variables(outputs, prefix)))
            case "path":
                return "".join(f"{path}\n" for path in _paths(outputs))
        return json_text(outputs)


def read_style(text: str) -> Style:
    """Return the style of that name; `auto` for any other, which `RunConfig` refuses."""
    return next((style for style in STYLES if style == text), "auto")


def json_text(outputs: Mapping[str, str]) -> str:
    """Return one JSON object of real numbers, booleans and lists, and null for what is empty.

    It is ASCII, so that any terminal and any reader can take it.
    """
    return json.dumps({name: typed(name, text) for name, text in outputs.items()}, indent=2) + "\n"


def typed(name: str, text: str) -> object:
    """Return the value of the output `name`; None for an empty one."""
    if not text:
        return None
    if name in NUMBERS:
        return int(text)
    if name in FLAGS:
        return text == "true"
    if name == "models":
        return {each: _typed_row(row) for each, row in json.loads(text).items()}
    if name == "matrix":
        return {"include": [_typed_row(row) for row in json.loads(text)["include"]]}
    return json.loads(text) if name in dotenv.LISTS else text


def _typed_row(row: Mapping[str, object]) -> dict[str, object]:
    """Return the outputs of one of several models with their values."""
    return {
        name: typed(name, value) if isinstance(value, str) else value for name, value in row.items()
    }


def rows(outputs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what people look for, by its name: of what is not known, nothing."""
    for name, text in outputs.items():
        match name:
            case "files":
                continue  # with file-count
            case "file-count" if text:
                yield "files", _files(text, outputs)
            case "size" if text:
                yield "size", human_size(int(text))
            case "revision" if text:
                yield "commit", text[:7]
            case "stage" if text and outputs.get("previous-version"):
                yield "stage", f"{text} (before: {outputs['previous-version']})"
            case "projects" | "previous-version" | "cache-key" | "matrix" | "plan":
                continue
            case "models" if text:
                yield from _models(text)
            case "skipped" if text != "true":
                continue
            case _ if text and not name.startswith("attestation"):
                yield name, text


def _models(text: str) -> Iterator[tuple[str, str]]:
    """Yield a row for each of several models: its version, where it is, and how large."""
    for name, model in json.loads(text).items():
        size = human_size(int(model["size"])) if model.get("size") else ""
        path, version = model.get("path", ""), model.get("version") or model.get("revision", "")[:7]
        stages = ", ".join(f"{stage}: {held}" for stage, held in model.get("stages", {}).items())
        known = ", ".join(filter(None, (version, path, size, stages)))
        yield f"model {printable(name, 100)}", known or "skipped"


def _paths(outputs: Mapping[str, str]) -> list[str]:
    """Return where the model is, or each of several; of a project, its page."""
    if outputs.get("models"):
        found = [model.get("path", "") for model in json.loads(outputs["models"]).values()]
        return [path for path in found if path]
    return [outputs.get("path") or outputs.get("project-url", "")]


def _files(count: str, outputs: Mapping[str, str]) -> str:
    names = json.loads(outputs.get("files") or "[]")
    more = int(count) - len(names[:_SHOWN_FILES])
    shown = first_few(names[:_SHOWN_FILES], _SHOWN_FILES) + (f" and {more} more" if more else "")
    return f"{count} ({shown})" if names else count


def table(cells: Mapping[str, str]) -> str:
    """Return two columns, as plain text: a terminal breaks lines that are too long."""
    width = max(map(len, cells), default=0)
    return "".join(f"{name.ljust(width)}  {printable(text)}\n" for name, text in cells.items())


def _carried(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in variables.items() if dotenv.can_carry(text)}
