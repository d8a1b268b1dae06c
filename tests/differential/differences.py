"""Where we answer otherwise than `dvc artifacts get`, on purpose: the smallest projects for each.

`docs/dvc-compatibility.md` lists them by the same titles, with the reasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tests.differential.project import SHELF, WEB, File, Project, Question
from tests.differential.writing import Content, Storage, yaml

Outcome = Literal["only dvc delivers", "only we deliver", "each delivers its own"]

CONFIG = File(f"[core]\n    remote = shelf\n['remote \"shelf\"']\n    url = {SHELF}\n".encode())
BASE: Mapping[str, File] = {
    ".dvc/config": CONFIG,
    "dvc.yaml": File(yaml({"artifacts": {"m": {"path": "m.bin"}}})),
    "m.bin": File(b"one"),
}
SECOND: Mapping[str, File] = {**BASE, "m.bin": File(b"two")}
V1, V2 = ("m@v1.0.0", 0), ("m@v2.0.0", 1)
M, IN_PROD = Question("m"), Question("m", stage="prod")


def one(changed: Mapping[str, File], *, asked: Question = M, without: str = "") -> Project:
    """One commit, the base with changes, and one version of the model."""
    files = {path: file for path, file in {**BASE, **changed}.items() if path != without}
    return _project(files, tags=(V1,), asked=asked)


def two(*more: tuple[str, int], asked: Question = M) -> Project:
    """Two commits, each a version, and what happened to the model later."""
    return _project(BASE, SECOND, tags=(V1, V2, *more), asked=asked)


def _project(
    *commits: Mapping[str, File],
    tags: tuple[tuple[str, int], ...],
    asked: Question,
    shelf: Mapping[str, bytes] | None = None,
    served: bool = True,
) -> Project:
    return Project(commits, tags, shelf or {}, {}, (asked,), frozenset(), served=served)


def annotated(path: str) -> Mapping[str, File]:
    return {"dvc.yaml": File(yaml({"artifacts": {"m": {"path": path}}}))}


def added(content: Content, *, instead: bytes | None = None, config: File = CONFIG) -> Project:
    """The model is added to DVC; the remote has other bytes `instead`."""
    shelf = Storage()
    entry = {**shelf.keep(content), "path": "m.bin"}
    objects = {key: there if instead is None else instead for key, there in shelf.objects.items()}
    files = {
        ".dvc/config": config,
        "dvc.yaml": BASE["dvc.yaml"],
        "m.bin.dvc": File(yaml({"outs": [entry]})),
    }
    served = config is CONFIG
    return _project(files, tags=(V1,), asked=M, shelf=objects, served=served)


def at_a_url() -> Project:
    files = {**BASE, **annotated(f"{WEB}/m.bin")}
    return Project((files,), (V1,), {}, {"m.bin": b"x"}, (M,), frozenset(), served=True)


def inside_another() -> Project:
    outer, shelf = {"x": b"1", "y": b"2"}, Storage()
    files = {
        ".dvc/config": CONFIG,
        "dvc.yaml": BASE["dvc.yaml"],
        "m.bin.dvc": File(yaml({"outs": [{**shelf.keep(outer), "path": "m.bin"}]})),
        "m.bin/x.dvc": File(yaml({"outs": [{**shelf.keep(b"inner"), "path": "x"}]})),
    }
    return _project(files, tags=(V1,), asked=M, shelf=shelf.objects)


def with_templates(stages: object = None, variables: object = None) -> Mapping[str, File]:
    """The base with a pipeline or variables of its own."""
    more = {"stages": stages} if stages else {"vars": variables}
    return {"dvc.yaml": File(yaml({"artifacts": {"m": {"path": "m.bin"}}, **more}))}


def of_variable(name: str, content: bytes) -> Mapping[str, File]:
    """The path of the model is a variable of a file."""
    told = {"vars": [name], "artifacts": {"m": {"path": "${x}"}}}
    return {"dvc.yaml": File(yaml(told)), name: File(content)}


DEEP = b"vars: [{deep: " + b"[" * 60 + b"]" * 60 + b"}]\n"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 3\n"
CACHE = File(f"[cache]\n    dir = {SHELF}\n".encode())

DIFFERENCES: Mapping[str, tuple[Outcome, tuple[Project, ...]]] = {
    "A stage that was taken away": (
        "only dvc delivers",
        (two(("m#prod#1", 0), ("m#prod!#2", 0), asked=IN_PROD),),
    ),
    "A stage that was taken from its last holder": (
        "each delivers its own",
        (two(("m#prod#1", 0), ("m#prod#2", 1), ("m#prod!#3", 1), asked=IN_PROD),),
    ),
    "A version that was deregistered": (
        "only dvc delivers",
        (two(("m@v2.0.0!", 1), asked=Question("m", "v2.0.0")),),
    ),
    "The latest version, where a later one was deregistered": (
        "each delivers its own",
        (two(("m@v2.0.0!", 1)),),
    ),
    "A deprecated model": (
        "only dvc delivers",
        (
            two(("m@deprecated", 1)),
            two(("m@deprecated", 1), asked=Question("m", "v1.0.0")),
        ),
    ),
    "A broken file that has nothing to do with the model": (
        "only we deliver",
        (
            one({"x/dvc.yaml": File(b"a: [")}),
            one({"x/dvc.yaml": File(b"artifacts:\n")}),
            one({"dvc.lock": File(b"schema: '3.0'\n")}),
            one({"dvc.yaml": File(yaml({"artifacts": {"m": {"path": "m.bin", "x": 1}}}))}),
        ),
    ),
    "A fault in a template that tells of no output": (
        "only we deliver",
        (
            one(with_templates({"t": {"cmd": "x ${gone}", "outs": ["other.bin"]}})),
            one(with_templates(variables=["gone.yaml"])),
        ),
    ),
    "Variables in Python (`vars: [params.py]`)": (
        "only dvc delivers",
        (one(of_variable("params.py", b"x = 'm.bin'\n")),),
    ),
    "Variables at an absolute path": (
        "only dvc delivers",
        (
            one(
                {
                    "dvc.yaml": of_variable("/x.yaml", b"")["dvc.yaml"],
                    "x.yaml": File(b"x: m.bin\n"),
                }
            ),
        ),
    ),
    "A list or a mapping within a text": (
        "only dvc delivers",
        (
            one(
                {
                    "x.yaml": File(b"x: {a: true}\n"),
                    "dvc.yaml": File(
                        yaml({"vars": ["x.yaml"], "artifacts": {"m": {"path": "m${x}"}}})
                    ),
                    "m--a": File(b"of a mapping"),
                }
            ),
        ),
    ),
    "A tab in front of a line's end": (
        "only we deliver",
        (one({"dvc.yaml": File(b"artifacts: \t\n  m: {path: m.bin}\n")}),),
    ),
    "A document beyond a bound, or of YAML 1.1": (
        "only dvc delivers",
        (
            one({"dvc.yaml": File(b"%YAML 1.1\n---\n" + BASE["dvc.yaml"].content)}),
            one({"dvc.yaml": File(BASE["dvc.yaml"].content + DEEP)}),
        ),
    ),
    "GTO's own `artifacts.yaml`": (
        "only we deliver",
        (one({"artifacts.yaml": File(yaml({"m": {"path": "m.bin"}}))}, without="dvc.yaml"),),
    ),
    "A repository without `.dvc`": ("only we deliver", (one({}, without=".dvc/config"),)),
    "A model that is named with `dvc.yaml:`": (
        "only we deliver",
        (one({}, asked=Question("dvc.yaml:m")),),
    ),
    "A path outside of the repository, or all of it": (
        "only dvc delivers",
        tuple(one(annotated(path)) for path in (".", "/m.bin", "../../m.bin")),
    ),
    "A model at a URL of its own": ("only we deliver", (at_a_url(),)),
    "A symbolic link": (
        "only dvc delivers",
        (one({"m.bin": File(b"n.bin", "120000"), "n.bin": File(b"1")}),),
    ),
    "A pointer of Git LFS": ("only dvc delivers", (one({"m.bin": File(POINTER)}),)),
    "Bytes that are not those of the digest": ("only dvc delivers", (added(b"x", instead=b"y"),)),
    "What is in a cache and in no remote": ("only dvc delivers", (added(b"x", config=CACHE),)),
    "An output inside of another": ("each delivers its own", (inside_another(),)),
}
