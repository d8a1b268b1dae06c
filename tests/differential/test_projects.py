"""Random DVC projects, asked about by the real `dvc artifacts get` and by us: byte for byte.

Forty are the same each time; `make nightly` takes hundreds of others.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.differential.comparing import asked
from tests.differential.programs import Dvc
from tests.differential.project import Ground, Project
from tests.differential.projects import FEATURES, WAYS, projects

EXAMPLES = int(os.environ.get("DIFFERENTIAL_EXAMPLES", "0"))
"""How many of each way in which a model is kept, if others each time."""
FIXED = 5


def each_of(way: str, check: Callable[[Project], None], examples: int = EXAMPLES) -> None:
    """Call `check` with projects whose first model is kept in that way."""
    checked = given(projects(way))(lambda project: check(project))
    size = settings(
        max_examples=examples or FIXED,
        phases=[Phase.generate, Phase.shrink] if examples else [Phase.generate],
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    size(checked if examples else seed(f"8 {way}")(checked))()


@pytest.mark.oracle
@pytest.mark.parametrize("way", WAYS)
def test_download__what_dvc_artifacts_get_delivers(dvc: Dvc, ground: Ground, way: str) -> None:
    def check(project: Project) -> None:
        answers = asked(project, dvc, ground)
        for question, (theirs, own) in zip(project.questions, answers, strict=True):
            assert not theirs.failed, f"the project is not valid:\n{theirs.said}\n{project}"
            assert theirs == own, f"{question}\n{own.said}\n{project}"

    each_of(way, check)


def test_projects__forty_have_each_feature_at_least_twice() -> None:
    seen: Counter[str] = Counter()
    for way in WAYS:
        each_of(way, lambda project: seen.update(project.features), examples=0)

    assert {feature: seen[feature] for feature in FEATURES if seen[feature] < 2} == {}
    assert set(seen) <= set(FEATURES)
