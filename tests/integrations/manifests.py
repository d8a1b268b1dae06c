"""The files in `integrations/`, and a Kubernetes container of theirs as `docker run` takes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

FOLDER = Path(__file__).parents[2] / "integrations"
MANIFESTS = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.y*ml"))


def read(name: str) -> Any:
    """The only document of a file."""
    return YAML(typ="safe", pure=True).load((FOLDER / name).read_text())


@dataclass(frozen=True)
class Container:
    """A container of a manifest whose `$(…)` or `{{…}}` are replaced."""

    command: list[str]
    environ: dict[str, str]
    folder: str
    secrets: dict[str, str]
    """The key of a secret, by the name of the variable that gets it."""


def container(spec: Mapping[str, Any], replace: Callable[[str], list[str]]) -> Container:
    """Read a container's spec; `replace` gives what one text comes to: an array gives several."""
    environ, secrets = {}, {}
    for each in spec.get("env", []):
        if "value" in each:
            (environ[each["name"]],) = replace(each["value"])
        else:
            secrets[each["name"]] = each["valueFrom"]["secretKeyRef"]["key"]
    words = [*spec["command"], *spec.get("args", [])]
    folder = "".join(replace(spec.get("workingDir", "")))
    return Container([out for word in words for out in replace(word)], environ, folder, secrets)


def of_tekton(params: Mapping[str, str | list[str]], workspaces: Mapping[str, str]) -> Any:
    """How Tekton replaces: `$(params.NAME)`, `$(params.NAME[*])`, `$(workspaces.NAME.path)`."""

    def replace(text: str) -> list[str]:
        array = re.fullmatch(r"\$\(params\.([\w-]+)\[\*\]\)", text)
        if array:
            return list(params[array[1]])
        text = re.sub(r"\$\(params\.([\w-]+)\)", lambda it: str(params[it[1]]), text)
        return [re.sub(r"\$\(workspaces\.([\w-]+)\.path\)", lambda it: workspaces[it[1]], text)]

    return replace


def of_argo(parameters: Mapping[str, str]) -> Any:
    """How Argo Workflows replaces `{{inputs.parameters.NAME}}`."""
    return lambda text: [
        re.sub(r"\{\{inputs\.parameters\.([\w-]+)\}\}", lambda it: parameters[it[1]], text)
    ]
