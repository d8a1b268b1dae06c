"""Random, valid DVC projects."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.differential import outputs, templates
from tests.differential.drafts import Choices, Draft
from tests.differential.outputs import Output
from tests.differential.project import SHELF, WEB, Project, Question
from tests.differential.templates import Scope
from tests.differential.writing import Storage

_WAYS: Mapping[str, Callable[[Draft, str], Output]] = {
    "added": outputs.added,
    "staged": outputs.staged,
    "list": outputs.for_each_of_a_list,
    "mapping": outputs.for_each_of_a_mapping,
    "matrix": outputs.of_a_matrix,
    "git": outputs.in_git,
    "mixed": outputs.mixed,
}
IMPORTED = "imported"
WAYS = (*_WAYS, IMPORTED)
"""In which the first model of a project is kept."""
FEATURES = (
    "latest", "by version", "by stage", "stage of a model", "stage that was taken away",
    "in Git", "executable in Git", "*.dvc", "*.dvc of DVC 2", "wdir of a *.dvc",
    "executable in DVC", "dvc import", "dvc import of a folder", "dvc import of an import",
    "dvc import-url",
    "stage", "lock of DVC 2", "left-over in a lock", "cache: false", "metrics of a stage",
    "plots of a stage", "wdir of a stage", "template in wdir", "flags of another output",
    "foreach over a list", "foreach over a list of mappings", "foreach over a mapping",
    "foreach over a variable", "matrix", "matrix of mappings", "params.yaml", "vars",
    "vars of a file", "some vars of a file", "vars of a subfolder", "vars of a JSON file",
    "vars of a TOML file",
    "vars of a stage", "a stage's vars of a file", "dotted name", "indexed name",
    "template of a path", "template in an artifact's path", "template of a number or a word",
    "odd name", "empty file", "YAML in braces", "anchor and merge key", "folder",
    "folder of Git and DVC", "inside a tracked folder", "path through ..", "nested dvc.yaml",
    "DVC in a subfolder", ".dvcignore", ".dvcignore in a subfolder",
    ".dvcignore in a model's folder", "remote on the web", "remote of an output",
)  # fmt: skip
"""What of Git, GTO and DVC is in projects."""
MODELS = ("churn", "no", "text-classifier", "012", "1e3", "On", "x/y", "true1")
HOMES = ("", "", "models", "packages/churn", "a-b/no", "m.d/012")
BROKEN = (
    b"a: [",
    b"<<<<<<< HEAD\na: 1\n",
    b"stages:\n  {{ cookiecutter.name }}:\n    cmd: x\n",
    b"stages: 1\n",
)


@st.composite
def projects(draw: DrawFn, way: str) -> Project:
    """Any project whose first model is kept in that way."""
    return project_of(Choices(lambda count: draw(st.integers(0, count - 1))), way)


def project_of(choose: Choices, way: str) -> Project:
    """One or two commits, one to three models of which the first is kept in that `way`, and one
    question about each.
    """
    upstream = _upstream(choose) if way == IMPORTED else None
    count = choose.one_of(2, 1)
    mark = choose.mark()
    shelf, web = Storage(), Storage()
    drafts = []
    for version in range(1, count + 1):
        choose.again(mark)
        drafts.append(_drafted(choose, version, shelf, web, way, upstream))
    files = tuple(draft.finished() for draft, _ in drafts)
    features = set().union(*(draft.features for draft, _ in drafts))
    if upstream:
        features |= {each for each in upstream[0].features if "import" in each}
    names = drafts[0][1]
    tags = [each for name in names for each in _tags(choose, name, count, features)]
    questions = [_question(choose, name, tags, features) for name in names]
    return Project(
        commits=files,
        tags=tuple(tags),
        shelf=shelf.objects,
        web=web.objects,
        questions=tuple(questions),
        features=frozenset(features),
        upstream=upstream[0] if upstream else None,
        served=choose.chance(),
    )


def _upstream(choose: Choices) -> tuple[Project, Output]:
    """A project to import from, and what to import."""
    way = choose.one_of("added", "staged", "git", *[IMPORTED] * 3)
    further = _upstream(choose) if way == IMPORTED else None
    draft = Draft(choose, 1, "", Storage(), Storage())
    _configure(draft)
    folder = choose.one_of("data", "")
    if further:
        draft.features.add("dvc import of an import")
        source = outputs.imported(draft, folder, further[1])
    else:
        source = _WAYS[way](draft, folder)
    files = draft.finished()
    features = frozenset(draft.features).union(further[0].features if further else ())
    upstream = further[0] if further else None
    project = Project((files,), (), draft.shelf.objects, draft.web.objects, (), features, upstream)
    return project, source


def _drafted(
    choose: Choices,
    version: int,
    shelf: Storage,
    web: Storage,
    way: str,
    upstream: tuple[Project, Output] | None,
) -> tuple[Draft, list[str]]:
    top = "project" if choose.chance(of=6) else ""
    draft = Draft(choose, version, top, shelf, web)
    draft.features |= {"DVC in a subfolder"} if top else set()
    _configure(draft)
    names: list[str] = []
    ways = [way, *(choose.one_of(*_WAYS) for _ in range(choose.one_of(0, 1, 2)))]
    for each in ways:
        names.append(_model(draft, names, each, upstream))
    _ignore(draft)
    return draft, names


def _configure(draft: Draft) -> None:
    draft.default = draft.choose.one_of("shelf", "web")
    draft.features |= {"remote on the web"} if draft.default == "web" else set()
    text = (
        f"[core]\n    remote = {draft.default}\n['remote \"shelf\"']\n    url = {SHELF}\n"
        f"['remote \"web\"']\n    url = {WEB}\n"
    )
    draft.write(".dvc/config", text.encode())
    draft.write(".dvc/.gitignore", b"/config.local\n/tmp\n/cache\n")


def _model(
    draft: Draft, names: list[str], way: str, upstream: tuple[Project, Output] | None
) -> str:
    """Put one model into the draft, and annotate it; its full name is returned."""
    choose = draft.choose
    home = choose.one_of(*HOMES)
    draft.features |= {"nested dvc.yaml"} if home else set()
    where = choose.one_of(home, home, "", "data")
    if way == IMPORTED:
        assert upstream is not None
        output = outputs.imported(draft, where, upstream[1])
    else:
        output = _WAYS[way](draft, where)
    path = output.path
    if isinstance(output.content, Mapping) and choose.chance(of=3):
        draft.features.add("inside a tracked folder")
        member = choose.one_of(*output.content)
        path = f"{path}/{member if choose.chance() else member.split('/')[0]}"
    name = choose.one_of(*MODELS)
    folder = posixpath.join(draft.top, home)
    while (full := f"{folder}:{name}" if folder else name) in names:
        name += "2"
    relative = posixpath.relpath(path, home or ".")
    draft.features |= {"path through .."} if relative.startswith("..") else set()
    written = templates.whole(draft, Scope(home), relative)
    draft.features |= {"template in an artifact's path"} if written != relative else set()
    body: dict[str, Any] = {"path": written}
    body |= choose.one_of(
        {}, {"type": "model"}, {"desc": "é: #", "labels": ["no"], "meta": {"a": 1}}
    )
    draft.pipeline(home, "artifacts")[name] = body
    return full


def _ignore(draft: Draft) -> None:
    """Files that DVC could not read, and what makes it not try."""
    choose = draft.choose
    if not choose.chance(of=3):
        return
    draft.features.add(".dvcignore")
    broken = choose.one_of(*BROKEN)
    place, pattern, path = choose.one_of(
        (".dvcignore", "/broken/", "broken/dvc.yaml"),
        (".dvcignore", "broken", "deep/broken/dvc.yaml"),
        (".dvcignore", "# a comment\n*.bad/", "x.bad/y/dvc.yaml"),
        (".dvcignore", "examples/**/dvc.yaml", "examples/a/b/dvc.yaml"),
        (".dvcignore", "/bro*\n!/brother", "broken/m.dvc"),
        ("nested/.dvcignore", "*.dvc", "nested/deep/m.dvc"),
        ("nested/.dvcignore", "/here", "nested/here/dvc.yaml"),
        ("nested/.dvcignore", "here/", "nested/x/here/dvc.yaml"),
    )
    draft.features |= {".dvcignore in a subfolder"} if "/" in place else set()
    draft.write(place, f"{pattern}\n".encode())
    draft.write(path, broken)


def _tags(choose: Choices, name: str, count: int, features: set[str]) -> list[tuple[str, int]]:
    """The life of a model: its versions, one for each commit, and its stages."""
    tag = name.replace(":", "=")
    versions = choose.one_of(("v1.0.0", "v1.10.0"), ("v0.1.0", "v0.2.0-rc.1"))
    made = [(f"{tag}@{version}", commit) for commit, version in enumerate(versions[:count])]
    if choose.chance():
        features.add("stage of a model")
        made.append((f"{tag}#prod#1", 0))
        if count == 2 and choose.chance():
            made.append((f"{tag}#prod#2", 1))
    if choose.chance():
        features.add("stage that was taken away")
        made += [(f"{tag}#dev#1", 0), (f"{tag}#dev!#2", 0)]
    return made


def _question(
    choose: Choices, name: str, tags: list[tuple[str, int]], features: set[str]
) -> Question:
    tag = name.replace(":", "=")
    own = [each.removeprefix(tag) for each, _ in tags if each.startswith((f"{tag}@", f"{tag}#"))]
    choices = [Question(name), *(Question(name, each[1:]) for each in own if each[0] == "@")]
    choices += [Question(name, stage="prod")] if "#prod#1" in own else []
    asked = choose.one_of(*choices)
    features |= {"by version"} if asked.version else {"by stage"} if asked.stage else {"latest"}
    return asked
