"""The same tags in real Git repositories, read by the real gto and by us."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import event as noted
from hypothesis import strategies as st

from studio_action.errors import BadInput
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import history, promotion, tags
from studio_action.gitrepo.gto.history import Model, Version
from studio_action.gitrepo.gto.tags import Deregistration, Registration, Unassignment
from studio_action.model.artifact import ModelName
from tests.gitrepo.gto.events import START
from tests.gitrepo.gto.test_history import VECTORS

pytestmark = pytest.mark.oracle

PYTHON = Path(__file__).parents[3] / ".venv-oracle/bin/python"
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Gto:
    """The real gto in a process that answers for one repository after another."""

    process: subprocess.Popen[str]

    def answer(self, repository: Path) -> Answer:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{repository}\n")
        self.process.stdin.flush()
        answer: Answer = json.loads(self.process.stdout.readline())
        return answer


@pytest.fixture(scope="module")
def gto() -> Iterator[Gto]:
    assert PYTHON.exists(), "Run `make oracle` first"
    command = [PYTHON, Path(__file__).with_name("ask_gto.py")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        yield Gto(process)


COMMITS = [f"c{number}" for number in range(1, 10)]


def repository(folder: Path, events: Iterable[str]) -> Path:
    """A real repository whose tags are as `events` tell; its commits are 100 seconds older."""
    script = [
        f"commit refs/heads/main\nmark :{number}\n{who('committer', -100)}data 2\n{name}\n"
        for number, name in enumerate(COMMITS, 1)
    ]
    for number, event in enumerate(events):
        name, place, *second = event.split()
        tagger = who("tagger", int(second[0] if second else number))
        script.append(f"tag {name}\nfrom :{COMMITS.index(place) + 1}\n{tagger}data 0\n")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "fast-import", "--quiet", stdin="".join(script))
    return folder


def who(role: str, second: int) -> str:
    return f"{role} Ada <ada@example.com> {START + second} +0000\n"


def git(folder: Path, *words: str, stdin: str = "") -> str:
    done = subprocess.run(
        ["git", *words], cwd=folder, input=stdin, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def ours(folder: Path) -> Answer:
    """What we make of the repository's tags, all of which are annotated, in gto's words."""
    return {str(name): shown(model) for name, model in history.read(refs_of(folder)).items()}


def refs_of(folder: Path) -> list[TagRef]:
    """All tags of the repository."""
    lines = git(folder, "for-each-ref", f"--format={FORMAT}", "refs/tags").splitlines()
    return [
        TagRef(name, revision, int(when), annotated=True)
        for name, revision, when in map(str.split, lines)
    ]


FORMAT = "%(refname) %(*objectname) %(taggerdate:unix)"


def shown(model: Model) -> Answer:
    """As `gto show` has it: to it, all commits of one version have that version's stages."""
    latest = model.latest()
    return {
        "versions": list(map(pair, model.versions)),
        "latest": [pair(latest)] if latest else [],
        "stages": {
            stage: [pair(version) for version in model.versions if version.name == found[0].name]
            for stage, found in model.stages.items()
        },
        "holders": {stage: list(map(pair, found)) for stage, found in model.stages.items()},
    }


def pair(version: Version) -> list[str]:
    return [version.name, version.revision]


def theirs(answer: Answer) -> Answer:
    """Without what gto says twice (assigned commits) and stages of a model without versions."""
    if "problem" in answer:
        return answer
    return {
        name: {
            "versions": once(model["versions"]),
            "latest": model["latest"],
            "stages": {stage: once(rows) for stage, rows in model["stages"].items() if rows},
            "holders": model["holders"] if model["versions"] else {},
        }
        for name, model in answer["models"].items()
    }


def once(rows: list[list[str]]) -> list[list[str]]:
    return [row for number, row in enumerate(rows) if row not in rows[:number]]


MANY = {"problem": "ManyVersions"}
V1 = ["v1.0.0", "c1"]
C1 = ["c1", "c1"]

DIFFERENT: dict[str, Answer] = {
    "two versions of one commit, which has a stage": MANY,
    "the version that counts has the stages of a commit": MANY,
    "a created model": {"problem": "KeyError"},
    "a stage taken from a mere commit is gone": {
        "m": {
            "versions": [C1],
            "latest": [C1],
            "stages": {"prod": [C1]},
            "holders": {"prod": [C1]},
        }
    },
    "a commit's own date is no event": {
        "m": {"versions": [V1], "latest": [V1], "stages": {}, "holders": {}}
    },
}
"""What gto says of the vectors that we take otherwise."""


@pytest.mark.parametrize("case", VECTORS)
def test_read__as_gto_does(gto: Gto, tmp_path: Path, case: str) -> None:
    folder = repository(tmp_path, VECTORS[case][0])

    told = theirs(gto.answer(folder))

    if case in DIFFERENT:
        assert told != ours(folder)
        assert named(folder, told) == DIFFERENT[case]
    else:
        assert told == ours(folder)


def named(folder: Path, answer: Answer) -> Answer:
    """The answer with `c1` for the first commit and so on."""
    text = json.dumps(answer)
    revisions = git(folder, "rev-list", "--reverse", "main").split()
    for revision, name in zip(revisions, COMMITS, strict=True):
        text = text.replace(revision, name)
    named: Answer = json.loads(text)
    return named


USUAL = ["v1.0.0", "v2.0.0-rc.1", "v2.0.0", "v1.10.0", "v1.2.0+b1"]
"""The version of each of the first commits, mostly."""

happening = st.tuples(
    st.sampled_from(["m", "m", "m", "models=m"]),
    st.sampled_from(["@", "@", "@", "@!", "#prod", "#prod", "#prod", "#prod!", "#dev", "-"]),
    st.integers(0, len(USUAL) - 1),
    st.sampled_from([0, 0, 0, 0, 0, 1]),
    st.sampled_from([1, 1, 0]),
)


def as_events(happenings: list[tuple[str, str, int, int, int]]) -> list[str]:
    """Events that really can be tags: each has a name of its own."""
    events, second = [], 0
    for number, (name, what, place, astray, pause) in enumerate(happenings):
        version = USUAL[(place + astray) % len(USUAL)]
        word = {"@": f"@{version}", "@!": f"@{version}!", "-": "@deprecated"}.get(what, what)
        second += pause
        events.append(f"{name}{word}#{number} c{place + 1} {second}")
    return events


def takes_from_mere_commits(events: list[str]) -> bool:
    """Whether a stage is taken from a commit that never was a version (see `DIFFERENT`)."""
    versions, taken = set(), set()
    for event in events:
        tag, place = tags.parse(event.split()[0]), event.split()[1]
        match tag:
            case Registration() | Deregistration():
                versions.add((tag.model, place))
            case Unassignment():
                taken.add((tag.model, place))
    return not taken <= versions


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(happening, min_size=4, max_size=16).map(as_events))
def test_read__random_histories_as_gto_does(gto: Gto, events: list[str]) -> None:
    assume(not takes_from_mere_commits(events))
    with tempfile.TemporaryDirectory() as folder:
        answer = gto.answer(repository(Path(folder), events))
        noted("answered" if "models" in answer else answer["problem"])
        assume(answer != MANY)

        assert theirs(answer) == ours(Path(folder))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(happening, min_size=4, max_size=10).map(as_events), st.data())
def test_promotion__gto_shows_the_promoted_version(
    gto: Gto, events: list[str], data: st.DataObject
) -> None:
    """The tag has the name that gto would give it, and its effect is the one that we foresaw."""
    assume(not takes_from_mere_commits(events))
    with tempfile.TemporaryDirectory() as name:
        folder = repository(Path(name), events)
        before = gto.answer(folder)
        assume("m" in before.get("models", {}))
        refs = refs_of(folder)
        model = history.read(refs)[ModelName("m")]
        versions = [each.name for each in model.versions if each.registered]
        assume(versions)
        stage, version = (
            data.draw(st.sampled_from(["prod", "dev"])),
            data.draw(st.sampled_from(versions)),
        )
        holder = model.in_stage(stage)
        assume(holder is None or holder.name != version)
        planned = promotion.promote(refs, model.name, stage, version)
        made = planned.made(START + 1000, "ada@example.com")
        script = f"tag {planned.tag}\nfrom {made.revision}\n{who('tagger', 1000)}data 0\n"
        git(folder, "fast-import", "--quiet", stdin=script)
        answer = gto.answer(folder)
        assume(answer != MANY)  # gto itself gives up on a commit of several versions

        holder = answer["models"]["m"]["holders"][stage][0]

        assert (holder == [version, made.revision]) is has_effect(refs, planned, made)


def has_effect(refs: list[TagRef], planned: promotion.Promotion, made: TagRef) -> bool:
    """Whether the tag would not be refused."""
    try:
        promotion.check_effect(refs, planned, made)
    except BadInput:
        return False
    return True
