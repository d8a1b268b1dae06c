"""The image, made from this checkout, and workspaces to mount into its containers."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.engine import OWNER, ROOT, Image, answer
from tests.oidc.issuer import Issuer, issuer
from tests.servers.keyless import keyless_server
from tests.servers.registry import OwnServer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that is in this folder needs a Docker engine."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("docker")


@pytest.fixture(scope="session")
def image() -> Image:
    """The image as `docker build .` makes it, without any option."""
    base = re.search(r"^ARG PYTHON_IMAGE=(.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert base is not None
    answer("build", "--tag", "studio-action:test", str(ROOT))
    return Image("studio-action:test", base[1])


@pytest.fixture
def owned_workspace(tmp_path: Path) -> Path:
    """An empty workspace of an unprivileged owner, as a CI system's runner has it."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    os.chown(folder, *OWNER)
    return folder


@pytest.fixture(scope="session")
def ci() -> Iterator[Issuer]:
    """A CI system that makes ID tokens."""
    with issuer() as started:
        yield started


@pytest.fixture(scope="session")
def keyless(tmp_path_factory: pytest.TempPathFactory, ci: Issuer) -> Iterator[OwnServer]:
    """A server of one's own that trusts this CI system."""
    with keyless_server(tmp_path_factory.mktemp("keyless"), ci) as running:
        yield running
