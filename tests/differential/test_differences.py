"""Each known difference is there, and the page about DVC tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.differential.comparing import asked
from tests.differential.differences import DIFFERENCES, one
from tests.differential.programs import Dvc
from tests.differential.project import File, Ground, Project

PAGE = Path(__file__).parents[2] / "docs/dvc-compatibility.md"
EXAMPLES = [(title, example) for title, (_, each) in DIFFERENCES.items() for example in each]


@pytest.mark.oracle
@pytest.mark.parametrize(("title", "example"), EXAMPLES)
def test_differences__each_is_there(dvc: Dvc, ground: Ground, title: str, example: Project) -> None:
    ((theirs, own),) = asked(example, dvc, ground)

    outcome, _ = DIFFERENCES[title]
    delivered = (not theirs.failed, not own.failed)
    assert (
        delivered
        == {
            "only dvc delivers": (True, False),
            "only we deliver": (False, True),
            "each delivers its own": (True, True),
        }[outcome]
    ), (theirs, own, theirs.said, own.said)
    assert theirs != own


@pytest.mark.oracle
def test_executables__stay_so_with_us_alone(dvc: Dvc, ground: Ground) -> None:
    ((theirs, own),) = asked(one({"m.bin": File(b"x", "100755")}), dvc, ground)

    assert theirs == own
    assert (theirs.executable, own.executable) == (frozenset(), {""})


def test_page__tells_each_difference() -> None:
    text = PAGE.read_text()
    _, _, section = text.partition("\n## Known differences")
    rows = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| ")]

    assert rows[1:] == [*DIFFERENCES, "Executable files"]
