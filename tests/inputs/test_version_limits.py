from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio_action.ci.job import Job
from studio_action.errors import BadInput, WorkspaceRefused
from studio_action.inputs.lookup import Inputs
from studio_action.inputs.version_limits import earlier_download, read_version_limits
from studio_action.model.artifact import ArtifactRef, ModelName
from studio_action.model.digest import Digest
from studio_action.policy.rollback import EarlierDownload, VersionLimits
from studio_action.workspace.workspace import Workspace

DOCUMENT = {
    "schema": "urn:studio-action:manifest:v1",
    "repository": "https://github.com/acme/models.git",
    "model": "models:churn",
    "version": "v1.0.0",
    "tag": "models=churn@v1.0.0",
    "revision": "c0ffee" * 6,
    "digest": "md5:" + "0a" * 16,
}
EARLIER = EarlierDownload(
    DOCUMENT["repository"],
    "models:churn",
    "v1.0.0",
    DOCUMENT["tag"],
    DOCUMENT["revision"],
    Digest("md5", "0a" * 16),
)
CHURN = ModelName("churn", "models")


def limits(
    workspace: Path, repository: str = "acme/models", model: ModelName = CHURN, **given: str
) -> VersionLimits:
    options = {name.replace("_", "-"): text for name, text in given.items()}
    return read_version_limits(
        Inputs(options, {}),
        Job("generic", workspace),
        ArtifactRef(repository, model),
        Workspace.at(workspace),
    )


@pytest.fixture
def last(workspace: Path) -> str:
    (workspace / "last.json").write_text(json.dumps(DOCUMENT))
    return "last.json"


def test_nothing_is_given(workspace: Path) -> None:
    assert limits(workspace) == VersionLimits()


def test_minimum_version(workspace: Path) -> None:
    assert limits(workspace, minimum_version="v1.0.0-rc.1").minimum == "v1.0.0-rc.1"


@pytest.mark.parametrize(
    ("text", "hint"),
    [("1.0.0", "Write v1.0.0"), ("^1", "e.g. v2.0.0"), ("latest", "e.g. v2.0.0")],
)
def test_minimum_version__of_something_else(workspace: Path, text: str, hint: str) -> None:
    with pytest.raises(BadInput) as refused:
        limits(workspace, minimum_version=text)
    assert str(refused.value).startswith(f"input minimum-version: {text!r} is not a version.")
    assert hint in refused.value.hint


def test_not_older_than(workspace: Path, last: str) -> None:
    found = limits(workspace, not_older_than=last, rollback="warn")
    assert found == VersionLimits("", EARLIER, "warn")


def test_not_older_than__a_first_run(workspace: Path) -> None:
    assert limits(workspace, not_older_than="none.json") == VersionLimits(missing="none.json")


def test_not_older_than__outside(workspace: Path) -> None:
    with pytest.raises(WorkspaceRefused, match="is outside the workspace"):
        limits(workspace, not_older_than="../last.json")


@pytest.mark.parametrize(
    "repository",
    [
        "https://github.com/acme/models",
        "git@github.com:acme/models.git",
        "ssh://git@github.com/Acme/models",
        "acme/models",
        "/builds/acme/models",
    ],
)
def test_not_older_than__the_same_repository(workspace: Path, last: str, repository: str) -> None:
    assert limits(workspace, repository, not_older_than=last).earlier == EARLIER


@pytest.mark.parametrize(
    ("repository", "model"),
    [
        ("acme/models", ModelName("churn")),
        ("acme/models", ModelName("other", "models")),
        ("acme/other", CHURN),
        ("https://gitlab.com/acme/models", CHURN),
    ],
)
def test_not_older_than__of_another_model(
    workspace: Path, last: str, repository: str, model: ModelName
) -> None:
    with pytest.raises(BadInput, match="the manifest is of models:churn of https://github"):
        limits(workspace, repository, model, not_older_than=last)


@pytest.mark.parametrize(
    "change",
    [{name: None} for name in DOCUMENT if name != "schema"]
    + [{"digest": "sha256:0"}, {"version": "1.0"}, {"version": "v" + "9" * 5000}],
    ids=lambda change: str(change)[:30],
)
def test_earlier_download__of_something_else(change: dict[str, str | None]) -> None:
    text = json.dumps({**DOCUMENT, **change}).encode()
    with pytest.raises(BadInput, match="input not-older-than: 'm' is not the manifest"):
        earlier_download(lambda: text, "m")


def test_earlier_download__what_was_not_known() -> None:
    unknown = dict.fromkeys(("version", "tag", "revision", "digest"), "")
    found = earlier_download(lambda: json.dumps({**DOCUMENT, **unknown}).encode(), "m")
    assert found == EarlierDownload(DOCUMENT["repository"], "models:churn", "", "", "", None)
