"""How long pages become, and how much is read for them, where there is very much."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from studio_action.gitrepo.dvc.annotations import Annotation
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.model.artifact import ModelName
from tests.server.site import Site, catalogue, day, site, tag
from tests.server.web.browsing import Browser

VERSIONS = 10_000
MODELS = 500
MOST_BYTES = 200_000
LONG = "n" * 900


def refs() -> list[TagRef]:
    """One model of very many versions that went through prod, and many of few."""
    found = [
        TagRef(name, f"{number:040x}", number, annotated=True, tagger="Ada Example")
        for number in range(VERSIONS)
        for name in (f"churn@v1.{number}.0", f"churn#prod#{number}")
    ]
    return found + [
        tag(f"model-{number:03}{word}", "1", day(1 + number % 28))
        for number in range(MODELS)
        for word in ("@v1.0.0", "@v1.1.0-rc.1", "#prod#1", "#staging#2", "#dev#3")
    ]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Browser, str]]:
    with site(tmp_path_factory.mktemp("many")) as here, requests.Session() as session:
        session.trust_env = False
        here.models.answers["acme/models"] = catalogue(here.calendar(), *refs())
        here.models.said["acme/models"] = {
            ModelName(f"model-{number:03}"): Annotation(
                "model", ("tabular", "gbm"), "What it is for"
            )
            for number in range(MODELS)
        }
        ada = Browser(here, session).enters(here.token("acme/models", name="ada")[1])
        yield here, ada, here.project("Churn models").path


@pytest.mark.parametrize(
    "page",
    [
        "models",
        "models?page=5&sort=updated",
        "models?q=model&stage=prod&label=gbm",
        "{path}",
        "{path}?model=churn",
        "{path}?model=churn&page=200",
        "{path}/history",
        "{path}/history?page=400",
        "{path}/stage?model=churn&stage=prod",
        "{path}/stage?model=churn&stage=prod&page=200",
    ],
)
def test_pages__stay_short(page: str, many: tuple[Site, Browser, str]) -> None:
    _, ada, path = many

    found = ada.page(page.format(path=path))

    assert 5_000 < len(found.html.encode()) < MOST_BYTES
    assert len(found.all("tr")) <= 130


def test_pages__of_names_that_are_very_long(tmp_path: Path) -> None:
    long = [
        tag(f"{LONG}{number:03}{word}", "1", day(1), by="W" * 300)
        for number in range(120)
        for word in ("@v1.0.0", *(f"#{stage}{LONG[:60]}" for stage in range(9)))
    ]
    with site(tmp_path) as here, requests.Session() as session:
        session.trust_env = False
        here.models.answers["acme/models"] = catalogue(here.calendar(), *long)
        project = here.project("Churn models")
        ada = Browser(here, session).enters(here.token("acme/models")[1])

        for page in ("models", project.path):
            assert len(ada.page(page).html.encode()) < 2 * MOST_BYTES
