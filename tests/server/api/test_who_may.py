"""Who may ask what, on every route that the server has: one that is new is in a table, or fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from starlette.routing import Route

from studio_action.server.access import Scope
from studio_action.server.app import create_api
from studio_action.server.settings import MetricsSettings
from studio_action.server.web.site import create_pages
from tests.server.answering import MODELS, Api, answering

SCOPES: dict[tuple[str, str], Scope] = {
    ("GET", "/api/model-registry/get-download-uris"): "model-registry",
    ("GET", "/api/model-registry/resolve"): "model-registry",
    ("GET", "/api/model-registry/models"): "model-registry",
    ("POST", "/api/create-project"): "project",
}
"""What needs a token, and with which scope."""

OTHERWISE_GUARDED = {
    ("POST", "/api/webhook"): 403,
    ("GET", "/files/{path:path}"): 403,
    ("GET", "/metrics"): 401,
}
"""What needs a secret of another kind, and what is answered without it."""

WITHOUT_ISSUERS = {
    ("GET", "/.well-known/oauth-authorization-server"),
    ("POST", "/api/oauth/token"),
}
"""What is not there unless the configuration has `trusted-issuers`."""

OPEN = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/api/openapi.json"),
    ("GET", "/api/docs"),
    ("GET", "/api/docs/start.js"),
    ("GET", "/api/docs/swagger-ui.css"),
    ("GET", "/api/docs/swagger-ui-bundle.js"),
    ("GET", "/api/docs/favicon-32x32.png"),
}

PAGES = {
    ("GET", "/"): 303,
    ("GET", "/models"): 303,
    ("GET", "/{page:path}"): 303,
    ("GET", "/{page:path}/history"): 303,
    ("GET", "/{page:path}/stage"): 303,
    ("GET", "/{page:path}/version"): 303,
    ("GET", "/{page:path}/compare"): 303,
    ("GET", "/{page:path}/checksums"): 303,
    ("GET", "/{page:path}/file"): 303,
    ("GET", "/login"): 200,
    ("POST", "/login"): 403,
    ("POST", "/logout"): 403,
    ("GET", "/login/oidc"): 404,
    ("GET", "/login/callback"): 404,
    ("GET", "/static/{path:path}"): 404,
}
"""What a page answers to somebody without a session, or who posts from another site."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with answering(
        tmp_path_factory.mktemp("api"),
        metrics=MetricsSettings("for-metrics"),
        webhook_secret="for-hooks",
    ) as api:
        yield api


@pytest.fixture
def api(running: Api) -> Api:
    running.forget()
    return running


def expired(api: Api, scope: Scope) -> str:
    return "token " + api.token(scope, days=-1)


def revoked(api: Api, scope: Scope) -> str:
    text = api.token(scope)
    assert api.services.tokens.revoke(text[5:21])
    return "token " + text


def with_another_secret(api: Api, scope: Scope) -> str:
    mine, yours = api.token(scope), api.token(scope)
    return "token " + mine[:21] + yours[21:]


def for_something_else(api: Api, scope: Scope) -> str:
    return "token " + api.token("project" if scope == "model-registry" else "model-registry")


REFUSED: dict[str, tuple[int, Callable[[Api, Scope], str]]] = {
    "no token": (401, lambda api, scope: ""),
    "another kind of log-in": (401, lambda api, scope: "Basic dXNlcjpwYXNz"),
    "no word before it": (401, lambda api, scope: api.token(scope)),
    "no token after the word": (401, lambda api, scope: "token "),
    "two tokens": (401, lambda api, scope: f"token {api.token(scope)} {api.token(scope)}"),
    "not ASCII": (401, lambda api, scope: "token caf\xe9"),
    "no token's form": (401, lambda api, scope: "token abc123"),
    "a token that nobody made": (401, lambda api, scope: f"token isat_{'0' * 64}"),
    "a token's id with another secret": (401, with_another_secret),
    "an expired token": (401, expired),
    "a revoked token": (401, revoked),
    "a token with another scope": (403, for_something_else),
}


def answer_to(api: Api, method: str, path: str, authorization: str) -> int:
    headers = {"Authorization": authorization.encode("latin-1")} if authorization else {}
    query = {"repo": MODELS.name, "name": "churn"}
    body = {"repo_url": "https://git.example.org/acme/models.git"}
    more = {"json": body} if method == "POST" else {"params": query}
    return api.send(method, path, headers=headers, **more).status_code


def test_every_route_is_in_a_table(api: Api) -> None:
    there = {
        (method, route.path)
        for route in create_api(api.services).routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    }

    assert len(there) == len({id(route) for route in create_api(api.services).routes})
    assert there == {*SCOPES, *OTHERWISE_GUARDED, *WITHOUT_ISSUERS, *OPEN}


def test_every_page_is_in_a_table(api: Api) -> None:
    routes = create_pages(api.services).routes

    assert all(isinstance(route, Route) for route in routes)
    there = {
        (method, route.path)
        for route in routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    }
    assert there == set(PAGES)


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize(("method", "path"), SCOPES, ids=[path for _, path in SCOPES])
def test_refused(api: Api, method: str, path: str, case: str) -> None:
    status, authorization = REFUSED[case]

    assert answer_to(api, method, path, authorization(api, SCOPES[method, path])) == status
    assert not api.models.asked
    assert not api.services.projects.all()


@pytest.mark.parametrize(("method", "path"), SCOPES, ids=[path for _, path in SCOPES])
def test_another_teams_token(api: Api, method: str, path: str) -> None:
    token = api.token(SCOPES[method, path], teams=["finance"], repositories=["acme/secret"])

    assert answer_to(api, method, path, f"token {token}") == (400 if method == "POST" else 404)
    assert not api.models.asked
    assert not api.services.projects.all()


@pytest.mark.parametrize("word", ["token", "Token", "Bearer", "bearer"])
@pytest.mark.parametrize(("method", "path"), SCOPES, ids=[path for _, path in SCOPES])
def test_let_in(api: Api, method: str, path: str, word: str) -> None:
    token = api.token(SCOPES[method, path])

    assert answer_to(api, method, path, f"{word} {token}") in (200, 201)


@pytest.mark.parametrize(("method", "path"), OTHERWISE_GUARDED, ids=lambda part: str(part))
def test_otherwise_guarded(api: Api, method: str, path: str) -> None:
    token = api.token()

    status = answer_to(api, method, path.replace("{path:path}", "folders/x/y"), f"token {token}")

    assert status == OTHERWISE_GUARDED[method, path]


@pytest.mark.parametrize(("method", "path"), sorted(WITHOUT_ISSUERS), ids=lambda part: str(part))
def test_without_issuers(api: Api, method: str, path: str) -> None:
    assert answer_to(api, method, path, f"token {api.token()}") == 404


@pytest.mark.parametrize(("method", "path"), sorted(OPEN), ids=[path for _, path in sorted(OPEN)])
def test_open(api: Api, method: str, path: str) -> None:
    assert answer_to(api, method, path, "") == 200


@pytest.mark.parametrize(("method", "path"), PAGES, ids=lambda part: str(part))
def test_pages(api: Api, method: str, path: str) -> None:
    place = path.replace("{page:path}", "user/ci/projects/x").replace("{path:path}", "x")
    headers = {"Sec-Fetch-Site": "cross-site"} if method == "POST" else {}

    answer = api.send(method, place, allow_redirects=False, headers=headers)

    assert answer.status_code == PAGES[method, path]
