from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.net.backoff import CEILING, LONGEST_RETRY_AFTER, retry_after_seconds, wait

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
almost_one = 1 - 2**-53


@pytest.mark.parametrize(
    ("attempt", "random", "seconds"),
    [
        (1, 0.0, 0.25),
        (1, 0.5, 0.375),
        (2, 0.0, 0.5),
        (5, 0.0, 4.0),
        (7, 0.0, 15.0),
        (100, 0.0, 15.0),
        (100, almost_one, 30.0),
    ],
    ids=["first", "jitter", "doubles", "grows", "ceiling", "hundredth", "longest"],
)
def test_wait(attempt: int, random: float, seconds: float) -> None:
    assert wait(attempt, retry_after=None, random=random) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (7.0, 7.0),
        (0.0, 0.0),
        (-3.0, 0.0),
        (3600.0, LONGEST_RETRY_AFTER),
        (float("inf"), LONGEST_RETRY_AFTER),
    ],
    ids=["as asked", "at once", "past", "too long", "for ever"],
)
def test_wait__server_asked(asked: float, seconds: float) -> None:
    assert wait(1, retry_after=asked, random=0.0) == seconds


@given(
    st.integers(1, 100), st.none() | st.floats(allow_nan=False), st.floats(0, 1, exclude_max=True)
)
def test_wait__is_never_negative_nor_endless(
    attempt: int, asked: float | None, random: float
) -> None:
    longest = CEILING if asked is None else LONGEST_RETRY_AFTER + 0.5

    assert 0 <= wait(attempt, retry_after=asked, random=random) <= longest


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("Fri, 02 Jan 2026 03:05:05 GMT", 60.0),
        ("Fri, 02 Jan 2026 03:05:05 -0000", 60.0),
        ("Fri, 02 Jan 2026 04:05:05 +0100", 60.0),
        ("Fri, 02 Jan 2026 03:00:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-7", None),
        ("1.5", None),
        ("٧", None),
    ],
    ids=[
        "seconds",
        "padded",
        "none left",
        "date",
        "date without a zone",
        "date of another zone",
        "date past",
        "no header",
        "empty",
        "words",
        "negative",
        "fraction",
        "other digits",
    ],
)
def test_retry_after_seconds(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, now=NOW) == seconds


@given(st.text(st.characters(max_codepoint=255)) | st.from_regex(r"\w{3}, \d+ Jan \d+ [0-9:+]+"))
def test_retry_after_seconds__any_header(value: str) -> None:
    seconds = retry_after_seconds(value, now=NOW)

    assert seconds is None or seconds >= 0
