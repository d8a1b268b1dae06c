"""What every test may rely on: a clean environment, a workspace."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

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
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty workspace that is the current folder."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder
