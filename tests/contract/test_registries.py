"""One suite for every registry: what the real gto and dvc say of the sample, all sides say."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from studio_action.errors import NoSuchModel, ObjectMissing, StudioActionError
from studio_action.gitrepo.gto import tags
from studio_action.gitrepo.gto.history import Prerelease
from studio_action.gitrepo.gto.tags import Assignment, Registration
from studio_action.model import plan
from studio_action.model.artifact import (
    AtStage,
    AtVersion,
    Latest,
    ModelName,
    Resolution,
    Selector,
)
from studio_action.model.versions import InRange
from tests import sample
from tests.contract.conftest import SIDES, Contract, Side, asked
from tests.registries.answers import at

MODELS: dict[str, Any] = sample.expected()["models"]
VERSIONS = [
    pytest.param(name, version, id=f"{name} {version[:12]}")
    for name, model in MODELS.items()
    for version, found in model["versions"].items()
    if "problem" not in found
]
QUESTIONS: list[Any] = [
    pytest.param(name, selector, version, id=f"{name} {selector}")
    for name, model in MODELS.items()
    for selector, version in [
        (Latest(), model["latest"]),
        *((AtStage(stage), version) for stage, version in model["stages"].items()),
    ]
    if version and "problem" not in model["versions"][version]
]
each_side = pytest.mark.parametrize("side", SIDES)
each_side_of_the_server = pytest.mark.parametrize("side", SIDES[1:])


@pytest.mark.parametrize(("name", "version"), VERSIONS)
@each_side
def test_resolve__a_version(contract: Contract, side: Side, name: str, version: str) -> None:
    resolution = contract.side(side).resolve(asked(name), at(name, version))

    check(resolution, name, version)
    check_files(resolution, MODELS[name]["versions"][version])


@pytest.mark.parametrize(("name", "selector", "version"), QUESTIONS)
@each_side
def test_resolve__a_stage_or_the_latest(
    contract: Contract, side: Side, name: str, selector: Selector, version: str
) -> None:
    resolution = contract.side(side).resolve(asked(name), selector)

    check(resolution, name, version)
    assert resolution.selector == selector
    assert resolution.stage == (selector.stage if isinstance(selector, AtStage) else "")


@pytest.mark.parametrize(("name", "version"), VERSIONS)
@each_side
def test_bytes__of_a_version(contract: Contract, side: Side, name: str, version: str) -> None:
    resolution = contract.side(side).resolve(asked(name), at(name, version))

    found = MODELS[name]["versions"][version]
    assert contract.bytes_of(resolution) == {
        file["path"]: sample.object_path(file["url"]).read_bytes() for file in found["files"]
    }


def check(resolution: Resolution, name: str, version: str) -> None:
    """Assert that it is that version of the model."""
    registered = version.startswith("v")
    assert resolution.version == (version if registered else "")
    assert resolution.revision == MODELS[name]["versions"][version]["revision"]
    tag = tags.parse(resolution.tag)
    if registered:
        assert tag == Registration(ModelName.parse(name), version)
    else:
        assert tag == Assignment(ModelName.parse(name), resolution.stage)


def check_files(resolution: Resolution, found: dict[str, Any]) -> None:
    """Assert that paths, sizes and digests are those of the real dvc."""
    files = sorted(found["files"], key=lambda file: str(file["path"]))
    assert [file.path for file in resolution.files] == [file["path"] for file in files]
    known = {file.path: file.size for file in resolution.files if file.size is not None}
    assert known.items() <= {file["path"]: file["size"] for file in files}.items()
    stored = [file["url"].removesuffix(".dir")[-33:].replace("/", "") for file in files]
    assert [file.digest and file.digest.hex for file in resolution.files] == stored
    assert {file.digest and file.digest.algorithm for file in resolution.files} == {found["hash"]}
    digest = plan.digest_of(resolution.files, found["path"])
    assert digest is not None
    assert f"md5:{digest.hex}" == found["digest"]


@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_resolve__the_server_tells_all_that_git_does(
    contract: Contract, name: str, version: str
) -> None:
    selector = at(name, version)

    told = contract.side("server").resolve(asked(name), selector)

    git = contract.side("git").resolve(asked(name), selector)
    assert without_urls(told) == without_urls(replace(git, source="studio"))


def without_urls(resolution: Resolution) -> Resolution:
    files = [replace(file, url="", expires=None, headers=()) for file in resolution.files]
    return replace(resolution, files=tuple(files))


@pytest.mark.parametrize("name", ["dir-model", "az-dir", "local-model", "git-model"])
@each_side_of_the_server
def test_resolve__urls_are_good_for_an_hour(contract: Contract, side: Side, name: str) -> None:
    resolution = contract.side(side).resolve(asked(name), Latest())

    left = [file.expires and file.expires - datetime.now(timezone.utc) for file in resolution.files]
    assert all(each and timedelta(minutes=58) < each <= timedelta(hours=1) for each in left)


@pytest.mark.parametrize("version", MODELS["web-model"]["versions"])
@each_side
def test_bytes__of_a_model_behind_a_password(
    guarded_contract: Contract, side: Side, version: str
) -> None:
    resolution = guarded_contract.side(side).resolve(asked("web-model"), AtVersion(version))

    found = MODELS["web-model"]["versions"][version]
    check(resolution, "web-model", version)
    check_files(resolution, found)
    assert guarded_contract.bytes_of(resolution) == {
        file["path"]: sample.object_path(file["url"]).read_bytes() for file in found["files"]
    }


@each_side_of_the_server
def test_resolve__a_password_is_in_no_answer(guarded_contract: Contract, side: Side) -> None:
    (file,) = guarded_contract.side(side).resolve(asked("web-model"), Latest()).files

    assert "/files/remotes/acme/models/web/files/md5/" in file.url
    assert file.headers == ()
    assert file.expires is not None


@each_side
def test_bytes__of_a_model_that_git_holds(contract: Contract, side: Side) -> None:
    resolution = contract.side(side).resolve(asked("git-model"), Latest())

    check(resolution, "git-model", "v1.0.0")
    assert contract.bytes_of(resolution) == {"in-git/model.json": b'{"intercept": 0.5}\n'}


@each_side
def test_bytes__of_a_model_that_was_never_pushed(contract: Contract, side: Side) -> None:
    resolution = contract.side(side).resolve(asked("unpushed-model"), AtStage("prod"))

    check(resolution, "unpushed-model", "v1.0.0")
    with pytest.raises(ObjectMissing):
        contract.bytes_of(resolution)


@each_side
def test_resolve__again_is_the_same(contract: Contract, side: Side) -> None:
    registry = contract.side(side)
    first = registry.resolve(asked("dir-model"), AtStage("prod"))

    assert without_urls(registry.resolve(asked("dir-model"), AtStage("prod"))) == without_urls(
        first
    )


TEXT = "text-classifier"
CHURN = "models/churn:churn"


@pytest.mark.parametrize(
    ("name", "selector", "prerelease", "version"),
    [
        pytest.param(TEXT, InRange.parse("^1"), "include", "v1.1.0-beta.11", id="range"),
        pytest.param(TEXT, InRange.parse("^1"), "exclude", "v1.0.0", id="stable in a range"),
        pytest.param(TEXT, InRange.parse(">=1, <3"), "include", "v2.0.0", id="comparators"),
        pytest.param(TEXT, InRange.parse("1.x"), "only", "v1.1.0-beta.11", id="wildcard, only"),
        pytest.param(TEXT, Latest(), "only", "v1.1.0-beta.11", id="latest pre-release"),
        pytest.param(CHURN, Latest(), "exclude", "v3.0.0", id="latest stable"),
        pytest.param(CHURN, Latest(), "include", "v3.1.0-rc.1", id="latest of all"),
        pytest.param(CHURN, AtStage("dev"), "exclude", "v3.1.0-rc.1", id="a stage has what it has"),
        pytest.param(
            CHURN, AtVersion("v3.1.0-rc.1"), "exclude", "v3.1.0-rc.1", id="a version is that one"
        ),
    ],
)
@each_side
def test_resolve__pre_releases_and_ranges(
    contract: Contract,
    side: Side,
    name: str,
    selector: Selector,
    prerelease: Prerelease,
    version: str,
) -> None:
    check(contract.side(side, prerelease).resolve(asked(name), selector), name, version)


@pytest.mark.parametrize(
    ("name", "selector", "prerelease"),
    [
        pytest.param("none", Latest(), "include", id="unknown model"),
        pytest.param("models/churn", Latest(), "include", id="a folder"),
        pytest.param("churn", Latest(), "include", id="a model of a folder, without it"),
        pytest.param(TEXT, AtVersion("v9.9.8"), "include", id="unknown version"),
        pytest.param(TEXT, AtVersion("v9.9.9"), "include", id="lightweight tag"),
        pytest.param(TEXT, AtStage("Prod"), "include", id="unknown stage"),
        pytest.param("dir-model", AtVersion("v0.11.0"), "include", id="deregistered"),
        pytest.param("dir-model", AtStage("dev"), "include", id="unassigned"),
        pytest.param("gone-model", Latest(), "include", id="deprecated"),
        pytest.param("gone-model", AtVersion("v1.0.0"), "include", id="version of a deprecated"),
        pytest.param("gone-model", AtStage("prod"), "include", id="stage of a deprecated"),
        pytest.param("old-model", AtVersion("v2.0.0"), "include", id="not annotated there"),
        pytest.param("git-model", AtStage("prod"), "include", id="no stage at all"),
        pytest.param(TEXT, InRange.parse("^9"), "include", id="empty range"),
        pytest.param("az-model", Latest(), "only", id="no pre-release"),
    ],
)
@each_side
def test_resolve__none(
    contract: Contract, side: Side, name: str, selector: Selector, prerelease: Prerelease
) -> None:
    with pytest.raises(StudioActionError) as caught:
        contract.side(side, prerelease).resolve(asked(name), selector)
    assert type(caught.value) is NoSuchModel
