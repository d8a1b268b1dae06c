from __future__ import annotations

from pathlib import Path

import pytest

from studio_action.ci.job import Job
from studio_action.inputs.config import Resolve, RunConfig
from studio_action.inputs.lookup import Inputs
from studio_action.net.network import Network
from studio_action.registries.extended import ExtendedStudioRegistry
from studio_action.registries.git import GitRegistry
from studio_action.registries.pinned import PinnedRegistry
from studio_action.run.context import RunContext
from studio_action.run.sources import open_registry
from tests.fakes import RecordingPlatform
from tests.gitrepo.repositories import made_at

ASKED = {"model": "churn", "stage": "prod", "repo": "acme/models"}
STUDIO = {**ASKED, "source": "studio"}
OWN = {**STUDIO, "studio-url": "https://studio.example.org"}


@pytest.mark.parametrize(
    ("inputs", "kind"),
    [
        pytest.param(STUDIO, PinnedRegistry, id="the service is not asked for what it has not"),
        pytest.param(OWN, ExtendedStudioRegistry, id="a server of one's own"),
        pytest.param({**ASKED, "source": "git", "repo": "./made"}, GitRegistry, id="git"),
    ],
)
def test_open_registry(workspace: Path, inputs: dict[str, str], kind: type) -> None:
    made_at(workspace / "made", {}, "churn@v1.0.0")
    told = Inputs(inputs, {"DVC_STUDIO_TOKEN": "isat_x"})
    config = RunConfig.from_inputs("resolve-model", told, Job("generic", workspace))
    context, task = RunContext(config, RecordingPlatform()), config.task
    assert isinstance(task, Resolve)

    with open_registry(task.request, task.source.studio, context, Network()) as (registry, _):
        assert type(registry) is kind
