"""Several models in one step: what input `models` lists. Pure.

One a line: its version, range or stage is behind `@`, and a folder of its own behind `->`.

    churn@prod
    bert@^1.2 -> models/bert

Or as YAML, of which JSON is a part; there, each model may have inputs of its own.

    - churn@prod
    - model: bert
      version: ^1.2
      repo: acme/other
      dest: models/bert
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio_action.errors import BadInput
from studio_action.text import printable

if TYPE_CHECKING:
    from studio_action.policy.yaml_value import YamlValue

OWN = (
    "model",
    "version",
    "stage",
    "repo",
    "dest",
    "layout",
    "include",
    "exclude",
    "prerelease",
    "if-not-found",
    "minimum-version",
    "not-older-than",
    "previous-manifest",
    "previous-digest",
    "expected-sha256",
    "signature",
)
"""The inputs that a model may have of its own. Of all others it has the step's."""
KEYS = ("name", *OWN)

MOST_MODELS = 256
"""As many as a matrix of GitHub may have jobs."""
_LARGEST = 256 << 10
_LISTS = ("include", "exclude")

_LINE = re.compile(
    r"(?P<model>[^@#\s]+)(?:(?P<sign>[@#])(?P<wanted>\S.*?))?(?:\s+->\s+(?P<dest>\S.*))?"
)
_VERSION = re.compile(r"[\^~<>=!*]|[vV]?\d+(?:[.,\s+-]|$)|[xX](?:\.|$)")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_NAME = re.compile(r"[\w.@#:/^~<>=!*,+-]{1,200}", re.ASCII)
_HINT = "Write one a line, e.g. churn@prod or bert@^1.2 -> models/bert, or a YAML list"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of the list: its name in outputs, and the inputs that are its own."""

    name: str
    inputs: Mapping[str, str]


def parse(text: str) -> tuple[ModelEntry, ...]:
    """Return the models in `text`, in order; raise `BadInput`, with the line, for what is none.

    A model that is listed twice is named with what is wanted of it, as in `churn@prod`.
    """
    if len(text) > _LARGEST:
        raise BadInput(f"input models has more than {_LARGEST:,} characters", "Shorten it")
    of_yaml = text.lstrip().startswith(("- ", "-\n", "[", "{"))
    found = list(_of_yaml(text) if of_yaml else _of_lines(text))
    if not found:
        raise BadInput("input models names no model", _HINT)
    if len(found) > MOST_MODELS:
        raise BadInput(f"input models names {len(found)} models, more than {MOST_MODELS}")
    return tuple(_named(found))


def parse_line(line: str) -> dict[str, str]:
    """Return the inputs that one line stands for; raise `ValueError` if it is no model."""
    found = _LINE.fullmatch(line.strip())
    if found is None:
        raise ValueError("is not a model")
    inputs = {"model": found["model"]}
    if found["wanted"]:
        is_version = found["sign"] == "@" and _VERSION.match(found["wanted"])
        inputs |= _selected("version" if is_version else "stage", found["wanted"].strip())
    if found["dest"]:
        inputs["dest"] = found["dest"].strip()
    return inputs


def _selected(by: str, wanted: str) -> dict[str, str]:
    """Return both inputs that select: the one that is empty is not the step's, either."""
    return {"version": "", "stage": "", by: wanted}


def _of_lines(text: str) -> Iterator[dict[str, str]]:
    for number, whole in enumerate(text.splitlines(), 1):
        line = _COMMENT.sub("", whole).strip()
        if not line:
            continue
        try:
            yield parse_line(line)
        except ValueError as error:
            shown = repr(printable(line, 100))
            raise BadInput(f"input models, line {number}: {shown} {error}", _HINT) from None


def _of_yaml(text: str) -> Iterator[dict[str, str]]:
    from studio_action.policy.yaml_value import read  # late: few steps have YAML

    content = _indented(text).encode("utf-8", "replace")
    for item in read(content, "input models", _HINT).items():
        yield _of_mapping(item) if item.is_mapping else _of_text(item)


def _indented(text: str) -> str:
    """Return a list in YAML whose first line is indented as the rest: inputs are trimmed."""
    first, newline, rest = text.partition("\n")
    lines = [line for line in rest.splitlines() if line.strip()]
    if not lines or not first.startswith("-"):
        return text
    outermost = min(lines, key=lambda line: len(line) - len(line.lstrip(" ")))
    indent = len(outermost) - len(outermost.lstrip(" "))
    behind = 0 if outermost.lstrip(" ").startswith("-") else 2  # where the keys of one item are
    return " " * (indent - behind) + first + newline + rest


def _of_text(value: YamlValue) -> dict[str, str]:
    text = value.text()
    try:
        return parse_line(text)
    except ValueError as error:
        raise value.wrong(f"{printable(text, 100)!r} {error}", _HINT) from None


def _of_mapping(value: YamlValue) -> dict[str, str]:
    keys = value.mapping(KEYS)
    if "model" not in keys:
        raise value.wrong("has no model", "Add model, e.g. churn")
    inputs = _of_text(keys["model"])
    own = {name: _text(name, each) for name, each in keys.items() if name != "model"}
    chosen = [name for name in ("version", "stage") if own.get(name)]
    if len(chosen) + ("stage" in inputs) > 1:
        raise value.wrong("version and stage cannot be used together", "Give one of them")
    for name in chosen:
        inputs |= _selected(name, own[name])
    return inputs | own


def _text(name: str, value: YamlValue) -> str:
    if name in _LISTS:
        return "\n".join(value.texts())
    if name != "name":
        return value.scalar()
    if not _NAME.fullmatch(value.text()):
        raise value.wrong("is not a name", "A name has letters, digits and no spaces")
    return value.text()


def _named(found: Sequence[Mapping[str, str]]) -> Iterator[ModelEntry]:
    """Yield each model with its name; raise `BadInput` where two have one name."""
    times = Counter(inputs["model"] for inputs in found if "name" not in inputs)
    taken: set[str] = set()
    for inputs in found:
        name = inputs.get("name") or inputs["model"]
        wanted = inputs.get("version") or inputs.get("stage")
        if "name" not in inputs and times[name] > 1 and wanted:
            name = f"{name}@{wanted}"
        if name in taken:
            raise BadInput(
                f"input models has {printable(name, 200)!r} twice",
                "Give each a name of its own: in YAML, by the key name",
            )
        taken.add(name)
        yield ModelEntry(name, {key: text for key, text in inputs.items() if key != "name"})
