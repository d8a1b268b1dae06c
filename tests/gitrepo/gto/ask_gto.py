"""Ask the real gto about whole repositories; needs an interpreter that has it.

Each line of standard input is the path of a repository; each line of standard output is JSON:

    {"problem": "ManyVersions"}     or
    {"models": {NAME: {
        "versions": [[VERSION, COMMIT], …],            as `gto show NAME` lists them
        "latest": [[VERSION, COMMIT], …],              as `gto show NAME@latest`
        "stages": {STAGE: [[VERSION, COMMIT], …]},     as `gto show NAME#STAGE`
        "holders": {STAGE: [[VERSION, COMMIT], …]}}}}  with all versions of a stage, in turn
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import gto.api
from gto.constants import VersionSort
from gto.registry import GitRegistry


def shown(repository: str, query: str) -> list[list[str]]:
    rows = gto.api.show(repository, query)
    return [[row["version"], row["commit_hexsha"]] for row in rows]


def model(repository: str, name: str, artifact: Any) -> dict[str, Any]:
    stages = {stage for version in artifact.versions for stage in version.stages}
    holders = artifact.get_vstages(
        assignments_per_version=-1, versions_per_stage=-1, sort=VersionSort.Timestamp
    )
    return {
        "versions": shown(repository, name),
        "latest": shown(repository, f"{name}@latest"),
        "stages": {stage: shown(repository, f"{name}#{stage}") for stage in sorted(stages)},
        "holders": {
            stage: [[holder.version, holder.commit_hexsha] for holder in found]
            for stage, found in holders.items()
        },
    }


def answer(repository: str) -> dict[str, Any]:
    try:
        with GitRegistry.from_url(repository) as registry:
            artifacts = registry.get_artifacts()
        models = {name: model(repository, name, artifact) for name, artifact in artifacts.items()}
    except Exception as error:  # what gto does not answer, whatever it raises
        return {"problem": type(error).__name__}
    return {"models": models}


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(answer(str(Path(line.rstrip("\n"))))), flush=True)


if __name__ == "__main__":
    main()
