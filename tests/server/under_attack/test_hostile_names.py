"""Names that are written to harm whoever reads them: in a browser, a terminal, a table, a log.

They stand in tags, taggers, messages, branches, `dvc.yaml` and names of files, in what clients
send, and are shown by a real server to a real browser.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests
from playwright.sync_api import Browser

from studio_action.text import has_hidden_characters
from tests.gitrepo.repositories import git, made_at
from tests.server.under_attack.registry import Registry, registry
from tests.servers.browser import chromium, tab

pytestmark = pytest.mark.servers

SCRIPT = "<script>window.harmed=1;fetch('http://evil.test/')</script>"
HOSTILE = {
    "a script": SCRIPT,
    "an attribute": "\"'><img src=http://evil.test/x onerror=window.harmed=1>",
    "a link": "javascript:window.harmed=1",
    "a template": "{{ 7907*7919 }}{% raw %}",
    "a formula": '=HYPERLINK("http://evil.test/";"open")',
    "a terminal": "\x1b[2J\x1b]0;harmed\x07\x1b[31m",
    "right to left": "\u202egnp.\u2066exe\u202c",
    "look-alikes": "аdmіn ⁄ ‮",
    "commands of CI": "::error::harmed ##vso[task.setvariable] \r\n::add-mask::",
    "a line of a log": '\n{"level": "error", "message": "harmed"}\n',
    "zero bytes": "a\0b",
    "very long": "W" * 5000,
}
IN_TAGS = (SCRIPT.partition(";")[0] + "</script>", '"\'onmouseover="window.harmed=1"', "{{config}}")
"""What Git allows in a tag's name; as a model's or a stage's name, GTO does not."""
EVIL_COMPUTED = "62615533"


@dataclass(frozen=True)
class Evil:
    """The server of a repository that is hostile throughout, and a token that may read it."""

    server: Registry
    token: str
    page: str


def tag_object(commit: str, name: str, tagger: str, message: str) -> str:
    head = f"object {commit}\ntype commit\ntag {name}\ntagger {tagger} <a@b> 1700000000 +0000\n"
    return f"{head}\n{message}\n"


def make(folder: Path) -> Path:
    """A repository whose every text is hostile."""
    texts = list(HOSTILE.values())
    said = {"path": "m", "desc": SCRIPT, "labels": texts, "type": texts[1], "meta": {SCRIPT: texts}}
    artifacts: dict[str, Any] = {each: said for each in texts if len(each) < 1000}
    artifacts["churn"] = said
    artifacts["bad"] = {**said, "path": "bad"}
    legal = [each.replace("/", "_") for each in texts if each.isprintable() and len(each) < 200]
    files = {f"m/{each}.bin": b"m" for each in legal}
    files |= {f"bad/{texts[5]}": b"m", f"bad/{texts[9].replace('/', ' ')}": b"m"}
    made_at(folder, {"dvc.yaml": json.dumps({"artifacts": artifacts}).encode(), **files})
    commit = git(folder, "commit", "--quiet", "--allow-empty", "-m", SCRIPT) or git(
        folder, "rev-parse", "HEAD"
    )
    git(folder, "update-ref", f"refs/heads/{IN_TAGS[0]}", commit)
    names = [f"churn@v1.{number}.0" for number in range(len(texts))]
    names += [f"{each}=model@v1.0.0" for each in IN_TAGS] + [f"{each}@v1.0.0" for each in IN_TAGS]
    names += ["churn#prod", *(f"churn#{each}" for each in IN_TAGS), "bad@v1.0.0", "old@v1.0.0"]
    for number, name in enumerate([*names, "old@deprecated"]):
        text = texts[number % len(texts)].replace("\n", " ").replace("\0", " ")
        words = ("hash-object", "-w", "-t", "tag", "--literally", "--stdin")
        made = git(folder, *words, stdin=tag_object(commit, name, text, text))
        git(folder, "update-ref", f"refs/tags/{name}", made)
    return folder


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evil]:
    folder = tmp_path_factory.mktemp("evil")
    with registry(folder, {"acme/models": make(folder / "made")}) as server:
        token = server.token("acme/models", name=HOSTILE["an attribute"])
        created = requests.post(
            f"{server.url}/api/create-project",
            json={"repo_url": "acme/models", "name": f"{SCRIPT}{IN_TAGS[2]}"},
            headers={"Authorization": f"token {token}"},
            timeout=60,
        )
        assert created.status_code == 201, created.text
        page = created.json()["projects"][0]["url"].removeprefix(server.url)
        yield Evil(server, token, page)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def texts_in(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts_in(each)
    elif isinstance(value, str):
        yield value


def check_log(evil: Evil) -> None:
    """Fail if the log has a line that is no JSON, or that could harm a terminal."""
    assert evil.server.server.other == []
    for line in list(evil.server.server.lines):
        assert not [text for text in texts_in(line) if has_hidden_characters(text)], line
        assert line["message"] != "harmed"
        assert len(json.dumps(line)) < 20_000


def test_pages(evil: Evil, browser: Browser) -> None:
    with tab(browser) as opened:
        page, asked = opened.page, list[str]()
        page.on("request", lambda request: asked.append(urlsplit(request.url).netloc))
        page.on("dialog", lambda dialog: opened.complaints.append(dialog.message))
        page.goto(f"{evil.server.url}/")
        page.get_by_label("Access token").fill(evil.token)
        page.get_by_role("button", name="Log in").click()
        queries = [f"{evil.page}?q={quote(each)}" for each in IN_TAGS]
        queries += [f"/models?q={quote(IN_TAGS[0])}", "/models"]
        below = ["?model=churn", "/history", "/stage?model=churn&stage=prod"]
        below += ["/version?model=churn&version=v1.0.0", "/version?model=bad&version=v1.0.0"]
        below += ["/compare?model=churn&from=v1.0.0&to=v1.1.0"]
        for path in ("/", evil.page, *queries, *(evil.page + each for each in below)):
            page.goto(evil.server.url + path)
            for element in page.locator("main td, main h3, main .badge").all()[:5]:
                element.hover(force=True)
            assert EVIL_COMPUTED not in page.content()
            assert not has_hidden_characters(" ".join(page.inner_text("body").split()))
            assert page.evaluate("window.harmed") is None
            assert page.locator("main script, main img").count() == 0

        assert "The files are the same" in page.inner_text("body")
    assert set(asked) == {urlsplit(evil.server.url).netloc}
    check_log(evil)


def test_pages__asked_for_with_hostile_texts(evil: Evil, browser: Browser) -> None:
    own = evil.server.browser(evil.token).cookies["studio_action_session"]
    with tab(browser) as opened:
        page, asked = opened.page, list[str]()
        page.context.add_cookies(
            [{"name": "studio_action_session", "value": own, "url": evil.server.url}]
        )
        page.on("request", lambda request: asked.append(urlsplit(request.url).netloc))
        page.on("dialog", lambda dialog: opened.complaints.append(dialog.message))
        for case in HOSTILE.values():
            text = quote(case[:2000], safe="")
            for path in (
                f"/?q={text}",
                f"/login?next=/{text}",
                f"/models?q={text}&stage={text}&type={text}&label={text}&sort={text}",
                f"{evil.page}?q={text}&stage={text}&ci={text}&page={text}",
                f"{evil.page}?model={text}",
                f"{evil.page}/history?model={text}",
                f"{evil.page}/stage?model=churn&stage={text}",
                f"{evil.page}/version?model=churn&version={text}",
                f"/team/{text}/projects/{text}",
            ):
                page.goto(evil.server.url + path)
                assert page.evaluate("window.harmed") is None
                assert EVIL_COMPUTED not in page.content()
        loading = "the server responded with a status of 404"
        opened.complaints = [each for each in opened.complaints if loading not in each]
    assert set(asked) == {urlsplit(evil.server.url).netloc}
    check_log(evil)


@pytest.mark.parametrize("case", HOSTILE)
def test_api__asked_for_with_hostile_texts(case: str, evil: Evil) -> None:
    text = HOSTILE[case]
    queries: list[dict[str, str]] = [
        {"repo": text, "name": "churn"},
        {"repo": "acme/models", "name": text},
        {"repo": "acme/models", "name": "churn", "version": text},
        {"repo": "acme/models", "name": "churn", "stage": text},
        {"repo": "acme/models", "name": "churn", "prerelease": text},
        {"repo": "acme/models", "name": "nobody"},
    ]
    url = evil.server.url
    bodies = [
        {"repo_url": text},
        {"repo_url": "acme/models", "name": text, "team_name": text, "subdir": text},
    ]
    headers = {"Authorization": f"token {evil.token}"}

    answers = [evil.server.ask("resolve", evil.token, **query) for query in queries]
    answers += [
        requests.post(f"{url}/api/create-project", json=body, headers=headers, timeout=60)
        for body in bodies
    ]
    answers += [
        requests.get(f"{url}/api/{quote(text, safe='')}", headers=headers, timeout=60),
        requests.get(f"{url}/files/{quote(text, safe='')}?{quote(text)}", timeout=60),
    ]

    for answer in answers:
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not [each for each in texts_in(answer.json()) if has_hidden_characters(each)]
        assert len(answer.content) < 20_000
    check_log(evil)


def test_api__what_the_repository_holds(evil: Evil) -> None:
    listing = evil.server.ask("models", evil.token, repo="acme/models")
    found = evil.server.ask("resolve", evil.token, repo="acme/models", name="churn")

    assert (listing.status_code, found.status_code) == (200, 200), found.text
    taggers = {
        version["registered_by"]
        for each in listing.json()["models"]
        for version in each["versions"]
    }
    assert len(taggers) > 5
    assert not [each for each in texts_in(listing.json()) if has_hidden_characters(each)]
    assert len(found.json()["files"]) > 3
    assert not [file["url"] for file in found.json()["files"] if not file["url"].isascii()]
    bad = evil.server.ask("resolve", evil.token, repo="acme/models", name="bad")
    assert bad.status_code == 409, bad.text
    assert not has_hidden_characters(bad.json()["detail"])
    check_log(evil)


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": HOSTILE["a terminal"].replace("\x1b", "\x9b")},
        {"User-Agent": SCRIPT, "Referer": SCRIPT, "X-Forwarded-For": SCRIPT},
        {"X-Request-Id": SCRIPT},
        {"Authorization": f"token {SCRIPT}"},
        {"Cookie": f"studio_action_session={SCRIPT}"},
        {"Accept-Language": "W" * 8000},
    ],
    ids=lambda headers: " ".join(headers),
)
def test_log__hostile_headers(evil: Evil, headers: dict[str, str]) -> None:
    sent = {name: value.encode("latin-1") for name, value in headers.items()}
    for path in ("/", "/api/model-registry/models?repo=acme/models", f"/{quote(SCRIPT)}"):
        answer = requests.get(
            evil.server.url + path, headers=sent, timeout=60, allow_redirects=False
        )
        assert answer.status_code < 500
        assert SCRIPT not in json.dumps(dict(answer.headers))

    check_log(evil)
