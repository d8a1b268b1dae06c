"""Each exit code that the documentation promises, seen from outside."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from studio_action import cli
from studio_action.errors import StudioActionError
from tests.end_to_end.conftest import Program, Ran
from tests.reference import PROJECT, Answer

MODEL = ("--model", "text-classifier", "--stage", "prod", "--retries", "0")
PAGE = Path(__file__).parents[2] / "docs/reference/exit-codes.md"


def download(program: Program, *options: str, **more: str) -> Ran:
    return program.run("download-model", *MODEL, *options, **more)


def done(program: Program) -> Ran:
    return download(program)


def skipped(program: Program) -> Ran:
    return download(program, "--model", "none", "--if-not-found", "ignore")


def bad_input(program: Program) -> Ran:
    return download(program, "--layout", "tree")


def bad_option(program: Program) -> Ran:
    return download(program, "--lay-out", "repo")


def refused_by_studio(program: Program) -> Ran:
    program.server.api_script.append(Answer(400, {"stage": ["Not a stage."]}))
    return download(program)


def bad_token(program: Program) -> Ran:
    return download(program, token="isat_wrong")


def lacking_scope(program: Program) -> Ran:
    return download(program, token=program.server.studio.issue_token(PROJECT))


def no_model(program: Program) -> Ran:
    return download(program, "--model", "none")


def lost_object(program: Program) -> Ran:
    return download(program, "--model", "unpushed-model")


def studio_down(program: Program) -> Ran:
    program.server.api_script.append(Answer(503, ""))
    return download(program)


def storage_down(program: Program) -> Ran:
    program.server.storage_script.append(Answer(500, ""))
    return download(program)


def not_the_api(program: Program) -> Ran:
    return download(program, "--studio-url", f"{program.server.url}/wrong")


def unsafe_path(program: Program) -> Ran:
    program.server.api_script.append(Answer(200, {"../x": f"{program.server.url}/x"}))
    return download(program)


def corrupted(program: Program) -> Ran:
    program.server.storage_script.extend([Answer(200, "other bytes")] * 2)
    return download(program)


def to_be_kept(program: Program) -> Ran:
    assert done(program).code == 0
    Path(next(iter(program.files()))).write_text("mine")
    return download(program, "--overwrite", "false")


def outside(program: Program) -> Ran:
    return download(program, "--dest", "../elsewhere")


def unverifiable(program: Program) -> Ran:
    path, url = "model.bin", f"{program.server.url}/plain/model.bin"
    program.server.api_script.append(Answer(200, {path: url}))
    return download(program, "--verify", "require")


def late(program: Program) -> Ran:
    return download(program, "--deadline", "0.000001")


CASES: list[tuple[int, Callable[[Program], Ran]]] = [
    (0, done),
    (0, skipped),
    (10, bad_input),
    (10, bad_option),
    (10, refused_by_studio),
    (11, bad_token),
    (11, lacking_scope),
    (12, no_model),
    (12, lost_object),
    (13, studio_down),
    (13, storage_down),
    (14, not_the_api),
    (14, unsafe_path),
    (15, corrupted),
    (16, to_be_kept),
    (16, outside),
    (17, unverifiable),
    (18, late),
]


@pytest.mark.parametrize(("code", "case"), CASES, ids=[case.__name__ for _, case in CASES])
def test_exit_code(code: int, case: Callable[[Program], Ran], program: Program) -> None:
    ran = case(program)

    assert ran.code == code, ran.said
    assert ran.said.count("error: ") == (0 if code == 0 else 1)
    assert program.server.token not in ran.said
    assert "signature=" not in ran.said


@pytest.mark.parametrize(
    "case", [bad_input, bad_option, outside, late], ids=lambda case: case.__name__
)
def test_what_is_wrong_with_an_input_is_said_before_anything_is_sent(
    case: Callable[[Program], Ran], program: Program
) -> None:
    assert case(program).code != 0
    assert program.server.requests == program.server.fetches == []


def test_a_fault_of_ours_shows_its_traceback(
    workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    class Broken(dict[str, str]):
        def get(self, key: str, default: object = None) -> str:  # type: ignore[override]
            if key == "STUDIO_ACTION_TIMEOUT":
                raise RuntimeError("a fault")
            return super().get(key, "")

    assert cli.run(["download-model"], Broken()) == 1
    said = capfd.readouterr().err
    assert "Traceback" in said
    assert "bug in studio-action: RuntimeError: a fault" in said


def test_documentation__has_every_code() -> None:
    listed = set(re.findall(r"^\| `(\d+)`(?:, `(\d+)`)? \|", PAGE.read_text(), re.MULTILINE))
    codes = {int(code) for pair in listed for code in pair if code}
    kinds = [StudioActionError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    assert codes == {kind.exit_code for kind in kinds[1:]} | {0, 1, 130, 143}
    assert {code for code, _ in CASES} == codes - {1, 130, 143}
