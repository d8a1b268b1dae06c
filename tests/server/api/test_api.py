"""The API over real HTTP, with the answers of a model registry that a test says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from studio_action.errors import (
    BadInput,
    ContentMismatch,
    DeadlinePassed,
    NoSuchModel,
    ObjectMissing,
    TokenRefused,
    UnexpectedAnswer,
    Unreachable,
    WorkspaceRefused,
)
from studio_action.model.artifact import AtStage, AtVersion, Latest
from studio_action.model.versions import InRange
from tests.server.answering import CONTENT, DIGEST, Api, answering

NO_REPOSITORY = {"detail": "Repository not found or you don't have access to it"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with answering(tmp_path_factory.mktemp("api")) as api:
        yield api


@pytest.fixture
def api(running: Api) -> Api:
    running.forget()
    return running


def test_get_download_uris__urls_by_path(api: Api) -> None:
    answer = api.ask("get-download-uris")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert list(answer.json()) == ["models/é.pkl"]
    url = answer.json()["models/é.pkl"]
    assert requests.get(url, timeout=10).content == CONTENT


def test_get_download_uris__the_url_is_below_the_address_that_was_asked(api: Api) -> None:
    url = api.ask("get-download-uris").json()["models/é.pkl"]

    assert url.startswith(f"{api.address}/files/repositories/acme/models/{'a' * 40}/files/md5/3e/")


def test_get_download_uris__the_public_address(tmp_path: Path) -> None:
    with answering(tmp_path, url="https://models.example.org/studio", base_path="/studio") as api:
        url = api.ask("get-download-uris").json()["models/é.pkl"]

    assert url.startswith("https://models.example.org/studio/files/")


@pytest.mark.parametrize(
    ("query", "selector"),
    [
        ({}, Latest()),
        ({"version": "v1.1.0"}, AtVersion("v1.1.0")),
        ({"stage": "prod"}, AtStage("prod")),
    ],
    ids=["latest", "version", "stage"],
)
def test_get_download_uris__what_is_asked(
    api: Api, query: dict[str, str], selector: object
) -> None:
    api.ask("get-download-uris", **query)

    assert api.models.asked == [("acme/models", "churn", selector, "include")]


def test_get_download_uris__no_ranges(api: Api) -> None:
    assert api.ask("get-download-uris", version="^1").status_code == 400


def test_resolve__the_whole_answer(api: Api) -> None:
    answer = api.ask("resolve", version="^1", prerelease="exclude")

    (file,) = answer.json().pop("files")
    url = file.pop("url")
    assert requests.get(url, timeout=10).content == CONTENT
    assert file == {
        "path": "models/é.pkl",
        "size": len(CONTENT),
        "digest": str(DIGEST),
        "executable": False,
    }
    assert {name: value for name, value in answer.json().items() if name != "files"} == {
        "repo": "acme/models",
        "name": "churn",
        "version": "v1.1.0",
        "stage": "",
        "tag": "churn@v1.1.0",
        "revision": "c" * 40,
        "previous_version": "",
        "path": "models/é.pkl",
        "registered": None,
        "assigned": None,
        "policy": {"revision": "d" * 40, "text": "rules: []\n"},
    }
    assert api.models.asked == [("acme/models", "churn", InRange("^1"), "exclude")]


@pytest.mark.parametrize(
    "repo",
    [
        "acme/models",
        "ACME/models.git",
        "https://git.example.org/acme/models",
        "https://GIT.example.org/Acme/Models.git",
        "https://user:hunter2@git.example.org/acme/models.git",
        "git@git.example.org:acme/models.git",
        "ssh://git@inner.example.org:2222/models.git",
    ],
)
def test_repo__every_form_of_one_repository(api: Api, repo: str) -> None:
    assert api.ask("get-download-uris", repo=repo).status_code == 200


@pytest.mark.parametrize(
    "repo",
    [
        pytest.param("acme/secret", id="not given to the token"),
        pytest.param("https://git.example.org/acme/secret.git", id="not given, by its address"),
        pytest.param("acme/nothing", id="not there"),
        pytest.param("https://github.com/acme/models", id="another host's"),
    ],
)
@pytest.mark.parametrize("endpoint", ["get-download-uris", "resolve", "models"])
def test_repo__not_given_is_as_if_it_were_not_there(api: Api, endpoint: str, repo: str) -> None:
    answer = api.ask(endpoint, repo=repo)

    assert (answer.status_code, answer.json()) == (404, NO_REPOSITORY)
    assert not api.models.asked


def test_repo__given_by_a_team(api: Api) -> None:
    token = api.token(teams=["ml"], repositories=[])

    assert api.ask("resolve", token).status_code == 200
    assert api.ask("resolve", token, repo="acme/secret").status_code == 404


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        pytest.param(NoSuchModel("no churn", "Models: x"), 404, "no churn. Models: x", id="model"),
        pytest.param(BadInput("no DVC", "Track it"), 400, "no DVC. Track it", id="not in DVC"),
        pytest.param(ObjectMissing("lost"), 409, "lost", id="the storage lost it"),
        pytest.param(UnexpectedAnswer("bad dvc.yaml"), 409, "bad dvc.yaml", id="a broken file"),
        pytest.param(ContentMismatch("other bytes"), 409, "other bytes", id="other content"),
        pytest.param(
            TokenRefused("access refused", "Give a git-token"),
            503,
            "No tokens to access the repo: access refused",
            id="git's credential",
        ),
        pytest.param(Unreachable("no host", "ca-bundle"), 503, "no host", id="unreachable"),
        pytest.param(DeadlinePassed("too slow"), 503, "too slow", id="too slow"),
        pytest.param(WorkspaceRefused("disk full"), 503, "disk full", id="no space"),
        pytest.param(
            ZeroDivisionError("secret of the house"),
            500,
            "Internal server error. See the server's log.",
            id="a fault",
        ),
    ],
)
def test_failures__statuses(api: Api, error: Exception, status: int, detail: str) -> None:
    api.models.failure = error

    answer = api.ask("get-download-uris")

    assert (answer.status_code, answer.json()) == (status, {"detail": detail})
    soon = isinstance(error, Unreachable | DeadlinePassed | WorkspaceRefused)
    assert ("Retry-After" in answer.headers) is soon


def test_failures__a_fault_is_in_the_log(tmp_path: Path) -> None:
    with answering(tmp_path) as api:
        api.models.failure = ZeroDivisionError("of ours")

        api.ask("resolve")

    assert "ZeroDivisionError: of ours" in api.lines.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/model-registry/get-download-uris"),
        ("DELETE", "/api/model-registry/resolve"),
        ("GET", "/api/create-project"),
        ("PUT", "/api/webhook"),
        ("POST", "/api/docs"),
    ],
)
def test_methods__not_allowed(api: Api, method: str, path: str) -> None:
    answer = api.send(method, path, api.token())

    assert answer.status_code == 405
    assert answer.json() == {"detail": f'Method "{method}" not allowed.'}
    assert method not in answer.headers["Allow"]
    assert api.send("OPTIONS", path).headers["Allow"] == answer.headers["Allow"]


def test_methods__head_is_get_without_the_body(api: Api) -> None:
    params = {"repo": "acme/models", "name": "churn"}
    path = "/api/model-registry/resolve"

    answer = api.send("HEAD", path, api.token(), params=params)

    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 100


@pytest.mark.parametrize("path", ["/api/nothing", "/api/model-registry", "/api/", "/api", "/files"])
def test_paths__unknown_below_the_api(api: Api, path: str) -> None:
    answer = api.send("GET", path)

    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


def test_paths__a_final_slash_changes_nothing(api: Api) -> None:
    body = {"repo_url": "https://git.example.org/acme/models.git"}

    answer = api.send("POST", "/api/create-project/", api.token(), json=body, allow_redirects=False)

    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/studio/healthz", 200),
        ("/healthz", 200),
        ("/readyz", 200),
        ("/studio/api/openapi.json", 200),
        ("/api/openapi.json", 404),
        ("/", 404),
        ("/studiox/api/openapi.json", 404),
    ],
)
def test_paths__below_a_sub_path(path: str, status: int, tmp_path: Path) -> None:
    with answering(tmp_path, base_path="/studio") as api:
        address = api.address.removesuffix("/studio")

        assert requests.get(address + path, timeout=10).status_code == status


@pytest.mark.parametrize("host", ["a b", "x/../y", "user@host", "host:port", ""])
def test_host__nonsense(api: Api, host: str) -> None:
    answer = api.send(
        "GET",
        "/api/model-registry/resolve?repo=acme/models&name=x",
        api.token(),
        headers={"Host": host},
    )

    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/api/nothing", "/api/docs", "/healthz", "/", "/login", "/no"])
def test_headers__on_everything(api: Api, path: str) -> None:
    answer = api.send("GET", path)

    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Server" not in answer.headers or answer.headers["Server"] == "uvicorn"
    assert answer.headers.get("Studio-Action") == ("1" if path.startswith("/api/") else None)


def test_create_project__new_and_again(api: Api) -> None:
    token = api.token(name="ada", teams=["ml"])

    first, again = api.create(token), api.create(token)

    (project,) = first.json()["projects"]
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert project == {
        "id": project["id"],
        "url": f"{api.address}/user/ada/projects/models-{project['id']}",
        "name": "models",
    }


def test_create_project__of_a_team_in_a_folder(api: Api) -> None:
    token = api.token(teams=["ml"])

    answer = api.create(token, team_name="ml", subdir="churn/", name="Churn", public=True)

    (project,) = answer.json()["projects"]
    kept = api.services.projects.get(project["id"])
    assert kept is not None
    assert project["url"] == f"{api.address}/team/ml/projects/churn-{project['id']}"
    assert (kept.team, kept.subdir, kept.public, kept.created_by) == ("ml", "churn", True, "ci")


def test_create_project__another_team(api: Api) -> None:
    answer = api.create(api.token(teams=["ml"]), team_name="finance")

    assert answer.status_code == 403
    assert answer.json() == {"detail": "Not authorized for the team finance."}


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://git.example.org/acme/secret.git", id="not given"),
        pytest.param("https://git.example.org/acme/other.git", id="not served"),
    ],
)
def test_create_project__a_repository_that_cannot_be_had(api: Api, url: str) -> None:
    answer = api.create(repo_url=url)

    assert answer.status_code == 400
    assert answer.json() == {"repo_url": [NO_REPOSITORY["detail"]]}


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        pytest.param(
            NoSuchModel("there is no repository"),
            400,
            {"repo_url": [NO_REPOSITORY["detail"]]},
            id="gone",
        ),
        pytest.param(
            TokenRefused("refused"),
            400,
            {"repo_url": ["No tokens to access the repo"]},
            id="refused",
        ),
        pytest.param(Unreachable("no route"), 503, {"detail": "no route"}, id="unreachable"),
    ],
)
def test_create_project__a_repository_that_does_not_answer(
    api: Api, error: Exception, status: int, body: object
) -> None:
    api.models.unreachable = error

    answer = api.create()

    assert (answer.status_code, answer.json()) == (status, body)
    assert not api.services.projects.all()


def test_create_project__another_content_type(api: Api) -> None:
    answer = api.send("POST", "/api/create-project", api.token(), data="repo_url=x")

    assert answer.status_code == 415
    assert answer.json() == {"detail": 'Unsupported media type "" in request.'}


def test_create_project__too_large(api: Api) -> None:
    assert api.create(name="x" * (1 << 20)).status_code == 413


def test_files__a_changed_link(api: Api) -> None:
    url = api.ask("get-download-uris").json()["models/é.pkl"]

    answer = requests.get(url.replace("a" * 40, "b" * 40), timeout=10)

    assert answer.status_code == 403
    assert "valid" in answer.json()["detail"]


def test_readyz__what_is_missing(tmp_path: Path) -> None:
    with answering(tmp_path) as api:
        before = api.send("GET", "/readyz")
        with api.services.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM alembic_version")
        after = api.send("GET", "/readyz")

    assert before.json() == {"status": "ok", "checks": {"database": True, "data_dir": True}}
    assert (before.status_code, after.status_code) == (200, 503)
    assert after.json()["checks"] == {"database": False, "data_dir": True}


def test_docs__everything_comes_from_here(api: Api) -> None:
    page = api.send("GET", "/api/docs").text

    assert "http://" not in page
    assert "https://" not in page
    for part in ("/api/docs/swagger-ui-bundle.js", "/api/docs/start.js", "/api/openapi.json"):
        assert part in page
        assert api.send("GET", part).status_code == 200


def test_log__who_asked_for_what_and_no_secret(tmp_path: Path) -> None:
    with answering(tmp_path) as api:
        token = api.token(name="nightly")
        url = api.ask("get-download-uris", token).json()["models/é.pkl"]
        requests.get(url, timeout=10)
        api.ask("get-download-uris", token[:-1] + "0")

    assert '"token_name": "nightly"' in api.lines.text
    assert token[21:] not in api.lines.text
    assert "Signature" not in api.lines.text
