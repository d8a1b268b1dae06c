from __future__ import annotations

import json
from contextlib import suppress
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.errors import StudioActionError, UnexpectedAnswer
from studio_action.gitrepo.dvc.outputs import (
    Output,
    OutputMeta,
    is_content,
    is_dvc_file,
    is_in,
    nearest_dvc_files,
    output_around,
    path_within,
    read_outputs,
)
from studio_action.model.digest import Digest
from tests.gitrepo.memory import MemoryFiles

REVISION = "c0ffee0" + "0" * 33
A, B = "a" * 32, "b" * 32


def by_path(documents: dict[str, str]) -> dict[str, Output]:
    """The outputs that DVC's files of these paths and texts tell, by the outputs' paths."""
    contents = {path: dedent(text).encode() for path, text in documents.items()}
    files = MemoryFiles(contents)
    return {output.path: output for output in read_outputs(contents, REVISION, files.read)}


def kept(document: str) -> OutputMeta:
    (output,) = by_path({"model.pkl.dvc": document}).values()
    return output.meta()


@pytest.mark.parametrize(
    ("folder", "path", "seen"),
    [
        ("", "model.pkl", "model.pkl"),
        ("models", "model.pkl", "models/model.pkl"),
        ("models/churn", "../common", "models/common"),
        ("models", "./a//b/../c", "models/a/c"),
        ("models", "..", ""),
        ("models", ".", "models"),
        ("models", "", "models"),
        ("", ".", ""),
        ("", "", ""),
        ("", "..", None),
        ("models", "../../elsewhere", None),
        ("models", "/etc/passwd", None),
        ("models", "s3://bucket/key", None),
        ("", "..a", "..a"),
    ],
)
def test_path_within(folder: str, path: str, seen: str | None) -> None:
    assert path_within(folder, path) == seen


@given(st.text("ab./"), st.text("ab./"))
def test_path_within__never_leaves_the_repository(folder: str, path: str) -> None:
    seen = path_within(path_within("", folder) or "", path)

    assert seen is None or not {"..", "."} & set(seen.split("/"))


def test_nearest_dvc_files__from_the_closest() -> None:
    assert list(nearest_dvc_files("a/b.pkl")) == [
        "a/b.pkl.dvc",
        "a/b.pkl/dvc.lock",
        "a/b.pkl/dvc.yaml",
        "a.dvc",
        "a/dvc.lock",
        "a/dvc.yaml",
        "dvc.lock",
        "dvc.yaml",
    ]


@pytest.mark.parametrize(
    ("path", "tells", "content"),
    [
        ("a/model.pkl.dvc", True, False),
        ("a/dvc.yaml", True, False),
        ("a/dvc.lock", True, True),
        ("a/.dvcignore", False, False),
        ("a/.gitignore", False, True),
        ("a/model.pkl", False, True),
        ("a/my-dvc.yaml", False, True),
    ],
)
def test_is_dvc_file__is_content(path: str, tells: bool, content: bool) -> None:
    assert (is_dvc_file(path), is_content(path)) == (tells, content)


@pytest.mark.parametrize(
    ("path", "folder", "inside"),
    [("a/b", "a/b", True), ("a/b", "a", True), ("ab", "a", False), ("a", "a/b", False)],
)
def test_is_in(path: str, folder: str, inside: bool) -> None:
    assert is_in(path, folder) is inside


def test_read_outputs__all_outputs_of_a_file() -> None:
    found = by_path({"a/two.dvc": "outs: [{path: one.bin}, {path: ../b/two.bin}]"})

    assert list(found) == ["a/one.bin", "b/two.bin"]


def test_read_outputs__the_working_folder_of_a_file() -> None:
    found = by_path({"a/x.dvc": "wdir: ../data\nouts: [{path: x.bin}]"})

    assert list(found) == ["data/x.bin"]


@pytest.mark.parametrize("path", ["s3://bucket/x", "/data/x", "../../x", "..", ""])
def test_read_outputs__outside_of_the_repository_are_none(path: str) -> None:
    assert by_path({"x.dvc": f"outs: [{{path: '{path}'}}]"}) == {}


PIPELINE = """
    stages:
      train:
        cmd: python train.py
        wdir: ../work
        outs:
        - model.pkl:
            remote: models
            persist: true
        - ./plain.bin
        - reports:
            cache: false
        metrics:
        - metrics.json:
            cache: false
        plots:
        - curve.csv:
            x: step
            cache: false
        - many.csv: [{x: step}, {y: loss}]
      each:
        foreach: [eu, us]
        do:
          cmd: python train.py ${item}
          outs:
          - ../out/${item}/model.pkl:
              remote: each
      grid:
        matrix: {size: [1, 2]}
        cmd: python train.py
        outs: ['${item.size}.bin']
      elsewhere:
        cmd: python train.py
        wdir: ${folder}
        outs: [far.bin]
    vars: [{folder: ../far}]
"""
LOCK = f"""
    schema: '2.0'
    stages:
      train:
        cmd: python train.py
        outs:
        - {{path: model.pkl, hash: md5, md5: {A}, size: 3}}
        - {{path: ./plain.bin, hash: md5, md5: {B}}}
        - {{path: reports, hash: md5, md5: {A}.dir}}
        - {{path: metrics.json, hash: md5, md5: {A}}}
        - {{path: curve.csv, hash: md5, md5: {A}}}
        - {{path: many.csv, hash: md5, md5: {A}}}
        - {{path: left-over.bin, hash: md5, md5: {A}}}
      each@eu:
        cmd: python train.py eu
        outs: [{{path: ../out/eu/model.pkl, hash: md5, md5: {A}}}]
      grid@2:
        cmd: python train.py
        outs: [{{path: 2.bin, hash: md5, md5: {A}}}]
      elsewhere:
        cmd: python train.py
        outs: [{{path: far.bin, hash: md5, md5: {A}}}]
      gone:
        cmd: python train.py
        outs: [{{path: gone.bin, hash: md5, md5: {A}}}]
"""


def test_read_outputs__of_a_pipeline() -> None:
    found = by_path({"pipe/dvc.yaml": PIPELINE, "pipe/dvc.lock": LOCK})

    assert {path: (output.cached, output.remote) for path, output in found.items()} == {
        "work/model.pkl": (True, "models"),
        "work/plain.bin": (True, ""),
        "work/reports": (False, ""),
        "work/metrics.json": (False, ""),
        "work/curve.csv": (False, ""),
        "work/many.csv": (True, ""),
        "out/eu/model.pkl": (True, "each"),
        "pipe/2.bin": (True, ""),
        "far/far.bin": (True, ""),
    }
    assert found["work/model.pkl"].meta() == OutputMeta(Digest("md5", A), 3, False, "models", "")


def test_read_outputs__a_lock_without_a_pipeline_is_left_over() -> None:
    assert by_path({"pipe/dvc.lock": LOCK}) == {}


def test_read_outputs__an_empty_lock() -> None:
    assert by_path({"dvc.yaml": PIPELINE, "dvc.lock": ""}) == {}


def test_read_outputs__an_unknown_lock() -> None:
    with pytest.raises(UnexpectedAnswer, match=r"^dvc\.lock at c0ffee0, schema is not '2\.0'"):
        by_path({"dvc.yaml": PIPELINE, "dvc.lock": "schema: '3.0'"})


@pytest.mark.parametrize("template", ["m-*.pkl", "./m-eu.pkl", "m-${item}.bin", "${item}"])
def test_read_outputs__what_is_not_defined_by_that_path_is_left_over(template: str) -> None:
    pipeline = f"stages: {{train: {{foreach: [eu], do: {{outs: ['{template}']}}}}}}"
    lock = "schema: '2.0'\nstages: {train@eu: {outs: [{path: m-eu.pkl}]}}"

    assert by_path({"dvc.yaml": pipeline, "dvc.lock": lock}) == {}


def test_read_outputs__flags_of_a_template_are_of_no_other_output() -> None:
    pipeline = """
        stages:
          train:
            foreach: [report, model]
            do:
              outs:
              - ${item}: {cache: false, remote: reports}
              - ${item}.pkl
    """
    lock = "schema: '2.0'\nstages: {train@model: {outs: [{path: model}, {path: model.pkl}]}}"

    found = by_path({"dvc.yaml": pipeline, "dvc.lock": lock})

    assert {path: (it.cached, it.remote) for path, it in found.items()} == {
        "model": (False, "reports"),
        "model.pkl": (True, ""),
    }


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            f"outs: [{{path: m, hash: md5, md5: {A}, size: 9, isexec: true, remote: store}}]",
            OutputMeta(Digest("md5", A), 9, True, "store", ""),
        ),
        (
            f"outs: [{{path: m, md5: {A.upper()}}}]",
            OutputMeta(Digest("md5-dos2unix", A), None, False, "", ""),
        ),
        (
            f"outs: [{{path: m, hash: md5, md5: {A}.dir, size: 9, nfiles: 2}}]",
            OutputMeta(Digest("md5", f"{A}.dir"), 9, False, "", ""),
        ),
        (
            f"outs: [{{path: m, hash: md5, md5: {A}, size: 9,"
            " cloud: {store: {etag: abc, version_id: v.1}}}]",
            OutputMeta(Digest("md5", A), 9, False, "store", "v.1"),
        ),
        (
            f"outs: [{{path: m, md5: {A}, version_id: v.1, remote: store}}]",
            OutputMeta(Digest("md5-dos2unix", A), None, False, "store", "v.1"),
        ),
        (
            "outs: [{path: m, hash: md5, md5: 12345678901234567890123456789012}]",
            OutputMeta(Digest("md5", "12345678901234567890123456789012"), None, False, "", ""),
        ),
        ("outs: [{path: m, etag: abc}]", OutputMeta(None, None, False, "", "")),
        ("outs: [{path: m, md5: ''}]", OutputMeta(None, None, False, "", "")),
    ],
    ids=[
        "everything",
        "of DVC 2",
        "a folder",
        "cloud-versioned",
        "cloud-versioned by DVC 2",
        "an MD5 of digits only",
        "not MD5",
        "not there yet",
    ],
)
def test_meta(document: str, expected: OutputMeta) -> None:
    assert kept(document) == expected


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ("outs: [{path: m, md5: 12}]", r"outs\[0\]\.md5 is not an MD5"),
        ("outs: [{path: m, md5: [a]}]", r"outs\[0\]\.md5 is not an MD5"),
        (f"outs: [{{path: m, hash: crc, md5: {A}}}]", r"outs\[0\]\.md5 is not an MD5"),
        ("outs: [{path: m, size: big}]", r"outs\[0\]\.size is not a number of bytes"),
        ("outs: [{path: m, isexec: 1}]", r"outs\[0\]\.isexec is not true or false"),
        ("outs: [{path: [m]}]", r"outs\[0\]\.path is not a text"),
        ("outs: {path: m}", r"outs is not a list"),
    ],
)
def test_meta__unreadable(document: str, fault: str) -> None:
    with pytest.raises(UnexpectedAnswer, match=rf"^model\.pkl\.dvc at c0ffee0, {fault}"):
        kept(document)


def test_members__of_a_cloud_versioned_folder() -> None:
    document = f"""
        outs:
        - path: data
          hash: md5
          files:
          - {{relpath: a.bin, md5: {A}, size: 1, isexec: true, cloud: {{s: {{version_id: v1}}}}}}
          - {{relpath: b/c.bin, md5: {B}, size: 2, cloud: {{s: {{version_id: v2}}}}}}
    """
    (output,) = by_path({"data.dvc": document}).values()

    assert output.members() == {
        "a.bin": OutputMeta(Digest("md5", A), 1, True, "s", "v1"),
        "b/c.bin": OutputMeta(Digest("md5", B), 2, False, "s", "v2"),
    }


def test_output_around__the_output_or_the_folder_around() -> None:
    outputs = by_path({"a.dvc": "outs: [{path: data}, {path: data2}, {path: model.pkl}]"})

    assert output_around("model.pkl", outputs.values()) == outputs["model.pkl"]
    assert output_around("data/x/y.bin", outputs.values()) == outputs["data"]
    assert output_around("data3", outputs.values()) is None


def test_output_around__two_of_one_path() -> None:
    contents = {"a.dvc": b"outs: [{path: m}]", "b.dvc": b"wdir: .\nouts: [{path: m}]"}

    with pytest.raises(UnexpectedAnswer, match="is the same output as"):
        output_around("m", read_outputs(contents, REVISION, MemoryFiles(contents).read))


leaves = st.none() | st.booleans() | st.integers() | st.sampled_from(["", "m", "..", A, "${x}"])
anything = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["m", "path", "md5", "version_id"]), inner, max_size=3)
    ),
    max_leaves=4,
)


def some(*keys: str) -> st.SearchStrategy[object]:
    """A mapping with some of the keys to anything, or anything else."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(keys, anything)) | anything


entry = some("path", "md5", "hash", "size", "isexec", "remote", "cloud", "files", "cache")
stage = some("wdir", "do", "outs", "metrics", "plots")
outs = st.fixed_dictionaries({"outs": st.lists(entry, max_size=3)}) | anything


@given(outs, stage, outs)
def test_read_outputs__fails_as_explained_only(
    tracked: object, defined: object, locked: object
) -> None:
    documents = {
        "a.dvc": tracked,
        "dvc.yaml": {"stages": {"m": defined}},
        "dvc.lock": {"schema": "2.0", "stages": {"m": locked}},
    }
    contents = {path: json.dumps(document).encode() for path, document in documents.items()}
    with suppress(StudioActionError):
        for output in read_outputs(contents, REVISION, MemoryFiles(contents).read):
            output.meta()
            output.members()
