"""SQLite and PostgreSQL: which of them a URL names, and how each is trusted with state."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url

from studio_action.errors import BadInput, WorkspaceRefused

_FORMS = "Write postgresql://user:password@host:5432/name, or sqlite:////folder/registry.db"
PATIENCE = "studio_action_patience"
"""The execution option of a transaction that writes: seconds that it waits for its turn."""
_OPENING = 30.0
"""Seconds that a connection to SQLite waits where others make the file as well."""
_SILENCE = 10
"""Seconds after which a PostgreSQL that says nothing counts as gone."""
_OPTIONS: dict[str, Any] = {
    "hide_parameters": True,  # keys and digests are among them
    "pool_pre_ping": True,  # the database may have been restarted
    "pool_size": 10,  # for one process; who finds none free waits, which is faster than opening
    "max_overflow": 0,
    "pool_timeout": 10.0,
}


def read_url(address: str) -> URL:
    """The database's URL, PostgreSQL's with its driver; raise `BadInput`, which does not show it.

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
            # An `@` so late is the end of a password that holds one: the rest would be shown.
            if "@" in f"{url.host}{url.database}":
                raise BadInput("the database's URL has two '@'", "Write %40 in a password")
            return url.set(drivername="postgresql+psycopg")
    raise BadInput("the database's URL names neither PostgreSQL nor a file of SQLite", _FORMS)


def sqlite(url: URL) -> Engine:
    """A file of SQLite, which is made at the first connection."""
    engine = create_engine(url, connect_args={"timeout": _OPENING}, **_OPTIONS)
    event.listen(engine, "do_connect", _make_file)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def postgresql(url: URL) -> Engine:
    """A PostgreSQL, through psycopg."""
    defaults = {
        "application_name": "studio-action",
        "connect_timeout": str(_SILENCE),
        "tcp_user_timeout": str(_SILENCE * 1000),
    }
    engine = create_engine(url.update_query_dict({**defaults, **url.query}), **_OPTIONS)
    event.listen(engine, "begin", _begin_postgresql)
    return engine


def _make_file(_dialect: object, _record: object, arguments: list[str], _more: object) -> None:
    """Make the file if it is missing, for its owner alone: signing keys are in it.

    One that is there is not touched: closing it would drop the locks that SQLite has on it
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
            "Name another with STUDIO_ACTION_DATABASE, or give this user the right to",
        ) from error


def _prepare(connection: Any, _record: object) -> None:
    """What a commit has confirmed survives a power cut; transactions begin where we say so."""
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")  # those who read do not wait for who writes
    connection.execute("PRAGMA synchronous=FULL")


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes its turn at once: one that starts as a reader can be refused its turn."""
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
