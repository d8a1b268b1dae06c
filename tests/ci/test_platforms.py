from __future__ import annotations

import io
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio_action.ci import systems
from studio_action.ci.job import Job
from studio_action.ci.platforms import detect_job, known_systems, no_token_hint, platform_for
from tests.ci.conftest import Desks

NAMES = {
    "github": "GitHub Actions",
    "gitlab": "GitLab CI",
    "azure": "Azure Pipelines",
    "bitbucket": "Bitbucket Pipelines",
    "circleci": "CircleCI",
    "generic": "no CI system",
}

ONE_MORE = """
from studio_action.ci.console import Console
from studio_action.ci.system import System, Variables

class Woodpecker(Console):
    name = "Woodpecker CI"

    def publish(self, outputs, prefix):
        self._append_outputs("".join(f"{prefix}{name}={outputs[name]}\\n" for name in outputs))

SYSTEM = System(
    name="woodpecker",
    sign="CI_PIPELINE_FORGE_URL",
    platform=Woodpecker,
    variables=Variables(
        workspace="CI_WORKSPACE", tag="CI_COMMIT_TAG", output_file="CI_OUTPUTS", debug="CI_VERBOSE"
    ),
    no_token="Add a secret",
)
"""


def test_known_systems__the_one_with_the_highest_priority_first() -> None:
    names = [system.name for system in known_systems()]

    assert names == ["github", "gitlab", "azure", "bitbucket", "circleci"]
    assert [*names, "generic"] == list(NAMES)


@pytest.mark.parametrize("system", NAMES)
def test_platform_for__every_system(desk: Desks, system: str) -> None:
    assert desk(system).platform.name == NAMES[system]


def test_platform_for__stream_whose_encoding_is_poor(tmp_path: Path) -> None:
    raw = io.BytesIO()
    stdout = io.TextIOWrapper(raw, encoding="ascii")
    platform = platform_for(Job("github", tmp_path), stdout=stdout, stderr=io.StringIO())

    platform.info("café …")

    assert raw.getvalue() == b"caf\\xe9 \\u2026\n"


@pytest.fixture
def one_more_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A module beside those of the other systems, and nothing else."""
    (tmp_path / "woodpecker.py").write_text(ONE_MORE)
    monkeypatch.setattr(systems, "__path__", [*systems.__path__, str(tmp_path)])
    known_systems.cache_clear()
    yield
    known_systems.cache_clear()
    sys.modules.pop(f"{systems.__name__}.woodpecker", None)


@pytest.mark.usefixtures("one_more_module")
def test_one_more_system_is_one_more_module(tmp_path: Path) -> None:
    environ = {
        "CI_PIPELINE_FORGE_URL": "https://forge.example.org/acme/churn/7",
        "CI_WORKSPACE": "/woodpecker/src",
        "CI_COMMIT_TAG": "churn@v1.2.0",
        "CI_OUTPUTS": str(tmp_path / "outputs"),
        "CI_VERBOSE": "true",
    }
    stdout = io.StringIO()

    job = detect_job(environ, tmp_path)
    platform = platform_for(job, stdout=stdout, stderr=io.StringIO())
    platform.debug("Resolving")
    platform.publish({"version": "v1.2.0"}, "MODEL_")

    assert job == Job(
        "woodpecker",
        Path("/woodpecker/src"),
        tag="churn@v1.2.0",
        output_file=tmp_path / "outputs",
        debug=True,
    )
    assert platform.name == "Woodpecker CI"
    assert stdout.getvalue() == "debug: Resolving\n"
    assert (tmp_path / "outputs").read_text() == "MODEL_version=v1.2.0\n"
    assert no_token_hint(job) == "Add a secret"


def test_every_module_of_a_system_is_known() -> None:
    assert len(known_systems()) == len(list(pkgutil.iter_modules(systems.__path__)))
