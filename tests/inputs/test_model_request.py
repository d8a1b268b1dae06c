from __future__ import annotations

from pathlib import Path

import pytest

from studio_action.ci.job import Job
from studio_action.errors import BadInput
from studio_action.inputs.lookup import Inputs
from studio_action.inputs.model_request import ModelRequest, Skip, read_model_request
from studio_action.model.artifact import (
    ArtifactRef,
    AtStage,
    AtVersion,
    Latest,
    ModelName,
    Selector,
)
from studio_action.model.plan import Filters
from studio_action.model.versions import InRange

JOB = Job("generic", Path("/workspace"), repository="https://github.com/acme/models")
CHURN = ArtifactRef("https://github.com/acme/models", ModelName("churn"))


def inputs(**options: str) -> Inputs:
    return Inputs({name.replace("_", "-"): text for name, text in options.items()}, {})


def request(job: Job = JOB, **options: str) -> ModelRequest | Skip:
    return read_model_request(inputs(**{"source": "studio"} | options), job, lambda: "")


def tagged(tag: str) -> Job:
    return Job(
        "github",
        Path("/w"),
        repository="https://github.com/acme/models",
        tag=tag,
        revision="c0ffee",
    )


@pytest.mark.parametrize(
    ("options", "selector"),
    [
        ({}, Latest()),
        ({"stage": "prod"}, AtStage("prod")),
        ({"version": "v1.2.0"}, AtVersion("v1.2.0")),
        ({"version": "v1.2.0-rc.1+b"}, AtVersion("v1.2.0-rc.1+b")),
        ({"version": "^1.2"}, InRange.parse("^1.2")),
        ({"version": ">=1,<2"}, InRange.parse(">=1,<2")),
        ({"version": "1.x"}, InRange.parse("1.x")),
    ],
)
def test_request__selector(options: dict[str, str], selector: Selector) -> None:
    assert request(model="churn", **options) == ModelRequest(CHURN, selector, Filters(), "error")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("churn", ModelName("churn")),
        ("models/churn:churn", ModelName("churn", "models/churn")),
        ("models/churn/dvc.yaml:churn", ModelName("churn", "models/churn")),
        ("./models:churn", ModelName("churn", "models")),
        ("dvc.yaml:churn", ModelName("churn")),
        ("models=churn", ModelName("churn", "models")),
    ],
)
def test_request__model(text: str, name: ModelName) -> None:
    found = request(model=text)
    assert isinstance(found, ModelRequest)
    assert found.artifact.model == name


@pytest.mark.parametrize(
    ("tag", "model", "selector", "registered"),
    [
        ("churn@v1.2.0", "churn", AtVersion("v1.2.0"), True),
        ("churn@v1.2.0#2", "churn", AtVersion("v1.2.0"), True),
        ("churn#prod#3", "churn", AtStage("prod"), False),
        ("models=churn#prod", "models:churn", AtStage("prod"), False),
    ],
)
def test_request__from_the_tag(tag: str, model: str, selector: Selector, registered: bool) -> None:
    found = request(tagged(tag))
    artifact = ArtifactRef("https://github.com/acme/models", ModelName.parse(model))
    pinned = (tag, "c0ffee") if registered else ("", "")
    assert found == ModelRequest(
        artifact, selector, Filters(), "error", "include", tag=pinned[0], revision=pinned[1]
    )


@pytest.mark.parametrize(
    "tag", ["churn@v1.2.0!", "churn#prod!#4", "churn@deprecated", "churn@created"]
)
def test_request__a_tag_that_takes_back(tag: str) -> None:
    assert isinstance(request(tagged(tag)), Skip)


def test_request__a_tag_that_the_pipeline_does_not_want() -> None:
    assert isinstance(request(tagged("churn#dev#1"), on_stage="prod,staging"), Skip)
    assert isinstance(request(tagged("churn#prod#1"), on_stage="prod,staging"), ModelRequest)
    assert isinstance(request(model="churn", on_model="churn"), Skip)


def test_request__an_event_that_gto_does_not_know() -> None:
    with pytest.raises(BadInput, match=r"on-event.*'register', not one of registration"):
        request(tagged("churn#prod#1"), on_event="register")


def test_request__an_input_outweighs_the_tag() -> None:
    found = request(tagged("churn@v1.2.0"), stage="prod")
    assert isinstance(found, ModelRequest)
    assert (found.selector, found.tag) == (AtStage("prod"), "")
    named = request(tagged("churn@v1.2.0"), model="other")
    assert isinstance(named, ModelRequest)
    assert named.selector == Latest()


def test_request__filters() -> None:
    found = request(model="churn", include="*.onnx, *.txt\nvocab/", exclude="*.tmp")
    assert isinstance(found, ModelRequest)
    assert found.filters == Filters(("*.onnx", "*.txt", "vocab/"), ("*.tmp",))


REFUSED = {
    "no model": ({}, "input model is missing"),
    "both": ({"model": "churn", "version": "v1.0.0", "stage": "prod"}, "cannot be used together"),
    "no range": ({"model": "churn", "version": "newest"}, "neither a version nor a range"),
    "prerelease": ({"model": "churn", "prerelease": "no"}, "not one of include, exclude, only"),
    "version without v": ({"model": "churn", "version": "1.2.0"}, "Write v1.2.0"),
    "no version": ({"model": "churn", "version": "v01.0.0"}, "not a registered version's name"),
    "model with a dot": ({"model": "churn.v2"}, "not a model's name"),
    "model outside": ({"model": "../x:churn"}, "names no folder"),
    "stage": ({"model": "churn", "stage": "prod!"}, "not a stage's name"),
    "source": ({"model": "churn", "source": "dvc"}, "not one of auto, studio, git"),
    "if-not-found": ({"model": "churn", "if-not-found": "maybe"}, "not one of error, warn, ignore"),
    "repo": ({"model": "churn", "repo": "/srv/models"}, "not the address of a Git repository"),
}


@pytest.mark.parametrize(("options", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_request__refused(options: dict[str, str], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        request(**options)


def test_request__no_repository() -> None:
    with pytest.raises(BadInput, match="input repo is missing"):
        request(Job("generic", Path("/w")), model="churn")


def test_request__the_checkout_is_asked_last() -> None:
    job = Job("generic", Path("/w"))
    found = read_model_request(inputs(model="churn"), job, lambda: "git@host.org:a/b.git")
    assert isinstance(found, ModelRequest)
    assert found.artifact.repository == "git@host.org:a/b.git"


def test_request__user_info_is_cut() -> None:
    found = request(model="churn", repo="https://gitlab-ci-token:JOBTOKEN@gitlab.com/a/b.git")
    assert "JOBTOKEN" not in repr(found)


@pytest.mark.parametrize("text", [".", "./models", "/srv/models", "../models"])
def test_request__a_folder(tmp_path: Path, text: str) -> None:
    job = Job("generic", tmp_path)
    found = request(job, model="churn", source="git", repo=text)
    assert isinstance(found, ModelRequest)
    assert found.folder == (tmp_path / text).resolve()
    assert found.artifact.repository == str(found.folder)


@pytest.mark.parametrize("text", ["main", "refs/heads/main", "origin/main", "release/1.x"])
def test_request__branch(text: str) -> None:
    found = request(model="churn", require_ancestor_of=text)
    assert isinstance(found, ModelRequest)
    branch = text.removeprefix("refs/heads/").removeprefix("origin/")
    assert found.required.branches == ((branch,) if branch else ())


@pytest.mark.parametrize("text", ["--upload-pack=x", "a b", "a..b", "*", "a~1", "/a", "a/"])
def test_request__no_branch(text: str) -> None:
    with pytest.raises(BadInput, match="require-ancestor-of"):
        request(model="churn", require_ancestor_of=text)
