"""Random DVC projects, asked about by the real `dvc artifacts get` and by us: byte for byte.

Forty are the same each time; `make nightly` takes hundreds of others.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings

from tests.differential.comparing import asked
from tests.differential.drafts import Choices
from tests.differential.programs import Dvc
from tests.differential.project import Ground, Project
from tests.differential.projects import FEATURES, WAYS, project_of, projects

EXAMPLES = int(os.environ.get("DIFFERENTIAL_EXAMPLES", "0"))
"""How many others of each way in which a model is kept; none unless they are asked for."""
FIXED = 5


def fixed(way: str) -> Iterator[Project]:
    for number in range(FIXED):
        yield project_of(Choices(Random(f"1 {way} {number}").randrange), way)


def compare(project: Project, dvc: Dvc, ground: Ground) -> None:
    answers = asked(project, dvc, ground)
    for question, (theirs, own) in zip(project.questions, answers, strict=True):
        assert not theirs.failed, f"the project is not valid:\n{theirs.said}\n{project}"
        assert theirs == own, f"{question}\n{own.said}\n{project}"


@pytest.mark.oracle
@pytest.mark.parametrize("way", WAYS)
def test_download__what_dvc_artifacts_get_delivers(dvc: Dvc, ground: Ground, way: str) -> None:
    for project in fixed(way):
        compare(project, dvc, ground)


@pytest.mark.oracle
@pytest.mark.skipif(not EXAMPLES, reason="for the nightly run: DIFFERENTIAL_EXAMPLES is not set")
@pytest.mark.parametrize("way", WAYS)
def test_download__of_any_project(dvc: Dvc, ground: Ground, way: str) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(projects(way))
    def compared(project: Project) -> None:
        compare(project, dvc, ground)

    compared()


def test_projects__forty_have_each_feature_at_least_twice() -> None:
    forty = [project for way in WAYS for project in fixed(way)]
    seen = Counter(feature for project in forty for feature in project.features)

    assert {feature: seen[feature] for feature in FEATURES if seen[feature] < 2} == {}
    assert set(seen) <= set(FEATURES)
