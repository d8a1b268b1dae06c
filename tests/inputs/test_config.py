from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from studio_action.ci.job import Job
from studio_action.errors import BadInput, StudioActionError
from studio_action.inputs import config
from studio_action.inputs.config import (
    Delivery,
    Download,
    NetworkOptions,
    Reports,
    Resolve,
    RunConfig,
)
from studio_action.inputs.credential import Token
from studio_action.inputs.lookup import Inputs
from studio_action.inputs.model_request import Skip
from studio_action.inputs.previous import Previous
from studio_action.inputs.studio import Source, Studio
from studio_action.model.artifact import ArtifactRef, ModelName
from studio_action.net.certificates import Authorities
from studio_action.studio.api import NewProject
from studio_action.workspace.workspace import Workspace

JOB = Job("generic", Path("/workspace"), repository="https://github.com/acme/models")
CHURN = ArtifactRef("https://github.com/acme/models", ModelName("churn"))


def inputs(**options: str) -> Inputs:
    return Inputs({name.replace("_", "-"): text for name, text in options.items()}, {})


@pytest.mark.parametrize(
    ("options", "limits"),
    [
        ({}, (30.0, 5, None)),
        ({"timeout": "0.5", "retries": "0", "deadline": "60"}, (0.5, 0, 60.0)),
    ],
)
def test_limits(options: dict[str, str], limits: tuple[float, int, float | None]) -> None:
    found = config.read_limits(inputs(**options))
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
        config.read_limits(inputs(**options))


def test_delivery() -> None:
    assert config.read_delivery(inputs()) == Delivery(PurePath(), "repo", True, "auto", 16)
    given = inputs(dest="out", layout="flat", overwrite="No", verify="require", connections="4")
    assert config.read_delivery(given) == Delivery(PurePath("out"), "flat", False, "require", 4)
    assert config.read_delivery(inputs(cache_dir="/cache")).cache_dir == PurePath("/cache")


@pytest.mark.parametrize("text", ["true", "TRUE", "yes", "1", "On"])
def test_flag__true(text: str) -> None:
    assert config.read_delivery(inputs(overwrite=text)).overwrite is True


@pytest.mark.parametrize("text", ["false", "FALSE", "No", "0", "off"])
def test_flag__false(text: str) -> None:
    assert config.read_delivery(inputs(overwrite=text)).overwrite is False


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
        config.read_delivery(inputs(**options))


def test_new_project() -> None:
    given = inputs(project_name="Churn", team_name="ml", subdir="models/", public="yes")
    assert config.read_new_project(given, JOB, lambda: "") == NewProject(
        "https://github.com/acme/models.git", "Churn", "ml", "models", public=True
    )


@pytest.mark.parametrize(
    "options", [{"subdir": "../x"}, {"subdir": "/x"}, {"project_name": "a\nb"}], ids=str
)
def test_new_project__refused(options: dict[str, str]) -> None:
    with pytest.raises(StudioActionError):
        config.read_new_project(inputs(**options), JOB, lambda: "")


def test_network(tmp_path: Path) -> None:
    assert config.read_network(inputs()) == NetworkOptions()
    file = tmp_path / "all.pem"
    file.write_text("-----BEGIN CERTIFICATE-----")
    beside = config.read_network(inputs(ca_bundle=str(file)))
    assert beside == NetworkOptions(Authorities("-----BEGIN CERTIFICATE-----", False, file))
    environ = {"REQUESTS_CA_BUNDLE": str(file), "HTTPS_PROXY": "http://u:secret@p:1"}
    instead = config.read_network(Inputs({}, environ))
    assert instead.authorities == Authorities("-----BEGIN CERTIFICATE-----", True, file)
    assert instead.proxies == {"https": "http://u:secret@p:1"}
    assert "secret" not in repr(instead)


@pytest.mark.parametrize(
    "content", [None, "no certificate", b"\xff\xfe"], ids=["missing", "text", "binary"]
)
def test_network__no_certificate(tmp_path: Path, content: str | bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadInput, match="input ca-bundle"):
        config.read_network(inputs(ca_bundle=str(file)))


def test_reports(tmp_path: Path) -> None:
    workspace = Workspace.at(tmp_path)
    assert config.read_reports(inputs(), workspace) == Reports(None, None)
    found = config.read_reports(inputs(output_json="o.json", output_env="/o.env"), workspace)
    assert found == Reports(tmp_path / "o.json", Path("/o.env"))


def test_run_config__shows_no_secret(tmp_path: Path) -> None:
    environ = {
        "DVC_STUDIO_TOKEN": "isat_secret",
        "GITHUB_TOKEN": "ghs_secret",
        "HTTPS_PROXY": "http://u:secret@p:1",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    told = Inputs({"model": "churn", "repo": "acme/models"}, environ)
    found = RunConfig.from_inputs("download-model", told, Job("generic", tmp_path))
    assert isinstance(found.task, Download)
    assert found.task.source == Source(
        Studio("https://studio.datachain.ai/", Token("isat_secret")),
        "Using Studio (token from DVC_STUDIO_TOKEN)",
    )
    assert (found.git_access.token, found.git_access.is_job_token) == ("ghs_secret", True)
    assert found.environ["AWS_SECRET_ACCESS_KEY"] == "secret"
    assert "secret" not in repr(found).lower()


def test_run_config__urls_file(tmp_path: Path) -> None:
    told = inputs(model="churn", repo="acme/models", source="git", urls_file="urls.json")
    task = RunConfig.from_inputs("resolve-model", told, Job("generic", tmp_path)).task
    assert isinstance(task, Resolve)
    assert (task.urls_file, task.source.studio) == (tmp_path / "urls.json", None)


def test_run_config__what_the_pipeline_had_before(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"digest": "md5:x"}')
    told = inputs(model="churn", repo="acme/models", source="git", previous_manifest="model.json")
    task = RunConfig.from_inputs("download-model", told, Job("generic", tmp_path)).task
    assert isinstance(task, Download)
    assert task.previous == Previous("md5:x")


def test_run_config__a_skipped_run_uses_no_network(tmp_path: Path) -> None:
    job = Job("github", tmp_path, tag="churn#dev#1")
    told = inputs(on_stage="prod", ca_bundle="/none.pem", token_file="/none")
    found = RunConfig.from_inputs("download-model", told, job)
    reason = "tag churn#dev#1 is of stage dev, which on-stage does not list"
    assert (found.task, found.network) == (Skip(reason), NetworkOptions())
