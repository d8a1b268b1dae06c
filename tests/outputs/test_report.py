from __future__ import annotations

import json

import pytest

from studio_action.inputs.outputs_table import (
    COMMANDS,
    LISTED_FILES,
    OUTPUTS,
    RESOLVE,
    outputs_of,
)
from studio_action.model.artifact import ArtifactRef, Latest, ModelName, RemoteFile, Resolution
from studio_action.model.digest import Digest
from studio_action.model.plan import Filters
from studio_action.outputs import report
from studio_action.studio.api import Project

CHURN = ArtifactRef("acme/models", ModelName("churn"))
FOLDER = Digest("md5", "0" * 32 + ".dir")


def remote(path: str, size: int | None = None) -> RemoteFile:
    return RemoteFile(path, f"https://storage/{path}?sig=5ec2e7", size)


def resolved(*files: RemoteFile) -> dict[str, str]:
    resolution = Resolution(CHURN, Latest(), "studio", files)
    return report.resolve_outputs(resolution, files, FOLDER, Filters())


def test_resolve_outputs() -> None:
    assert resolved(remote("m/a", 2), remote("m/b", 3)) == {
        "files": '["m/a", "m/b"]',
        "file-count": "2",
        "size": "5",
        "model": "churn",
        "version": "",
        "stage": "",
        "revision": "",
        "tag": "",
        "previous-version": "",
        "source": "studio",
        "digest": f"md5:{FOLDER.hex}",
        "cache-key": f"studio-action-{FOLDER.hex}",
        "changed": "",
        "models": "",
        "matrix": "",
        "skipped": "false",
    }


def test_resolve_outputs__a_size_that_is_unknown() -> None:
    assert resolved(remote("m/a", 2), remote("m/b"))["size"] == ""


def test_files__only_so_many_are_listed() -> None:
    many = [remote(f"m/{number}") for number in range(LISTED_FILES + 1)]
    outputs = resolved(*many)
    assert len(json.loads(outputs["files"])) == LISTED_FILES
    assert outputs["file-count"] == str(LISTED_FILES + 1)


def test_project_outputs() -> None:
    projects = [Project("x1", "https://studio/p/x1", "churn"), Project("x2", "https://s/2", "b")]
    outputs = report.project_outputs(projects)
    assert json.loads(outputs.pop("projects"))[1] == {"id": "x2", "url": "https://s/2", "name": "b"}
    assert outputs == {
        "skipped": "false",
        "project-id": "x1",
        "project-url": "https://studio/p/x1",
        "project-name": "churn",
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_skipped_outputs__all_are_there(command: str) -> None:
    outputs = report.skipped_outputs(command)
    assert tuple(outputs) == outputs_of(command)
    assert outputs.pop("skipped") == "true"
    assert set(outputs.values()) == {""}


def test_cache_key() -> None:
    plain = report.cache_key(FOLDER, Filters())
    filtered = report.cache_key(FOLDER, Filters(("*.bin",)))
    assert filtered not in (plain, report.cache_key(FOLDER, Filters((), ("*.bin",))))
    assert report.cache_key(None, Filters()) == ""
    assert "," not in filtered


def test_outputs__each_command_has_its_own() -> None:
    assert {name for command in COMMANDS for name in outputs_of(command)} == {
        output.name for output in OUTPUTS
    }


def test_models_outputs__what_adds_up_and_what_is_of_each() -> None:
    models = {
        "churn": {**resolved(remote("m/a", 2)), "version": "v1.0.0", "changed": "false"},
        "bert@prod": {**resolved(remote("n/a", 3), remote("n/b", 4)), "changed": "true"},
        "gone": report.skipped_outputs(RESOLVE),
    }

    outputs = report.models_outputs(RESOLVE, models)

    assert list(outputs) == list(outputs_of(RESOLVE))
    assert {name: outputs[name] for name in ("files", "file-count", "size", "changed")} == {
        "files": '["m/a", "n/a", "n/b"]',
        "file-count": "3",
        "size": "9",
        "changed": "true",
    }
    assert (outputs["version"], outputs["digest"], outputs["skipped"]) == ("", "", "false")
    rows = json.loads(outputs["models"])
    assert (rows["churn"]["version"], rows["gone"]["skipped"]) == ("v1.0.0", "true")
    assert "files" not in rows["churn"]
    matrix = json.loads(outputs["matrix"])["include"]
    assert [each["name"] for each in matrix] == ["churn", "bert@prod"]
    assert matrix[0]["digest"] == f"md5:{FOLDER.hex}"


def test_models_outputs__nothing_is_left() -> None:
    outputs = report.models_outputs(RESOLVE, {"gone": report.skipped_outputs(RESOLVE)})

    assert (outputs["skipped"], outputs["matrix"]) == ("true", '{"include": []}')
