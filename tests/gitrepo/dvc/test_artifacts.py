from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.errors import (
    BadInput,
    ContentMismatch,
    NoSuchModel,
    ObjectMissing,
    StudioActionError,
    UnexpectedAnswer,
)
from studio_action.gitrepo.dvc import artifacts
from studio_action.gitrepo.dvc.artifacts import Content, GitFile, TrackedFile, TrackedFolder
from studio_action.gitrepo.dvc.external import ExternalFile
from studio_action.model.artifact import ModelName
from studio_action.model.digest import Digest
from tests import sample
from tests.gitrepo.memory import MemoryFiles, committed, files
from tests.gitrepo.repositories import git

A, B, C = "a" * 32, "b" * 32, "c" * 32
ROOT = {
    "dvc.yaml": """
        artifacts:
          churn: {path: model.pkl, type: model}
          folder: {path: ./data/}
          nothing: {type: model}
          template: {path: 'models/${name}.pkl'}
          bucket: {path: 's3://user:secret@bucket/model.pkl?sig=secret'}
          outside: {path: ../model.pkl}
          everything: {path: .}
    """
}
MONOREPO = {
    **ROOT,
    "models/churn/dvc.yaml": """
        artifacts:
          churn: {path: model.joblib}
          common: {path: ../common}
          top: {path: ../../model.pkl}
          outside: {path: ../../../model.pkl}
    """,
}


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("churn", "model.pkl"),
        ("folder", "data"),
        ("models/churn:churn", "models/churn/model.joblib"),
        ("models/churn:common", "models/common"),
        ("models/churn:top", "model.pkl"),
    ],
)
def test_path_of(model: str, path: str) -> None:
    assert artifacts.path_of(ModelName.parse(model), files(MONOREPO)) == path


@pytest.mark.parametrize(
    ("model", "error", "told"),
    [
        (
            "models/churn:nope",
            NoSuchModel,
            "model models/churn:nope is not annotated in models/churn/dvc.yaml at c0ffee0."
            " Annotated there: churn, common, outside, top",
        ),
        (
            "models:churn",
            NoSuchModel,
            "model models:churn is not annotated in models/dvc.yaml at c0ffee0."
            " Nothing is annotated there",
        ),
        (
            "nothing",
            NoSuchModel,
            "dvc.yaml at c0ffee0, artifacts.nothing.path is not given."
            " A model needs a path to its files",
        ),
        (
            "template",
            UnexpectedAnswer,
            "dvc.yaml at c0ffee0, artifacts.template.path has ${name}, and no variable is called"
            " that. Check that file at that commit",
        ),
        (
            "bucket",
            BadInput,
            "dvc.yaml at c0ffee0, artifacts.bucket.path has a user name or password that everybody"
            " can read: 's3://bucket/model.pkl'. Keep the file in a remote, and its password"
            " outside of the repository",
        ),
        (
            "models/churn:outside",
            UnexpectedAnswer,
            "models/churn/dvc.yaml at c0ffee0, artifacts.outside.path is not a file or folder of"
            " the repository: '../../../model.pkl'. Check that file at that commit",
        ),
        (
            "everything",
            UnexpectedAnswer,
            "dvc.yaml at c0ffee0, artifacts.everything.path is not a file or folder of the"
            " repository: '.'. Check that file at that commit",
        ),
    ],
    ids=["unknown", "no file", "no path", "template", "bucket", "outside", "all of it"],
)
def test_path_of__not_to_be_had(model: str, error: type[Exception], told: str) -> None:
    with pytest.raises(error) as caught:
        artifacts.path_of(ModelName.parse(model), files(MONOREPO))
    assert str(caught.value) == told


def test_path_of__a_url() -> None:
    told = files({"dvc.yaml": "artifacts: {m: {path: 's3://bucket/deep/model.pkl'}}"})

    assert artifacts.path_of(ModelName("m"), told) == ExternalFile(
        "model.pkl", "s3://bucket/deep/model.pkl"
    )


def test_path_of__where_gto_had_it_before_dvc() -> None:
    old = files({"artifacts.yaml": "churn: {path: model.pkl}\nold: {path: old.pkl}", **ROOT})

    assert artifacts.path_of(ModelName("old"), old) == "old.pkl"
    assert artifacts.path_of(ModelName("churn"), old) == "model.pkl"


def test_path_of__the_old_file_counts_at_the_root_only() -> None:
    old = files({"models/artifacts.yaml": "churn: {path: model.pkl}"})

    with pytest.raises(NoSuchModel):
        artifacts.path_of(ModelName("churn", "models"), old)


def test_path_of__many_known_names() -> None:
    names = {f"m{number:02}": {"path": "x"} for number in range(25)}
    many = files({"dvc.yaml": json.dumps({"artifacts": names})})

    with pytest.raises(NoSuchModel, match=r"m00, .* m19 and 5 more$"):
        artifacts.path_of(ModelName("nope"), many)


def stored(path: str, md5: str = A, **more: Any) -> TrackedFile:
    return TrackedFile(path, Digest("md5", md5), **more)


def out(path: str, md5: str = A, **more: object) -> str:
    return json.dumps({"outs": [{"path": path, "hash": "md5", "md5": md5, **more}]})


FOLDER = TrackedFolder("data", Digest("md5", f"{A}.dir"), "data", 9)
CLOUD = [
    {"relpath": "b/c.bin", "md5": B, "cloud": {"s": {"version_id": "2"}}},
    {"relpath": "a.bin", "md5": A, "size": 1, "isexec": True, "cloud": {"s": {"version_id": "1"}}},
]
MIXED = {
    "mixed/README": "read me",
    "mixed/.gitignore": "/a.bin",
    "mixed/a.bin.dvc": out("a.bin"),
    "mixed/sub/anything.dvc": out("b.bin", B),
    "mixed/dvc.yaml": "stages: {s: {outs: [made.bin, {kept.json: {cache: false}}]}}",
    "mixed/dvc.lock": "{schema: '2.0', stages: {s: {outs:"
    f" [{{path: made.bin, hash: md5, md5: {C}}}, {{path: kept.json, hash: md5, md5: {C}}}]}}}}}}",
    "mixed/kept.json": "{}",
    "other/z.bin.dvc": out("z.bin"),
}

SHAPES: dict[str, tuple[Mapping[str, str], str, tuple[Content, ...]]] = {
    "a tracked file": (
        {"m/model.pkl.dvc": out("model.pkl", size=3, isexec=True, remote="s")},
        "m/model.pkl",
        (stored("m/model.pkl", size=3, executable=True, remote="s"),),
    ),
    "a tracked folder": (
        {"data.dvc": out("data", f"{A}.dir", size=9, nfiles=2)},
        "data",
        (FOLDER,),
    ),
    "a file in a tracked folder": (
        {"data.dvc": out("data", f"{A}.dir", size=9)},
        "data/deep/x.bin",
        (TrackedFolder("data", Digest("md5", f"{A}.dir"), "data/deep/x.bin", 9),),
    ),
    "in a file of another name, further up": (
        {"lists/all.dvc": out("../m/model.pkl")},
        "m/model.pkl",
        (stored("m/model.pkl"),),
    ),
    "an output of a pipeline": (
        {
            "dvc.yaml": "stages: {train: {wdir: work, outs: [model.pkl: {remote: s}]}}",
            "dvc.lock": "{schema: '2.0', stages: {train: {outs:"
            f" [{{path: model.pkl, hash: md5, md5: {A}}}]}}}}}}",
        },
        "work/model.pkl",
        (stored("work/model.pkl", remote="s"),),
    ),
    "a cloud-versioned file": (
        {"m.dvc": out("m", cloud={"s": {"version_id": "1", "etag": "x"}})},
        "m",
        (stored("m", remote="s", version_id="1"),),
    ),
    "a cloud-versioned folder": (
        {"data.dvc": json.dumps({"outs": [{"path": "data", "hash": "md5", "files": CLOUD}]})},
        "data",
        (
            stored("data/a.bin", A, size=1, executable=True, remote="s", version_id="1"),
            stored("data/b/c.bin", B, remote="s", version_id="2"),
        ),
    ),
    "a folder in a cloud-versioned folder": (
        {"data.dvc": json.dumps({"outs": [{"path": "data", "hash": "md5", "files": CLOUD}]})},
        "data/b",
        (stored("data/b/c.bin", B, remote="s", version_id="2"),),
    ),
    "only its version is known": (
        {"m.dvc": json.dumps({"outs": [{"path": "m", "version_id": "1", "remote": "s"}]})},
        "m",
        (TrackedFile("m", None, remote="s", version_id="1"),),
    ),
    "a file that Git has": (
        {"in-git/model.json": "{}"},
        "in-git/model.json",
        (GitFile("in-git/model.json"),),
    ),
    "a file that Git has and a pipeline makes": (
        {
            "metrics.json": "{}",
            "dvc.yaml": "stages: {s: {metrics: [metrics.json: {cache: false}]}}",
            "dvc.lock": "{schema: '2.0', stages: {s: {outs: [{path: metrics.json}]}}}",
        },
        "metrics.json",
        (GitFile("metrics.json"),),
    ),
    "a folder that Git has": (
        {"in-git/b": "", "in-git/a/c": "", "in-git.txt": ""},
        "in-git",
        (GitFile("in-git/a/c"), GitFile("in-git/b")),
    ),
    "a folder that Git has and DVC only watches": (
        {"data.dvc": out("data", f"{A}.dir", cache=False), "data/x": "", "data/.gitkeep": ""},
        "data",
        (GitFile("data/.gitkeep"), GitFile("data/x")),
    ),
    "a folder that Git has, with tracked files": (
        MIXED,
        "mixed",
        (
            GitFile("mixed/.gitignore"),
            GitFile("mixed/README"),
            stored("mixed/a.bin"),
            GitFile("mixed/dvc.lock"),
            GitFile("mixed/kept.json"),
            stored("mixed/made.bin", C),
            stored("mixed/sub/b.bin", B),
        ),
    ),
}


@pytest.mark.parametrize(("texts", "path", "found"), SHAPES.values(), ids=SHAPES)
def test_contents(texts: Mapping[str, str], path: str, found: tuple[Content, ...]) -> None:
    assert artifacts.contents(path, files(texts)) == found


def test_contents__of_dvc_2() -> None:
    old = files({"m.dvc": f"outs: [{{path: m, md5: {A}}}]"})

    assert artifacts.contents("m", old) == (TrackedFile("m", Digest("md5-dos2unix", A)),)


def test_contents__executable_in_git() -> None:
    assert artifacts.contents("run.sh", files({"run.sh": ""}, executable=["run.sh"])) == (
        GitFile("run.sh", executable=True),
    )


@pytest.mark.parametrize("path", ["folder/link", "folder"])
def test_contents__a_link_in_git(path: str) -> None:
    linked = files({"folder/link": "elsewhere"}, links=["folder/link"])

    with pytest.raises(UnexpectedAnswer, match="folder/link is a symbolic link in Git"):
        artifacts.contents(path, linked)


MISSING = {
    "nowhere": ({"other.dvc": out("other")}, "m", "neither DVC nor Git has m at c0ffee0"),
    "never computed": (
        {"m.dvc": "outs: [{path: m, hash: md5}]"},
        "m",
        "m.dvc at c0ffee0, outs[0] has no content for m",
    ),
    "in neither": (
        {"m.dvc": "outs: [{path: m, cache: false}]"},
        "m",
        "m.dvc at c0ffee0, outs[0] has no content for m",
    ),
    "one file never computed": (
        {"data.dvc": json.dumps({"outs": [{"path": "data", "files": [{"relpath": "x"}]}]})},
        "data",
        "data.dvc at c0ffee0, outs[0] has no content for data/x",
    ),
    "in a file": (
        {"m.dvc": out("m")},
        "m/x",
        "m.dvc at c0ffee0, outs[0] has no content for m/x",
    ),
    "not in a cloud-versioned folder": (
        {"data.dvc": json.dumps({"outs": [{"path": "data", "files": CLOUD}]})},
        "data/b/c",
        "data.dvc at c0ffee0, outs[0] has no content for data/b/c",
    ),
}


@pytest.mark.parametrize(("texts", "path", "told"), MISSING.values(), ids=MISSING)
def test_contents__missing(texts: Mapping[str, str], path: str, told: str) -> None:
    with pytest.raises(ObjectMissing) as caught:
        artifacts.contents(path, files(texts))
    assert caught.value.message == told


def test_contents__an_unsafe_path_in_a_cloud_versioned_folder() -> None:
    entry = {"relpath": "../../x", "md5": A, "version_id": "1"}
    unsafe = files({"data.dvc": json.dumps({"outs": [{"path": "data", "files": [entry]}]})})

    with pytest.raises(UnexpectedAnswer, match="unsafe path"):
        artifacts.contents("data", unsafe)


def test_contents__asks_once_and_only_nearby_where_that_tells() -> None:
    many = files({"a/m.pkl.dvc": out("m.pkl"), "b/m.pkl.dvc": "no: [YAML"})

    artifacts.contents("a/m.pkl", many)

    assert "b/m.pkl.dvc" not in many.asked


def manifest(*entries: Mapping[str, object]) -> bytes:
    return json.dumps(entries).encode()


def folder(content: bytes, wanted: str = "data", algorithm: str = "md5") -> TrackedFolder:
    digest = Digest.parse(f"{algorithm}:{hashlib.md5(content).hexdigest()}.dir")
    return TrackedFolder("data", digest, wanted, remote="s")


TWO = manifest({"md5": A, "relpath": "a.bin"}, {"md5": B, "relpath": "b/c.bin"})


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("data", (stored("data/a.bin", remote="s"), stored("data/b/c.bin", B, remote="s"))),
        ("data/b", (stored("data/b/c.bin", B, remote="s"),)),
        ("data/a.bin", (stored("data/a.bin", remote="s"),)),
    ],
    ids=["all", "a folder", "a file"],
)
def test_members(wanted: str, found: tuple[TrackedFile, ...]) -> None:
    assert artifacts.members(folder(TWO, wanted), TWO) == found


def test_members__of_dvc_2() -> None:
    old = manifest({"md5": A, "relpath": "a.txt"})

    assert artifacts.members(folder(old, algorithm="md5-dos2unix"), old) == (
        TrackedFile("data/a.txt", Digest("md5-dos2unix", A), remote="s"),
    )


def test_members__another_manifest() -> None:
    with pytest.raises(ContentMismatch, match=r"^the list of the files in data has the MD5 "):
        artifacts.members(folder(TWO), TWO + b" ")


def test_members__nothing_wanted() -> None:
    with pytest.raises(ObjectMissing, match=r"^data/x is not in the list of the files in data"):
        artifacts.members(folder(TWO, "data/x"), TWO)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"md5": A, "relpath": "../x"}, "unsafe path"),
        ({"md5": A, "relpath": "/x"}, "unsafe path"),
        ({"md5": A, "relpath": ".git/hooks/x"}, "unsafe path"),
        ({"md5": A, "relpath": ""}, "unsafe path"),
        ({"md5": A}, "unsafe path"),
        ({"md5": "x", "relpath": "x"}, r"\[0\]\.md5 is not an MD5"),
        ({"relpath": "x"}, r"\[0\] has no MD5"),
        ({"md5": A, "relpath": 1}, r"\[0\]\.relpath is not a text"),
    ],
)
def test_members__unreadable(entry: Mapping[str, object], told: str) -> None:
    content = manifest(entry)

    with pytest.raises(UnexpectedAnswer, match=told):
        artifacts.members(folder(content), content)


@given(st.binary() | st.text().map(str.encode))
def test_members__fails_as_explained_only(content: bytes) -> None:
    with suppress(StudioActionError):
        artifacts.members(folder(content), content)


@given(st.binary() | st.text().map(str.encode))
def test_contents__fails_as_explained_only(content: bytes) -> None:
    names = ("dvc.yaml", "dvc.lock", "m.dvc", "artifacts.yaml")
    for question in (
        lambda: artifacts.contents("m", MemoryFiles(dict.fromkeys(names, content))),
        lambda: artifacts.path_of(ModelName("m"), MemoryFiles(dict.fromkeys(names, content))),
    ):
        with suppress(StudioActionError):
            question()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "registry.git"
    git(Path.cwd(), "clone", "--quiet", "--bare", str(sample.BUNDLE), str(folder))
    return folder


VERSIONS = [
    pytest.param(name, version, id=f"{name} {name_of}")
    for name, model in sample.expected()["models"].items()
    for name_of, version in model["versions"].items()
]


@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_sample__as_dvc_has_it(registry: Path, name: str, version: dict[str, Any]) -> None:
    there = committed(registry, version["revision"])

    if version.get("problem") == "not annotated":
        with pytest.raises(NoSuchModel):
            artifacts.path_of(ModelName.parse(name), there)
        return
    path = artifacts.path_of(ModelName.parse(name), there)
    (content,) = artifacts.contents(path, there)

    assert path == version["path"]
    match content:
        case GitFile():
            assert version["problem"] == "not in DVC"
        case TrackedFile():
            assert told(content) == (version["digest"], version["hash"])
            assert content.size == version["files"][0]["size"]
        case TrackedFolder():
            assert told(content) == (version["digest"], version["hash"])
            assert content.size == sum(file["size"] for file in version["files"])
            check_members(content, version["files"])


def told(content: TrackedFile | TrackedFolder) -> tuple[str, str]:
    assert content.digest is not None
    return f"md5:{content.digest.hex}", content.digest.algorithm


def check_members(content: TrackedFolder, listed: list[dict[str, Any]]) -> None:
    """Each file's digest is what its URL is made of, which dvc told."""
    key = content.digest.hex
    url = listed[0]["url"].rsplit("/", 2)[0] + f"/{key[:2]}/{key[2:]}"
    found = artifacts.members(content, sample.object_path(url).read_bytes())

    assert {file.path: file.digest.hex for file in found if file.digest} == {
        file["path"]: "".join(file["url"].rsplit("/", 2)[1:]) for file in listed
    }


def test_members__more_than_a_folder_has() -> None:
    manifest = b"[" + b"{}," * artifacts.MOST_FILES + b"{}]"
    digest = Digest("md5", hashlib.md5(manifest).hexdigest() + ".dir")

    with pytest.raises(UnexpectedAnswer, match="has 500,001 entries, more than 500,000"):
        artifacts.members(TrackedFolder("m", digest, "m"), manifest)
