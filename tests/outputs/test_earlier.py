from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.outputs import earlier
from studio_action.outputs.earlier import Earlier, EarlierFile
from studio_action.outputs.manifest import SCHEMA

SHA = "0" * 64


def document(*paths: str, **more: object) -> bytes:
    files = [{"path": path, "source_path": path, "size": 1, "sha256": SHA} for path in paths]
    return json.dumps({"schema": SCHEMA, "version": "v1.0.0", "files": files, **more}).encode()


def test_read() -> None:
    found = earlier.read(document("m/a", transferred=7, seconds=0.5, digest="md5:0"))

    assert found == Earlier("v1.0.0", "", "md5:0", 7, 0.5, (EarlierFile("m/a", "m/a", 1, SHA),))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        document("m/a", schema="urn:other"),
        document("m/a", files={}),
        document("m/a", files=[{"path": "m/a"}]),
        document("../a"),
        document("/a"),
        document(".git/config"),
        document(".studio-action/x"),
        document("a\0b"),
    ],
    ids=repr,
)
def test_read__refused(content: bytes) -> None:
    with pytest.raises(ValueError):
        earlier.read(content)


names = st.text("aAbé/", min_size=1, max_size=4)


@given(st.lists(names), st.lists(names), st.lists(names), st.sampled_from([".", "a", "a/b"]))
def test_stale__is_below_dest_and_nobody_elses(
    before: list[str], current: list[str], others: list[str], dest: str
) -> None:
    record = Earlier(files=tuple(EarlierFile(path, path, 1, SHA) for path in before))

    for file in earlier.stale(record, dest, current, others):
        assert file.path not in {*current, *others}
        assert file.path.lower() not in {path.lower() for path in (*current, *others)}
        assert dest == "." or file.path.startswith(f"{dest}/")
        assert file in record.files
