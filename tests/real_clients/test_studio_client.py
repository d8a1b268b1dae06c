"""The API's own client gets good URLs of every model of the sample from our own server."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from dvc_studio_client.model_registry import get_download_uris

from tests import sample
from tests.real_clients.conftest import Served
from tests.servers.registry import REPOSITORY

MODELS: dict[str, Any] = sample.expected()["models"]
QUESTIONS: list[Any] = [
    pytest.param(name, selector, version, id=f"{name} {' '.join(selector.values())}".strip())
    for name, model in MODELS.items()
    for selector, version in [
        ({}, model["latest"]),
        *(({"stage": stage}, version) for stage, version in model["stages"].items()),
        *(({"version": each}, each) for each in model["versions"] if each.startswith("v")),
    ]
    if version and "problem" not in model["versions"][version]
]


@pytest.fixture(autouse=True)
def configured(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client reads the environment, as it does in a job."""
    for name, text in served.environ.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setenv("DVC_STUDIO_REPO_URL", served.repository)  # or it does not begin


@pytest.mark.parametrize(("name", "selector", "version"), QUESTIONS)
def test_get_download_uris(
    served: Served, name: str, selector: dict[str, str], version: str
) -> None:
    uris = get_download_uris(served.repository, name, **selector)

    got = {path: requests.get(uri, timeout=30).content for path, uri in uris.items()}
    files = MODELS[name]["versions"][version]["files"]
    assert got == {file["path"]: sample.object_path(file["url"]).read_bytes() for file in files}


def test_get_download_uris__by_its_short_name(served: Served) -> None:
    assert list(get_download_uris(REPOSITORY, "az-model")) == ["az/model.bin"]


def test_get_download_uris__refused(served: Served) -> None:
    with pytest.raises(ValueError, match="detail"):
        get_download_uris(REPOSITORY, "other")
