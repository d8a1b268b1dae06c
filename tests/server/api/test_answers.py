"""Answers that are given again, without a thread, as long as nothing has changed."""

from __future__ import annotations

from typing import cast

import pytest

from studio_action.model.artifact import Resolution
from studio_action.server.api import answers
from studio_action.server.api.answers import LIFETIME, Answer, Answers
from tests.fakes import Time

STATE, OTHER = object(), object()


def answer(body: bytes = b"{}") -> Answer:
    return Answer(body, cast("Resolution", None))


def test_get__while_the_state_is_known_and_the_same() -> None:
    kept = Answers(lambda: 0.0)
    first = answer()
    kept.keep("a", STATE, first)

    assert kept.get("a", STATE) is first
    assert kept.get("a", OTHER) is None
    assert kept.get("a", None) is None
    assert kept.get("b", STATE) is None


def test_get__not_for_ever() -> None:
    time = Time()
    kept = Answers(lambda: time.now)
    kept.keep("a", STATE, answer())
    time.now += LIFETIME

    assert kept.get("a", STATE) is None


def test_keep__no_more_bytes_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST_BYTES", 10)
    monkeypatch.setattr(answers, "LARGEST", 6)
    kept = Answers(lambda: 0.0)
    kept.keep("a", STATE, answer(b"12345"))
    kept.keep("a", STATE, answer(b"54321"))
    kept.keep("b", STATE, answer(b"12345"))
    kept.get("a", STATE)
    kept.keep("c", STATE, answer(b"1"))
    kept.keep("d", STATE, answer(b"1234567"))

    assert [kept.get(each, STATE) is not None for each in "abcd"] == [True, False, True, False]
