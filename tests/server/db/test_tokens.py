from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select, text, update

from studio_action.server.access import Token
from studio_action.server.db import schema
from studio_action.server.db.database import writing
from studio_action.server.db.tokens import InvalidToken, Tokens
from studio_action.server.settings import ServedRepository
from tests.server.calendar import Calendar


@pytest.fixture
def now() -> Calendar:
    return Calendar()


@pytest.fixture
def tokens(engine: Engine, now: Calendar) -> Tokens:
    return Tokens(engine, now)


@pytest.fixture
def statements(engine: Engine) -> Iterator[list[str]]:
    """What the database is asked."""
    seen: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", listen)
    yield seen
    event.remove(engine, "before_cursor_execute", listen)


def made(tokens: Tokens, **changes: object) -> tuple[str, Token]:
    options = {"scopes": ["model-registry"], "repositories": ["acme/models"], "expires": None}
    return tokens.create("ci", **{**options, **changes})  # type: ignore[arg-type]


def reason(tokens: Tokens, text: str) -> str:
    with pytest.raises(InvalidToken) as refused:
        tokens.authenticate(text)
    assert str(refused.value) == "Invalid token."
    return refused.value.reason


def test_create__what_is_returned_is_what_is_kept(tokens: Tokens, now: Calendar) -> None:
    text, token = tokens.create(
        "ci",
        scopes=["project", "model-registry"],
        teams=["ml", "vision"],
        repositories=["acme/models"],
        all_repositories=True,
        expires=now() + timedelta(days=90),
    )
    assert token == Token(
        id=text[5:21],
        name="ci",
        scopes=frozenset({"project", "model-registry"}),
        teams=frozenset({"ml", "vision"}),
        repositories=frozenset({"acme/models"}),
        all_repositories=True,
        created=now(),
        expires=now() + timedelta(days=90),
    )
    assert tokens.by_id(token.id) == token
    assert tokens.all() == [token]


def test_create__the_text_looks_like_studios(tokens: Tokens) -> None:
    text, _ = made(tokens)
    assert text.startswith("isat_")
    assert (len(text), text.isascii(), text[5:].isalnum()) == (69, True, True)


def test_create__all_that_is_random_comes_from_outside(engine: Engine, now: Calendar) -> None:
    text, _ = made(Tokens(engine, now, lambda count: b"\xa5" * count))
    assert text == f"isat_{'a5' * 32}"


def test_create__no_two_are_alike(tokens: Tokens) -> None:
    assert len({made(tokens)[0] for _ in range(20)}) == 20


def test_create__neither_text_nor_secret_is_in_the_database(tokens: Tokens, engine: Engine) -> None:
    text, _ = made(tokens)
    with engine.connect() as connection:
        row = connection.execute(select(schema.tokens)).one()
    assert len(row.digest) == 32
    assert text[21:] not in repr(row)


def test_create__nothing_of_the_text_is_in_the_files(tmp_path: Path, tokens: Tokens) -> None:
    text, _ = made(tokens)
    tokens.authenticate(text)
    for path in tmp_path.rglob("registry.db*"):
        assert text[21:].encode() not in path.read_bytes()


def test_of__the_token(tokens: Tokens) -> None:
    text, token = made(tokens)
    assert tokens.authenticate(text) == token


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "abc123",
        "isat_",
        "isat_" + "0" * 64,
        "isat_" + "0" * 63,
        "isat_" + "٠" * 64,
        "isat_" + "A" * 64,
        "isat_" + "0" * 64 + "\n",
        "isat_\x00" + "0" * 63,
        "\ud800",
    ],
    ids=[
        "nothing",
        "no token's form",
        "the beginning",
        "of no token",
        "too short",
        "digits of another script",
        "capitals",
        "line break",
        "NUL",
        "half a surrogate",
    ],
)
def test_of__unknown(tokens: Tokens, asked: str) -> None:
    made(tokens)
    assert reason(tokens, asked) == "unknown"


@pytest.mark.parametrize("place", [21, 40, 68])
def test_of__wrong_in_one_digit(tokens: Tokens, place: int) -> None:
    text, _ = made(tokens)
    digit = "1" if text[place] == "0" else "0"
    assert reason(tokens, text[:place] + digit + text[place + 1 :]) == "wrong"


def test_of__expired_at_the_moment(tokens: Tokens, now: Calendar) -> None:
    text, _ = made(tokens, expires=now() + timedelta(days=90))
    now.turn(days=90, seconds=-1)
    tokens.authenticate(text)
    now.turn(seconds=1)
    assert reason(tokens, text) == "expired"


def test_of__revoked_at_once_in_every_process(
    engine: Engine, tokens: Tokens, now: Calendar
) -> None:
    text, token = made(tokens)
    Tokens(engine, now).authenticate(text)
    assert tokens.revoke(token.id)
    assert reason(Tokens(engine, now), text) == "revoked"


def test_of__revoked_and_expired(tokens: Tokens, now: Calendar) -> None:
    text, token = made(tokens, expires=now() + timedelta(days=1))
    tokens.revoke(token.id)
    now.turn(days=2)
    assert reason(tokens, text) == "revoked"


def test_of__whose_it_was_is_known_for_the_log(tokens: Tokens) -> None:
    text, token = made(tokens)
    tokens.revoke(token.id)
    with pytest.raises(InvalidToken) as refused:
        tokens.authenticate(text)
    assert refused.value.id == token.id
    assert token.id not in str(refused.value)


def test_of__last_use(tokens: Tokens, now: Calendar) -> None:
    text, token = made(tokens)
    now.turn(hours=1)
    tokens.authenticate(text)
    found = tokens.by_id(token.id)
    assert found is not None
    assert found.last_used == now()
    assert found.last_used.tzinfo is timezone.utc


def test_of__last_use_is_written_once_a_minute(
    tokens: Tokens, now: Calendar, statements: list[str]
) -> None:
    text, _ = made(tokens)
    for _ in range(90):
        tokens.authenticate(text)
        now.turn(seconds=1)
    assert sum(each.startswith("UPDATE") for each in statements) == 2


def test_of__last_use_is_written_once_by_many_processes(engine: Engine, now: Calendar) -> None:
    text, token = made(Tokens(engine, now))
    Tokens(engine, now).authenticate(text)
    now.turn(seconds=30)
    Tokens(engine, now).authenticate(text)
    found = Tokens(engine, now).by_id(token.id)
    assert found is not None
    assert found.last_used == now() - timedelta(seconds=30)


def test_of__a_last_use_that_cannot_be_written_is_no_failure(
    engine: Engine, tokens: Tokens
) -> None:
    text, token = made(tokens)
    with writing(engine) as connection:  # a lock that is held for longer than a request can wait
        connection.execute(update(schema.tokens).values(name="ci"))
        assert tokens.authenticate(text) == token
        assert tokens.authenticate(text) == token
    found = tokens.by_id(token.id)
    assert found is not None
    assert found.last_used is None


def test_of__from_many_threads(tokens: Tokens) -> None:
    text, token = made(tokens)
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(tokens.authenticate(text).id))
        for _ in range(32)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [token.id] * 32


def test_by_id__none(tokens: Tokens) -> None:
    assert tokens.by_id("0" * 16) is None
    assert tokens.by_id("\x00") is None


def test_all__the_oldest_first(tokens: Tokens, now: Calendar) -> None:
    first = made(tokens)[1]
    now.turn(seconds=1)
    second = made(tokens)[1]
    assert tokens.all() == [first, second]


def test_revoke__again_keeps_the_moment(tokens: Tokens, now: Calendar) -> None:
    _, token = made(tokens)
    began = now()
    assert tokens.revoke(token.id)
    now.turn(days=1)
    assert tokens.revoke(token.id)
    found = tokens.by_id(token.id)
    assert found is not None
    assert found.revoked == began


@pytest.mark.parametrize("id", ["0" * 16, "", "\x00", "' OR 1=1 --"])
def test_revoke__none(tokens: Tokens, id: str) -> None:
    made(tokens)
    assert not tokens.revoke(id)
    assert tokens.all()[0].revoked is None


def repository(name: str, *teams: str) -> ServedRepository:
    return ServedRepository(name, Path("/srv/git"), teams=frozenset(teams))


@pytest.mark.parametrize(
    ("given", "reads"),
    [
        ({}, {"acme/models"}),
        ({"repositories": []}, set()),
        ({"repositories": [], "teams": ["ml"]}, {"acme/vision", "acme/speech"}),
        ({"repositories": ["acme/models"], "teams": ["ml"]}, None),
        ({"repositories": [], "all_repositories": True}, None),
        ({"repositories": ["ACME/models", "models", "acme"]}, set()),
    ],
    ids=["one repository", "nothing", "a team", "both", "all of them", "names of other things"],
)
def test_reads(tokens: Tokens, given: dict[str, object], reads: set[str] | None) -> None:
    text, _ = made(tokens, **given)
    served = [
        repository("acme/models", "web"),
        repository("acme/vision", "ml", "web"),
        repository("acme/speech", "ml"),
    ]
    found = {each.name for each in served if tokens.authenticate(text).reads(each)}
    assert found == ({each.name for each in served} if reads is None else reads)


def test_create__names_are_data(engine: Engine, tokens: Tokens) -> None:
    name = "O'Brien \"; DROP TABLE tokens; -- 模型"
    _, token = tokens.create(
        name, scopes=["project"], teams=[name], repositories=[name], expires=None
    )
    assert tokens.by_id(token.id) == token
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM tokens")).scalar_one() == 1
