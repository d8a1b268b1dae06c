"""`doctor --server`: each step, what it says, and the exit code of the one that fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from studio_action import cli
from studio_action.studio import api
from tests.ci.test_id_token import jwt
from tests.studio.exchanging import (
    ENDPOINT,
    REQUEST_TOKEN,
    REQUEST_URL,
    exchanged,
    keyless_server,
)
from tests.studio.test_oauth import BASE, DOCUMENT, GITHUB, SERVER, URL

pytestmark = pytest.mark.usefixtures("workspace")

JOB = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/models"}
ALLOWED = {
    **JOB,
    "ACTIONS_ID_TOKEN_REQUEST_URL": REQUEST_URL,
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
}
MODELS = BASE + api.MODELS


@pytest.fixture
def server() -> Iterator[responses.RequestsMock]:
    with keyless_server() as mock:
        yield mock


class Seen:
    """What one run of the doctor said."""

    def __init__(
        self,
        capfd: pytest.CaptureFixture[str],
        environ: dict[str, str],
        *options: str,
        url: str = BASE,
    ) -> None:
        self.code = cli.run(["doctor", "--server", url, "--json", *options], environ)
        self.said = capfd.readouterr().out
        shown = [line for line in self.said.splitlines() if not line.startswith("::")]
        self.document: Any = json.loads("\n".join(shown)) if shown else {}
        steps = self.document.get("steps", ())
        self.outcomes = [step["outcome"] for step in steps]
        self.texts = [step["text"] for step in steps]

    @property
    def failure(self) -> str:
        (text,) = (t for t, o in zip(self.texts, self.outcomes, strict=True) if o == "failed")
        return str(text)


def test_everything_works(
    server: responses.RequestsMock, capfd: pytest.CaptureFixture[str]
) -> None:
    exchanged(server, "isat_1", scope="model-registry project")
    server.get(MODELS, json={"models": [{"name": "churn"}, {"name": "::error::x"}]})

    seen = Seen(capfd, ALLOWED)

    assert seen.code == 0
    assert seen.texts == [
        f"it exchanges ID tokens for {SERVER.audience}, and trusts {GITHUB}",
        "GitHub Actions, which has ID tokens by ACTIONS_ID_TOKEN_REQUEST_URL",
        f"issued by {GITHUB} for {SERVER.audience}",
        "a token for 15 min 00 s, with model-registry and project",
        "2 in https://github.com/acme/models: churn, : :error::x",
    ]
    posted = [call.request for call in server.calls if call.request.url == ENDPOINT]
    assert ["scope" in str(request.body) for request in posted] == [False]


def test_no_secret_is_shown(
    server: responses.RequestsMock, capfd: pytest.CaptureFixture[str]
) -> None:
    exchanged(server, "isat_1")
    server.get(MODELS, json={"models": []})

    cli.run(["doctor", "--server", BASE], {**ALLOWED, "RUNNER_DEBUG": "1"})

    said = "".join(capfd.readouterr())
    masks = [line.removeprefix("::add-mask::") for line in said.splitlines() if "add-mask" in line]
    shown = "\n".join(line for line in said.splitlines() if "add-mask" not in line)
    assert len(masks) == 4  # of the request, two ID tokens, and the token
    assert [mask for mask in masks if mask in shown] == []
    assert "models    ok: 0 in https://github.com/acme/models" in shown


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        pytest.param(JOB, "`permissions: id-token: write`", id="github"),
        pytest.param({"GITLAB_CI": "true"}, "`id_tokens: STUDIO_ID_TOKEN: aud:`", id="gitlab"),
        pytest.param({"TF_BUILD": "True"}, "for Azure alone", id="azure"),
        pytest.param({}, "Set STUDIO_ID_TOKEN", id="no CI system"),
    ],
)
def test_job_without_id_tokens(
    server: responses.RequestsMock,
    capfd: pytest.CaptureFixture[str],
    environ: dict[str, str],
    said: str,
) -> None:
    seen = Seen(capfd, environ)

    assert seen.code == 10
    assert seen.outcomes == ["ok", "failed", "not reached", "not reached", "not reached"]
    assert said in seen.failure


def test_token_that_takes_the_place_of_the_id_token(
    server: responses.RequestsMock, capfd: pytest.CaptureFixture[str]
) -> None:
    exchanged(server, "isat_1")
    server.get(MODELS, json={"models": []})

    seen = Seen(capfd, {**ALLOWED, "DVC_STUDIO_TOKEN": "isat_given"})

    assert seen.texts[1].endswith("but input token is given, and takes their place")


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        pytest.param({"status": 404}, 10, "does not exchange ID tokens", id="no exchange"),
        pytest.param({"status": 500}, 13, "500", id="down"),
        pytest.param({"body": "<html>"}, 14, "no JSON object", id="something else"),
        pytest.param(
            {"json": {**DOCUMENT, "id_token_audience": "sts"}}, 14, "audience", id="not itself"
        ),
    ],
)
@responses.activate
def test_server(
    capfd: pytest.CaptureFixture[str], answer: dict[str, Any], code: int, said: str
) -> None:
    responses.get(URL, **answer)

    seen = Seen(capfd, ALLOWED, "--retries=0")

    assert (seen.code, seen.outcomes[0]) == (code, "failed")
    assert said in seen.failure


def test_issuer_that_is_not_trusted(
    server: responses.RequestsMock, capfd: pytest.CaptureFixture[str]
) -> None:
    text = jwt({"iss": "https://gitlab.example.org", "aud": SERVER.audience})

    seen = Seen(capfd, {"STUDIO_ID_TOKEN": text})

    assert (seen.code, seen.outcomes[2]) == (11, "failed")
    assert "does not trust the issuer https://gitlab.example.org" in seen.failure
    assert text not in seen.said


def test_exchange_that_is_refused(
    server: responses.RequestsMock, capfd: pytest.CaptureFixture[str]
) -> None:
    server.post(
        ENDPOINT, status=400, json={"error": "x", "error_description": "no rule: ref is dev"}
    )

    seen = Seen(capfd, ALLOWED)

    assert (seen.code, seen.outcomes[3]) == (11, "failed")
    assert "no rule: ref is dev" in seen.failure


@pytest.mark.parametrize(
    ("environ", "scope", "text"),
    [
        pytest.param(ALLOWED, "project", "lacks the scope model-registry", id="scope"),
        pytest.param(
            {**ALLOWED, "GITHUB_REPOSITORY": ""}, "model-registry", "names a repository", id="repo"
        ),
    ],
)
def test_models_that_are_not_requested(
    server: responses.RequestsMock,
    capfd: pytest.CaptureFixture[str],
    environ: dict[str, str],
    scope: str,
    text: str,
) -> None:
    exchanged(server, "isat_1", scope=scope)

    seen = Seen(capfd, environ)

    assert seen.code == 0
    assert text in seen.texts[-1]


def test_repository_that_is_not_served(
    server: responses.RequestsMock, capfd: pytest.CaptureFixture[str]
) -> None:
    exchanged(server, "isat_1")
    server.get(MODELS, status=404, json={"detail": "There is no such repository."})

    seen = Seen(capfd, ALLOWED, "acme/others")

    assert (seen.code, seen.outcomes[4]) == (12, "failed")
    assert "the models of acme/others" in seen.failure


@pytest.mark.parametrize("url", ["http://models.example.org", "models.example.org"])
def test_url_that_gets_no_id_token(capfd: pytest.CaptureFixture[str], url: str) -> None:
    seen = Seen(capfd, ALLOWED, url=url)

    assert (seen.code, seen.document) == (10, {})
