from __future__ import annotations

import html
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.text import (
    did_you_mean,
    escape_markup,
    first_few,
    has_hidden_characters,
    human_size,
    human_time,
    nearest,
    printable,
    redact,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("models/churn v2 é 模型.pkl", "models/churn v2 é 模型.pkl"),
        (" a\n\tb\r\nc  ", "a b c"),
        ("a\u2028b\u2029c\x85d", "a b c d"),
        ("a\0b\x1b[31mc\x7f", "a�b�[31mc�"),
        ("a\u202eb\u200bc\ufeff", "a�b�c�"),
        ("\udcff", "�"),
        ("::error::x", ": :error::x"),
        ("  ::error::x", ": :error::x"),
        ("a ::error::x", "a ::error::x"),
        ("a ##[error]x", "a ## [error]x"),
        ("a ##vso[task.complete]x", "a ## vso[task.complete]x"),
        ("a ##teamcity[x]", "a ## teamcity[x]"),
        ("section_start:1:x section_end:1:x", "section_ start:1:x section_ end:1:x"),
        ("\u034f::error::x", "�::error::x"),
        ("##\ufe0f[error]x", "##�[error]x"),
        ("## a heading, C:: and section_x", "## a heading, C:: and section_x"),
        ("", ""),
    ],
    ids=repr,
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters()), st.integers(1, 50))
def test_printable__one_visible_line_within_the_limit(text: str, limit: int) -> None:
    line = printable(text, limit)

    assert len(line) <= limit
    assert not {unicodedata.category(char) for char in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not line.startswith("::")


@given(st.text(st.characters()))
def test_printable__is_printable_already(text: str) -> None:
    once = printable(text)

    assert printable(once) == once


def test_printable__cut() -> None:
    assert printable("abcdef", 4) == "abc…"


@given(st.text())
def test_entities__shows_the_text_and_has_no_markup(text: str) -> None:
    escaped = escape_markup(text)

    assert html.unescape(escaped) == html.unescape(text) or "&" in text or "\r" in text
    assert not set(re.sub(r"&#\d+;", "", escaped)) & set("|`<>[]()*_~@:.\"'\\&$#!=+{}^%?,;")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host.org/a/b?X-Amz-Signature=s#f", "https://host.org/a/b"),
        ("https://user:s3cr3t@host.org:8443/a", "https://host.org:8443/a"),
        ("https://a@b:s3cr3t@host.org/a", "https://host.org/a"),
        ("https:/user:s3cr3t@host.org/a", "host.org/a"),
        ("user:s3cr3t@host.org:a/b", "host.org:a/b"),
        ("https://[user:s3cr3t@host.org/a", ""),
        ("", ""),
    ],
    ids=["query", "user info", "two @", "a slash too few", "scp-like", "not a URL", "nothing"],
)
def test_redact(url: str, shown: str) -> None:
    assert redact(url) == shown


FORMS = [
    "https://{}@host.org/a",
    "https:/{}@h",
    "https:{}@h",
    "//{}@h",
    "{}@h:a",
    "//h/a?{}",
    "//h#{}",
]


@given(st.sampled_from(FORMS), st.text(st.characters(exclude_characters="/?#\\")))
def test_redact__any_secret(form: str, text: str) -> None:
    assert "s3cr3t" not in redact(form.format(f"user:s3cr3t{text}"))


@given(st.text(st.characters()))
def test_redact__any_text(url: str) -> None:
    assert "?" not in redact(url)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.6, "1.0 kB"),
        (1000, "1.0 kB"),
        (17_345_678, "17.3 MB"),
        (999_949, "999.9 kB"),
        (999_951, "1.0 MB"),
        (2_500_000_000, "2.5 GB"),
        (1_234_500_000_000_000, "1234.5 TB"),
    ],
    ids=str,
)
def test_human_size(size: float, text: str) -> None:
    assert human_size(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0004, "0 ms"),
        (0.44, "440 ms"),
        (0.9996, "1.0 s"),
        (9.94, "9.9 s"),
        (17.4, "17 s"),
        (59.6, "1 min 00 s"),
        (125, "2 min 05 s"),
        (4000, "66 min 40 s"),
    ],
    ids=str,
)
def test_human_time(seconds: float, text: str) -> None:
    assert human_time(seconds) == text


@pytest.mark.parametrize(
    "text", ["a\nb", "\x1b[0m", "\u202ea", "a\u2060", "\ud800", "a\u2028", "\ufeff"]
)
def test_hides(text: str) -> None:
    assert has_hidden_characters(text)


@pytest.mark.parametrize(
    "text", ["", "a b", "\u00e9", "a\u00a0b", "\U0001f468\u200d\U0001f4bb", "\u2764\ufe0f"]
)
def test_hides__nothing(text: str) -> None:
    assert not has_hidden_characters(text)


@pytest.mark.parametrize(
    ("names", "shown"),
    [([], ""), (["a"], "a"), (["a", "b"], "a, b"), (["a", "b", "c", "d"], "a, b and 2 more")],
)
def test_first_few(names: list[str], shown: str) -> None:
    assert first_few(names, 2) == shown


@pytest.mark.parametrize(
    ("text", "names", "found"),
    [
        ("chrun", ["bert", "churn"], "churn"),
        ("Churn", ["churn"], "churn"),
        ("churn", ["models:churn", "models:bert"], "models:churn"),
        ("old:churn", ["models:churn"], "models:churn"),
        ("prd", ["dev", "prod"], "prod"),
        ("v1.0", ["v1.0.0", "v2.0.0"], "v1.0.0"),
        ("wholly-other", ["churn"], ""),
        ("churn", [], ""),
        ("churn", ["churn" * 100], ""),
    ],
)
def test_nearest(text: str, names: list[str], found: str) -> None:
    assert nearest(text, names) == found
    assert did_you_mean(text, names) == (f"Did you mean {found!r}? " if found else "")
