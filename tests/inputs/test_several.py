from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from studio_action.ci.job import Job
from studio_action.errors import BadInput
from studio_action.inputs.config import (
    DownloadModels,
    ListModels,
    Resolve,
    ResolveModels,
    RunConfig,
    Task,
)
from studio_action.inputs.lookup import Inputs
from studio_action.inputs.model_request import Skip
from studio_action.model.artifact import AtStage, AtVersion, Latest
from studio_action.model.versions import InRange


def read(workspace: Path, command: str = "download-model", tag: str = "", **given: str) -> Task:
    job = Job("generic", workspace, repository="https://github.com/acme/models", tag=tag)
    options = {name.replace("_", "-"): text for name, text in given.items()}
    return RunConfig.from_inputs(command, Inputs(options, {}), job).task


def test_models__each_has_its_own_inputs_and_the_steps(workspace: Path) -> None:
    task = read(
        workspace,
        models="churn@v1.0.0\nbert -> b\nvision@^1.2 -> c\n",
        stage="prod",
        include="*.bin",
        max_age="30d",
        layout="model",
    )

    assert isinstance(task, DownloadModels)
    found = task.downloads
    assert [each.request.selector for each in found.values()] == [
        AtVersion("v1.0.0"),
        AtStage("prod"),
        InRange.parse("^1.2"),
    ]
    assert [each.delivery.dest for each in found.values()] == [*map(PurePath, (".", "b", "c"))]
    assert {each.request.filters.include for each in found.values()} == {("*.bin",)}
    assert {each.request.required.max_age for each in found.values()} == {30 * 86400}


def test_models__a_repository_of_its_own(workspace: Path) -> None:
    task = read(workspace, "resolve-model", models="[churn, {model: bert, repo: acme/other}]")

    assert isinstance(task, ResolveModels)
    repositories = [each.request.artifact.repository for each in task.resolves.values()]
    assert repositories == ["https://github.com/acme/models", "acme/other"]
    assert task.resolves["churn"].request.selector == Latest()


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"models": "churn", "model": "bert"}, "model and models cannot be used together"),
        (
            {"models": "churn\nbert", "previous_digest": f"md5:{'0' * 32}"},
            "previous-digest is abou",
        ),
        ({"models": "churn\nbert", "not_older_than": "m.json"}, "the key not-older-than of"),
        ({"models": "m@prod\nm@dev"}, "m@prod and m@dev have one destination, '.'"),
        ({"models": "churn@prod -> m\nchurn -> ./m/"}, "have one destination, 'm'"),
        ({"models": "churn\nbert", "layout": "flat"}, "churn and bert have one destination"),
        ({"models": "churn@prod\nbe rt"}, "line 2"),
        ({"models": "churn@/"}, "models, churn: stage '/' is not a stage's name"),
        ({"models": "churn@1.2.0"}, "models, churn: version '1.2.0' is not.*Write v1.2.0"),
        ({"models": "- {model: churn, layout: x}"}, "models, churn: layout: 'x' is not"),
    ],
)
def test_models__refused_before_anything_is_sent(
    workspace: Path, given: dict[str, str], fault: str
) -> None:
    with pytest.raises(BadInput, match=fault):
        read(workspace, **given)


def test_models__of_one_model_a_digest_may_be_the_steps(workspace: Path) -> None:
    task = read(workspace, models="churn", previous_digest=f"md5:{'0' * 32}")

    assert isinstance(task, DownloadModels)
    assert task.downloads["churn"].previous is not None


def test_models__two_layouts_of_their_own_places(workspace: Path) -> None:
    task = read(workspace, models="churn -> a\nbert -> b", layout="flat")

    assert isinstance(task, DownloadModels)


def test_models__a_tag_that_is_none_of_ours_skips_them_all(workspace: Path) -> None:
    task = read(workspace, models="churn\nbert", on_model="other", tag="churn@v1.0.0")

    assert isinstance(task, Skip)


@pytest.mark.parametrize("tag", ["", "v1.0.0"])
def test_resolve__without_a_model_all_are_listed(workspace: Path, tag: str) -> None:
    task = read(workspace, "resolve-model", tag, stage="prod", include="*.bin")

    assert isinstance(task, ListModels)
    assert task.like.request.selector == AtStage("prod")
    assert task.like.request.filters.include == ("*.bin",)


def test_resolve__the_tag_that_triggered_the_run_still_names_the_model(workspace: Path) -> None:
    task = read(workspace, "resolve-model", "churn@v1.0.0")

    assert isinstance(task, Resolve)


def test_resolve__without_a_model_a_filter_of_tags_still_skips(workspace: Path) -> None:
    assert isinstance(read(workspace, "resolve-model", on_model="churn"), Skip)


def test_download__needs_a_model(workspace: Path) -> None:
    with pytest.raises(BadInput, match="input model is missing"):
        read(workspace)
