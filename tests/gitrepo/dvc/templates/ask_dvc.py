"""Ask the real dvc what it makes of templates in a `dvc.yaml`; needs an interpreter that has it.

Each line of standard input is the files of a project by path, in JSON, and so is each answer:

    {"artifacts": {NAME: PATH},
     "outputs": {STAGE: {PATH AS DEFINED: [PATH IN THE PROJECT, CACHED, REMOTE, MD5]}}}    or
    {"problem": "TypeOfError: what it says"}
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from dvc.repo import Repo
from dvc.repo.index import Index


def told(folder: str, pipeline: str) -> dict[str, Any]:
    with Repo(folder) as repo:
        index = Index.from_file(repo, str(Path(repo.root_dir, pipeline)))
        artifacts = next(iter(index._artifacts.values()), {})
        for value in artifacts.values():
            Path(value["path"])  # as if it were downloaded
        return {
            "artifacts": {name: value["path"] for name, value in artifacts.items()},
            "outputs": {
                stage.name: {
                    out.def_path: [
                        os.path.relpath(out.fs_path, repo.root_dir),
                        out.use_cache,
                        out.remote or "",
                        out.hash_info.value if out.hash_info else None,
                    ]
                    for out in stage.outs
                }
                for stage in index.stages
            },
        }


def answer(files: dict[str, str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, ".dvc").mkdir()
        Path(folder, ".dvc/config").write_text("[core]\n  no_scm = true\n")
        for path, text in files.items():
            place = Path(folder, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        os.chdir(folder)
        try:
            return told(folder, next(path for path in files if path.endswith("dvc.yaml")))
        except Exception as error:  # what dvc does not answer, whatever it raises
            return {"problem": f"{type(error).__name__}: {error}"}
        finally:
            os.chdir("/")


def main() -> None:
    for line in sys.stdin:
        with redirect_stdout(sys.stderr):
            found = answer(json.loads(line))
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
