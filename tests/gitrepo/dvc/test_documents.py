from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from studio_action.errors import StudioActionError, UnexpectedAnswer
from studio_action.gitrepo.dvc.documents import Node, read_json, read_yaml


def test_read_yaml() -> None:
    node = read_yaml("dvc.lock", b"a: {b: [x, 12, true]}\nnothing:\n")

    items = node.get("a").get("b").sequence()
    assert items[0].text() == "x"
    assert items[1].size() == 12
    assert items[2].flag(default=False) is True
    assert list(node.mapping()) == ["a", "nothing"]


def test_read_yaml__what_is_not_there_is_nothing() -> None:
    nothing = read_yaml("dvc.lock", b"").get("a").get("b")

    assert nothing.mapping() == {}
    assert nothing.sequence() == []
    assert nothing.text() == ""
    assert nothing.size() is None
    assert nothing.flag(default=True) is True


def test_read_yaml__merged_mappings() -> None:
    node = read_yaml("dvc.yaml", b"a: &a {x: one, y: two}\nb: {<<: *a, y: three}\n")

    assert {key: value.text() for key, value in node.get("b").mapping().items()} == {
        "x": "one",
        "y": "three",
    }


def test_node__says_where_it_stands() -> None:
    node = read_yaml("dvc.lock", b"stages: {train: {outs: [{path: 1}]}}")

    path = node.get("stages").get("train").get("outs").sequence()[0].get("path")
    with pytest.raises(UnexpectedAnswer) as caught:
        path.text()
    assert caught.value.message == "dvc.lock, stages.train.outs[0].path is not a text"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"- 1", "mapping"),
        (b"text", "mapping"),
        (b"text", "sequence"),
        (b"{}", "sequence"),
        (b"12", "text"),
        (b"[1]", "text"),
        (b"text", "size"),
        (b"true", "size"),
        (b"-1", "size"),
        (b"1.5", "size"),
    ],
)
def test_node__another_kind(content: bytes, kind: str) -> None:
    with pytest.raises(UnexpectedAnswer, match=r"^dvc\.lock is not"):
        getattr(read_yaml("dvc.lock", content), kind)()


def test_node__not_a_flag() -> None:
    with pytest.raises(UnexpectedAnswer, match="is not true or false"):
        Node("yes", "dvc.lock").flag(default=False)


@pytest.mark.parametrize(
    "content",
    [b"a: [", b"\xff\xfe\x00", "a: b".encode("utf-16"), b"[" * 100_000, b"#" * (16 << 20) + b"#"],
    ids=["cut", "not text", "UTF-16", "deep", "too large"],
)
def test_read_yaml__unreadable(content: bytes) -> None:
    with pytest.raises(UnexpectedAnswer, match=r"^dvc\.lock "):
        read_yaml("dvc.lock", content)


def test_node__a_key_that_is_no_text() -> None:
    with pytest.raises(
        UnexpectedAnswer, match=r"^dvc\.yaml, stages has a key that is not a text: 12"
    ):
        read_yaml("dvc.yaml", b"stages: {012: {}}").get("stages").mapping()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"[" * 200_000, b"1" * 5000, b" " * (64 << 20) + b"1"],
    ids=["empty", "cut", "not text", "deep", "a number without end", "too large"],
)
def test_read_json__hostile(content: bytes) -> None:
    with pytest.raises(UnexpectedAnswer, match=r"^the list "):
        read_json("the list", content)


@given(st.binary() | st.text().map(str.encode))
def test_read__anything_is_a_document_or_an_unexpected_answer(content: bytes) -> None:
    for read in (read_yaml, read_json):
        try:
            node = read("it", content)
        except StudioActionError:
            continue
        assert node.document == "it"


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("abc", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=9,
)


@given(plain)
def test_read__what_was_written(value: Any) -> None:
    assert read_json("it", json.dumps(value).encode()).value == value
    assert read_yaml("it", yaml.safe_dump(value).encode()).value == (value or {})
