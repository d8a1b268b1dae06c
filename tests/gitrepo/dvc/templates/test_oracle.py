"""The same templates, filled in by the real dvc and by us."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import event as noted
from hypothesis import strategies as st

from studio_action.errors import StudioActionError, UnexpectedAnswer
from tests.gitrepo.dvc.templates.cases import READ, REFUSED, Case
from tests.gitrepo.dvc.templates.reading import artifacts, expected, home, lock_of, outputs

pytestmark = pytest.mark.oracle

ANSWERS = json.loads(Path(__file__).with_name("answers.json").read_text())
PYTHON = Path(__file__).parents[4] / ".venv-dvc/bin/python"
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Dvc:
    """The real dvc in a process that answers for one project after another."""

    process: subprocess.Popen[str]

    def answer(self, files: Mapping[str, str]) -> Answer:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{json.dumps(files)}\n")
        self.process.stdin.flush()
        answer: Answer = json.loads(self.process.stdout.readline())
        return answer


@pytest.fixture(scope="module")
def dvc() -> Iterator[Dvc]:
    assert PYTHON.exists(), "Run `make dvc` first"
    command = [PYTHON, "-W", "ignore", Path(__file__).with_name("ask_dvc.py")]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    ) as process:
        yield Dvc(process)


def check(told: Answer, files: Mapping[str, str]) -> None:
    assert artifacts(files) == told["artifacts"]
    locked = {stage: [*outs, "left over"] for stage, outs in told["outputs"].items()}
    assert outputs(files, {**locked, "gone": ["m"], "gone@a": ["m"]}) == expected(told)


@pytest.mark.parametrize("name", READ)
def test_read__the_answers_are_those_of_dvc(dvc: Dvc, name: str) -> None:
    assert dvc.answer(READ[name]) == ANSWERS[name]


@pytest.mark.parametrize("files", READ.values(), ids=READ)
def test_read__dvc_finds_in_the_lock_what_we_find(dvc: Dvc, files: Case) -> None:
    outs = dvc.answer(files)["outputs"]
    lock = lock_of({stage: list(paths) for stage, paths in outs.items()})
    locked = dvc.answer({**files, home(files).replace("dvc.yaml", "dvc.lock"): lock})["outputs"]

    assert {
        path: told_md5 for paths in locked.values() for path, _, _, told_md5 in paths.values()
    } == {path: its_md5 for path, (_, _, its_md5) in outputs(files, outs).items()}


@pytest.mark.parametrize("files", REFUSED.values(), ids=REFUSED)
def test_read__what_dvc_refuses(dvc: Dvc, files: Case) -> None:
    told = dvc.answer(files)

    assert "problem" in told
    with pytest.raises(UnexpectedAnswer):
        _ = artifacts(files), outputs(files, {name: ["m"] for name in ("t", "t@a", "t@b")})


OF_ALL = ["a", "b", "c.d", "list[0]", "list[-1]", "list.1", "deep.a", "deep.list[0].x", " a "]
OF_SOME = ["item", "key", "item.x", "item.y", "item[0]", "own", "more", "lost"]
scalars = st.sampled_from(["x", "y2", "no", "z/z", True, False, None, 3, 1.5, 1e3, r"\${a}"])


def texts_with(names: list[str]) -> st.SearchStrategy[str]:
    """Texts with some `${…}` in them, or escaped; half of them begin with a letter."""
    pieces = [*(f"${{{name}}}" for name in names), "/", ".pkl", r"\${a}", "${"]
    written = st.lists(st.sampled_from(pieces), max_size=3).map("".join)
    return st.builds(str.__add__, st.sampled_from(["", "m", "n", "o-"]), written)


PLAIN = ["a", "b", "c.d", "deep.a", "deep.list[0].x"]
"""What never is a list or a mapping, which DVC writes as options of a command into other texts."""

texts, of_items = texts_with(OF_ALL), texts_with([*OF_ALL, *OF_SOME[:4]])
plain_texts = texts_with(PLAIN)
mappings = st.fixed_dictionaries({"x": scalars, "y": scalars})
variables = st.fixed_dictionaries(
    {
        "a": scalars,
        "b": scalars,
        "c": st.fixed_dictionaries({"d": scalars, "e": scalars}),
        "list": st.lists(scalars | mappings, min_size=2, max_size=3),
        "deep": st.fixed_dictionaries({"a": scalars, "list": st.lists(mappings, min_size=1)}),
    },
    optional={"item": scalars, "key": scalars},
)
flags = st.fixed_dictionaries(
    {},
    optional={
        "cache": st.booleans(),
        "remote": st.sampled_from(["r", "s", "r-${b}"]),
        "push": st.booleans(),
    },
)
own = st.lists(st.just({"own": "o"}) | st.just("more.yaml") | st.just("more.yaml:more"), max_size=1)


def stages(written: st.SearchStrategy[str], folders: list[str]) -> st.SearchStrategy[Answer]:
    outs = st.lists(
        written | st.dictionaries(written, flags, min_size=1, max_size=1), min_size=1, max_size=3
    )
    return st.fixed_dictionaries(
        {"cmd": st.just("x"), "outs": outs},
        optional={"metrics": outs, "wdir": st.sampled_from(folders), "vars": own},
    )


definition, repeated = stages(texts, ["w", "w/${b}"]), stages(of_items, ["w", "w", "w-${key}"])
references = st.sampled_from(["${list}", "${list}", "${c}", "${deep.list}", "${a}"])
items = st.lists(scalars | plain_texts | mappings, max_size=3) | st.dictionaries(
    st.sampled_from(["k", "l", "m${a}"]), scalars | plain_texts | mappings, max_size=3
)
foreach = st.fixed_dictionaries({"foreach": items | references, "do": repeated})
matrix = st.builds(
    lambda stage, axes: {**stage, "matrix": axes},
    repeated,
    st.dictionaries(
        st.sampled_from("xyz"),
        st.lists(scalars | plain_texts | mappings, min_size=1, max_size=3) | references,
        min_size=1,
    ),
)
pipelines = st.fixed_dictionaries(
    {
        "vars": st.lists(st.just({"more2": 1}) | st.just("other.yaml"), max_size=2),
        "artifacts": st.dictionaries(
            st.sampled_from(["m", "n-${a}"]), st.fixed_dictionaries({"path": plain_texts})
        ),
        "stages": st.dictionaries(
            st.sampled_from(["s", "t", "u"]), definition | foreach | matrix, min_size=1, max_size=2
        ),
    }
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(pipelines, variables)
def test_read__random_templates_as_dvc_does(dvc: Dvc, pipeline: Answer, values: Answer) -> None:
    files = {
        "sub/dvc.yaml": json.dumps(pipeline),
        "sub/params.yaml": json.dumps(values),
        "sub/other.yaml": json.dumps({"other": 1}),
        "sub/more.yaml": json.dumps({"more": 1}),
        "sub/w/more.yaml": json.dumps({"more": 2}),
    }
    told = dvc.answer(files)
    noted("refused" if "problem" in told else "read")
    try:
        if "problem" not in told:
            check(told, files)
        else:
            _ = artifacts(files), outputs(files, {"s": ["m"], "t@x": ["m"], "u@0-x": ["m"]})
    except StudioActionError:
        assert "problem" in told
