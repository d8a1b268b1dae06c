"""Engines for SQLite and PostgreSQL."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url

from studio_action.errors import BadInput, WorkspaceRefused

_FORMS = "Write postgresql://user:password@host:5432/name, or sqlite:////folder/registry.db"
PATIENCE = "studio_action_patience"
"""The execution option of a writing transaction: the seconds that it waits for locks."""
_OPENING = 30.0
"""The seconds that a connection to SQLite waits while others create the file."""
_SILENCE = 10
"""The seconds after which a silent PostgreSQL counts as unreachable."""
_OPTIONS: dict[str, Any] = {
    "hide_parameters": True,  # keys and digests are among them
    "pool_pre_ping": True,  # the database may have been restarted
    "pool_size": 10,  # for each process; waiting for one is faster than opening another
    "max_overflow": 0,
    "pool_timeout": 10.0,
}


def read_url(address: str) -> URL:
    """Return the parsed URL, with a driver for PostgreSQL; raise `BadInput` without showing it.

    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
    """
    try:
        url = make_url(address)
    except (exc.ArgumentError, ValueError):
        raise BadInput("the database's URL cannot be read", _FORMS) from None
    match url.drivername:
        case "sqlite" if url.database not in (None, "", ":memory:") and not url.query:
            return url
        case "postgresql" | "postgres" | "postgresql+psycopg":
            # A second `@` belongs to the password, whose end would be shown as the host.
            if "@" in f"{url.host}{url.database}":
                raise BadInput("the database's URL has two '@'", "Write %40 in a password")
            return url.set(drivername="postgresql+psycopg")
    raise BadInput("the database's URL names neither PostgreSQL nor a file of SQLite", _FORMS)


def sqlite(url: URL) -> Engine:
    """Return an engine for a file of SQLite, which the first connection creates."""
    engine = create_engine(url, connect_args={"timeout": _OPENING}, **_OPTIONS)
    event.listen(engine, "do_connect", _make_file)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def postgresql(url: URL) -> Engine:
    """Return an engine for PostgreSQL, through psycopg."""
    defaults = {
        "application_name": "studio-action",
        "connect_timeout": str(_SILENCE),
        "tcp_user_timeout": str(_SILENCE * 1000),
    }
    engine = create_engine(url.update_query_dict({**defaults, **url.query}), **_OPTIONS)
    event.listen(engine, "begin", _begin_postgresql)
    return engine


def _make_file(_dialect: object, _record: object, arguments: list[str], _more: object) -> None:
    """Create the file if it is missing, readable by its owner alone: it holds signing keys.

    Do not open an existing file: closing it would drop the locks that SQLite has on it
    (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    """
    path = Path(arguments[0])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise WorkspaceRefused(
            f"the database {path} cannot be written: {error.strerror}",
            "Set STUDIO_ACTION_DATABASE to another file, or let this user write this one",
        ) from error


def _prepare(connection: Any, _record: object) -> None:
    """Make commits survive a power cut, and let us begin transactions ourselves."""
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")  # readers do not wait for a writer
    connection.execute("PRAGMA synchronous=FULL")


def _begin_sqlite(connection: Connection) -> None:
    """Lock at once for writing: SQLite may refuse to turn a reader into a writer later."""
    patience = connection.get_execution_options().get(PATIENCE)
    if patience is None:
        connection.exec_driver_sql("BEGIN")
    else:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={patience * 1000:.0f}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_postgresql(connection: Connection) -> None:
    patience = connection.get_execution_options().get(PATIENCE)
    if patience is not None:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout={patience * 1000:.0f}")
