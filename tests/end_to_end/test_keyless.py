"""The real program without any token, before a server of one's own that trusts a CI system."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from studio_action import cli
from studio_action.ci.id_token import IdTokenRequest
from studio_action.net.clock import Deadline, Limits
from studio_action.net.http_client import HttpClient
from studio_action.net.network import Network
from studio_action.studio import api
from studio_action.studio.session import StudioSession
from studio_action.studio.token_exchange import TokenExchange
from tests.end_to_end.conftest import Ran
from tests.end_to_end.test_download import contents
from tests.end_to_end.test_own_server import files
from tests.fakes import Time
from tests.oidc.issuer import ID_TOKEN, Issuer, issuer
from tests.reference import ReferenceServer
from tests.server.running import until
from tests.servers.keyless import github_job, gitlab_job, keyless_server
from tests.servers.registry import REPOSITORY, OwnServer

MODEL = ("--model", "text-classifier", "--stage", "prod")
VERSION = "v1.0.0"


@pytest.fixture(scope="module")
def ci() -> Iterator[Issuer]:
    """A CI system."""
    with issuer() as started:
        yield started


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the server is in."""
    return tmp_path_factory.mktemp("keyless")


@pytest.fixture(scope="module")
def server(state: Path, ci: Issuer) -> Iterator[OwnServer]:
    with keyless_server(state, ci, base_path="/studio") as running:
        yield running


@pytest.fixture
def github(ci: Issuer) -> dict[str, str]:
    """The environment of a job with `permissions: id-token: write`, and debug logging."""
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": REPOSITORY,
        "RUNNER_DEBUG": "1",
        **github_job(ci),
    }


def gitlab(ci: Issuer, audience: str, **claims: Any) -> dict[str, str]:
    """The environment of a job with `id_tokens: STUDIO_ID_TOKEN`."""
    return {"GITLAB_CI": "true", **gitlab_job(ci, audience, **claims)}


def run(
    url: str, environ: Mapping[str, str], capfd: pytest.CaptureFixture[str], *arguments: str
) -> Ran:
    outputs = Path.cwd().parent / "outputs.json"
    outputs.unlink(missing_ok=True)
    variables = {"DVC_STUDIO_URL": url, "STUDIO_ACTION_REPO": REPOSITORY, "PATH": "", **environ}
    command, *options = arguments
    code = cli.run([command, f"--output-json={outputs}", "--retries=0", *options], variables)
    written = json.loads(outputs.read_text()) if outputs.exists() else {}
    return Ran(code, written, "".join(capfd.readouterr()))


def test_github__download(
    server: OwnServer,
    ci: Issuer,
    github: dict[str, str],
    workspace: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = ci.requests[ID_TOKEN]

    ran = run(server.url, github, capfd, "download-model", *MODEL)

    assert (ran.code, files(workspace)) == (0, contents("text-classifier", VERSION)), ran.said
    assert ran.outputs["version"] == VERSION
    assert ci.requests[ID_TOKEN] == before + 1
    assert f"gave a token for 15 min 00 s for the ID token of {ci.url}" in ran.said
    masks = re.findall(r"^::add-mask::(.+)$", ran.said, re.MULTILINE)
    assert masks[0] == ci.request_token
    assert masks[1].startswith("ey")
    assert_hidden(masks[:3], ran, workspace)


def test_github__the_server_knows_which_job_got_which_version(
    server: OwnServer,
    state: Path,
    github: dict[str, str],
    workspace: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert run(server.url, github, capfd, "resolve-model", *MODEL).code == 0
    (database,) = state.rglob("registry.db")

    def told() -> list[dict[str, Any]]:
        options = (f"--data-dir={database.parent}", "--model=text-classifier", "--since=1h")
        assert cli.run(["audit", *options], {}) == 0
        return [json.loads(line) for line in capfd.readouterr().out.splitlines()]

    assert until(lambda: bool(told()))  # it is written a moment after the answer
    newest = told()[0]
    assert (newest["version"], newest["stage"], newest["repository"]) == (
        VERSION,
        "prod",
        REPOSITORY,
    )
    assert newest["claims"]["repository"] == REPOSITORY
    assert newest["token_name"].startswith("ci:")


def assert_hidden(secrets: list[str], ran: Ran, workspace: Path) -> None:
    """No secret is in the log, other than where it is masked, or in any file that a run leaves."""
    assert len(secrets) == 3
    shown = "\n".join(line for line in ran.said.splitlines() if "add-mask" not in line)
    left = [path.read_bytes() for path in workspace.parent.rglob("*") if path.is_file()]
    for secret in secrets:
        assert secret not in shown
        assert [content for content in left if secret.encode() in content] == []


def test_github__create_project(
    server: OwnServer, github: dict[str, str], workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ran = run(server.url, github, capfd, "create-project")

    assert ran.code == 0, ran.said
    assert ran.outputs["project-url"].startswith(f"{server.url}/")


def test_gitlab__one_id_token_is_for_one_command(
    server: OwnServer, ci: Issuer, workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    environ = gitlab(ci, server.url)

    first = run(server.url, environ, capfd, "download-model", *MODEL)
    second = run(server.url, environ, capfd, "resolve-model", *MODEL)

    assert (first.code, files(workspace)) == (0, contents("text-classifier", VERSION)), first.said
    assert second.code == 11
    assert "give each command its own, on GitLab under `id_tokens`" in second.said
    assert environ["STUDIO_ID_TOKEN"] not in first.said + second.said


def test_refused__no_rule_fits(
    server: OwnServer, ci: Issuer, workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    environ = gitlab(ci, server.url, project_path="acme/others\n::error::x")

    ran = run(server.url, environ, capfd, "download-model", *MODEL)

    assert ran.code == 11
    assert "refused the ID token of" in ran.said
    assert "project_path is acme/others" in ran.said
    assert "\n::error::x" not in ran.said


def test_refused__made_for_another_server(
    server: OwnServer, ci: Issuer, workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    environ = gitlab(ci, "https://vault.example.org")

    ran = run(server.url, environ, capfd, "download-model", *MODEL)

    assert ran.code == 11
    assert "vault.example.org" in ran.said


def test_refused__issuer_that_is_not_trusted(
    server: OwnServer, ci: Issuer, workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    claims = {**ci.gitlab_claims(server.url), "iss": "https://gitlab.example.org"}
    environ = {"GITLAB_CI": "true", "STUDIO_ID_TOKEN": ci.mint(claims)}

    ran = run(server.url, environ, capfd, "download-model", *MODEL)

    assert ran.code == 11
    assert "does not trust the issuer https://gitlab.example.org" in ran.said
    assert f"It trusts {ci.url}" in ran.said


def test_refused__scope_that_the_rule_does_not_give(
    tmp_path: Path, ci: Issuer, server: OwnServer, github: dict[str, str]
) -> None:
    exchange, _ = keyless_session(server, ci)
    exchange.scope = "admin"  # type: ignore[assignment]

    with pytest.raises(Exception, match="gives only: model-registry project"):
        exchange.token()


def test_server_without_an_exchange(
    studio: ReferenceServer,
    github: dict[str, str],
    ci: Issuer,
    workspace: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = ci.requests[ID_TOKEN]

    ran = run(studio.url, github, capfd, "download-model", *MODEL)

    assert ran.code == 10
    assert "input token is missing" in ran.said
    assert "does not exchange ID tokens" in ran.said
    assert ci.requests[ID_TOKEN] == before


def test_job_without_the_permission__nothing_is_sent(
    studio: ReferenceServer, workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ran = run(studio.url, {"GITHUB_ACTIONS": "true"}, capfd, "download-model", *MODEL)

    assert ran.code == 10
    assert "`permissions: id-token: write`" in ran.said
    assert studio.requests == studio.fetches == []


def keyless_session(server: OwnServer, ci: Issuer) -> tuple[TokenExchange, Time]:
    """An exchange as of a job of GitHub, on a clock that moves by hand."""
    time = Time()
    limits = Limits(5.0, 0, Deadline(None, time.clock))
    exchange = TokenExchange(
        f"{server.url}/",
        IdTokenRequest(ci.request_url, ci.request_token, "ACTIONS_ID_TOKEN_REQUEST_URL"),
        "model-registry",
        lambda peer: HttpClient(peer, Network(), limits, print),
        time.clock,
        lambda secret: None,
        lambda line: None,
    )
    return exchange, time


def test_session__outlives_its_token(server: OwnServer, ci: Issuer) -> None:
    exchange, time = keyless_session(server, ci)
    limits = Limits(5.0, 0, Deadline(None, time.clock))
    session = StudioSession(f"{server.url}/", exchange.token, Network(), limits, print)
    before = ci.requests[ID_TOKEN]
    tokens = []

    for seconds in (0, 800, 100, 10_000):
        time.now += seconds
        assert session.get(api.MODELS, {"repo": REPOSITORY}).status == 200
        tokens.append(exchange.token())
    session.close()

    assert len(set(tokens)) == 3
    assert tokens[0] == tokens[1]
    assert ci.requests[ID_TOKEN] == before + 3


def test_doctor(
    server: OwnServer,
    github: dict[str, str],
    workspace: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    code = cli.run(["doctor", "--server", server.url], github)

    said = "".join(capfd.readouterr())
    assert code == 0, said
    assert "a token for 15 min 00 s, with model-registry and project" in said
    assert re.search(r"^models +ok: \d+ in https://github.com/acme/models: ", said, re.MULTILINE)
    masks = re.findall(r"^::add-mask::(.+)$", said, re.MULTILINE)
    shown = "\n".join(line for line in said.splitlines() if "add-mask" not in line)
    assert [mask for mask in masks if mask in shown] == []
