from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.net import bounded_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**25), 10**25) | st.text() | st.floats(-9, 9),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES, st.booleans())
def test_read__what_was_written(value: object, ascii: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii)

    assert bounded_json.read(text.encode("utf-8", "surrogatepass")) == value


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"[" * 200_000, "nested more than 50 deep"),
        (b"[" * 200_000 + b"]" * 200_000, "nested more than 50 deep"),
        (b'{"a":' * 51 + b"1" + b"}" * 51, "nested more than 50 deep"),
        (b'[{"a":' * 26 + b'"]}"' + b"}]" * 26, "nested more than 50 deep"),
        (b"1" * 31, "more than 30 digits"),
        (b"[NaN]", "NaN is not a number"),
        (b"[-Infinity]", "-Infinity is not a number"),
        (b"[" + b"1," * 6_000_000 + b"1]", "more than 6,000,000 values"),
        (b"[" + b"{}," * 3_000_000 + b"{}]", "more than 6,000,000 values"),
        (b"[1]" + b" " * 100, "it has 103 bytes, more than 100"),
        (b'["\xff"]', "utf-8"),
        ('{"a": 1}'.encode("utf-16"), "utf-8"),
        (b"", "Expecting value"),
        (b"[1", "Expecting ',' delimiter"),
    ],
    ids=lambda each: repr(each)[:12],
)
def test_read__refused(content: bytes, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        bounded_json.read(content, largest=100 if b" " * 50 in content else bounded_json.LARGEST)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 50 + b"]" * 50,
        b'{"a":' * 50 + b'"[[[[\\"[[[[\\\\"' + b"}" * 50,
        b"[" + b"[]," * 100_000 + b"{}]",
        b'\xef\xbb\xbf{"a": "\\u00e9"}',
    ],
    ids=["deep", "brackets in texts", "many", "byte order mark"],
)
def test_read__deep_enough(content: bytes) -> None:
    assert bounded_json.read(content) == json.loads(content)


def test_read__a_text_of_megabytes_takes_little_more_than_it_has() -> None:
    content = b'["' + b"a\\n" * (1 << 20) + b'"]'
    tracemalloc.start()
    try:
        (text,) = bounded_json.read(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert text == "a\n" * (1 << 20)
    assert peak < 10 * len(content)


def test_read__as_large_as_it_gets_in_a_moment() -> None:
    row = {"path": "a" * 40, "url": "https://h/" + "b\\" * 300, "size": 1, "digest": None}
    content = json.dumps([row] * 50_000).encode()

    assert len(bounded_json.read(content)) == 50_000


def test_read__brackets_in_long_texts() -> None:
    texts = ['"[[{,' * number for number in range(0, 5000, 7)]
    content = json.dumps(texts).encode()

    assert len(content) > 2 * bounded_json._BLOCK
    assert bounded_json.read(content, most_values=1000) == texts


@pytest.mark.parametrize(
    ("content", "twice"),
    [
        (b'{"a": 1, "a": 1}', True),
        (b'{"b": [{"a": 1, "\\u0061": 2}]}', True),
        (b'{"a": {"a": 1}, "b": {"a": 1}, "A": 1}', False),
    ],
)
def test_read__a_name_twice(content: bytes, twice: bool) -> None:
    assert bounded_json.read(content)
    if twice:
        with pytest.raises(ValueError, match="a name twice"):
            bounded_json.read(content, unique=True)
    else:
        assert bounded_json.read(content, unique=True) == json.loads(content)
