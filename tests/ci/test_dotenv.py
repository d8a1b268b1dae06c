from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.ci import dotenv
from studio_action.inputs.outputs_table import (
    COMMANDS,
    CREATE,
    MODEL_PREFIX,
    PROJECT_PREFIX,
    outputs_of,
)
from tests.ci.readers import gitlab_dotenv


@pytest.mark.parametrize(
    ("output", "prefix", "name"),
    [
        ("version", "MODEL_", "MODEL_VERSION"),
        ("model", "MODEL_", "MODEL_MODEL"),
        ("file-count", "MODEL_", "MODEL_FILE_COUNT"),
        ("project-id", "PROJECT_", "PROJECT_ID"),
        ("skipped", "PROJECT_", "PROJECT_SKIPPED"),
    ],
    ids=["plain", "named like the prefix", "hyphen", "has the prefix", "of a project"],
)
def test_variable(output: str, prefix: str, name: str) -> None:
    assert dotenv.variable(output, prefix) == name


def test_variables__without_lists() -> None:
    outputs = {"version": "v1.0.0", "files": "[]", "projects": "[]", "attestation-subjects": "s"}
    named = dotenv.variables(outputs, "MODEL_")

    assert named == {"MODEL_VERSION": "v1.0.0"}


@pytest.mark.parametrize("command", COMMANDS)
def test_variables__every_command_fits_one_report(command: str) -> None:
    prefix = PROJECT_PREFIX if command == CREATE else MODEL_PREFIX
    named = dotenv.variables(dict.fromkeys(outputs_of(command), "x" * 200), prefix)

    assert dotenv.fitting(named) == named


@pytest.mark.parametrize(
    ("value", "carried"),
    [
        ("v1.0.0", True),
        ("a path/with spaces=and marks.pkl", True),
        ("'quoted'", True),
        ("é", True),
        ("", False),
        ("two\nlines", False),
        ("two\rlines", False),
        ("two\u2028lines", False),
        ("$HOME", False),
        ("a$", False),
        (" padded", False),
        ("padded\t", False),
        ("nul\0", False),
        ("\udcff", False),
    ],
    ids=repr,
)
def test_can_carry(value: str, carried: bool) -> None:
    assert dotenv.can_carry(value) is carried


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z][A-Z0-9_]{0,20}", fullmatch=True), st.text(max_size=400), max_size=30
    )
)
def test_fitting__gitlab_reads_back_what_was_written(named: dict[str, str]) -> None:
    kept = dotenv.fitting({name: v for name, v in named.items() if dotenv.can_carry(v)})

    text = dotenv.render(kept)

    assert gitlab_dotenv(text.encode()) == kept
    assert dotenv.parse(text) == kept


def test_fitting__bytes_count_not_characters() -> None:
    kept = dotenv.fitting({"A": "é" * 2000, "B": "é" * 2000, "C": "x"})

    assert list(kept) == ["A", "C"]
