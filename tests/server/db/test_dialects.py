from __future__ import annotations

import stat
from pathlib import Path

import pytest

from studio_action.errors import BadInput, WorkspaceRefused
from studio_action.server.db import database, dialects


@pytest.mark.parametrize(
    ("address", "driver"),
    [
        ("sqlite:////srv/registry.db", "sqlite"),
        ("sqlite:///registry.db", "sqlite"),
        ("sqlite:////srv/a@b/registry.db", "sqlite"),
        ("postgresql://u:p@h:5432/registry", "postgresql+psycopg"),
        ("postgres://u:p@h/registry", "postgresql+psycopg"),
        ("postgresql+psycopg://h/registry?sslmode=require", "postgresql+psycopg"),
        ("postgresql:///registry?host=/run/postgresql", "postgresql+psycopg"),
    ],
)
def test_read_url(address: str, driver: str) -> None:
    assert dialects.read_url(address).drivername == driver


def test_read_url__what_is_percent_encoded_in_a_password() -> None:
    assert dialects.read_url("postgresql://u:p%40s%2Fs@h/registry").password == "p@s/s"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "s3cret",
        "/srv/registry.db",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:////srv/registry.db?mode=ro",
        "mysql://u:s3cret@h/registry",
        "postgresql+psycopg2://u:s3cret@h/registry",
        "postgresql://u:s3cret@h:port/registry",
        "postgresql://u:p@s3cret@h/registry",
        "postgresql://u:p@h/s3cret@h/registry",
    ],
    ids=[
        "nothing",
        "no URL",
        "a path",
        "in memory",
        "in memory, in words",
        "options of SQLite",
        "another database",
        "another driver",
        "no port",
        "an @ in the password",
        "an @ and a slash in the password",
    ],
)
def test_read_url__refused_without_being_shown(address: str) -> None:
    with pytest.raises(BadInput) as refused:
        dialects.read_url(address)
    assert "s3cret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_sqlite__is_safe_and_lets_many_read(tmp_path: Path) -> None:
    engine = database.open_engine(f"sqlite:///{tmp_path}/registry.db")
    with engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous")
        }
    engine.dispose()
    assert settings == {"journal_mode": "wal", "synchronous": 2}


def test_sqlite__the_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "not" / "yet" / "there" / "registry.db"
    engine = database.open_engine(f"sqlite:///{path}")
    database.migrate(engine)
    modes = {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    engine.dispose()
    assert modes == {0o600}


def test_sqlite__no_folder_can_be_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    engine = database.open_engine(f"sqlite:///{tmp_path}/file/registry.db")
    with pytest.raises(WorkspaceRefused, match=r"file/registry\.db cannot be written: "):
        database.migrate(engine)
    engine.dispose()
