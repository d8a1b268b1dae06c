from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.dvc import metrics
from studio_action.gitrepo.dvc.metrics import Values
from tests.gitrepo.dvc.real_dvc import PYTHON
from tests.gitrepo.repositories import made_at

PIPELINE = {
    "metrics": ["summary.yaml", {"nested.json": {"type": "x"}}],
    "params": ["params.toml"],
    "vars": [{"model": "gbm"}],
    "stages": {
        "train": {
            "cmd": "train",
            "params": ["lr", {"deep.yaml": ["a.b"]}],
            "metrics": [{"metrics.json": {"cache": False}}, "far.json"],
        },
        "each": {
            "foreach": ["a", "b"],
            "do": {"cmd": "x ${item}", "metrics": [{"${item}-${model}.json": {"cache": False}}]},
        },
    },
}
LOCK = {
    "schema": "2.0",
    "stages": {
        "train": {"params": {"params.yaml": {"lr": 0.1}, "deep.yaml": {"a.b": [1, 2]}}},
        "each@a": {},
        "each@b": {},
        "gone": {"params": {"params.yaml": {"old": 1}}},
    },
}
FILES = {
    "dvc.yaml": json.dumps(PIPELINE),
    "dvc.lock": json.dumps(LOCK),
    "params.yaml": "lr: 0.1",
    "deep.yaml": "a: {b: [1, 2]}",
    "params.toml": "[net]\ndepth = 3\n",
    "summary.yaml": "auc: 0.91\n",
    "nested.json": '{"val": {"loss": 1, "name": "x"}}',
    "metrics.json": '{"acc": 0.5}',
    "a-gbm.json": '{"n": 1}',
    "b-gbm.json": '{"n": 2}',
}


def values(files: Mapping[str, str | bytes], folder: str = "") -> Values:
    def read(paths: Iterable[str]) -> Mapping[str, bytes]:
        texts = {path: files[path] for path in paths if path in files}
        return {
            path: text.encode() if isinstance(text, str) else text for path, text in texts.items()
        }

    return metrics.values_in(folder, "c" * 40, read)


def shown(found: Iterable[metrics.Value]) -> dict[str, str]:
    return {f"{it.file}:{it.name}": it.text for it in found}


def test_values__of_a_pipeline() -> None:
    found = values(FILES)

    assert shown(found.metrics) == {
        "a-gbm.json:n": "1",
        "b-gbm.json:n": "2",
        "metrics.json:acc": "0.5",
        "nested.json:val.loss": "1",
        "nested.json:val.name": "x",
        "summary.yaml:auc": "0.91",
    }
    assert shown(found.parameters) == {
        "deep.yaml:a.b": "[1, 2]",
        "params.toml:net.depth": "3",
        "params.yaml:lr": "0.1",
    }
    assert found.unread == ("far.json",)


def test_values__in_a_folder_with_a_wdir() -> None:
    stage = {"wdir": "in", "cmd": "x", "metrics": ["m.json"], "params": ["p"]}
    locked = {"schema": "2.0", "stages": {"s": {"params": {"params.yaml": {"p": True}}}}}
    files = {
        "sub/dvc.yaml": json.dumps({"stages": {"s": stage}}),
        "sub/dvc.lock": json.dumps(locked),
        "sub/in/m.json": '{"a": null}',
    }

    found = values(files, "sub")

    assert shown(found.metrics) == {"sub/in/m.json:a": "null"}
    assert shown(found.parameters) == {"sub/in/params.yaml:p": "true"}


def test_values__numbers_are_numbers() -> None:
    text = '{"a": 1, "b": 0.5, "c": true, "d": "1", "e": 1e305}'
    found = values({"dvc.yaml": json.dumps({"metrics": ["m.json"]}), "m.json": text})

    assert [it.number for it in found.metrics] == [1, 0.5, None, None, None]
    assert found.metrics[-1].text == "more than 1e+300"


@pytest.mark.parametrize(
    "path", ["../m.json", "/etc/passwd", "m.py", "m.txt", "nothing.json", "m.csv"]
)
def test_values__files_that_are_not_read(path: str) -> None:
    files = {
        "dvc.yaml": json.dumps({"metrics": [path]}),
        "m.py": "x = 1",
        "m.txt": "- 1",
        "m.csv": "[",
    }

    found = values(files)

    assert found.metrics == ()
    assert found.unread == (() if path.startswith(("..", "/")) else (path,))


def test_values__of_strangers_are_shortened_and_safe() -> None:
    wild = {"\u202e\x1b[31m": "\x00" + "x" * 5000, "many": {str(n): n for n in range(5000)}}
    found = values({"dvc.yaml": json.dumps({"metrics": ["m.json"]}), "m.json": json.dumps(wild)})

    assert len(found.metrics) == metrics.MOST_VALUES
    assert all(len(it.name) <= 200 and len(it.text) <= 200 for it in found.metrics)
    assert found.metrics[0].name.isprintable()


def test_values__without_a_pipeline() -> None:
    assert values({}) == Values()


@pytest.mark.parametrize("text", ["stages: [", "- a", "stages: {s: {metrics: 3}}", "metrics: 7"])
def test_values__of_a_pipeline_that_makes_no_sense(text: str) -> None:
    locked = json.dumps({"schema": "2.0", "stages": {"s": {}}})

    with suppress(UnexpectedAnswer):
        assert values({"dvc.yaml": text, "dvc.lock": locked}).metrics == ()


ASK = """
import json
from dvc.repo import Repo
repo = Repo(".")
print(json.dumps([repo.metrics.show(), repo.params.show()], default=str))
"""


@pytest.mark.oracle
def test_values__are_those_of_the_real_dvc(tmp_path: Path) -> None:
    stages: Any = {**PIPELINE["stages"]}  # type: ignore[dict-item]
    del stages["each"]
    stages["train"] = {**stages["train"], "metrics": [{"metrics.json": {"cache": False}}]}
    locked = {"schema": "2.0", "stages": {"train": {"cmd": "train", **LOCK["stages"]["train"]}}}  # type: ignore[index]
    files = {**FILES, "dvc.lock": json.dumps(locked)}
    plain = {"metrics": ["summary.yaml", "nested.json"], "vars": []}
    files["dvc.yaml"] = json.dumps({**PIPELINE, "stages": stages, **plain})
    written = {path: text.encode() for path, text in files.items()}
    place = made_at(tmp_path / "made", {**written, ".dvc/config": b"[core]\nanalytics = false\n"})

    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DVC_NO_ANALYTICS": "1"}
    command = [PYTHON, "-W", "ignore", "-c", ASK]
    told = subprocess.run(command, cwd=place, env=environ, check=True, capture_output=True)
    theirs = [
        {
            name: text
            for path, content in each[""]["data"].items()
            for name, text in shown(metrics.flattened(path, content["data"])).items()
        }
        for each in json.loads(told.stdout)
    ]
    ours = values(files)

    assert theirs == [shown(ours.metrics), shown(ours.parameters)]
