"""Opens the database, migrates its schema, and provides connections.

Errors of SQLite, PostgreSQL and their drivers become errors of the program here; their messages
hold neither a password nor a statement's parameters.
"""

from __future__ import annotations

import os
import sys
import threading
import time
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

_LOCK = int.from_bytes(b"studio-a", "big")  # an advisory lock that nobody else in the database uses
PATIENCE = 5.0
"""The seconds that a request may wait until it can write."""
_UPGRADE = 600.0
"""The seconds that another process may take to migrate the schema."""

_WRITERS = {"sqlite": 1, "postgresql": 4}
"""How many threads of a process write at once. SQLite has one writer at a time anyway."""
_turns: weakref.WeakKeyDictionary[Engine, threading.Semaphore] = weakref.WeakKeyDictionary()


def open_engine(address: str) -> Engine:
    """Return the engine for a database URL; connect later, so SQLite's file need not exist.

    Raise `BadInput` if it is not a URL of SQLite or PostgreSQL.
    """
    url = dialects.read_url(address)
    engine = dialects.sqlite(url) if url.drivername == "sqlite" else dialects.postgresql(url)
    _turns[engine] = threading.Semaphore(_WRITERS[engine.dialect.name])
    _dispose_before_fork(engine)
    return engine


def _dispose_before_fork(engine: Engine) -> None:
    """Close connections before a fork: processes must not share sockets or SQLite's locks."""
    if sys.platform == "win32":
        return
    opened = weakref.ref(engine)

    def dispose() -> None:
        engine = opened()
        if engine is not None:
            engine.dispose()

    os.register_at_fork(before=dispose)


def migrate(engine: Engine) -> None:
    """Migrate the schema in one transaction; other processes that start meanwhile wait for it.

    Raise `BadInput` if a newer release, or another program, created the database.
    """
    if ready(engine):
        return
    with writing(engine, _UPGRADE) as connection:
        lock_exclusively(connection)
        _check(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def ready(engine: Engine) -> bool:
    """Return whether the database is reachable and has this release's schema."""
    try:
        return revision(engine) == _known()[0]
    except (Unreachable, WorkspaceRefused):
        return False


def usable(engine: Engine) -> bool:
    """Return whether the database is reachable and has this release's schema, or a newer one.

    A newer release only adds to the schema, so while it replaces this one, this one goes on.
    """
    try:
        found = revision(engine)
    except (Unreachable, WorkspaceRefused):
        return False
    return found is not None and found not in _known()[1:]


def _check(connection: Connection) -> None:
    found = _revision(connection)
    if found is None:
        foreign = set(schema.metadata.tables).intersection(inspect(connection).get_table_names())
        if foreign:
            raise BadInput(
                f"the database has a table {min(foreign)!r} that studio-action did not create",
                "Use a database of its own",
            )
    elif found not in _known():
        raise BadInput(
            f"the database has the schema {found} of a newer studio-action;"
            f" this one knows {_known()[0]}",
            "Run that release, or a later one",
        )


def revision(engine: Engine) -> str | None:
    """Return the version of the schema, None if there is none; raise `Unreachable`."""
    with reading(engine) as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@cache
def _known() -> tuple[str, ...]:
    """Return the schema versions that this release knows, newest first."""
    return tuple(each.revision for each in ScriptDirectory.from_config(_config()).walk_revisions())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "studio_action.server.db:migrations")
    return config


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Yield a connection to read with; raise `Unreachable` if the database fails."""
    with _translated(), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine, patience: float = PATIENCE) -> Iterator[Connection]:
    """Yield a transaction that is committed at the end, and rolled back by an exception.

    Wait at most `patience` seconds for locks. Raise `Unreachable` if the database fails, and
    `IntegrityError` as it is.
    """
    with _turn(engine, patience) as left:
        writer = engine.execution_options(**{dialects.PATIENCE: left})
        with _translated(), writer.begin() as connection:
            yield connection


@contextmanager
def _turn(engine: Engine, patience: float) -> Iterator[float]:
    """Wait until few enough threads write; yield the seconds that are left of `patience`.

    So those who wait for a lock do not take all connections, and readers have some.
    """
    turns, began = _turns[engine], time.monotonic()
    if not turns.acquire(timeout=patience):
        raise _failed("it is locked: others are still writing")
    try:
        yield max(0.001, began + patience - time.monotonic())  # 0 would be no limit at all
    finally:
        turns.release()


def lock_exclusively(connection: Connection) -> None:
    """Wait for other transactions that called this; SQLite has one writer at a time anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (exc.DBAPIError, exc.TimeoutError) as error:
        if _statement_is_wrong(error):
            raise
        reason = printable(str(getattr(error, "orig", None) or error), 300)
        raise _failed(reason) from error


def _failed(reason: str) -> Unreachable:
    return Unreachable(
        f"the database failed: {reason}",
        "Check that it runs, and that this user can read and write it",
    )


def _statement_is_wrong(error: exc.SQLAlchemyError) -> bool:
    """Return whether the statement is wrong, rather than the database or the user's rights.

    https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    forbidden = getattr(getattr(error, "orig", None), "sqlstate", None) == "42501"
    wrong = (exc.IntegrityError, exc.ProgrammingError, exc.DataError)
    return isinstance(error, wrong) and not forbidden
