"""What every test may rely on: a clean environment, a workspace, a registry, real storage."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests import reference, schemas

if TYPE_CHECKING:
    from tests.servers import SampleStorage

# `make mutation` runs each test often, and has to find the same each time.
settings.register_profile("mutation", max_examples=20, derandomize=True, deadline=None)

_LEAKING = re.compile(
    r"(INPUT|STUDIO|DVC|GITHUB|RUNNER|ACTIONS|GITLAB|CI|FF|BITBUCKET|BUILD|SYSTEM|AGENT|CIRCLE|BUILDKITE"
    r"|TEAMCITY|JENKINS|BUILDER|VELA|AWS|AZURE|GIT|XDG)(_|\Z).*"
    r"|TF_BUILD|CIRCLECI|(HTTPS?|FTP|ALL|NO)_PROXY|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|SSL_CERT_(FILE|DIR)",
    re.IGNORECASE,
)


@pytest.fixture(autouse=True)
def clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Nothing of the machine, its CI system, its proxies or its accounts leaks into a test."""
    for name in list(os.environ):
        if _LEAKING.fullmatch(name):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty workspace that is the current folder; what is handed on in it has its form."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield folder
    schemas.check_records(folder)


@pytest.fixture
def studio() -> Iterator[reference.ReferenceServer]:
    """The API over the sample registry, with storage of its own."""
    with reference.serve() as server:
        yield server


@pytest.fixture(scope="session")
def real_storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleStorage]:
    """Real S3, Azure and HTTP servers with the sample registry's objects."""
    from tests.servers import sample_storage  # boto3 and azure take their time

    with sample_storage(tmp_path_factory.mktemp("storage")) as storage:
        yield storage


@pytest.fixture
def real_studio(
    studio: reference.ReferenceServer, real_storage: SampleStorage
) -> reference.ReferenceServer:
    """The API, whose signed URLs lead to the real servers."""
    studio.studio.signers.clear()
    studio.studio.signers.update(real_storage.signers)
    return studio


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "real_storage" in getattr(item, "fixturenames", ()):
            item.add_marker("servers")
