from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.server import links
from studio_action.server.links import Grant, InFolder, Key
from studio_action.server.web import sessions
from tests.server.calendar import Calendar

NOW = Calendar().moment
KEY = Key("0a" * 8, b"secret of the week")
TOKEN = "3a45a2147cc6cacb"
COOKIE = sessions.sign(TOKEN, KEY, NOW)


def find_secret(id: str) -> bytes | None:
    return KEY.secret if id == KEY.id else None


def test_token_of__a_session_of_ours() -> None:
    assert sessions.verify(COOKIE, find_secret, NOW) == TOKEN


@pytest.mark.parametrize(
    ("age", "token"),
    [
        pytest.param(timedelta(hours=11, minutes=59), TOKEN, id="just before its end"),
        pytest.param(timedelta(hours=12), None, id="at its end"),
    ],
)
def test_token_of__after(age: timedelta, token: str | None) -> None:
    assert sessions.verify(COOKIE, find_secret, NOW + age) == token


def test_token_of__a_key_that_is_not_kept() -> None:
    assert sessions.verify(COOKIE, lambda id: None, NOW) is None


@given(st.integers(0, len(COOKIE) - 1), st.characters())
def test_token_of__any_character_changed(place: int, char: str) -> None:
    changed = COOKIE[:place] + char + COOKIE[place + 1 :]

    assert sessions.verify(changed, find_secret, NOW) == (TOKEN if changed == COOKIE else None)


@given(st.text())
def test_token_of__any_text(text: str) -> None:
    assert sessions.verify(text, find_secret, NOW) is None


def test_token_of__the_signature_of_a_link() -> None:
    grant = Grant(TOKEN, "acme/models")
    url = links.sign("https://models.example.org", InFolder("f", TOKEN), grant, KEY, NOW)
    signature = url.rpartition("=")[2]
    issued = int((NOW + timedelta(hours=1)).timestamp())

    assert sessions.verify(f"{TOKEN}.{issued}.{KEY.id}.{signature}", find_secret, NOW) is None


def test_signed__the_secret_is_not_in_it() -> None:
    assert KEY.secret.decode() not in COOKIE
