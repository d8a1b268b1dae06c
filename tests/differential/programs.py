"""The two that are compared: the real `dvc artifacts get`, and `studio-action download-model`."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from studio_action import cli
from tests.differential.project import Question

PYTHON = Path(__file__).parents[2] / ".venv-dvc/bin/python"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of a question: the files by path relative to the model's own, '' for itself; or,
    where there are none, why not.
    """

    files: dict[str, bytes]
    executable: frozenset[str] = field(default=frozenset(), compare=False)
    said: str = field(default="", compare=False)

    @property
    def failed(self) -> bool:
        return self.files == {}


def found_at(path: Path, said: str) -> Delivery:
    """What lies at `path`, a file or a folder."""
    paths = [each for each in ([path] if path.is_file() else path.rglob("*")) if each.is_file()]
    names = {each: "" if each == path else each.relative_to(path).as_posix() for each in paths}
    return Delivery(
        {name: each.read_bytes() for each, name in names.items()},
        frozenset(name for each, name in names.items() if os.access(each, os.X_OK)),
        said,
    )


@dataclass(frozen=True, slots=True)
class Dvc:
    """The real dvc in a process that answers one question after another."""

    process: subprocess.Popen[str]

    def get(self, url: str, question: Question, out: Path) -> Delivery:
        """What `dvc artifacts get` delivers to `out`."""
        code, said = self._ask(words(url, question, out))
        return Delivery({}, said=said) if code else found_at(out, said)

    def run(self, folder: Path, *words: str) -> None:
        """Run `dvc` with the words in a folder, which must succeed."""
        code, said = self._ask(["--cd", str(folder), *words])
        assert code == 0, said

    def _ask(self, words: list[str]) -> tuple[int, str]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["code"], answer["said"]


def words(url: str, question: Question, out: Path) -> list[str]:
    """The command line after `dvc`."""
    asked = ["--rev", question.version] if question.version else []
    asked += ["--stage", question.stage] if question.stage else []
    return ["artifacts", "get", url, question.model, *asked, "-o", str(out)]


def environ_of_dvc(home: Path) -> dict[str, str]:
    """Away from this machine's configuration and caches, and from Studio."""
    config = home / "config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "config").write_text("[core]\n    check_update = false\n    analytics = false\n")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(home),
        "LC_ALL": "C.UTF-8",
        "DVC_NO_ANALYTICS": "1",
        "DVC_STUDIO_OFFLINE": "1",
        "DVC_GLOBAL_CONFIG_DIR": str(config),
        "DVC_SYSTEM_CONFIG_DIR": str(config),
        "DVC_SITE_CACHE_DIR": str(home / "site"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }


@contextlib.contextmanager
def dvc_in_a_process(home: Path) -> Iterator[Dvc]:
    assert PYTHON.exists(), "Run `make dvc` first"
    command = [PYTHON, "-W", "ignore", Path(__file__).with_name("ask_dvc.py")]
    pipe = subprocess.PIPE
    with (
        (home / "said").open("w") as said,
        subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=said, text=True, env=environ_of_dvc(home)
        ) as process,
    ):
        yield Dvc(process)


def ours(repository: str, question: Question, out: Path, home: Path) -> Delivery:
    """What `studio-action download-model --source git` delivers, in this process."""
    out.mkdir(parents=True)
    said = io.StringIO()
    before = Path.cwd()
    os.chdir(out)
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = cli.run(arguments(repository, question), environ_of_ours(home))
    finally:
        os.chdir(before)
    if code:
        return Delivery({}, said=said.getvalue())
    outputs = json.loads((out / "outputs.json").read_text())
    return found_at(out / outputs["path"], said.getvalue())


def arguments(repository: str, question: Question) -> list[str]:
    """The command line after `studio-action`."""
    asked = [f"--version={question.version}"] if question.version else []
    asked += [f"--stage={question.stage}"] if question.stage else []
    named = [f"--repo={repository}", f"--model={question.model}", "--source=git"]
    return ["download-model", *named, *asked, "--dest=model", "--output-json=outputs.json"]


def environ_of_ours(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home)}
