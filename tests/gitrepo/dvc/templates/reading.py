"""What we make of a project with templates, in the words of `ask_dvc.py`."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from typing import Any

from studio_action.gitrepo.dvc.outputs import read_outputs, read_pipeline
from tests.gitrepo.memory import REVISION, MemoryFiles

Answer = dict[str, Any]


def home(files: Mapping[str, str]) -> str:
    """The `dvc.yaml` that is asked about."""
    return next(path for path in files if path.endswith("dvc.yaml"))


def artifacts(files: Mapping[str, str]) -> dict[str, str]:
    """The path of each artifact."""
    memory = MemoryFiles({path: text.encode() for path, text in files.items()})
    path = home(files)
    pipeline = read_pipeline(path, memory.content[path], REVISION, memory.read)
    named = pipeline.artifacts()
    return {name: pipeline.filled(node.get("path")).text() for name, node in named.items()}


def outputs(files: Mapping[str, str], locked: Mapping[str, list[str]]) -> dict[str, list[Any]]:
    """The outputs that are there of a lock that has paths of stages: cached, remote, and MD5."""
    path = home(files)
    lock = posixpath.join(posixpath.dirname(path), "dvc.lock")
    contents = {
        **{name: text.encode() for name, text in files.items()},
        lock: lock_of(locked).encode(),
    }
    memory = MemoryFiles(contents)
    found = read_outputs({lock: contents[lock], path: contents[path]}, REVISION, memory.read)
    return {it.path: [it.cached, it.remote, it.node.get("md5").text()] for it in found}


def lock_of(locked: Mapping[str, list[str]]) -> str:
    """A lock of stages with outputs of these paths, each with an MD5 of its own."""
    stages = {
        name: {
            "cmd": "x",
            "outs": [{"path": path, "hash": "md5", "md5": md5(name, path)} for path in paths],
        }
        for name, paths in locked.items()
    }
    return json.dumps({"schema": "2.0", "stages": stages})


def expected(told: Answer) -> dict[str, list[Any]]:
    """The outputs of dvc's answer, as we tell them of a lock that has all of them."""
    return {
        path: [cached, remote, md5(stage, defined)]
        for stage, outs in told["outputs"].items()
        for defined, (path, cached, remote, _) in outs.items()
        if path != "." and not path.startswith("..")  # which is no part of a model
    }


def md5(stage: str, path: str) -> str:
    return f"{stage}:{path}".encode().hex()[-32:].rjust(32, "0")
