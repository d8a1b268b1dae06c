"""Names that stand in `dvc.yaml` as they are, or as a template which comes to the same."""

from __future__ import annotations

import json
import posixpath
from dataclasses import dataclass, field
from typing import Any

from tests.differential.drafts import Draft
from tests.differential.writing import Raw

NAMES = (
    "model.pkl", "weights", "model.tar.gz", "no", "yes.bin", "on", "012", "1e3", "null", "1.10",
    "a b.bin", "modèle.bin", "n#1.bin", "a, b", "-x", "~m", "0x1f",
)  # fmt: skip
ODD = set(NAMES[3:])

SCALARS = {
    "12": "12", "012": "12", "0o14": "12", "0x1F": "31", "-5": "-5", "+5": "5", "1e3": "1000.0",
    "0.10": "0.1", "1e-5": "1e-05", ".5": "0.5", "true": "true", "False": "false", "no": "no",
    "Yes": "Yes", "on": "on", "12:30": "12:30", "'012'": "012", "1.0.0": "1.0.0", '"1e3"': "1e3",
}  # fmt: skip
"""What a scalar of YAML 1.2 becomes in the midst of a text; by YAML 1.1 many would differ."""


@dataclass
class Scope:
    """Where a template may have its values from: the `dvc.yaml` in `folder`; or a stage of it,
    whose own `vars` are then `local`, relative to its `wdir`.
    """

    folder: str
    local: list[Any] | None = None
    wdir: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """A path, and what stands for it in the file."""

    template: str
    path: str = field(default="")


def name(draft: Draft, scope: Scope | None = None) -> Named:
    """A name of a file or folder; with a `scope` maybe as a template."""
    choose = draft.choose
    plain = choose.one_of(*NAMES)
    if scope is None or not choose.chance():
        draft.features |= {"odd name"} if plain in ODD else set()
        return Named(plain, plain)
    if choose.chance():
        text = choose.one_of(*SCALARS)
        value, shown = Raw(text), SCALARS[text]
        draft.features.add("template of a number or a word")
    else:
        value, shown = choose.one_of("cnn", "large", "v é", "x/y"), ""
        shown = value
    before, after = choose.one_of(("", ".bin"), ("m-", ""), ("m_", "_${w}.bin"))
    expression = "${" + variable(draft, scope, value) + "}"
    if "${w}" in after:
        other = variable(draft, scope, "tiny")
        return Named(before + expression + after.replace("w", other), f"m_{shown}_tiny.bin")
    return Named(before + expression + after, before + shown + after)


def whole(draft: Draft, scope: Scope, text: str) -> str:
    """The text, or a template for all of it or a part."""
    choose = draft.choose
    if "$" in text or not choose.chance(of=3):
        return text
    draft.features.add("template of a path")
    if "/" in text and choose.chance():
        folder, _, rest = text.rpartition("/")
        return "${" + variable(draft, scope, folder) + "}/" + rest
    return "${" + variable(draft, scope, text) + "}"


def variable(draft: Draft, scope: Scope, value: object) -> str:
    """Give a new variable the value, somewhere; the expression that means it is returned."""
    choose = draft.choose
    key = f"v{draft.number()}"
    shape = choose.one_of("plain", "dotted", "indexed")
    data, expression = {
        "plain": (value, key),
        "dotted": ({"of": {"it": value}, "x": 1}, f"{key}.of.it"),
        "indexed": ([{"no": 1}, value], f"{key}[1]"),
    }[shape]
    draft.features |= {f"{shape} name"} if shape != "plain" else set()
    homes = ["params.yaml", "vars", "vars of a file", "some vars of a file", "vars of a subfolder"]
    if isinstance(value, str):
        homes += ["vars of a JSON file", "vars of a TOML file"]
    if scope.local is not None:
        homes += ["vars of a stage", "a stage's vars of a file"] * 2
    home = choose.one_of(*homes)
    draft.features.add(home)
    match home:
        case "params.yaml":
            draft.params.setdefault(scope.folder, {})[key] = data
        case "vars":
            draft.variables(scope.folder).append({key: data})
        case "vars of a stage":
            assert scope.local is not None
            scope.local.append({key: data})
        case "a stage's vars of a file":
            assert scope.local is not None
            _in_file(draft, posixpath.join(scope.wdir, f"{key}.yaml"), {key: data})
            scope.local.append(f"{key}.yaml")
        case "vars of a file":
            _in_file(draft, posixpath.join(scope.folder, f"{key}.yaml"), {key: data})
            draft.variables(scope.folder).append(f"{key}.yaml")
        case "some vars of a file":
            others = {"v1": "another", "item": 1, key: data}
            _in_file(draft, posixpath.join(scope.folder, f"{key}.yaml"), others)
            draft.variables(scope.folder).append(f"{key}.yaml:{key}")
        case "vars of a subfolder":
            _in_file(draft, posixpath.join(scope.folder, f"conf/{key}.yaml"), {key: data})
            draft.variables(scope.folder).append(f"conf/{key}.yaml")
        case "vars of a JSON file":
            place = posixpath.normpath(posixpath.join(scope.folder, f"{key}.json"))
            draft.write(place, json.dumps({key: data}).encode())
            draft.variables(scope.folder).append(f"{key}.json")
        case "vars of a TOML file":
            place = posixpath.normpath(posixpath.join(scope.folder, f"{key}.toml"))
            draft.write(place, f"{key} = {_toml(data)}\n".encode())
            draft.variables(scope.folder).append(f"{key}.toml")
    return expression


def _in_file(draft: Draft, path: str, value: dict[str, Any]) -> None:
    draft.write(posixpath.normpath(path), draft.document(value))


def _toml(value: object) -> str:
    match value:
        case dict():
            return f"{{{', '.join(f'{key} = {_toml(each)}' for key, each in value.items())}}}"
        case list():
            return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value)
