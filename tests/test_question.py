from __future__ import annotations

from pathlib import Path

import pytest

from studio_action.artifact import ArtifactRef, AtStage, AtVersion, Latest, ModelName, Selector
from studio_action.ci.job import Job
from studio_action.download.plan import Filters
from studio_action.errors import BadInput
from studio_action.inputs import Inputs
from studio_action.question import (
    Question,
    Skip,
    read_credential,
    read_question,
    read_source,
    source_told,
)
from studio_action.repository import RepositoryUrl
from studio_action.versions import InRange

JOB = Job("generic", Path("/workspace"), repository="https://github.com/acme/models")
CHURN = ArtifactRef("https://github.com/acme/models", ModelName("churn"))


def inputs(**options: str) -> Inputs:
    return Inputs({name.replace("_", "-"): text for name, text in options.items()}, {})


def question(job: Job = JOB, **options: str) -> Question | Skip:
    return read_question(inputs(**{"source": "studio"} | options), job, lambda: "")


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
def test_question__selector(options: dict[str, str], selector: Selector) -> None:
    assert question(model="churn", **options) == Question(CHURN, selector, Filters(), "error")


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
def test_question__model(text: str, name: ModelName) -> None:
    found = question(model=text)
    assert isinstance(found, Question)
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
def test_question__from_the_tag(tag: str, model: str, selector: Selector, registered: bool) -> None:
    found = question(tagged(tag))
    artifact = ArtifactRef("https://github.com/acme/models", ModelName.parse(model))
    pinned = (tag, "c0ffee") if registered else ("", "")
    assert found == Question(
        artifact, selector, Filters(), "error", "include", tag=pinned[0], revision=pinned[1]
    )


@pytest.mark.parametrize(
    "tag", ["churn@v1.2.0!", "churn#prod!#4", "churn@deprecated", "churn@created"]
)
def test_question__a_tag_that_takes_back(tag: str) -> None:
    assert isinstance(question(tagged(tag)), Skip)


def test_question__a_tag_that_the_pipeline_does_not_want() -> None:
    assert isinstance(question(tagged("churn#dev#1"), on_stage="prod,staging"), Skip)
    assert isinstance(question(tagged("churn#prod#1"), on_stage="prod,staging"), Question)
    assert isinstance(question(model="churn", on_model="churn"), Skip)


def test_question__an_event_that_gto_does_not_know() -> None:
    with pytest.raises(BadInput, match=r"on-event.*'register', not one of registration"):
        question(tagged("churn#prod#1"), on_event="register")


def test_question__an_input_outweighs_the_tag() -> None:
    found = question(tagged("churn@v1.2.0"), stage="prod")
    assert isinstance(found, Question)
    assert (found.selector, found.tag) == (AtStage("prod"), "")
    named = question(tagged("churn@v1.2.0"), model="other")
    assert isinstance(named, Question)
    assert named.selector == Latest()


def test_question__filters() -> None:
    found = question(model="churn", include="*.onnx, *.txt\nvocab/", exclude="*.tmp")
    assert isinstance(found, Question)
    assert found.filters == Filters(("*.onnx", "*.txt", "vocab/"), ("*.tmp",))


REFUSED = {
    "no model": ({}, "input model is missing"),
    "both": ({"model": "churn", "version": "v1.0.0", "stage": "prod"}, "exclude each other"),
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
def test_question__refused(options: dict[str, str], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        question(**options)


def test_question__no_repository() -> None:
    with pytest.raises(BadInput, match="input repo is missing"):
        question(Job("generic", Path("/w")), model="churn")


def test_question__the_checkout_is_asked_last() -> None:
    job = Job("generic", Path("/w"))
    found = read_question(inputs(model="churn"), job, lambda: "git@host.org:a/b.git")
    assert isinstance(found, Question)
    assert found.artifact.repository == "git@host.org:a/b.git"


def test_question__user_info_is_cut() -> None:
    found = question(model="churn", repo="https://gitlab-ci-token:JOBTOKEN@gitlab.com/a/b.git")
    assert "JOBTOKEN" not in repr(found)


GITHUB = Job("github", Path("/w"), server="https://github.com")
GITLAB = Job("gitlab", Path("/w"), server="https://gitlab.example.org")
OURS, THEIRS = "https://github.com/acme/models", "https://gitlab.example.org/acme/models"


@pytest.mark.parametrize(
    ("variable", "token", "job", "repository", "user"),
    [
        pytest.param("INPUT_GIT-TOKEN", "pat_x", GITHUB, OURS, "x-access-token", id="given"),
        pytest.param("INPUT_GIT-TOKEN", "pat_x", GITHUB, THEIRS, "oauth2", id="for another host"),
        pytest.param("INPUT_GIT-TOKEN", "ghs_x", GITHUB, OURS, "x-access-token", id="the job's"),
        pytest.param("INPUT_GIT-TOKEN", "ghs_x", GITHUB, THEIRS, None, id="not for another host"),
        pytest.param("GITHUB_TOKEN", "t0ken", GITHUB, THEIRS, None, id="nor from the environment"),
        pytest.param("CI_JOB_TOKEN", "t0ken", GITLAB, THEIRS, "gitlab-ci-token", id="GitLab's job"),
        pytest.param("CI_JOB_TOKEN", "t0ken", GITLAB, OURS, None, id="GitLab's for another host"),
    ],
)
def test_credential(variable: str, token: str, job: Job, repository: str, user: str | None) -> None:
    address = RepositoryUrl.parse(repository)
    found = read_credential(Inputs({}, {variable: token}), job, address)
    assert (found.user if found else None) == user
    assert token not in repr(found)


@pytest.mark.parametrize(
    ("environ", "source"),
    [
        ({}, "git"),
        ({"DVC_STUDIO_TOKEN": "x"}, "studio"),
        ({"DVC_STUDIO_TOKEN_FILE": "x"}, "studio"),
        ({"DVC_STUDIO_URL": "https://studio.example.org"}, "studio"),
        ({"DVC_STUDIO_TOKEN": "x", "STUDIO_ACTION_SOURCE": "git"}, "git"),
        ({"STUDIO_ACTION_SOURCE": "studio"}, "studio"),
    ],
    ids=str,
)
def test_source(environ: dict[str, str], source: str) -> None:
    assert read_source(Inputs({}, environ)) == source
    assert source_told(Inputs({}, environ)).startswith(f"Source {source}, ")


@pytest.mark.parametrize("text", [".", "./models", "/srv/models", "../models"])
def test_question__a_folder(tmp_path: Path, text: str) -> None:
    job = Job("generic", tmp_path)
    found = question(job, model="churn", source="git", repo=text)
    assert isinstance(found, Question)
    assert found.folder == (tmp_path / text).resolve()
    assert found.artifact.repository == str(found.folder)


@pytest.mark.parametrize("text", ["main", "refs/heads/main", "origin/main", "release/1.x"])
def test_question__branch(text: str) -> None:
    found = question(model="churn", require_ancestor_of=text)
    assert isinstance(found, Question)
    assert found.branch == text.removeprefix("refs/heads/").removeprefix("origin/")


@pytest.mark.parametrize("text", ["--upload-pack=x", "a b", "a..b", "*", "a~1", "/a", "a/"])
def test_question__no_branch(text: str) -> None:
    with pytest.raises(BadInput, match="require-ancestor-of"):
        question(model="churn", require_ancestor_of=text)
