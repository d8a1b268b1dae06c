"""Lines of JSON, without secrets."""

from __future__ import annotations

import json
import os
import threading
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.server import links, log
from studio_action.server.links import Grant, InFolder, Key
from tests.server.lines import NOW, Lines

hexadecimal = st.text("0123456789abcdef", min_size=64, max_size=64)


def test_log__a_line_is_an_object() -> None:
    lines = Lines()

    lines.log("a repository cannot be reached", level="warning", repository="acme/models", tries=3)

    assert lines.all == [
        {
            "time": "2026-11-22T12:00:00.250+00:00",
            "level": "warning",
            "message": "a repository cannot be reached",
            "repository": "acme/models",
            "tries": 3,
        }
    ]


def test_log__what_is_none_is_left_out() -> None:
    lines = Lines()

    lines.log("a request", token=None)

    assert set(lines.all[0]) == {"time", "level", "message"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("two\nlines \x1b[31m", "two lines �[31m"),
        ("##vso[task.setvariable]", "## vso[task.setvariable]"),
        ("\ud800", "�"),
        (NOW, "2026-11-22 12:00:00.250000+00:00"),
        (("a\0b", 1), ["a�b", 1]),
        (True, True),
        (0.25, 0.25),
    ],
    ids=["control", "a command", "half a character", "a moment", "a list", "a boolean", "a number"],
)
def test_log__fields_are_made_safe(value: object, shown: object) -> None:
    lines = Lines()

    lines.log("told", value=value)

    assert lines.all[0]["value"] == shown


@given(st.text())
def test_log__any_text_is_one_line(text: str) -> None:
    lines = Lines()

    lines.log(text, field=text)

    assert len(lines.all) == 1


@given(hexadecimal, st.sampled_from(["", "see ", "x=", '"', "token: "]), st.text(max_size=5))
def test_log__a_token_is_not_shown(secret: str, before: str, after: str) -> None:
    lines = Lines()

    lines.log(f"{before}isat_{secret}", field=f"{before}isat_{secret} {after}")

    assert secret not in lines.text


@pytest.mark.parametrize(
    "text",
    [
        "GET https://bucket.example.org/a?X-Amz-Credential=AKIA5ec2e7&X-Amz-Signature=5ec2e7",
        "X-Amz-Signature=5ec2e7 was refused",
        "sig=5ec2e7%3D",
        "https://user:5ec2e7@github.com/acme/models.git cannot be reached",
        "postgresql://registry:5ec2e7@db/registry",
        "Authorization: token 5ec2e75ec2e75ec2e75ec2e7",
        "Authorization: Bearer 5ec2e75ec2e75ec2e75ec2e7.x",
        "/files/folders/models/a?Expires=1&KeyId=k&Signature=5ec2e7",
        "https://host/page#5ec2e7",
    ],
)
def test_log__what_looks_like_a_secret_is_not_shown(text: str) -> None:
    lines = Lines()

    lines.log(text, field=text, several=[text])

    assert "5ec2e7" not in lines.text


@given(st.text(min_size=1), st.binary(min_size=16))
def test_log__a_link_is_shown_without_its_signature(path: str, secret: bytes) -> None:
    lines = Lines()
    file = InFolder("models", "files/md5/01/23456789abcdef0123456789abcdef")
    url = links.sign("https://models.example.org", file, Grant("1", "a/b"), Key("k", secret), NOW)

    lines.log(f"a file was asked for: {url}")

    assert url.partition("?")[0] in lines.text
    assert url.rpartition("=")[2] not in lines.text


@pytest.mark.parametrize(
    "text",
    [
        "churn@v1.2.0 holds the stage prod",
        "git@github.com:acme/models.git",
        "the token 0123456789abcdef of ci was revoked",
        "models/churn.pkl#prod",
        "is it there?",
    ],
)
def test_log__other_text_is_shown_as_it_is(text: str) -> None:
    lines = Lines()

    lines.log(text)

    assert lines.all[0]["message"] == text


def test_fault__its_traceback_is_there_without_secrets() -> None:
    lines = Lines()

    lines.log.fault("a request failed", 'Traceback:\n  File "x.py"\nKeyError: isat_5ec2e75ec2e7')

    assert lines.all[0]["level"] == "error"
    assert lines.all[0]["traceback"] == ["Traceback:", 'File "x.py"', "KeyError: ***"]


def test_to_descriptor__lines_of_many_threads_stay_whole() -> None:
    reader, writer = os.pipe()
    say = log.Log(log.to_descriptor(writer), lambda: datetime.now(timezone.utc))
    threads = [
        threading.Thread(target=lambda: [say("x" * 100, number=n) for n in range(20)])
        for _ in range(4)
    ]

    with os.fdopen(reader, encoding="utf-8") as read:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        os.close(writer)

        assert len([json.loads(line) for line in read]) == 80


def test_to_descriptor__nobody_reads() -> None:
    reader, writer = os.pipe()
    os.close(reader)

    log.to_descriptor(writer)("a line\n")

    os.close(writer)
