from __future__ import annotations

import io
from pathlib import Path
from typing import get_args

import pytest

from studio_action.ci.job import Job, System
from studio_action.ci.platforms import platform_for
from tests.ci.conftest import Desks

NAMES: dict[System, str] = {
    "github": "GitHub Actions",
    "gitlab": "GitLab CI",
    "azure": "Azure Pipelines",
    "bitbucket": "Bitbucket Pipelines",
    "circleci": "CircleCI",
    "generic": "no CI system",
}


@pytest.mark.parametrize("system", get_args(System))
def test_platform_for__every_system(desk: Desks, system: System) -> None:
    assert desk(system).platform.name == NAMES[system]


def test_platform_for__stream_whose_encoding_is_poor(tmp_path: Path) -> None:
    raw = io.BytesIO()
    stdout = io.TextIOWrapper(raw, encoding="ascii")
    platform = platform_for(Job("github", tmp_path), stdout=stdout, stderr=io.StringIO())

    platform.info("café …")

    assert raw.getvalue() == b"caf\\xe9 \\u2026\n"
