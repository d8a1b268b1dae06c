"""The database: how it is opened, brought up to date, read and written.

What SQLite, PostgreSQL and their drivers say becomes an error of ours here; none of it holds a
password or a statement's parameters.
"""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, exc, func, inspect, select

from studio_action.errors import BadInput, Unreachable, WorkspaceRefused
from studio_action.server.db import dialects, schema
from studio_action.text import printable

_LOCK = int.from_bytes(b"studio-a", "big")  # like nobody else's in the same database
_UPGRADE = 600.0
"""Seconds that another process may take to bring the schema up to date."""


def open_engine(address: str) -> Engine:
    """Open the database at a URL; nothing is asked yet, and SQLite's file need not be there.

    Raises `BadInput` where that is no URL of SQLite or PostgreSQL.
    """
    url = dialects.read_url(address)
    engine = dialects.sqlite(url) if url.drivername == "sqlite" else dialects.postgresql(url)
    _dispose_before_fork(engine)
    return engine


def _dispose_before_fork(engine: Engine) -> None:
    """Neither a socket nor SQLite's locks may be in use by two processes."""
    if sys.platform == "win32":
        return
    opened = weakref.ref(engine)

    def dispose() -> None:
        engine = opened()
        if engine is not None:
            engine.dispose()

    os.register_at_fork(before=dispose)


def migrate(engine: Engine) -> None:
    """Bring the schema up to date, all of it or nothing; others that start now wait for it.

    Raises `BadInput` where a newer release, or somebody else, has made the database.
    """
    if ready(engine):
        return
    with writing(engine, _UPGRADE) as connection:
        take_turns(connection)
        _check(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def ready(engine: Engine) -> bool:
    """Whether the database answers and has this release's schema."""
    try:
        with reading(engine) as connection:
            return _revision(connection) == _known()[0]
    except (Unreachable, WorkspaceRefused):
        return False


def _check(connection: Connection) -> None:
    revision = _revision(connection)
    if revision is None:
        foreign = set(schema.metadata.tables).intersection(inspect(connection).get_table_names())
        if foreign:
            raise BadInput(
                f"the database has a table {min(foreign)!r} that studio-action did not make",
                "Give it a database of its own",
            )
    elif revision not in _known():
        raise BadInput(
            f"the database has the schema {revision} of a newer studio-action;"
            f" this one knows {_known()[0]}",
            "Run the newer release, or one that is newer still",
        )


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@cache
def _known() -> tuple[str, ...]:
    """The schemas that this release knows, newest first."""
    return tuple(each.revision for each in ScriptDirectory.from_config(_config()).walk_revisions())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "studio_action.server.db:migrations")
    return config


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection to read from; raises `Unreachable` where the database fails."""
    with _translated(), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine, patience: float = 30.0) -> Iterator[Connection]:
    """A transaction that is committed for good at the end, and undone by an exception.

    It waits at most `patience` seconds for what others have locked. Raises `Unreachable` where the
    database fails; `IntegrityError` comes through.
    """
    writer = engine.execution_options(**{dialects.PATIENCE: patience})
    with _translated(), writer.begin() as connection:
        yield connection


def take_turns(connection: Connection) -> None:
    """Wait until no other transaction is past this; writers to SQLite take turns anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (exc.DBAPIError, exc.TimeoutError) as error:
        if _statement_is_wrong(error):
            raise
        said = printable(str(getattr(error, "orig", None) or error), 300)
        raise Unreachable(
            f"the database failed: {said}",
            "See that it runs, and that this user may read and write it",
        ) from error


def _statement_is_wrong(error: exc.SQLAlchemyError) -> bool:
    """Whether the fault is the statement's, not the database's, nor that of the rights in it.

    https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    forbidden = getattr(getattr(error, "orig", None), "sqlstate", None) == "42501"
    wrong = (exc.IntegrityError, exc.ProgrammingError, exc.DataError)
    return isinstance(error, wrong) and not forbidden
