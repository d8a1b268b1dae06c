"""The real client of the API speaks with the reference server."""

from __future__ import annotations

import pytest
from dvc_studio_client.model_registry import get_download_uris

from tests import sample
from tests.reference import REPOSITORY, ReferenceServer


@pytest.fixture(autouse=True)
def configured(studio: ReferenceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client reads the environment, as it does in a job."""
    monkeypatch.setenv("DVC_STUDIO_URL", studio.url)
    monkeypatch.setenv("DVC_STUDIO_TOKEN", studio.token)
    monkeypatch.setenv("DVC_STUDIO_REPO_URL", f"https://github.com/{REPOSITORY}")


@pytest.mark.parametrize(
    ("name", "selector", "version"),
    [
        ("dir-model", {}, "v0.10.0"),
        ("text-classifier", {"stage": "prod"}, "v1.0.0"),
        ("models/churn:churn", {"version": "v3.0.0"}, "v3.0.0"),
        ("web-model", {"version": "v1.1.0+gpu"}, "v1.1.0+gpu"),
    ],
    ids=["folder, latest", "stage", "monorepo, version", "version with a plus"],
)
def test_get_download_uris(name: str, selector: dict[str, str], version: str) -> None:
    uris = get_download_uris(REPOSITORY, name, **selector)

    files = sample.expected()["models"][name]["versions"][version]["files"]
    assert set(uris) == {file["path"] for file in files}


def test_get_download_uris__refused() -> None:
    with pytest.raises(ValueError, match="Not found"):
        get_download_uris(REPOSITORY, "other")
