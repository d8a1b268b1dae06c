"""The real dvc, in a process that answers one question after another."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PYTHON = Path(__file__).parents[3] / ".venv-dvc/bin/python"


@dataclass(frozen=True, slots=True)
class Dvc:
    """What `ask_dvc.py` answers."""

    process: subprocess.Popen[str]

    def delivered(self, repository: Path, model: str) -> dict[str, str] | str:
        """The files of the latest version by path below the model's; a text says what is wrong."""
        answer = self._answer({"repository": str(repository), "model": model})
        return answer["files"] if "files" in answer else answer["problem"]

    def ignored(self, folder: Path, paths: Sequence[str]) -> list[str]:
        """Those that `.dvcignore` files in `folder` ignore; folders end in a slash."""
        answer = self._answer({"ignored": str(folder), "paths": paths})
        return answer["problem"] if "problem" in answer else answer["ignored"]

    def _answer(self, question: dict[str, object]) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{json.dumps(question)}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@contextmanager
def running() -> Iterator[Dvc]:
    """The process for as long as the block lasts; it needs `make dvc`."""
    assert PYTHON.exists(), "Run `make dvc` first"
    command = [PYTHON, "-W", "ignore", Path(__file__).with_name("ask_dvc.py")]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    ) as process:
        yield Dvc(process)
