"""Every version and stage of the public-style repositories, as the real dvc delivers it."""

from __future__ import annotations

import pytest

from tests import public
from tests.differential.comparing import asked
from tests.differential.programs import Dvc
from tests.differential.project import Ground

MOST = {"get-started": 8, "monorepo": 16, "serving": 3}
"""How many questions each answers."""


@pytest.mark.oracle
@pytest.mark.parametrize("name", MOST)
def test_download__each_model_as_dvc_delivers_it(dvc: Dvc, ground: Ground, name: str) -> None:
    project = public.project(name)
    assert len(project.questions) == MOST[name]

    answers = asked(project, dvc, ground)

    for question, (theirs, own) in zip(project.questions, answers, strict=True):
        assert not theirs.failed, (question, theirs.said)
        assert theirs == own, (question, own.said)
