from __future__ import annotations

from pathlib import Path

import pytest

from studio_action.ci.id_token import GivenIdToken, IdTokenRequest
from studio_action.ci.job import Job
from studio_action.errors import BadInput
from studio_action.inputs.credential import Token
from studio_action.inputs.lookup import Inputs
from studio_action.inputs.studio import (
    Studio,
    read_source,
    read_source_name,
    read_studio,
    source_reason,
)
from tests.ci.test_id_token import jwt

JOB = Job("generic", Path("/workspace"), repository="https://github.com/acme/models")


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
    assert read_studio(inputs(studio_url=url, token="isat_x"), JOB) == Studio(base, Token("isat_x"))


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
        read_studio(inputs(studio_url=url, token="isat_x"), JOB)


@pytest.mark.parametrize(
    ("options", "own"),
    [
        pytest.param({}, False, id="default"),
        pytest.param({"studio_url": "https://Studio.Datachain.AI/api"}, False, id="the service"),
        pytest.param({"studio_url": "https://studio.example.org"}, True, id="another host"),
    ],
)
def test_studio__own(options: dict[str, str], own: bool) -> None:
    assert read_studio(inputs(token="isat_x", **options), JOB).is_self_hosted is own


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
    assert Studio(base, Token("x")).is_unencrypted is unsafe


def test_token__is_in_no_repr() -> None:
    read = inputs(token="isat_secret")
    assert "isat_secret" not in repr((read, read["token"], read_studio(read, JOB)))


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "umlaut-ä", "tab\tx"])
def test_token__that_no_header_can_carry(token: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_studio(inputs(token=token), JOB)
    assert token not in str(caught.value)


def test_token__from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("isat_file\n")
    by_option = inputs(token="isat_x", token_file=str(tmp_path / "token"))
    assert read_studio(by_option, JOB).credential == Token("isat_file")
    by_variable = Inputs({}, {"DVC_STUDIO_TOKEN_FILE": str(tmp_path / "token")})
    assert read_studio(by_variable, JOB).credential == Token("isat_file")
    both = Inputs({}, {"DVC_STUDIO_TOKEN_FILE": "/none", "STUDIO_TOKEN": "isat_env"})
    assert read_studio(both, JOB).credential == Token("isat_env")


def test_token__a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"token-file.*cannot be read: No such file"):
        read_studio(inputs(token_file=str(tmp_path / "none")), JOB)


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
        read_studio(inputs(), job)
    assert hint in caught.value.hint


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
    assert read_source_name(Inputs({}, environ)) == source


@pytest.mark.parametrize(
    ("options", "environ", "reason"),
    [
        ({}, {}, "Using Git (no token and no studio-url given)"),
        ({}, {"DVC_STUDIO_TOKEN": "x"}, "Using Studio (token from DVC_STUDIO_TOKEN)"),
        ({"studio-url": "https://studio.example.org"}, {}, "Using Studio (--studio-url)"),
        ({"source": "git"}, {"DVC_STUDIO_TOKEN": "x"}, "Using Git (source: git)"),
        ({"source": "studio"}, {}, "Using Studio (source: studio)"),
    ],
    ids=str,
)
def test_source_reason(options: dict[str, str], environ: dict[str, str], reason: str) -> None:
    assert source_reason(Inputs(options, environ)) == reason


def test_source__a_missing_token_tells_why_there_has_to_be_one() -> None:
    told = Inputs({}, {"DVC_STUDIO_URL": "https://studio.example.org"})
    with pytest.raises(BadInput, match="input token is missing") as caught:
        read_source(told, JOB)
    assert "Set STUDIO_ID_TOKEN to an ID token of the job" in caught.value.hint
    assert "--token-file. Using Studio (studio-url from DVC_STUDIO_URL)" in caught.value.hint


def test_source__git_wants_no_token() -> None:
    told = Inputs({}, {"DVC_STUDIO_URL": "ftp://x", "STUDIO_ACTION_SOURCE": "git"})
    assert read_source(told, JOB).studio is None


OWN = {"DVC_STUDIO_URL": "https://models.example.org/studio"}
GITHUB_JOB = Job("github", Path("/w"))
ID_TOKEN = jwt({"iss": "https://gitlab.example.org", "aud": "https://models.example.org"})
REQUEST = {
    "ACTIONS_ID_TOKEN_REQUEST_URL": "https://ci.example.org/idtoken",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "s3cret-of-the-job",
}


def test_id_token__of_a_github_job() -> None:
    studio = read_studio(Inputs({}, {**OWN, **REQUEST}), GITHUB_JOB)

    assert studio.credential == IdTokenRequest(*REQUEST.values(), next(iter(REQUEST)))
    assert "s3cret" not in repr(studio)


def test_id_token__given() -> None:
    studio = read_studio(Inputs({}, {**OWN, **REQUEST, "STUDIO_ID_TOKEN": ID_TOKEN}), GITHUB_JOB)

    origin = "input id-token (from STUDIO_ID_TOKEN)"
    assert studio.credential == GivenIdToken.parse(ID_TOKEN, origin, chosen=True)
    assert ID_TOKEN not in repr(studio)


@pytest.mark.parametrize(
    "more", [{"STUDIO_ID_TOKEN": "no JWT"}, {"ACTIONS_ID_TOKEN_REQUEST_URL": "http://x/"}]
)
def test_id_token__is_not_read_beside_a_token(more: dict[str, str]) -> None:
    told = Inputs({}, {**OWN, **REQUEST, **more, "DVC_STUDIO_TOKEN": "isat_x"})

    assert read_studio(told, GITHUB_JOB).credential == Token("isat_x")


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"STUDIO_ID_TOKEN": "no JWT"}, "STUDIO_ID_TOKEN.*does not hold an ID token"),
        ({"ACTIONS_ID_TOKEN_REQUEST_URL": "http://x/"}, "REQUEST_URL is not an https URL"),
    ],
)
def test_id_token__unfit(environ: dict[str, str], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read_studio(Inputs({}, {**OWN, **REQUEST, **environ}), GITHUB_JOB)


@pytest.mark.parametrize(
    ("job", "environ", "hints"),
    [
        pytest.param(
            GITHUB_JOB,
            OWN,
            ["`permissions: id-token: write`", "Or add `token: ${{ secrets.DVC_STUDIO_TOKEN }}`"],
            id="a job without the permission",
        ),
        pytest.param(
            Job("github", Path("/w"), is_pull_request=True),
            OWN,
            ["`permissions: id-token: write`", "forks get no secrets"],
            id="pull request",
        ),
        pytest.param(
            Job("gitlab", Path("/w")),
            OWN,
            ["`id_tokens: STUDIO_ID_TOKEN: aud:`", "Or add a masked CI/CD variable"],
            id="gitlab",
        ),
        pytest.param(
            GITHUB_JOB,
            {**REQUEST, "DVC_STUDIO_URL": "http://models.example.org"},
            ["over https only", "Or add `token:"],
            id="http",
        ),
        pytest.param(
            GITHUB_JOB,
            {"STUDIO_ID_TOKEN": ID_TOKEN},
            ["for self-hosted servers: set studio-url"],
            id="the public service, and an ID token that was given",
        ),
    ],
)
def test_id_token__missing(job: Job, environ: dict[str, str], hints: list[str]) -> None:
    with pytest.raises(BadInput, match="input token is missing") as caught:
        read_studio(Inputs({}, environ), job)
    assert [hint for hint in hints if hint not in caught.value.hint] == []


def test_id_token__the_public_service_gets_none() -> None:
    with pytest.raises(BadInput) as caught:
        read_studio(Inputs({}, REQUEST), GITHUB_JOB)
    assert caught.value.hint.startswith("Add `token:")
