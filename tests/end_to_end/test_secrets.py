"""What must not be shown is shown nowhere, with debug logging on, whatever the outcome."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Program
from tests.reference import Answer

SYSTEMS = {
    "github": {"GITHUB_ACTIONS": "true", "RUNNER_DEBUG": "1"},
    "gitlab": {"GITLAB_CI": "true", "CI_DEBUG_TRACE": "true"},
    "azure": {"TF_BUILD": "True", "SYSTEM_DEBUG": "true"},
    "bitbucket": {"BITBUCKET_BUILD_NUMBER": "1", "RUNNER_DEBUG": "1"},
    "circleci": {"CIRCLECI": "true", "RUNNER_DEBUG": "1"},
    "generic": {"RUNNER_DEBUG": "1"},
}
FILES = {
    "GITHUB_OUTPUT": "output",
    "GITHUB_STEP_SUMMARY": "summary",
    "BASH_ENV": "bash-env",
    "BITBUCKET_PIPELINES_VARIABLES_PATH": "variables",
}
PASSWORD = "pa55w0rd-of-the-repository"
ADDRESS = f"https://ada:{PASSWORD}@github.com/acme/models.git?private_token={PASSWORD}"

OUTCOMES = {
    "done": [],
    "storage refuses": [Answer(403, "<Error><Code>SignatureDoesNotMatch</Code></Error>")] * 40,
    "storage fails": [Answer(500, "x")] * 40,
    "corrupted": [Answer(200, "other bytes")] * 40,
}


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("system", SYSTEMS)
def test_nothing_secret_is_shown(
    program: Program, tmp_path: Path, system: str, outcome: str
) -> None:
    files = {variable: tmp_path / name for variable, name in FILES.items()}
    for file in files.values():
        file.touch()
    environ = SYSTEMS[system] | {variable: str(file) for variable, file in files.items()}
    urls_file = tmp_path / "urls.json"
    resolved = program.run("resolve-model", "--model=text-classifier", f"--urls-file={urls_file}")
    assert resolved.code == 0
    program.server.storage_script.extend(OUTCOMES[outcome])

    ran = program.run(
        "download-model",
        "--model=text-classifier",
        "--retries=0",
        f"--output-env={tmp_path / 'outputs.env'}",
        f"--output-dir={tmp_path / 'outputs'}",
        STUDIO_ACTION_REPO=ADDRESS,
        **environ,
    )

    assert (ran.code == 0) is (outcome == "done"), ran.said
    masks = "::add-mask::"
    shown = "\n".join(line for line in ran.said.splitlines() if not line.startswith(masks))
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path != urls_file]
    everything = shown + "".join(path.read_text(errors="replace") for path in kept)
    signatures = [url.rpartition("=")[2] for url in json.loads(urls_file.read_text()).values()]
    for secret in (program.server.token, PASSWORD, "X-Amz-", *signatures):
        assert secret not in everything
    assert PASSWORD not in "".join(str(request) for request in program.server.requests)


def test_the_urls_file_is_its_owner_s_alone(program: Program, tmp_path: Path) -> None:
    place = tmp_path / "urls.json"
    program.run("resolve-model", "--model=text-classifier", f"--urls-file={place}")
    assert place.stat().st_mode & 0o777 == 0o600
    assert all("X-Amz-" in url for url in json.loads(place.read_text()).values())
