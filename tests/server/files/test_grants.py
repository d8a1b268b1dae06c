"""What a signed URL is worth once its token is revoked, has expired or lost the repository."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from studio_action.errors import Unreachable
from studio_action.server.access import Token
from studio_action.server.files.grants import Grants
from studio_action.server.links import Grant
from tests.server.calendar import Calendar
from tests.server.site import MODELS, SECRET

CALENDAR = Calendar()
TOKEN = Token(
    id="0123456789abcdef",
    name="ci",
    scopes=frozenset({"model-registry"}),
    teams=frozenset({"ml"}),
    repositories=frozenset(),
    all_repositories=False,
    created=CALENDAR(),
)
GRANT = Grant(TOKEN.id, MODELS.name)


@dataclass
class Database:
    """Tokens by id, and how often they were looked up."""

    tokens: dict[str, Token] = field(default_factory=lambda: {TOKEN.id: TOKEN})
    fails: bool = False
    asked: int = 0

    def by_id(self, id: str) -> Token | None:
        self.asked += 1
        if self.fails:
            raise Unreachable("the database is down")
        return self.tokens.get(id)


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
def grants(database: Database, calendar: Calendar) -> Grants:
    return Grants.of((MODELS, SECRET), database.by_id, calendar)


def test_may_read__of_the_token_s_repository(grants: Grants) -> None:
    assert grants.may_read(GRANT)


@pytest.mark.parametrize(
    "grant",
    [Grant(TOKEN.id, SECRET.name), Grant(TOKEN.id, "acme/gone"), Grant("0" * 16, MODELS.name)],
    ids=["another repository", "one that is not served", "a token that is not there"],
)
def test_may_read__not(grants: Grants, grant: Grant) -> None:
    assert not grants.may_read(grant)


@pytest.mark.parametrize(
    "changed",
    [
        replace(TOKEN, revoked=CALENDAR()),
        replace(TOKEN, teams=frozenset({"finance"})),
    ],
    ids=["revoked", "in another team"],
)
def test_may_read__within_a_second(
    grants: Grants, database: Database, calendar: Calendar, changed: Token
) -> None:
    assert grants.may_read(GRANT)
    database.tokens[TOKEN.id] = changed

    calendar.turn(seconds=1)

    assert not grants.may_read(GRANT)


def test_may_read__after_the_token_has_expired(grants: Grants, database: Database) -> None:
    database.tokens[TOKEN.id] = replace(TOKEN, expires=CALENDAR() - timedelta(days=1))

    assert grants.may_read(GRANT)


def test_may_read__looks_a_token_up_once_a_second(
    grants: Grants, database: Database, calendar: Calendar
) -> None:
    for _ in range(20):
        grants.may_read(GRANT)
        calendar.turn(seconds=0.1)

    assert database.asked == 2


def test_may_read__while_the_database_fails(
    grants: Grants, database: Database, calendar: Calendar
) -> None:
    grants.may_read(GRANT)
    database.fails = True

    calendar.turn(seconds=59)
    assert grants.may_read(GRANT)

    calendar.turn(seconds=1)
    with pytest.raises(Unreachable):
        grants.may_read(GRANT)


def test_may_read__remembers_only_so_many(grants: Grants, database: Database) -> None:
    for number in range(3000):
        grants.may_read(Grant(f"{number:016x}", MODELS.name))

    assert grants.may_read(GRANT)
    assert len(grants._cache) <= 1000
