from __future__ import annotations

import io
import json

import pytest

from studio_action.ci.results import FLAGS, NUMBERS, Results, Style, read_style, rows, table
from studio_action.inputs.outputs_table import OUTPUTS
from tests.ci.test_progress import Terminal

OUTPUTS_OF_A_RUN = {
    "path": "models/churn",
    "files": '["models/churn/a", "models/churn/b", "models/churn/c", "models/churn/d"]',
    "file-count": "1200",
    "size": "17300000",
    "version": "v2.0.0",
    "stage": "prod",
    "revision": "c0ffee" * 6 + "abcd",
    "tag": "",
    "previous-version": "v1.0.0",
    "changed": "",
    "cached": "false",
    "skipped": "false",
}


def published(style: Style, stream: io.StringIO, **details: str) -> str:
    results = Results(stream, style)
    results.details.update(details)
    results.publish(OUTPUTS_OF_A_RUN, "MODEL_")
    return stream.getvalue()


def test_auto__a_pipe_gets_json_with_real_values() -> None:
    found = json.loads(published("auto", io.StringIO(), speed="5 MB/s"))

    assert (found["file-count"], found["size"]) == (1200, 17300000)
    assert (found["cached"], found["changed"], found["tag"]) == (False, None, None)
    assert len(found["files"]) == 4
    assert list(found) == list(OUTPUTS_OF_A_RUN)


def test_auto__a_terminal_gets_a_table() -> None:
    assert published("auto", Terminal(), speed="5 MB/s") == (
        "path     models/churn\n"
        "files    1200 (models/churn/a, models/churn/b, models/churn/c and 1197 more)\n"
        "size     17.3 MB\n"
        "version  v2.0.0\n"
        "stage    prod (before: v1.0.0)\n"
        "commit   c0ffeec\n"
        "cached   false\n"
        "speed    5 MB/s\n"
    )


def test_env__what_a_line_can_carry() -> None:
    lines = published("env", Terminal()).splitlines()

    assert "MODEL_VERSION=v2.0.0" in lines
    assert not [line for line in lines if line.startswith(("MODEL_FILES=", "MODEL_TAG="))]


def test_path__and_nothing_else() -> None:
    assert published("path", Terminal()) == "models/churn\n"


def test_json__several_models_have_real_values_too() -> None:
    row = {"name": "m", "size": "7", "cached": "true", "tag": "", "stages": {"prod": "v1.0.0"}}
    typed_row = {**row, "size": 7, "cached": True, "tag": None}
    stream = io.StringIO()
    outputs = {"models": json.dumps({"m": row}), "matrix": json.dumps({"include": [row]})}

    Results(stream, "json").publish(outputs, "MODEL_")

    assert json.loads(stream.getvalue()) == {
        "models": {"m": typed_row},
        "matrix": {"include": [typed_row]},
    }


def test_path__of_several_models_one_a_line() -> None:
    stream = io.StringIO()
    models = {"churn": {"path": "m/churn"}, "gone": {"path": ""}, "bert": {"path": "m/bert"}}

    Results(stream, "path").publish({"path": "", "models": json.dumps(models)}, "MODEL_")

    assert stream.getvalue() == "m/churn\nm/bert\n"


def test_table__a_stranger_s_text_moves_no_cursor() -> None:
    assert "\x1b" not in table({"model": "\x1b[2J\x9b1A"})


@pytest.mark.parametrize(("text", "style"), [("table", "table"), ("xml", "auto")])
def test_read_style(text: str, style: Style) -> None:
    assert read_style(text) == style


def test_numbers_and_flags_are_outputs_that_say_so() -> None:
    help_texts = {each.name: each.help for each in OUTPUTS}
    assert {name for name, text in help_texts.items() if "true or false" in text} == FLAGS - {
        "made",
        "pushed",
    }
    assert set(help_texts) >= NUMBERS


def test_rows__several_models_have_one_each() -> None:
    models = {
        "churn": {"version": "v1.0.0", "path": "m/churn", "size": "1500", "skipped": "false"},
        "bert": {"version": "", "revision": "c0ffee1234", "stages": {"prod": "v1.0.0"}},
        "gone": {"version": "", "revision": "", "skipped": "true"},
    }

    assert list(rows({"models": json.dumps(models), "matrix": "{}"})) == [
        ("model churn", "v1.0.0, m/churn, 1.5 kB"),
        ("model bert", "c0ffee1, prod: v1.0.0"),
        ("model gone", "skipped"),
    ]
