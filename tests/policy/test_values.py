from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.policy.values import check_glob, matches, parse_age, parse_size, shown_age


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90m", 5400), ("12h", 43_200), ("30d", 2_592_000), ("8 w", 4_838_400)],
)
def test_parse_age(text: str, seconds: int) -> None:
    assert parse_age(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "0d", "-1d", "1.5d", "30 days", "1y", "٣d", "1d 2h"])
def test_parse_age__none(text: str) -> None:
    with pytest.raises(ValueError, match="not an age"):
        parse_age(text)


@given(st.integers(1, 999_999), st.sampled_from("hd"))
def test_shown_age__is_read_back(count: int, unit: str) -> None:
    seconds = parse_age(f"{count}{unit}")
    assert seconds - 86_400 < parse_age(shown_age(seconds)) <= seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        *[("0", 0), ("1048576", 1 << 20), ("10 B", 10), ("1kB", 1000), ("1KB", 1000)],
        *[("2GiB", 2 << 30), ("500 MB", 500_000_000), ("1.5GB", 1_500_000_000), ("1TiB", 1 << 40)],
    ],
)
def test_parse_size(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "-1", "1.5", "1.5B", "1G", "1e9", "much", "1 GB 2", "1gb"])
def test_parse_size__none(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "globs", "found"),
    [
        ("models/churn:churn", ["models/*"], True),
        ("churn", ["other", "ch*"], True),
        ("churn", ["Churn"], False),
        ("churn", [], False),
        ("churn", ["chur"], False),
    ],
)
def test_matches(text: str, globs: list[str], found: bool) -> None:
    assert matches(text, globs) is found


def test_matches__in_no_time() -> None:
    began = time.process_time()
    assert not matches("a" * 254, ["*a" * 126 + "b"])
    assert time.process_time() - began < 1


@pytest.mark.parametrize("glob", ["", "a" * 255])
def test_check_glob(glob: str) -> None:
    with pytest.raises(ValueError, match="not a glob"):
        check_glob(glob)
