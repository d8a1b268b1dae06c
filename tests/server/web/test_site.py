from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
import requests

from studio_action.errors import Unreachable
from studio_action.gitrepo.dvc.annotations import Annotation
from studio_action.model.artifact import ModelName
from tests.gitrepo.repositories import made_at
from tests.server import serving
from tests.server.site import Site, catalogue, day, site, tag
from tests.server.web.browsing import Browser, Page

CHURN = (
    tag("churn@v1.0.0", "1", day(1)),
    tag("churn@v1.1.0", "2", day(2)),
    tag("churn#prod#1", "2", day(3), by="Grace Example"),
    tag("models/vision=segmenter@v3.0.0", "3", day(4)),
)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path) as running:
        running.models.answers["acme/models"] = catalogue(running.calendar(), *CHURN)
        yield running


@pytest.fixture
def browser(here: Site) -> Iterator[Browser]:
    with requests.Session() as session:
        session.trust_env = False
        yield Browser(here, session)


@pytest.fixture
def ada(here: Site, browser: Browser) -> Browser:
    """Somebody whose token was given acme/models."""
    return browser.enters(here.token("acme/models", name="ada")[1])


# The list of projects


def test_projects__with_their_models_and_when_tags_were_read(here: Site, ada: Browser) -> None:
    whole = here.project("Churn models")
    here.project("Vision", subdir="models/vision")

    page = ada.page()

    assert f"/{whole.path}" in page.links()
    assert (
        "Churn models acme/models · team/ml 2 models · tags read 22 Nov 2026, 09:30 UTC just now"
        in page.text
    )
    assert "Vision acme/models, folder models/vision · team/ml 1 model ·" in page.text
    assert {"datetime": "2026-11-22T09:30:00Z"} in page.all("time")
    assert "Token ada" in page.text


def test_projects__of_others_are_not_told(here: Site, ada: Browser) -> None:
    here.project("Hidden plans", "acme/secret")
    here.project("Open plans", "acme/secret", subdir="x", public=True)

    page = ada.page()

    assert "plans" not in page.html
    assert "acme/secret" not in page.html


def test_projects__repositories_that_have_none(here: Site, ada: Browser) -> None:
    page = ada.page()

    assert "Repositories without a project acme/models 2 models" in page.text
    assert "acme/secret" not in page.html


def test_projects__of_a_repository_that_is_served_no_more(here: Site, ada: Browser) -> None:
    gone = here.project("Gone", "acme/gone", public=True)

    assert "Gone" not in ada.page().text
    ada.page(gone.path, 404)


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        pytest.param("CHURN", ["Churn models"], id="by name, in any case"),
        pytest.param("team/vis", ["Vision"], id="by owner"),
        pytest.param("acme", ["Churn models", "Vision"], id="by repository"),
        pytest.param(" ", ["Churn models", "Vision"], id="nothing"),
        pytest.param("nobody", [], id="what there is not"),
    ],
)
def test_projects__sought(sought: str, found: list[str], here: Site, ada: Browser) -> None:
    here.project("Churn models")
    here.project("Vision", owner="team/vision")

    page = ada.page(f"?q={quote(sought)}")

    assert [name for name in ("Churn models", "Vision") if name in page.text] == found
    assert page.all("input")[0]["value"] == sought.strip()


def test_projects__one_repository_fails(here: Site, browser: Browser) -> None:
    browser.enters(here.token(all_repositories=True)[1])
    here.project("Churn models")
    here.project("Far away", "acme/secret")
    here.models.answers["acme/secret"] = Unreachable("git said: /data/mirrors/secret")

    page = browser.page()

    assert "Churn models acme/models · team/ml 2 models" in page.text
    assert "The repository cannot be read." in page.text
    assert "/data/mirrors" not in page.html


# One project


def test_project__its_models_with_stages_and_versions(here: Site, ada: Browser) -> None:
    path = here.project("Churn models").path

    page, model = ada.page(path), ada.page(f"{path}?model=churn")

    assert "Repository acme/models" in page.text
    assert "churn prod v1.1.0 v1.1.0 3 Mar 2026, 12:00 UTC 8 months ago" in page.text
    assert f"/{path}?model=churn" in page.links()
    assert "churn v1.1.0 assigned to prod by Grace Example 2222222" in page.text
    assert "prod v1.1.0 3 Mar 2026, 12:00 UTC 8 months ago by Grace Example" in model.text
    assert "v1.1.0 prod 2 Mar 2026, 12:00 UTC 8 months ago by Ada Example 2222222" in model.text
    assert f"https://github.com/acme/models/commit/{'2' * 40}" in model.links()


def test_project__the_models_of_its_folder_only(here: Site, ada: Browser) -> None:
    page = ada.page(here.project("Vision", subdir="models/vision").path)

    assert "models/vision:segmenter" in page.text
    assert "churn" not in page.text


def test_project__the_snippet_says_this_server(here: Site, ada: Browser) -> None:
    page = ada.page(f"{here.project('Churn models').path}?model=churn")

    assert f"studio-url: {here.url} repo: acme/models model: churn stage: prod" in page.text


def test_project__the_snippet_for_another_ci_and_the_latest_version(
    here: Site, ada: Browser
) -> None:
    page = ada.page(here.project("Churn models").path + "?model=churn&ci=docker&stage=")

    assert f"--studio-url {here.url} \\ --repo acme/models \\ --model churn \\ --dest" in page.text
    assert "models/vision:segmenter" not in page.text


def test_project__all_versions(here: Site, ada: Browser) -> None:
    refs = [
        tag(f"churn@v1.{number}.0", "1", day(1) + timedelta(hours=number)) for number in range(53)
    ]
    here.models.answers["acme/models"] = catalogue(here.calendar(), *refs)
    project = here.project("Churn models")

    first = ada.page(f"{project.path}?model=churn")
    second = ada.page(f"{project.path}?model=churn&ci=github&page=2")
    third = ada.page(f"{project.path}?model=churn&page=3")

    assert "?model=churn&ci=github&page=2#versions" in first.links()
    assert "Page 1 of 2" in first.text
    assert "v1.3.0 1 Mar" in first.text
    assert "v1.2.0 1 Mar" not in first.text
    assert "v1.2.0 1 Mar" in second.text
    assert "There is no page 3." in third.text


def test_project__all_events(here: Site, ada: Browser) -> None:
    refs = [
        tag(f"churn@v1.{number}.0", "1", day(1) + timedelta(hours=number)) for number in range(53)
    ]
    here.models.answers["acme/models"] = catalogue(here.calendar(), *refs)
    project = here.project("Churn models")

    some = ada.page(project.path)
    first, second = ada.page(f"{project.path}/history"), ada.page(f"{project.path}/history?page=2")
    of_model = ada.page(f"{project.path}/history?model=churn")

    assert "All 53 events" in some.text
    assert f"/{project.path}/history" in some.links()
    assert "churn v1.52.0 registered" in first.text
    assert "churn v1.2.0 registered" in second.text
    assert f"/{project.path}/history?page=1" in second.links()
    assert "churn v1.52.0 registered" in of_model.text
    ada.page(f"{project.path}/history?model=nobody", 404)


def test_project__without_models(here: Site, ada: Browser) -> None:
    here.models.answers["acme/models"] = catalogue(here.calendar())

    assert "No models yet. Register the first one" in ada.page(here.project("New").path).text


def test_project__no_such_model(here: Site, ada: Browser) -> None:
    ada.page(here.project("C").path + "?model=nobody", 404)


def test_project__a_model_of_another_folder(here: Site, ada: Browser) -> None:
    project = here.project("Vision", subdir="models/vision")

    ada.page(f"{project.path}?model=churn", 404)
    ada.page(f"{project.path}/stage?model=churn&stage=prod", 404)
    ada.page(f"{project.path}/history?model=churn", 404)


def test_project__a_deprecated_model(here: Site, ada: Browser) -> None:
    old = (tag("old@v1.0.0", "4", day(4)), tag("old@deprecated", "4", day(5)))
    here.models.answers["acme/models"] = catalogue(here.calendar(), *CHURN, *old)
    project = here.project("Churn models")

    everything, alone = ada.page(project.path), ada.page(f"{project.path}?model=old")

    assert "Deprecated models old History" in everything.text
    assert "latest version: gto says none; DVC would deploy v1.0.0 History" in alone.text
    assert "old deprecated by Ada Example" in alone.text


# All models


@pytest.fixture
def fleet(here: Site) -> Site:
    """Two projects, of which one has types and labels, and a repository without a project."""
    here.project("Churn models")
    here.project("Vision", subdir="models/vision")
    here.models.said["acme/models"] = {
        ModelName("churn"): Annotation("model", ("tabular", "gbm"), "Who leaves next month"),
        ModelName("segmenter", "models/vision"): Annotation("network", ("images",)),
    }
    return here


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("", ["churn", "models/vision:segmenter"], id="all"),
        pytest.param("q=CHURN", ["churn"], id="by name, in any case"),
        pytest.param("q=segm+images", ["models/vision:segmenter"], id="by several words"),
        pytest.param("q=leaves", ["churn"], id="by description"),
        pytest.param("q=vision", ["models/vision:segmenter"], id="by project"),
        pytest.param("stage=prod", ["churn"], id="by stage"),
        pytest.param("type=network", ["models/vision:segmenter"], id="by type"),
        pytest.param("label=gbm", ["churn"], id="by label"),
        pytest.param("label=gbm&type=network", [], id="by what contradicts"),
        pytest.param("stage=nowhere", [], id="by an unknown stage"),
        pytest.param("sort=updated", ["models/vision:segmenter", "churn"], id="by last change"),
    ],
)
def test_models__searched(query: str, found: list[str], fleet: Site, ada: Browser) -> None:
    page = ada.page(f"models?{query}")

    names = [link for link in page.links() if link and "?model=" in link]
    assert [unquote(link.partition("?model=")[2]) for link in names] == found
    assert ("No matching models" in page.text) == (not found)
    assert ("Clear the search" in page.text) == (query not in ("", "sort=updated"))


def test_models__what_can_be_chosen(fleet: Site, ada: Browser) -> None:
    page = ada.page("models?label=gbm")

    assert [told.get("name") for told in page.all("select")] == ["stage", "type", "label", "sort"]
    assert "Any prod" in page.text
    assert "Any model network" in page.text
    assert "Any gbm images tabular" in page.text


def test_models__each_once_with_its_innermost_project(fleet: Site, ada: Browser) -> None:
    text = ada.page("models").text

    assert "churn model tabular gbm prod v1.1.0 v1.1.0 Churn models" in text
    assert "models/vision:segmenter network images v3.0.0 Vision" in text


def test_models__of_others_are_not_told(here: Site, ada: Browser) -> None:
    secret = (tag("moonshot@v1.0.0", "1", day(1)), tag("moonshot#orbit", "1", day(2)))
    here.models.answers["acme/secret"] = catalogue(here.calendar(), *secret)
    here.models.said["acme/secret"] = {ModelName("moonshot"): Annotation("rocket", ("apollo",))}
    here.project("Open plans", "acme/secret", public=True)

    for query in ("", "?q=moonshot", "?label=apollo", "?type=rocket", "?stage=orbit"):
        html = ada.page(f"models{query}").html
        for word in ("moonshot", "orbit", "rocket", "apollo"):
            assert word not in html.replace(query.partition("=")[2] or " ", "")


def test_models__without_a_project_have_no_page(here: Site, ada: Browser) -> None:
    page = ada.page("models")

    assert "churn prod v1.1.0 v1.1.0 acme/models" in page.text
    assert not [link for link in page.links() if link and "?model=" in link]


def test_models__without_a_session(here: Site, browser: Browser) -> None:
    assert browser.answer("models?q=x").headers["Location"] == "/login?next=/models%3Fq%3Dx"


def test_models__one_repository_fails(here: Site, browser: Browser) -> None:
    browser.enters(here.token(all_repositories=True)[1])
    here.models.answers["acme/secret"] = Unreachable("git said: /data/mirrors/secret")

    page = browser.page("models")

    assert "acme/secret: The repository cannot be read." in page.text
    assert "churn" in page.text
    assert "/data/mirrors" not in page.html


def test_model__what_doctor_finds(here: Site, ada: Browser) -> None:
    refs = (
        tag("churn@v1.0.0", "1", day(1)),
        tag("churn@v1.1.0", "2", day(2)),
        tag("churn#prod#1", "1", day(3)),
        tag("churn#prod#2", "2", day(4)),
        tag("churn#prod!#3", "2", day(5)),
        tag("churn2#dev", "2", day(5)),
    )
    here.models.answers["acme/models"] = catalogue(here.calendar(), *refs)

    page = ada.page(f"{here.project('Churn models').path}?model=churn")

    assert "stage prod: gto says v1.0.0; DVC would deploy 2222222 (tag churn#prod!#3)" in page.text
    assert "churn2" not in page.text


# A stage over time


def test_stage__who_held_it_how_long(here: Site, ada: Browser) -> None:
    refs = (
        tag("churn@v1.0.0", "1", day(1)),
        tag("churn@v1.1.0", "2", day(2)),
        tag("churn#prod#1", "1", day(3), by="Ada"),
        tag("churn#prod#2", "2", day(10), by="Grace"),
        tag("churn#prod!#3", "2", day(11), by="Linus"),
    )
    here.models.answers["acme/models"] = catalogue(here.calendar(), *refs)
    project = here.project("Churn models")

    page = ada.page(f"{project.path}/stage?model=churn&stage=prod")

    assert "v1.0.0 11 Mar 2026, 12:00 UTC 8 months ago by Linus now 8 months" in page.text
    assert (
        "v1.1.0 10 Mar 2026, 12:00 UTC 8 months ago by Grace 11 Mar 2026, 12:00 UTC 8 months ago"
        " by Linus 1 day" in page.text
    )
    ada.page(f"{project.path}/stage?model=churn&stage=nowhere", 404)
    ada.page(f"{project.path}/stage?model=nobody&stage=prod", 404)
    ada.page(f"{project.path}/stage", 404)


def test_project__the_last_refresh_failed(here: Site, ada: Browser) -> None:
    project = here.project("Churn models")
    known = here.models.answers["acme/models"]
    here.models.answers["acme/models"] = replace(known, failing=True)

    for path in ("", project.path):
        page = ada.page(path)
        assert "The repository is unreachable" in page.text
        assert "22 Nov 2026, 09:30 UTC" in page.text


def test_project__the_repository_cannot_be_read(here: Site, ada: Browser) -> None:
    here.models.answers["acme/models"] = Unreachable("no route to git.internal")

    page = ada.page(here.project("Churn models").path, 503)

    assert "Churn models" in page.text
    assert "The repository cannot be read." in page.text
    assert "git.internal" not in page.html


def test_project__of_a_real_repository(tmp_path: Path) -> None:
    place = made_at(tmp_path / "models", {"model.pkl": b"1"}, "churn@v1.0.0", "churn#prod#1")
    served = (serving.repository(place),)
    told = serving.settings(tmp_path / "data", *served)
    (tmp_path / "data").mkdir()
    models = serving.made(told, serving.World())
    with (
        site(tmp_path / "data", models=models, repositories=served) as here,
        requests.Session() as session,
    ):
        session.trust_env = False
        path = here.project("Churn models", public=True).path
        page = Browser(here, session).page(f"{path}?model=churn")

    assert "prod v1.0.0 1 Mar 2026, 12:00 UTC 8 months ago by Ada Example" in page.text


# Who may see it


def test_project__not_given_is_not_there(here: Site, ada: Browser) -> None:
    secret = here.project("Hidden plans", "acme/secret")

    hidden, missing = ada.answer(secret.path), ada.answer("team/ml/projects/nothing-0123456789")

    assert hidden.status_code == missing.status_code == 404
    assert hidden.text == missing.text


def test_project__without_a_session(here: Site, browser: Browser) -> None:
    project = here.project("Churn models")

    there = browser.answer(project.path)
    missing = browser.answer("team/ml/projects/nothing-0123456789")

    assert (there.status_code, missing.status_code) == (303, 303)
    assert there.headers["Location"] == f"/login?next=/{project.path}"
    assert missing.headers["Location"] == "/login?next=/team/ml/projects/nothing-0123456789"


def test_project__public_without_a_session(here: Site, browser: Browser) -> None:
    project = here.project("Churn models", public=True)

    page = browser.page(project.path)

    assert "prod v1.1.0" in page.text
    assert "/login" in page.links()
    assert browser.answer("").status_code == 303


def test_project__public_for_a_token_of_others(here: Site, ada: Browser) -> None:
    project = here.project("Open plans", "acme/secret", public=True)

    assert "Open plans" in ada.page(project.path).text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("team/ml", "team/other", id="of another team"),
        pytest.param("team/", "user/", id="of a user"),
        pytest.param("/churn", "/burnt", id="with another name"),
        pytest.param("/projects/", "/project/", id="spelt wrongly"),
        pytest.param("team/ml/projects/churn-models-", "", id="its id alone"),
        pytest.param("team/", "x/team/", id="below something else"),
    ],
)
def test_project__at_another_path(old: str, new: str, here: Site, ada: Browser) -> None:
    path = here.project("Churn models").path
    assert old in path

    ada.page(path.replace(old, new), 404)


def test_project__of_a_user_with_an_odd_name(here: Site, ada: Browser) -> None:
    project = here.project("Mine", owner="user/Ada #1 <ada@example.com>/ü?")

    page = ada.page(project.path)

    assert "user/Ada #1 <ada@example.com>/ü?" in page.text


def test_project__a_token_that_was_given_to_a_team(here: Site, browser: Browser) -> None:
    browser.enters(here.token(teams=["ml"])[1])

    assert "Churn models" in browser.page(here.project("Churn models").path).text


# What pages are like


HOSTILE = "</title><script>alert(1)</script>\" onmouseover='alert(2)' \u202e{{ 7907*7919 }}"


def test_page__hostile_names_are_text(here: Site, ada: Browser) -> None:
    refs = (
        tag("churn@v1.0.0", "1", day(1), by=HOSTILE),
        tag("churn@v1.1.0", "1", day(1), by=HOSTILE),
        tag("churn#prod", "1", day(2), by=HOSTILE),
    )
    here.models.answers["acme/models"] = catalogue(here.calendar(), *refs)
    here.models.said["acme/models"] = {ModelName("churn"): Annotation(HOSTILE, (HOSTILE,), HOSTILE)}
    project = here.project(HOSTILE, owner=f"user/{HOSTILE}", subdir="")

    query = quote(HOSTILE)
    pages = [
        ada.page(),
        ada.page(f"?q={query}"),
        ada.page(project.path),
        ada.page(f"{project.path}?q={query}&ci={query}&stage={query}&type={query}&label={query}"),
        ada.page(f"{project.path}?model=churn&ci={query}&stage={query}&page={query}"),
        ada.page(f"{project.path}/history?page={query}"),
        ada.page(f"{project.path}/stage?model=churn&stage=prod&page={query}"),
        ada.page(f"models?q={query}&stage={query}&type={query}&label={query}&sort={query}"),
        ada.page(f"{project.path}?model={query}", 404),
        ada.page(f"team/{query}", 404),
        ada.page(f"login?next={query}"),
    ]

    for page in pages:
        assert [set(script) for script in page.all("script")] == [{"src", "defer"}] * 2
        assert not [name for _, told in page.elements for name in told if name.startswith("on")]
        assert "62615533" not in page.text
    assert "alert(1)" in pages[2].text


@pytest.mark.parametrize(
    ("path", "status"), [("", 200), ("login", 200), ("nothing", 404), ("static/x/y.css", 404)]
)
def test_page__headers(path: str, status: int, ada: Browser) -> None:
    answer = ada.answer(path)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["", "login", "nothing", "project"])
def test_page__nothing_in_it_needs_a_looser_policy(path: str, here: Site, ada: Browser) -> None:
    page = ada.page(
        here.project("C").path if path == "project" else path, 404 if path == "nothing" else 200
    )

    assert not page.all("style")
    assert not [told for _, told in page.elements if "style" in told]
    sources = [
        told.get("src") or told.get("href")
        for _, told in page.elements
        if "src" in told or told.get("rel") in ("stylesheet", "icon")
    ]
    assert sources
    assert all(each and each.startswith("/static/") for each in sources)


@pytest.mark.parametrize("path", ["", "login", "nothing", "project"])
def test_page__can_be_read_by_machines_that_read_aloud(path: str, here: Site, ada: Browser) -> None:
    page = ada.page(
        here.project("C").path if path == "project" else path, 404 if path == "nothing" else 200
    )

    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == len(page.all("main")) == 1
    ids = [told["id"] for _, told in page.elements if "id" in told]
    assert len(ids) == len(set(ids))
    labels = {label["for"] for label in page.all("label")}
    visible = [told for told in page.all("input") if told.get("type") != "hidden"]
    assert all(told.get("aria-label") or told.get("id") in labels for told in visible)
    assert all("alt" in told for told in page.all("img"))
    named = {told.get("aria-labelledby") for _, told in page.elements} - {None}
    assert named <= set(ids)


def test_static__is_kept_by_browsers(here: Site, ada: Browser) -> None:
    page = ada.page()

    for address in (page.all("link")[0]["href"], page.all("script")[0]["src"]):
        assert address
        answer = ada.answer(address[1:])
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
        assert len(answer.content) < 12_000


def test_page__below_a_sub_path(tmp_path: Path) -> None:
    with site(tmp_path, base_path="/studio") as here, requests.Session() as session:
        session.trust_env = False
        browser = Browser(here, session)
        project = here.project("Churn models")
        here.models.answers["acme/models"] = catalogue(here.calendar(), *CHURN)
        assert browser.answer("").headers["Location"] == "/studio/login?next=/studio/"
        browser.enters(here.token("acme/models")[1])

        page = browser.page()

        assert f"/studio/{project.path}" in page.links()
        own = [link for link in page.links() if link and link.startswith("/")]
        assert all(link.startswith("/studio/") for link in own)
        style = page.all("link")[0]["href"]
        assert style
        assert browser.answer(style.removeprefix("/studio/")).status_code == 200
        page = browser.page(f"{project.path}?model=churn")
        own = [link for link in page.links() if link and link.startswith("/")]
        assert all(link.startswith("/studio/") for link in own)
        assert f"studio-url: {here.url} repo" in page.text


def test_page__the_public_address_is_in_the_snippet(tmp_path: Path) -> None:
    address = "https://models.example.org/studio"
    with site(tmp_path, base_path="/studio", url=address) as here, requests.Session() as session:
        session.trust_env = False
        here.models.answers["acme/models"] = catalogue(here.calendar(), *CHURN)
        project = here.project("Churn models", public=True)

        page = Browser(here, session).page(f"{project.path}?model=churn")

    assert f"studio-url: {address} repo" in page.text


def test_page__the_method_is_another(ada: Browser) -> None:
    answer = ada.answer("login", "DELETE")

    assert answer.status_code == 405
    assert "Method Not Allowed" in Page(answer.text).text


def test_page__the_host_is_none(here: Site, ada: Browser) -> None:
    project = here.project("Churn models")
    ada.session.headers["Host"] = "models.example.org/<script>"

    answer = ada.answer(project.path)

    assert answer.status_code == 400
    assert "Bad Request" in Page(answer.text).text


def test_page__the_database_fails(here: Site, ada: Browser) -> None:
    ada.page()
    with here.services.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE projects RENAME TO elsewhere")

    answer = ada.answer("")

    assert answer.status_code == 503
    assert "Service Unavailable" in Page(answer.text).text
    assert "elsewhere" not in answer.text
    here.lines.wait_for("request")
    assert "no such table: projects" in here.lines.text


def test_page__a_fault_of_ours(here: Site, ada: Browser) -> None:
    here.models.answers["acme/models"] = ZeroDivisionError("in models")

    answer = ada.answer("")

    assert answer.status_code == 500
    assert "Internal Server Error" in Page(answer.text).text
    assert "ZeroDivisionError" not in answer.text
    here.lines.wait_for("request")
    assert "ZeroDivisionError: in models" in here.lines.text


def test_page__a_long_one_is_compressed(here: Site, ada: Browser) -> None:
    answer = ada.answer(here.project("Churn models").path)

    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) < len(answer.content) / 3


def test_page__head(ada: Browser) -> None:
    answer = ada.answer("login", "HEAD")

    assert (answer.status_code, answer.content) == (200, b"")


def test_page__moments_are_in_utc(here: Site, ada: Browser) -> None:
    project = here.project("Churn models")
    here.models.answers["acme/models"] = catalogue(here.calendar() - timedelta(seconds=1), *CHURN)

    page = ada.page(project.path)

    assert {"datetime": "2026-03-03T12:00:00Z"} in page.all("time")
