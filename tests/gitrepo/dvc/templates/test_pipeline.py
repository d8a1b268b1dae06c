"""The answers of the real dvc (`answers.json`, which `test_oracle.py` checks) are ours."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.errors import StudioActionError, UnexpectedAnswer
from tests.gitrepo.dvc.templates.cases import READ, REFUSED, Case, case
from tests.gitrepo.dvc.templates.reading import artifacts, expected, outputs

ANSWERS = json.loads(Path(__file__).with_name("answers.json").read_text())


@pytest.mark.parametrize("name", READ)
def test_read(name: str) -> None:
    told = ANSWERS[name]

    assert artifacts(READ[name]) == told["artifacts"]
    locked = {stage: [*outs, "left over"] for stage, outs in told["outputs"].items()}
    assert outputs(READ[name], {**locked, "gone": ["m"], "gone@a": ["m"]}) == expected(told)


@pytest.mark.parametrize("files", REFUSED.values(), ids=REFUSED)
def test_read__refused(files: Case) -> None:
    with pytest.raises(UnexpectedAnswer, match=r"^(dvc|a|params)\.\w+ at c0ffee0"):
        _ = artifacts(files), outputs(files, {name: ["m"] for name in ("t", "t@a", "t@b")})


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        (
            case(dvc="artifacts: {m: {path: 'a/${p.q[1]}'}}", params="p: {q: [1]}"),
            "dvc.yaml at c0ffee0, artifacts.m.path has ${p.q[1]}, and no variable is called that",
        ),
        (
            case(dvc="stages: {t: {foreach: [m], do: {cmd: x, outs: [a, 'b${c}']}}}"),
            "dvc.yaml at c0ffee0, stages.t.do.outs[1] has ${c}, and no variable is called that",
        ),
        (
            case(dvc="artifacts: {m: {path: '${a b'}, n: {path: 'x${[}'}}"),
            "dvc.yaml at c0ffee0, artifacts.n.path has ${[}, which names nothing",
        ),
        (
            case(dvc="vars: [b.yaml]\nartifacts: {m: {path: '${a}'}}", params="a: 1", b="{a: 2}"),
            "dvc.yaml at c0ffee0, vars[0] sets 'a' in b.yaml, which was set before",
        ),
        (
            case(dvc="artifacts: {m: {path: '${a}'}}", params="a: 7"),
            "dvc.yaml at c0ffee0, artifacts.m.path is not a text",
        ),
        (
            case(dvc="artifacts: {m: {path: '${a}'}}", params="{"),
            "params.yaml at c0ffee0 is not YAML",
        ),
    ],
    ids=["step", "stage", "name", "twice", "number", "file"],
)
def test_read__says_what_is_wrong_where(files: Case, fault: str) -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        _ = artifacts(files), outputs(files, {"t@m": ["m"]})
    assert caught.value.message.startswith(fault)


@pytest.mark.parametrize(
    "named", ["/etc/passwd", "../../etc/passwd", "../..", "../../sub/../../x.yaml", "a\\0", "//x"]
)
def test_read__nothing_outside_of_the_repository(named: str) -> None:
    files = {"sub/dvc.yaml": f'vars: ["{named}"]\nartifacts: {{m: {{path: "${{x}}"}}}}'}

    with pytest.raises(UnexpectedAnswer, match="outside of the repository"):
        artifacts(files)


def test_read__python_is_not_read() -> None:
    files = {"dvc.yaml": "vars: [a.py]\nartifacts: {m: {path: '${x}'}}", "a.py": "x = 'm'"}

    with pytest.raises(UnexpectedAnswer, match="variables in Python, which only DVC reads"):
        artifacts(files)


def test_read__variables_that_nothing_asks_for_are_not_read() -> None:
    files = case(
        dvc="""
        vars: [gone.yaml]
        artifacts: {m: {path: m.pkl}, n: {path: "${gone}"}}
        stages: {t: {cmd: "x ${gone}", deps: ["${gone}"], outs: [m.pkl]}}
        """,
        params="[",
    )

    assert list(outputs(files, {"t": ["m.pkl"]})) == ["m.pkl"]


LONG = "x" * 50_000

HOSTILE: dict[str, tuple[Case, str]] = {
    "a matrix of millions": (
        case(
            dvc=f"stages: {{t: {{matrix: {{a: &a {list(range(300))}, b: *a, c: *a}}, outs: [m]}}}}"
        ),
        "stands for more than 100,000",
    ),
    "a foreach of many": (
        case(dvc="stages: {t: {foreach: '${a}', do: {outs: [m]}}}", params=f"a: {[0] * 100_001}"),
        "stands for more than 100,000",
    ),
    "many large stages": (
        case(
            dvc=f"""
            stages:
              t: {{foreach: {list(range(2000))}, do: {{outs: {["x${item}"] * 2000}}}}}
            """.replace("'", '"')
        ),
        "takes more than 300,000 steps",
    ),
    "a text that grows": (
        case(dvc=f"artifacts: {{m: {{path: '{'${a}' * 1000}'}}}}", params=f"a: {LONG}"),
        "a text of more than 100,000 characters",
    ),
    "many texts that grow": (
        case(
            dvc=f"""
            vars: [{{a: {LONG}}}]
            stages: {{t: {{foreach: {list(range(2000))}, do: {{outs: ["b${{a}}"]}}}}}}
            """
        ),
        "takes more than 300,000 steps",
    ),
    "variables of their own for every stage": (
        case(
            dvc=f"""
            stages:
              t: {{foreach: {list(range(2000))}, do: {{vars: [{{o: 1}}], outs: ["x${{o}}"]}}}}
            """,
            params="\n".join(f"k{number}: 1" for number in range(5000)),
        ),
        "takes more than 300,000 steps",
    ),
    "many files": (
        case(
            dvc=f"vars: {['params.yaml'] * 20_000}\nartifacts: {{m: {{path: '${{a}}'}}}}", params=""
        ),
        "takes more than 300,000 steps",
    ),
    "a large file": (
        case(dvc="artifacts: {m: {path: '${a}'}}", params=f"a: {'x' * (5 << 20)}"),
        "variables of more than 4194304 bytes",
    ),
    "a long name": (case(dvc=f"artifacts: {{m: {{path: 'm${{{LONG}}}'}}}}"), "names nothing"),
    "many that open": (
        case(dvc=f"artifacts: {{m: {{path: '{'${' * 49_999}}}'}}}}"),
        "names nothing",
    ),
    "dotted keys of TOML": (
        case(dvc="vars: [a.toml]\nartifacts: {m: {path: '${a}'}}", a_toml=".".join("a" * 9999)),
        "is not TOML: more than",
    ),
    "brackets of TOML": (
        case(dvc="vars: [a.toml]\nartifacts: {m: {path: '${a}'}}", a_toml=f"a = {'[' * 60_000}"),
        "is not TOML",
    ),
    "brackets of JSON": (
        case(dvc="vars: [a.json]\nartifacts: {m: {path: '${a}'}}", a_json="[" * 500_000),
        "is not JSON",
    ),
}


@pytest.mark.parametrize(("files", "fault"), HOSTILE.values(), ids=HOSTILE)
def test_read__hostile(files: Case, fault: str) -> None:
    began = time.process_time()

    with pytest.raises(UnexpectedAnswer, match=fault):
        _ = artifacts(files), outputs(files, {f"t@{number}": ["m"] for number in range(2000)})
    assert time.process_time() - began < 5


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["", "m", "${a}", "x${item}", "a.yaml"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "path", "outs", "do", "foreach"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


def some(*keys: str) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(keys, anything)) | anything


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "vars": anything,
            "artifacts": st.dictionaries(st.sampled_from(["m", "${a}"]), some("path")) | anything,
            "stages": st.dictionaries(
                st.sampled_from("tu"), some("foreach", "matrix", "do", "outs", "wdir", "vars")
            )
            | anything,
        },
    ),
    anything,
)
def test_read__fails_as_explained_only(pipeline: Any, values: Any) -> None:
    files = {
        "dvc.yaml": json.dumps(pipeline),
        "params.yaml": json.dumps(values),
        "a.yaml": "a: {b: m}",
    }
    for ask in (artifacts, lambda them: outputs(them, {name: ["m"] for name in ("t", "u", "t@0")})):
        with suppress(StudioActionError):
            ask(files)
