"""The pages of a real repository with two versions of a model, and a hostile one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from studio_action.server.access import Token
from tests.gitrepo.repositories import committed, made_at
from tests.server import serving
from tests.server.site import Site, site
from tests.server.web.browsing import Browser

CONTENT = {1: b"first", 2: b"second, longer"}
HOSTILE = "</title><script>alert(1)</script>\" onmouseover='alert(2)' \u202e{{ 7907*7919 }}"
CARD = (
    b"---\nlicense: mit\n---\n# Churn\n\n![x](https://evil.test/x.png) <script>alert(1)</script>\n"
)


def pipeline(number: int) -> dict[str, bytes]:
    """The files of one version: a pipeline that trained a model, which Git has."""
    artifact = {"path": "models", "type": "model", "labels": ["gbm"], "desc": "Who leaves"}
    train = {"cmd": "train", "params": ["lr"], "outs": [{"models": {"cache": False}}]}
    train["metrics"] = [{"metrics.json": {"cache": False}}, "far.json"]
    dvc = {"artifacts": {"churn": artifact}, "stages": {"train": train}}
    lock: Any = {"schema": "2.0", "stages": {"train": {"cmd": "train"}}}
    lock["stages"]["train"]["params"] = {"params.yaml": {"lr": number / 10, "seed": 7}}
    lock["stages"]["train"]["outs"] = [{"path": "models"}]
    return {
        "dvc.yaml": json.dumps(dvc).encode(),
        "dvc.lock": json.dumps(lock).encode(),
        "metrics.json": json.dumps({"auc": 0.9 + number / 100, "loss": {"val": 1}}).encode(),
        "models/model.bin": CONTENT[number],
        "models/same.txt": b"same",
        f"models/only-{number}.txt": b"x" * number,
        "models/README.md": CARD,
    }


@dataclass
class Registry:
    """The pages of one repository, and somebody who may read it."""

    here: Site
    path: str
    ada: Browser

    def stranger(self, token: Token | None = None) -> Browser:
        session = requests.Session()
        session.trust_env = False
        browser = Browser(self.here, session)
        return browser.enters(token) if token else browser


@contextmanager
def versions(folder: Path) -> Iterator[Registry]:
    """The pages of the repository, whose state is in `folder`."""
    place = made_at(folder / "models", pipeline(1), "churn@v1.0.0", "churn#prod#1", "ghost@v1.0.0")
    (place / "models/only-1.txt").unlink()
    committed(place, {**pipeline(2), "sub/dvc.yaml": b"{}"}, "churn@v1.1.0")
    odd = {HOSTILE.replace("/", "-"): b"odd", "README.md": HOSTILE.encode()}
    said = {"path": "odd", "type": HOSTILE, "labels": [HOSTILE], "desc": HOSTILE}
    names = {"artifacts": {"odd": said}, "metrics": ["odd.json"], "params": [HOSTILE]}
    odd = {f"odd/{name}": content for name, content in odd.items()}
    odd["odd.json"] = json.dumps({HOSTILE: HOSTILE}).encode()
    committed(place, {**odd, "dvc.yaml": json.dumps(names).encode()}, "odd@v1.0.0", message=HOSTILE)
    repository = serving.repository(place, teams=frozenset({"ml"}))
    (folder / "data").mkdir()
    told = serving.settings(folder / "data", repository)
    models = serving.made(told, serving.World())
    with site(folder / "data", models=models, repositories=(repository,)) as here:
        project = here.project("Churn models", public=True)
        with requests.Session() as session:
            session.trust_env = False
            ada = Browser(here, session).enters(here.token("acme/models", name="ada")[1])
            yield Registry(here, project.path, ada)
