"""What a team learns of another team's repository, on every route: nothing, not even that it is.

Each route is asked about a repository that another team has and about one that nobody has, which
are named alike. The answers must be the same, byte for byte, and take the same time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from starlette.routing import Route

from studio_action.server.app import create_api
from studio_action.server.run import process
from studio_action.server.settings import ServerSettings
from studio_action.server.web.site import create_pages
from tests.gitrepo.repositories import made_at
from tests.server.api.test_who_may import OPEN, WITHOUT_ISSUERS
from tests.server.under_attack.registry import Registry, registry

pytestmark = pytest.mark.servers

SECRET = "moonshot"
"""The name of the model that nobody but its team knows."""
OWN_SECRET, RIVAL_SECRET = "secret-of-acme", "secret-of-rival"
CONTENT = b"the rival's weights"
MD5 = hashlib.md5(CONTENT).hexdigest()
FASTER = 0.004
"""Seconds by which one answer may be faster: far less than reading anything takes."""


@dataclass(frozen=True)
class Target:
    """A repository, its team, and the path of its project's page."""

    name: str
    team: str
    page: str


@dataclass(frozen=True)
class Ask:
    """One request; `query`, `json` and `data` as `requests` has them."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    data: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def model(endpoint: str) -> Callable[[Target, str], list[Ask]]:
    path = f"/api/model-registry/{endpoint}"

    def asks(target: Target, link: str) -> list[Ask]:
        queries = ({}, {"version": "v1.0.0"}, {"stage": "prod"})
        found = [
            Ask("GET", path, {"repo": target.name, "name": SECRET, **query}) for query in queries
        ]
        return [*found, Ask("GET", path, {"repo": f"https://git.example.org/{target.name}.git"})]

    return asks


def projects(target: Target, link: str) -> list[Ask]:
    path = "/api/create-project"
    return [
        Ask("POST", path, json={"repo_url": target.name}),
        Ask("POST", path, json={"repo_url": target.name, "team_name": "ml"}),
        Ask("POST", path, json={"repo_url": "acme/models", "team_name": target.team}),
    ]


def webhooks(target: Target, link: str) -> list[Ask]:
    body = json.dumps({"repository": {"full_name": target.name, "x": "y" * 500_000}}).encode()
    signature = "sha256=" + hmac.digest(OWN_SECRET.encode(), body, "sha256").hex()
    sent = (
        {},
        {"X-Gitlab-Token": OWN_SECRET},
        {"X-Hub-Signature-256": signature},
        {"X-Hub-Signature-256": signature, "X-GitHub-Event": "ping"},
    )
    return [
        Ask("POST", "/api/webhook", data=body, headers={"Content-Type": "application/json", **each})
        for each in sent
    ]


def files(target: Target, link: str) -> list[Ask]:
    _, _, query = link.partition("?")
    own = dict(pair.split("=", 1) for pair in query.split("&"))
    of_git = f"/files/repositories/{target.name}/{'a' * 40}/files/md5/{MD5[:2]}/{MD5[2:]}"
    of_remote = f"/files/remotes/{target.name}/web/{SECRET}"
    return [
        Ask("GET", path, query)
        for path in (of_git, of_remote, f"/files/folders/{target.team}/{SECRET}")
        for query in ({}, own, {**own, "Repository": target.name})
    ]


def below(name: str, *queries: Mapping[str, str]) -> Callable[[Target, str], list[Ask]]:
    """A page below that of a project."""
    return lambda target, link: [
        Ask("GET", f"/{target.page}/{name}", query) for query in ({}, *queries)
    ]


def static(method: str, path: str) -> Callable[[Target, str], list[Ask]]:
    """The same answer for everybody, whatever is asked for besides."""
    return lambda target, link: [Ask(method, path, {"repo": target.name})]


VERSION = {"model": SECRET, "version": "v1.0.0"}
ROWS: dict[tuple[str, str], Callable[[Target, str], list[Ask]]] = {
    ("GET", "/api/model-registry/get-download-uris"): model("get-download-uris"),
    ("GET", "/api/model-registry/resolve"): model("resolve"),
    ("GET", "/api/model-registry/models"): model("models"),
    ("POST", "/api/create-project"): projects,
    ("POST", "/api/webhook"): webhooks,
    ("GET", "/files/{path:path}"): files,
    ("GET", "/"): lambda target, link: [
        Ask("GET", "/"),
        Ask("GET", "/", {"q": target.name}),
        Ask("GET", "/", {"q": target.team}),
    ],
    ("GET", "/{page:path}"): lambda target, link: [
        Ask("GET", f"/{target.page}"),
        Ask("GET", f"/{target.page}", {"model": SECRET}),
        Ask("GET", f"/{target.page}", {"q": SECRET, "stage": "prod"}),
        Ask("GET", f"/{target.name}"),
    ],
    ("GET", "/models"): lambda target, link: [
        Ask("GET", "/models"),
        Ask("GET", "/models", {"q": target.name}),
        Ask("GET", "/models", {"q": SECRET}),
    ],
    ("GET", "/{page:path}/history"): below("history", {}, {"model": SECRET}),
    ("GET", "/{page:path}/stage"): below("stage", {"model": SECRET, "stage": "prod"}),
    ("GET", "/{page:path}/version"): below("version", VERSION),
    ("GET", "/{page:path}/compare"): below("compare", {"model": SECRET, "from": "v1.0.0"}),
    ("GET", "/{page:path}/checksums"): below("checksums", VERSION),
    ("GET", "/{page:path}/file"): below("file", {**VERSION, "path": SECRET}),
    ("GET", "/login"): lambda target, link: [Ask("GET", "/login", {"next": f"/{target.page}"})],
    ("POST", "/login"): lambda target, link: [
        Ask("POST", "/login", data=f"token=isat_wrong&next=/{target.page}".encode())
    ],
    ("POST", "/logout"): static("POST", "/logout"),
    ("GET", "/static/{path:path}"): static("GET", f"/static/{SECRET}"),
    **{
        row: static(*row)
        for row in OPEN
        | WITHOUT_ISSUERS
        | {("GET", "/login/oidc"), ("GET", "/login/callback"), ("GET", "/metrics")}
    },
}
"""What is asked on each route: of a target, by somebody who has a signed link of their own."""


@dataclass(frozen=True)
class Two:
    """The server of two teams, and the tokens of one of them."""

    server: Registry
    rival: str
    own: str
    link: str
    there: Target
    nowhere: Target


def annotated(*models: str) -> bytes:
    return json.dumps({"artifacts": {each: {"path": each} for each in models}}).encode()


def imported(path: str, source: str) -> bytes:
    repo = {"url": f"https://git.example.org/{source}.git", "rev_lock": "a" * 40}
    out = {"path": path, "md5": MD5, "hash": "md5"}
    return json.dumps({"deps": [{"path": SECRET, "repo": repo}], "outs": [out]}).encode()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    folder = tmp_path_factory.mktemp("two")
    vault = folder / "vault"
    (vault / "files/md5" / MD5[:2]).mkdir(parents=True)
    (vault / "files/md5" / MD5[:2] / MD5[2:]).write_bytes(CONTENT)
    out = json.dumps({"outs": [{"path": SECRET, "md5": MD5, "hash": "md5"}]}).encode()
    config = f"[core]\nremote = store\n['remote \"store\"']\nurl = {vault}\n".encode()
    made_at(
        folder / "rival",
        {"dvc.yaml": annotated(SECRET), f"{SECRET}.dvc": out, ".dvc/config": config},
        f"{SECRET}@v1.0.0",
        f"{SECRET}#prod",
    )
    worktree = f"['remote \"tree\"']\nurl = {vault}/files/md5\nworktree = true\n".encode()
    guess = {"outs": [{"path": f"{MD5[:2]}/{MD5[2:]}", "md5": MD5, "remote": "tree"}]}
    artifacts = {each: {"path": each} for each in ("own", "stolen", "guessed", "hash")}
    artifacts["peek"] = {"path": f"{MD5[:2]}/{MD5[2:]}"}
    made_at(
        folder / "acme",
        {
            "dvc.yaml": json.dumps({"artifacts": artifacts}).encode(),
            "own": b"own",
            "stolen.dvc": imported("stolen", "rival/vault"),
            "guessed.dvc": imported("guessed", "rival/vacum"),
            "hash.dvc": out.replace(SECRET.encode(), b"hash"),
            f"{MD5[:2]}.dvc": json.dumps(guess).encode(),
            ".dvc/config": config + worktree,
        },
        *(f"{each}@v1.0.0" for each in ("own", "stolen", "guessed", "peek", "hash")),
    )

    def secret(text: str) -> dict[str, str]:
        file = folder / f"{text}.txt"
        file.write_text(text)
        return {"file": str(file)}

    repositories = {
        "acme/models": {
            "url": str(folder / "acme"),
            "teams": ["ml"],
            "webhook-secret": secret(OWN_SECRET),
            "aliases": ["https://git.example.org/acme/models.git"],
        },
        "rival/vault": {
            "url": str(folder / "rival"),
            "teams": ["rival"],
            "webhook-secret": secret(RIVAL_SECRET),
            "aliases": ["https://git.example.org/rival/vault.git"],
            "remotes": {"store": {"url": str(vault)}},
        },
    }
    more = {"folders": {"rival": str(vault)}, "metrics_token": secret("for-metrics")}
    with registry(folder, repositories, **more) as server:
        rival = server.token(teams=["rival"], name="eve")
        own = server.token(teams=["ml"], name="ada")
        answer = server.ask("get-download-uris", own, repo="acme/models", name="own")
        project = requests.post(
            f"{server.url}/api/create-project",
            json={"repo_url": "rival/vault", "name": "Plans", "team_name": "rival"},
            headers={"Authorization": f"token {rival}"},
            timeout=60,
        ).json()["projects"][0]
        page = project["url"].removeprefix(f"{server.url}/")
        yield Two(
            server,
            rival,
            own,
            answer.json()["own"],
            Target("rival/vault", "rival", page),
            Target("rival/vacum", "rivax", page.replace(project["id"], "0123456789")),
        )


def test_routes__each_has_a_row(tmp_path: Path) -> None:
    settings = ServerSettings(tmp_path, f"sqlite:///{tmp_path}/registry.db", ())
    services = process.make_services(settings, {})
    routes = [*create_api(services).routes, *create_pages(services).routes]
    services.engine.dispose()

    assert all(isinstance(route, Route) for route in routes)
    assert set(ROWS) == {
        (method, route.path)
        for route in routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    }


Send = Callable[[Ask], requests.Response]


def sender(two: Two, who: str) -> Send:
    """Requests by nobody, or by the other team: with its token and with a session of it."""
    session = two.server.browser(two.own) if who == "their session" else requests.Session()
    session.headers["Connection"] = "close"
    session.headers["Accept-Encoding"] = "identity"  # else lengths vary with what was asked for
    if who == "their token":
        session.headers["Authorization"] = f"token {two.own}"

    def send(ask: Ask) -> requests.Response:
        return session.request(
            ask.method,
            two.server.url + ask.path,
            params=ask.query,
            json=ask.json,
            data=ask.data,
            headers=dict(ask.headers),
            allow_redirects=False,
            timeout=60,
        )

    return send


def seen(answer: requests.Response, target: Target) -> tuple[int, dict[str, str], bytes]:
    """All that an answer says, but for the moment and for what was asked for."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    for name in ("date", "x-request-id"):
        headers.pop(name, None)
    said = json.dumps(headers), answer.content.decode("utf-8", "replace")
    names = [target.page, target.name, target.team]
    names += [quote(each, safe="") for each in names]
    names = sorted([*names, *map(quote, names)], key=len, reverse=True)
    shown = [re.sub("|".join(map(re.escape, names)), "TARGET", each) for each in said]
    shown = [re.sub(r"<time.*?</span>", "", each) for each in shown]
    return answer.status_code, json.loads(shown[0]), shown[1].encode()


@pytest.mark.parametrize("who", ["nobody", "their token", "their session"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: " ".join(row))
def test_route__tells_nothing(two: Two, row: tuple[str, str], who: str) -> None:
    send = sender(two, who)

    asked = zip(ROWS[row](two.there, two.link), ROWS[row](two.nowhere, two.link), strict=True)
    for there, nowhere in asked:
        if row == ("POST", "/logout"):
            send = sender(two, who)
        answers = send(there), send(nowhere)

        assert seen(answers[0], two.there) == seen(answers[1], two.nowhere)
        assert answers[0].status_code < 500
        assert b"Plans" not in answers[0].content
        assert CONTENT not in answers[0].content


TIMED = {
    ("GET", "/api/model-registry/resolve"): "their token",
    ("GET", "/api/model-registry/models"): "their token",
    ("POST", "/api/create-project"): "their token",
    ("POST", "/api/webhook"): "nobody",
    ("GET", "/files/{path:path}"): "nobody",
    ("GET", "/{page:path}"): "their session",
    ("GET", "/{page:path}/version"): "their session",
    ("GET", "/{page:path}/file"): "their session",
}


@pytest.mark.parametrize("row", TIMED, ids=lambda row: " ".join(row))
def test_route__takes_the_same_time(two: Two, row: tuple[str, str]) -> None:
    send = sender(two, TIMED[row])

    for pair in zip(ROWS[row](two.there, two.link), ROWS[row](two.nowhere, two.link), strict=True):
        rounds = [[timed(send, ask) for ask in pair] for _ in range(25)]
        there, nowhere = map(min, zip(*rounds, strict=True))

        assert there == pytest.approx(nowhere, abs=FASTER)


def timed(send: Send, ask: Ask) -> float:
    began = time.perf_counter()
    send(ask)
    return time.perf_counter() - began


def test_webhook__does_not_tell_of_another_repository(two: Two) -> None:
    document = {"repository": {"full_name": "acme/models", "clone_url": "rival/vault"}}

    answer = requests.post(
        f"{two.server.url}/api/webhook",
        json=document,
        headers={"X-Gitlab-Token": OWN_SECRET},
        timeout=60,
    )

    assert (answer.status_code, answer.json()) == (202, {"repositories": ["acme/models"]})


def test_import__from_another_team(two: Two) -> None:
    stolen, guessed = (
        two.server.ask("resolve", two.own, repo="acme/models", name=name)
        for name in ("stolen", "guessed")
    )

    assert stolen.status_code == guessed.status_code == 400
    assert stolen.text.replace("stolen", "guessed").replace("vault", "vacum") == guessed.text


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("hash", 400, "'store' is in a folder that acme/models may not name"),
        ("peek", 409, "by name or version instead of by digest"),
    ],
    ids=["by its hash", "by its path"],
)
def test_folder__of_another_team(two: Two, name: str, status: int, said: str) -> None:
    answer = two.server.ask("resolve", two.own, repo="acme/models", name=name)

    assert answer.status_code == status, answer.text
    assert said in answer.text
    assert str(two.server.folder) not in answer.text


def test_folder__of_ones_own_team(two: Two) -> None:
    answer = two.server.ask("get-download-uris", two.rival, repo="rival/vault", name=SECRET)

    assert requests.get(answer.json()[SECRET], timeout=60).content == CONTENT
