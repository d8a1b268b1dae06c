from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from studio_action import settings
from studio_action.api import NewProject
from studio_action.artifact import ArtifactRef, ModelName
from studio_action.ci.job import Job
from studio_action.errors import BadInput, StudioActionError
from studio_action.inputs import Inputs
from studio_action.settings import Delivery, Reports, Studio, Trust

JOB = Job("generic", Path("/workspace"), repository="https://github.com/acme/models")
CHURN = ArtifactRef("https://github.com/acme/models", ModelName("churn"))


def inputs(**options: str) -> Inputs:
    return Inputs({name.replace("_", "-"): text for name, text in options.items()}, {})


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
    ("options", "own"),
    [
        pytest.param({}, False, id="default"),
        pytest.param({"studio_url": "https://Studio.Datachain.AI/api"}, False, id="the service"),
        pytest.param({"studio_url": "https://studio.example.org"}, True, id="another host"),
    ],
)
def test_studio__own(options: dict[str, str], own: bool) -> None:
    assert settings.read_studio(inputs(token="isat_x", **options), JOB).own is own


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


@pytest.mark.parametrize(
    ("options", "limits"),
    [
        ({}, (30.0, 5, None)),
        ({"timeout": "0.5", "retries": "0", "deadline": "60"}, (0.5, 0, 60.0)),
    ],
)
def test_limits(options: dict[str, str], limits: tuple[float, int, float | None]) -> None:
    found = settings.read_limits(inputs(**options))
    assert (found.timeout, found.retries, found.deadline.seconds) == limits


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


def test_trust() -> None:
    assert settings.read_trust(inputs()) == Trust("", instead=False)
    assert settings.read_trust(inputs(ca_bundle="x.pem")) == Trust("x.pem", instead=False)
    environ = {"REQUESTS_CA_BUNDLE": "all.pem"}
    assert settings.read_trust(Inputs({}, environ)) == Trust("all.pem", instead=True)


def test_reports() -> None:
    assert settings.read_reports(inputs()) == Reports(None, None)
    assert settings.read_reports(inputs(output_json="o.json")) == Reports(PurePath("o.json"), None)
