from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from studio_action import settings
from studio_action.api import NewProject
from studio_action.artifact import ArtifactRef, AtStage, AtVersion, Latest, ModelName, Selector
from studio_action.ci.job import Job
from studio_action.download.plan import Filters
from studio_action.errors import BadInput, StudioActionError
from studio_action.inputs import Inputs
from studio_action.repository import RepositoryUrl
from studio_action.settings import Delivery, Limits, Question, Reports, Skip, Studio, Trust
from studio_action.versions import InRange

JOB = Job("generic", Path("/workspace"), repository="https://github.com/acme/models")
CHURN = ArtifactRef("https://github.com/acme/models", ModelName("churn"))


def inputs(**options: str) -> Inputs:
    return Inputs({name.replace("_", "-"): text for name, text in options.items()}, {})


def question(job: Job = JOB, **options: str) -> Question | Skip:
    return settings.read_question(inputs(**options), job, lambda: "")


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
    assert found == Question(artifact, selector, Filters(), "error", "include", *pinned)


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
    "source": ({"model": "churn", "source": "git"}, "not one of auto, studio"),
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
    found = settings.read_question(inputs(model="churn"), job, lambda: "git@host.org:a/b.git")
    assert isinstance(found, Question)
    assert found.artifact.repository == "git@host.org:a/b.git"


def test_question__user_info_is_cut() -> None:
    found = question(model="churn", repo="https://gitlab-ci-token:JOBTOKEN@gitlab.com/a/b.git")
    assert "JOBTOKEN" not in repr(found)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://studio.example.org", "https://studio.example.org/"),
        ("https://studio.example.org/", "https://studio.example.org/"),
        ("https://studio.example.org/api", "https://studio.example.org/"),
        ("https://studio.example.org/api/", "https://studio.example.org/"),
        ("https://example.org/studio", "https://example.org/studio/"),
        ("https://example.org/studio/api/", "https://example.org/studio/"),
        ("http://studio:8080", "http://studio:8080/"),
    ],
)
def test_studio__base(url: str, base: str) -> None:
    assert settings.read_studio(inputs(studio_url=url, token="isat_x"), JOB) == Studio(
        base, "isat_x"
    )


@pytest.mark.parametrize(
    "url",
    [
        "studio.example.org",
        "ftp://x",
        "https://",
        "https://u:p@host",
        "https://h/?token=x",
        "https://h x",
    ],
)
def test_studio__no_base(url: str) -> None:
    with pytest.raises(BadInput, match="studio-url"):
        settings.read_studio(inputs(studio_url=url, token="isat_x"), JOB)


@pytest.mark.parametrize(
    ("base", "unsafe"),
    [
        ("https://h/", False),
        ("http://h/", True),
        ("http://127.0.0.1:1/", False),
        ("http://localhost/", False),
    ],
)
def test_studio__unsafe(base: str, unsafe: bool) -> None:
    assert Studio(base, "x").unsafe is unsafe


def test_token__is_in_no_repr() -> None:
    read = inputs(token="isat_secret")
    assert "isat_secret" not in repr((read, read["token"], settings.read_studio(read, JOB)))


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "umlaut-ä", "tab\tx"])
def test_token__that_no_header_can_carry(token: str) -> None:
    with pytest.raises(BadInput) as caught:
        settings.read_studio(inputs(token=token), JOB)
    assert token not in str(caught.value)


def test_token__from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("isat_file\n")
    by_option = inputs(token="isat_x", token_file=str(tmp_path / "token"))
    assert settings.read_studio(by_option, JOB).token == "isat_file"
    by_variable = Inputs({}, {"DVC_STUDIO_TOKEN_FILE": str(tmp_path / "token")})
    assert settings.read_studio(by_variable, JOB).token == "isat_file"
    both = Inputs({}, {"DVC_STUDIO_TOKEN_FILE": "/none", "STUDIO_TOKEN": "isat_env"})
    assert settings.read_studio(both, JOB).token == "isat_env"


def test_token__a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"token-file.*cannot be read: No such file"):
        settings.read_studio(inputs(token_file=str(tmp_path / "none")), JOB)


@pytest.mark.parametrize(
    ("job", "hint"),
    [
        (Job("github", Path("/w")), "secrets.DVC_STUDIO_TOKEN"),
        (Job("gitlab", Path("/w")), "protected"),
        (Job("generic", Path("/w")), "--token-file"),
        (Job("github", Path("/w"), is_pull_request=True), "forks get no secrets"),
    ],
    ids=["github", "gitlab", "generic", "pull request"],
)
def test_token__missing(job: Job, hint: str) -> None:
    with pytest.raises(BadInput, match="input token is missing") as caught:
        settings.read_studio(inputs(), job)
    assert hint in caught.value.hint


def test_limits() -> None:
    assert settings.read_limits(inputs()) == Limits(30.0, 5, None)
    assert settings.read_limits(inputs(timeout="0.5", retries="0", deadline="60")) == Limits(
        0.5, 0, 60.0
    )


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": "0"},
        {"timeout": "nan"},
        {"timeout": "inf"},
        {"timeout": "x"},
        {"retries": "-1"},
        {"retries": "1.5"},
        {"retries": "\u0661"},
        {"deadline": "-5"},
    ],
    ids=str,
)
def test_limits__refused(options: dict[str, str]) -> None:
    with pytest.raises(BadInput, match=f"input {next(iter(options))}"):
        settings.read_limits(inputs(**options))


def test_delivery() -> None:
    assert settings.read_delivery(inputs()) == Delivery(PurePath(), "repo", True, "auto", 16)
    given = inputs(dest="out", layout="flat", overwrite="No", verify="require", connections="4")
    assert settings.read_delivery(given) == Delivery(PurePath("out"), "flat", False, "require", 4)
    assert settings.read_delivery(inputs(cache_dir="/cache")).cache_dir == PurePath("/cache")


@pytest.mark.parametrize("text", ["true", "TRUE", "yes", "1", "On"])
def test_flag__true(text: str) -> None:
    assert settings.read_delivery(inputs(overwrite=text)).overwrite is True


@pytest.mark.parametrize("text", ["false", "FALSE", "No", "0", "off"])
def test_flag__false(text: str) -> None:
    assert settings.read_delivery(inputs(overwrite=text)).overwrite is False


@pytest.mark.parametrize(
    "options",
    [
        {"layout": "tree"},
        {"overwrite": "maybe"},
        {"verify": "yes"},
        {"connections": "0"},
        {"connections": "257"},
    ],
    ids=str,
)
def test_delivery__refused(options: dict[str, str]) -> None:
    with pytest.raises(BadInput, match=f"input {next(iter(options))}"):
        settings.read_delivery(inputs(**options))


def test_new_project() -> None:
    given = inputs(project_name="Churn", team_name="ml", subdir="models/", public="yes")
    assert settings.read_new_project(given, JOB, lambda: "") == NewProject(
        "https://github.com/acme/models.git", "Churn", "ml", "models", public=True
    )


@pytest.mark.parametrize(
    "options", [{"subdir": "../x"}, {"subdir": "/x"}, {"project_name": "a\nb"}], ids=str
)
def test_new_project__refused(options: dict[str, str]) -> None:
    with pytest.raises(StudioActionError):
        settings.read_new_project(inputs(**options), JOB, lambda: "")


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
    found = settings.read_credential(Inputs({}, {variable: token}), job, address)
    assert (found.user if found else None) == user
    assert token not in repr(found)


def test_trust() -> None:
    assert settings.read_trust(inputs()) == Trust("", instead=False)
    assert settings.read_trust(inputs(ca_bundle="x.pem")) == Trust("x.pem", instead=False)
    environ = {"REQUESTS_CA_BUNDLE": "all.pem"}
    assert settings.read_trust(Inputs({}, environ)) == Trust("all.pem", instead=True)


def test_reports() -> None:
    assert settings.read_reports(inputs()) == Reports(None, None)
    assert settings.read_reports(inputs(output_json="o.json")) == Reports(PurePath("o.json"), None)


@pytest.mark.parametrize(
    ("environ", "proxies"),
    [
        ({}, {}),
        ({"HTTPS_PROXY": "http://p:1"}, {"https": "http://p:1"}),
        ({"https_proxy": "http://a", "HTTPS_PROXY": "http://b"}, {"https": "http://a"}),
        (
            {"ALL_PROXY": "http://p", "NO_PROXY": "x"},
            {"http": "http://p", "https": "http://p", "no": "x"},
        ),
    ],
)
def test_proxies(environ: dict[str, str], proxies: dict[str, str]) -> None:
    assert settings.read_proxies(environ) == proxies
