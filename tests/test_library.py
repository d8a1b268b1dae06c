"""The Python interface, as somebody uses it who reads docs/python.md."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import studio_action
from tests.reference import Answer, ReferenceServer

DOCS = Path(__file__).parents[1] / "docs"
NO_TAGS = "http://127.0.0.1:1/acme/models"
"""A repository whose tags nobody serves."""


@pytest.fixture
def server(
    studio: ReferenceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ReferenceServer]:
    """The API, in the environment of somebody who works in an empty folder."""
    monkeypatch.setenv("DVC_STUDIO_URL", studio.url)
    monkeypatch.setenv("DVC_STUDIO_TOKEN", studio.token)
    monkeypatch.chdir(tmp_path)
    return studio


def local(text: str) -> str:
    """The example, about a repository that is not asked for tags."""
    return text.replace("https://github.com/acme/models", NO_TAGS)


def test_documented_examples_run(
    server: ReferenceServer, capfd: pytest.CaptureFixture[str]
) -> None:
    text = (DOCS / "python.md").read_text()
    names: dict[str, object] = {}

    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(local(block), "docs/python.md", "exec"), names)

    shown = capfd.readouterr()
    assert "config.json" in shown.out
    assert "Not found" in shown.out.splitlines()[-1]
    assert shown.err == ""


def test_notebook_runs(server: ReferenceServer, capfd: pytest.CaptureFixture[str]) -> None:
    notebook = json.loads((DOCS / "notebook.ipynb").read_text())
    names: dict[str, object] = {}
    cells = [each for each in notebook["cells"] if each["cell_type"] == "code"]

    for cell in cells:
        assert cell["outputs"] == []
        exec(compile(local("".join(cell["source"])), "docs/notebook.ipynb", "exec"), names)

    assert "not found (Studio answered 404: Not found.)" in str(names["message"])


def test_download(server: ReferenceServer, tmp_path: Path) -> None:
    seen: list[studio_action.Progress] = []

    found = studio_action.download("dir-model", "out", repo=NO_TAGS, progress=seen.append)

    assert (found.model, found.source, found.version) == ("dir-model", "studio", None)
    assert found.path == tmp_path / "out"
    for file in found.files:
        content = file.path.read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)
    assert seen[-1].received == found.transferred == found.size
    assert seen[-1].files == len(found.files)
    assert json.loads(found.manifest.read_text())["model"]
    again = studio_action.download("dir-model", "out", repo=NO_TAGS)
    assert (again.transferred, again.digest) == (0, found.digest)


def test_values_are_frozen(server: ReferenceServer) -> None:
    found = studio_action.resolve("text-classifier", stage="prod", repo=NO_TAGS)

    with pytest.raises(dataclasses.FrozenInstanceError):
        found.version = "v9.9.9"  # type: ignore[misc]
    assert hash(found.files[0])


def test_inputs_of_a_job_are_not_read(
    server: ReferenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_ACTION_VERSION", "v9.9.9")
    monkeypatch.setenv("INPUT_STAGE", "none")

    assert studio_action.resolve("text-classifier", repo=NO_TAGS).stage is None


def test_progress__its_exception_ends_the_download(server: ReferenceServer, tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def refuse(_: studio_action.Progress) -> None:
        raise Enough

    with pytest.raises(Enough):
        studio_action.download("dir-model", "out", repo=NO_TAGS, progress=refuse)
    assert [each.name for each in (tmp_path / "out").iterdir()] == [".studio-action"]


def test_cancel__while_a_file_does_not_come(server: ReferenceServer, tmp_path: Path) -> None:
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/model.bin"
        server.api_script.append(Answer(200, {"model.bin": url}))

        silent.settimeout(30)
        accepted: list[socket.socket] = []

        def cancel_once_asked() -> None:
            accepted.append(silent.accept()[0])
            stop.set()

        thread = threading.Thread(target=cancel_once_asked)
        thread.start()
        with pytest.raises(studio_action.Cancelled, match="cancelled"):
            studio_action.download("churn", "out", version="v1.0.0", repo=NO_TAGS, cancel=stop)
        thread.join()
        accepted[0].close()
    assert [each.name for each in (tmp_path / "out").iterdir()] == [".studio-action"]


def test_cancel__before_it_begins(server: ReferenceServer) -> None:
    stop = threading.Event()
    stop.set()

    with pytest.raises(studio_action.Cancelled):
        studio_action.resolve("text-classifier", repo=NO_TAGS, cancel=stop)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"model": "-"}, studio_action.BadInput),
        ({"model": "m", "stage": "prod", "version": "v1.0.0"}, studio_action.BadInput),
        ({"model": "m", "token": "other"}, studio_action.TokenRefused),
        ({"model": "m"}, studio_action.NoSuchModel),
    ],
    ids=["name", "both", "token", "model"],
)
def test_failures_are_exceptions(
    server: ReferenceServer, arguments: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        studio_action.resolve(repo=NO_TAGS, **arguments)


def test_import__is_cheap() -> None:
    program = (
        "import sys, studio_action; studio_action.__version__;"
        " print([name for name in sys.modules if name.startswith('studio_action.')"
        " or name in ('requests', 'pycurl', 'click', 'logging')])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.stdout == "[]\n"


def test_download__is_the_function_though_a_folder_has_that_name() -> None:
    program = (
        "import studio_action.download.base, studio_action; from studio_action import download;"
        " import studio_action.download.engine;"
        " print(callable(download) and studio_action.download is download)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.stdout == "True\n", ran.stderr


def test_all_names_are_there() -> None:
    assert set(studio_action.__all__) <= set(dir(studio_action))
    for name in studio_action.__all__:
        assert getattr(studio_action, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'none'"):
        _ = studio_action.none


NAMES = [
    "BadInput",
    "Cancelled",
    "ContentMismatch",
    "DeadlinePassed",
    "Download",
    "File",
    "NoSuchModel",
    "NotFound",
    "ObjectMissing",
    "PolicyRefused",
    "Progress",
    "RemoteFile",
    "Resolved",
    "StudioActionError",
    "TokenRefused",
    "UnexpectedAnswer",
    "Unreachable",
    "WorkspaceRefused",
    "__version__",
    "download",
    "resolve",
]
SHARED = [
    "stage",
    "version",
    "repo",
    "source",
    "studio_url",
    "token",
    "git_token",
    "prerelease",
    "include",
    "exclude",
]
LIMITS = ["timeout", "retries", "deadline"]
IDENTITY = [
    "model",
    "repository",
    "source",
    "version",
    "stage",
    "tag",
    "revision",
    "previous_version",
    "digest",
]
ARGUMENTS = {
    "resolve": ["model", *SHARED, *LIMITS, "cancel"],
    "download": [
        *["model", "dest", *SHARED, "layout", "overwrite", "verify", "connections", "cache_dir"],
        *[*LIMITS, "progress", "cancel"],
    ],
}
FIELDS = {
    "Resolved": [*IDENTITY, "files", "warnings"],
    "Download": [
        *[*IDENTITY, "path", "files", "size", "transferred", "seconds"],
        *["manifest", "checksums", "warnings"],
    ],
    "File": ["path", "source_path", "size", "md5", "sha256", "verified"],
    "RemoteFile": ["path", "size", "digest"],
    "Progress": ["received", "expected", "files"],
}


def test_promise__names_arguments_and_fields() -> None:
    """Taking one away, or another order of what is positional, is a breaking change."""
    assert sorted(studio_action.__all__) == NAMES
    for name, arguments in ARGUMENTS.items():
        parameters = inspect.signature(getattr(studio_action, name)).parameters
        assert list(parameters) == arguments
        positional = [each.name for each in parameters.values() if each.kind != each.KEYWORD_ONLY]
        assert positional == ["model"] + ["dest"] * (name == "download")
    for name, fields in FIELDS.items():
        kind = getattr(studio_action, name)
        assert [each.name for each in dataclasses.fields(kind)] == fields
