"""Ask the real dvc about whole repositories; needs an interpreter that has it.

Each line of standard input is a question in JSON, each line of standard output its answer:

    {"repository": FOLDER, "model": NAME}       what `dvc artifacts get` delivers of the model's
    {"files": {PATH: TEXT}}                     latest version, by path below the delivered one
                                                ('' where that is a file itself), or
    {"problem": "TypeOfError: what it says"}

    {"ignored": FOLDER, "paths": [PATH]}        which of the paths, as files and, where they end in
    {"ignored": [PATH]}                         `/`, as folders, `.dvcignore` files ignore; or
    {"problem": "TypeOfError"}
"""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from dvc.fs import localfs
from dvc.ignore import DvcIgnoreFilter
from dvc.repo import Repo


def delivered(repository: str, model: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "out")
        try:
            with Repo.open(url=repository, subrepos=True, uninitialized=True) as repo:
                repo.artifacts.download(model, out=str(place))
        except Exception as error:  # what dvc does not deliver, whatever it raises
            causes = (str(each) for each in (error, error.__cause__) if each)
            return {"problem": f"{type(error).__name__}: {'; '.join(causes)}"}
        if place.is_file():
            return {"files": {"": place.read_text()}}
        found = (path for path in place.rglob("*") if path.is_file())
        return {"files": {str(path.relative_to(place)): path.read_text() for path in found}}


def ignored(folder: str, paths: list[str]) -> dict[str, Any]:
    try:
        rules = DvcIgnoreFilter(localfs, folder)
        return {"ignored": [path for path in paths if _is_ignored(rules, folder, path)]}
    except Exception as error:
        return {"problem": type(error).__name__}


def _is_ignored(rules: DvcIgnoreFilter, folder: str, path: str) -> bool:
    place = f"{folder}/{path.rstrip('/')}"
    ask = rules.is_ignored_dir if path.endswith("/") else rules.is_ignored_file
    return bool(ask(place))


def main() -> None:
    for line in sys.stdin:
        question = json.loads(line)
        with redirect_stdout(sys.stderr):
            if "ignored" in question:
                answer = ignored(question["ignored"], question["paths"])
            else:
                answer = delivered(question["repository"], question["model"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
