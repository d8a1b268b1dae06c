"""What the server's tests share: a database of each kind, empty or up to date."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine

from studio_action.server.db import database

if TYPE_CHECKING:
    from tests.servers.postgres import Postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A real PostgreSQL."""
    from tests.servers.postgres import postgres  # with it come the other servers' clients

    with postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with nothing in it: SQLite's, and then PostgreSQL's."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'database' / 'registry.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    url = server.create_database()
    yield url
    server.drop_database(url)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """The database with this release's schema."""
    engine = database.open_engine(database_url)
    database.migrate(engine)
    yield engine
    engine.dispose()
