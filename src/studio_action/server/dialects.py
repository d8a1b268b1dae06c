"""SQLite and PostgreSQL: which of them a URL names, and how each is trusted with state."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url

from studio_action.errors import BadInput, WorkspaceRefused

_FORMS = "Write postgresql://user:password@host:5432/name, or sqlite:////folder/registry.db"
_PATIENCE = 30.0
"""Seconds that a writer to SQLite waits for the one before it."""
_SILENCE = 10
"""Seconds after which a PostgreSQL that says nothing counts as gone."""
_OPTIONS: dict[str, Any] = {
    "hide_parameters": True,  # keys and digests are among them
    "pool_pre_ping": True,  # the database may have been restarted
}


def read_url(address: str) -> URL:
    """The database's URL, PostgreSQL's with its driver; raise `BadInput`, which does not show it.

    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
    """
    try:
        url = make_url(address)
    except (exc.ArgumentError, ValueError):
        raise BadInput("the database's URL cannot be read", _FORMS) from None
    # An `@` so late is the end of a password that holds one: the rest of it would be shown.
    if "@" in f"{url.host}{url.database}":
        raise BadInput(
            "the database's URL has an '@' where none can be", "Write %40 for it in a password"
        )
    match url.drivername:
        case "postgresql" | "postgres" | "postgresql+psycopg":
            return url.set(drivername="postgresql+psycopg")
        case "sqlite" if url.database not in (None, "", ":memory:") and not url.query:
            return url
    raise BadInput("the database's URL names neither PostgreSQL nor a file of SQLite", _FORMS)


def sqlite(url: URL) -> Engine:
    """A file of SQLite, which is made at the first connection."""
    engine = create_engine(url, connect_args={"timeout": _PATIENCE}, **_OPTIONS)
    event.listen(engine, "do_connect", _make_file)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def postgresql(url: URL) -> Engine:
    """A PostgreSQL, through psycopg."""
    defaults = {
        "application_name": "studio-action",
        "connect_timeout": str(_SILENCE),
        "tcp_user_timeout": str(_SILENCE * 1000),
    }
    return create_engine(url.update_query_dict({**defaults, **url.query}), **_OPTIONS)


def _make_file(_dialect: object, _record: object, arguments: list[str], _more: object) -> None:
    """Make the file if it is missing, for its owner alone: signing keys are in it."""
    path = Path(arguments[0])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
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
    connection.execute("PRAGMA foreign_keys=ON")


def _begin(connection: Connection) -> None:
    """A writer takes its turn at once: one that starts as a reader can be refused its turn."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
