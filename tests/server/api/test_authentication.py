from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event
from starlette.requests import Request

from studio_action.server.access import Scope, Token
from studio_action.server.api.authentication import Authenticator, parse_authorization
from studio_action.server.api.responses import ApiError
from studio_action.server.db.tokens import Tokens
from tests.server.calendar import Calendar


def bearing(text: str) -> Request:
    return Request({"type": "http", "headers": [(b"authorization", f"token {text}".encode())]})


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("token abc123", "abc123"),
        ("Token abc123", "abc123"),
        ("Bearer abc123", "abc123"),
        ("  token   abc123 ", "abc123"),
    ],
)
def test_token_text(header: str, text: str) -> None:
    assert parse_authorization(header) == text


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        pytest.param("", "Authentication credentials were not provided.", id="no header"),
        pytest.param(
            "Basic dTpw", "Authentication credentials were not provided.", id="another scheme"
        ),
        pytest.param("abc123", "Authentication credentials were not provided.", id="no scheme"),
        pytest.param(
            "token", "Invalid token header. No credentials provided.", id="nothing after it"
        ),
        pytest.param(
            "token a b",
            "Invalid token header. Token string should not contain spaces.",
            id="with a space",
        ),
        pytest.param(
            "token caf\xe9",
            "Invalid token header. Token string should not contain invalid characters.",
            id="not ASCII",
        ),
    ],
)
def test_token_text__malformed(header: str, detail: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse_authorization(header)

    assert refused.value.status == 401
    assert refused.value.body == {"detail": detail}
    assert refused.value.headers == {"WWW-Authenticate": "Token"}


@dataclass
class Office:
    """Authenticator over a real database, and how often it is asked about tokens."""

    tokens: Tokens
    authenticator: Authenticator
    calendar: Calendar
    lookups: list[str] = field(default_factory=list)

    def make(self, *scopes: Scope, expires: float | None = None) -> str:
        end = None if expires is None else self.calendar() + timedelta(seconds=expires)
        text, _ = self.tokens.create("ci", scopes=scopes or ("model-registry",), expires=end)
        return text

    def of(self, request: Request) -> Token:
        return asyncio.run(self.authenticator.authenticate(request, "model-registry"))

    def status(self, text: str) -> int:
        try:
            self.of(bearing(text))
        except ApiError as refused:
            return refused.status
        return 200


@pytest.fixture
def office(engine: Engine) -> Iterator[Office]:
    calendar = Calendar()
    tokens = Tokens(engine, calendar)
    office = Office(tokens, Authenticator(tokens, calendar), calendar)

    def heard(*told: object) -> None:
        if "SELECT" in str(told[2]) and "tokens" in str(told[2]):
            office.lookups.append(str(told[2]))

    event.listen(engine, "before_cursor_execute", heard)
    yield office
    event.remove(engine, "before_cursor_execute", heard)


def test_of__the_token_is_in_the_state(office: Office) -> None:
    request = bearing(office.make())

    token = office.of(request)

    assert request.state.token == token
    assert token.name == "ci"


def test_of__another_scope(office: Office) -> None:
    with pytest.raises(ApiError) as refused:
        office.of(bearing(office.make("project")))

    assert refused.value.status == 403
    assert refused.value.body == {"detail": "You do not have permission to perform this action."}


def test_of__a_wrong_token_is_told_apart_in_the_state_only(office: Office) -> None:
    text = office.make()
    request = bearing(text[:-4] + "0000")

    with pytest.raises(ApiError) as refused:
        office.of(request)

    assert refused.value.body == {"detail": "Invalid token."}
    assert request.state.refused == "wrong"


def test_of__the_database_is_asked_once_a_second(office: Office) -> None:
    text = office.make()
    for _ in range(10):
        assert office.status(text) == 200
        office.calendar.turn(seconds=0.25)

    assert len(office.lookups) == 3


def test_of__a_revocation_is_known_after_a_second(office: Office) -> None:
    text = office.make()
    assert office.status(text) == 200

    office.tokens.revoke(text[5:21])
    office.calendar.turn(seconds=1)

    assert office.status(text) == 401


def test_of__an_expired_token_is_not_believed_for_a_moment(office: Office) -> None:
    text = office.make(expires=0.5)
    assert office.status(text) == 200

    office.calendar.turn(seconds=0.5)

    assert office.status(text) == 401


def test_of__a_clock_that_is_set_back_makes_nobody_be_believed_longer(office: Office) -> None:
    text = office.make()
    assert office.status(text) == 200
    office.tokens.revoke(text[5:21])

    office.calendar.turn(seconds=-3600)

    assert office.status(text) == 401


def test_of__no_wrong_token_is_remembered(office: Office) -> None:
    wrong = "isat_" + "0" * 64
    assert [office.status(wrong), office.status(wrong)] == [401, 401]

    assert len(office.lookups) == 2
