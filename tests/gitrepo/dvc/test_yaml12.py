from __future__ import annotations

import datetime
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML, YAMLError

from studio_action.gitrepo.dvc.yaml12 import DEEPEST, FAULTS, MOST_VALUES, Refused, load

SCALARS: dict[str, object] = {
    **{
        word: word for word in ("no", "No", "yes", "on", "off", "y", "n", "NO", "1:30", "0o8", "1e")
    },
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("~", "null", "Null", "NULL", ""), None),
    "012": 12,
    "0o14": 12,
    "0x1F": 31,
    "0b11": 3,
    "1_000": 1000,
    "-7": -7,
    "09": 9,
    "1e3": 1000.0,
    "1.": 1.0,
    ".5": 0.5,
    "1_0.5": 10.5,
    ".inf": float("inf"),
    "1.2.3": "1.2.3",
    "2001-01-02": datetime.date(2001, 1, 2),
    "'012'": "012",
    "v1.0": "v1.0",
}


@pytest.mark.parametrize("pure", [False, True], ids=["libyaml", "pure"])
@pytest.mark.parametrize("written", SCALARS)
def test_load__scalars(written: str, pure: bool) -> None:
    assert load(f"a: {written}", pure=pure) == {"a": SCALARS[written]}
    assert type(load(written, pure=pure)) is type(SCALARS[written])


def test_load__merged_mappings() -> None:
    text = "a: &a {x: 1, y: 2}\nb: &b {z: 3}\nc: {<<: [*a, *b], y: 4}"

    assert load(text) == {"a": {"x": 1, "y": 2}, "b": {"z": 3}, "c": {"x": 1, "y": 4, "z": 3}}


def test_load__the_last_of_two_anchors() -> None:
    assert load("a: &x 1\nb: &x 2\nc: *x") == {"a": 1, "b": 2, "c": 2}


def test_load__a_mark_of_the_byte_order() -> None:
    assert load("\ufeffa: b") == {"a": "b"}


WRONG = {
    "no YAML": "a: [",
    "a zero byte": "a: \0",
    "two documents": "a: 1\n---\nb: 2\n",
    "Python's own": "!!python/object/apply:os.system [id]",
    "a tag of nobody": "a: !secret x",
    "a date that never was": "2001-13-45",
    "a tag that does not fit": "!!timestamp x",
    "an empty number": '!!int ""',
    "no truth": "!!bool maybe",
    "a mapping in order, with a key twice": "!!omap [a: 1, a: 2]",
    "an alias of nothing": "*a",
    "what once was a mapping's own value": "a: =",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_load__wrong(text: str) -> None:
    with pytest.raises(FAULTS):
        load(text)


TIMES = 20_000
LONG = "1" * 1_000_000
DEEP, MANY = "nested more than 50 deep", "more than 300000 values"

HOSTILE = {
    "an older YAML": ("%YAML 1.1\n---\na: yes", r"is YAML 1\.1, not 1\.2"),
    "a key twice": ("a: 1\nb: 2\na: 3", "the key 'a' twice, again in line 3"),
    "a key twice, of a huge value": (
        f"a: &a {'x' * 1000}\nb: [{'*a,' * TIMES}]\nb: 1",
        "the key 'b' twice",
    ),
    "a list for a key": ("? [a]\n: b", "a list or a mapping for a key"),
    "a number without end": (f"a: {LONG}", "a number of more than 1000 characters"),
    "a hexadecimal one": (f"a: 0x{LONG}", "a number of more than 1000 characters"),
    "keys of one hash": (f"{{{2**61 - 1}: 1, {2**62 - 2}: 2}}", "more than 18 digits for a key"),
    "brackets": ("[" * 500_000, DEEP),
    "braces": ("{a: " * 500_000, DEEP),
    "dashes": ("- " * 500_000, DEEP),
    "question marks": ("? " * 500_000, DEEP),
    "lines": ("".join(f"{' ' * depth}a:\n" for depth in range(2000)), DEEP),
    "a list in itself": ("&a [*a]", DEEP),
    "a mapping in itself": ("&a {b: *a}", DEEP),
    "a mapping merged into itself": ("&a {<<: *a}", DEEP),
    "one alias in the next": (
        "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 2000))]),
        DEEP,
    ),
    "laughs": (
        "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [{f'*a{n - 1},' * 9}]" for n in range(1, 20))]),
        MANY,
    ),
    "merged twice and again": (
        "\n".join(
            [
                "a0: &a0 {x: 1}",
                *(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 40)),
            ]
        ),
        MANY,
    ),
    "merged often": (
        f"a: &a {{{','.join(f'k{n}: 1' for n in range(1000))}}}\n"
        + "".join(f"b{n}: {{<<: *a}}\n" for n in range(1000)),
        MANY,
    ),
    "directives": ("".join(f"%TAG !a{n}! x\n" for n in range(100_000)) + "---\na", "directives"),
}


@pytest.mark.parametrize(("text", "fault"), HOSTILE.values(), ids=HOSTILE)
def test_load__hostile(text: str, fault: str) -> None:
    began = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(Refused, match=fault):
            load(text)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 64 << 20
    assert time.process_time() - began < 10  # a second or two, had we not traced


def test_load__as_deep_and_as_many_as_may_be() -> None:
    assert load("[" * DEEPEST + "]" * DEEPEST)
    names = ",".join(["x"] * 999)
    assert load(f"a: &a [{names}]\nb: [{','.join(['*a'] * (MOST_VALUES // 1000 - 2))}]")


WORDS = """a b: - ? : { } [ ] , ' " # !!str !x % --- ... ${x} a/b.pkl ~ no 1e3 012 = <<: @ ` |
    http://x:80/y a:b é !!int !!float !!set"""
BREAKS = [
    "&a ",
    "*a ",
    " ",
    "\n",
    "\n  ",
    "\n    ",
    ": ",
    "- ",
    ", ",
    " #c",
    "|\n  x",
    ">\n y",
    "\t",
    "\\",
]
pieces = st.sampled_from([*WORDS.split(), *BREAKS])


def outcome(read: Any) -> Any:
    try:
        return repr(read())
    except (Refused, *FAULTS):
        return None


@given(st.lists(pieces, max_size=8).map("".join))
def test_load__never_as_something_else_than_the_parser_of_dvc(text: str) -> None:
    """DVC has the parser in Python; libyaml's refuses less, such as tabs, or more.

    Only what is after an anchor's name without a space (`&a:`) they take for different things.
    """
    told = outcome(lambda: YAML(typ="safe", pure=True).load(text))

    assert outcome(lambda: load(text, pure=True)) in (told, None)
    if (ours := outcome(lambda: load(text))) and told:
        assert ours == told


def test_faults__are_the_library_s_too() -> None:
    assert issubclass(YAMLError, FAULTS)
