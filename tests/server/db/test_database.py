from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, event, insert, inspect, make_url, select, text
from sqlalchemy.exc import IntegrityError

from studio_action.errors import BadInput, Unreachable
from studio_action.server.db import database, schema
from studio_action.server.db.pushes import Pushes
from studio_action.server.db.tokens import Tokens
from tests.server.calendar import Calendar
from tests.servers.postgres import Postgres
from tests.servers.process import free_ports

PUSH = insert(schema.pushes).values(repository="acme/models", count=1)


def run(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_migrate__gives_exactly_the_schema(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, schema.metadata) == []


def test_migrate__again_writes_nothing(engine: Engine) -> None:
    seen: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    database.migrate(engine)
    assert not [each for each in seen if not each.startswith(("BEGIN", "SELECT", "PRAGMA"))]


def test_migrate__keeps_what_is_there(engine: Engine) -> None:
    Pushes(engine).record("acme/models")
    database.migrate(engine)
    assert Pushes(engine).count("acme/models") == 1


def test_migrate__many_processes_at_once(database_url: str) -> None:
    program = (
        "import sys; from studio_action.server.db import database\n"
        "engine = database.open_engine(sys.argv[1])\n"
        "sys.stdin.readline()\n"
        "database.migrate(engine)\n"
        "print(database.ready(engine))\n"
    )
    processes = [run(program, database_url) for _ in range(6)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[0] for process in processes] == ["True\n"] * 6


def test_migrate__by_many_threads_at_once(database_url: str) -> None:
    engine = database.open_engine(database_url)
    together = threading.Barrier(8)
    ready: list[bool] = []

    def start() -> None:
        together.wait()
        database.migrate(engine)
        ready.append(database.ready(engine))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.dispose()
    assert ready == [True] * 8


def test_migrate__a_newer_database(engine: Engine) -> None:
    with database.writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert not database.ready(engine)
    with pytest.raises(BadInput, match="schema 9999 of a newer studio-action"):
        database.migrate(engine)


def test_migrate__the_database_of_something_else(database_url: str) -> None:
    engine = database.open_engine(database_url)
    with database.writing(engine) as connection:
        connection.execute(text("CREATE TABLE projects (name VARCHAR)"))
    with pytest.raises(BadInput, match="a table 'projects' that studio-action did not create"):
        database.migrate(engine)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["projects"]
    engine.dispose()


def test_usable__while_a_newer_release_takes_over(engine: Engine) -> None:
    assert database.usable(engine)
    with database.writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert database.usable(engine)
    with database.writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert not database.usable(engine)


def test_ready__nothing_in_it(database_url: str) -> None:
    engine = database.open_engine(database_url)
    assert not database.ready(engine)
    engine.dispose()


def test_ready(engine: Engine) -> None:
    assert database.ready(engine)


def test_ready__nobody_answers() -> None:
    (port,) = free_ports(1)
    engine = database.open_engine(f"postgresql://u:s3cret@127.0.0.1:{port}/registry")
    assert not database.ready(engine)


def test_ready__no_database_at_all(tmp_path: Path) -> None:
    (tmp_path / "registry.db").write_text("not a database, but as long as a header is" * 100)
    engine = database.open_engine(f"sqlite:///{tmp_path}/registry.db")
    assert not database.ready(engine)
    with pytest.raises(Unreachable, match="file is not a database"):
        database.migrate(engine)
    engine.dispose()


def test_reading__nobody_answers() -> None:
    (port,) = free_ports(1)
    engine = database.open_engine(f"postgresql://u:s3cret@127.0.0.1:{port}/registry")
    with pytest.raises(Unreachable, match=r"the database failed: .*refused") as failed:
        Pushes(engine).count("acme/models")
    assert "s3cret" not in str(failed.value)


@pytest.mark.servers
def test_reading__a_wrong_password(postgres_server: Postgres) -> None:
    url = postgres_server.url("postgres").replace(postgres_server.password, "s3cret")
    engine = database.open_engine(url)
    with pytest.raises(Unreachable, match="password authentication failed") as failed:
        Pushes(engine).count("acme/models")
    assert "s3cret" not in str(failed.value)


@pytest.mark.servers
def test_migrate__a_user_who_may_not(postgres_server: Postgres) -> None:
    url = postgres_server.create_database()
    owner = database.open_engine(url)
    with database.writing(owner) as connection:
        connection.execute(text("CREATE ROLE guest LOGIN PASSWORD 's3cret'"))
    as_guest = make_url(url).set(username="guest", password="s3cret")
    guest = database.open_engine(as_guest.render_as_string(hide_password=False))
    with pytest.raises(Unreachable, match="permission denied for schema public"):
        database.migrate(guest)
    guest.dispose()
    owner.dispose()
    postgres_server.drop_database(url)


def test_writing__undone_by_an_exception(engine: Engine) -> None:
    with suppress(ZeroDivisionError), database.writing(engine) as connection:
        connection.execute(PUSH)
        raise ZeroDivisionError
    assert Pushes(engine).count("acme/models") == 0


def test_writing__what_is_there_already(engine: Engine) -> None:
    Pushes(engine).record("acme/models")
    with pytest.raises(IntegrityError) as failed, database.writing(engine) as connection:
        connection.execute(PUSH)
    assert "[SQL parameters hidden" in str(failed.value)


def test_writing__readers_do_not_wait(engine: Engine) -> None:
    Pushes(engine).record("acme/models")
    with database.writing(engine) as connection:
        connection.execute(schema.pushes.update().values(count=2))
        assert Pushes(engine).count("acme/models") == 1
    assert Pushes(engine).count("acme/models") == 2


def test_writing__somebody_else_is_not_done(engine: Engine) -> None:
    Pushes(engine).record("acme/models")
    more = schema.pushes.update().values(count=2)
    with database.writing(engine) as connection:
        connection.execute(more)
        with (
            pytest.raises(Unreachable, match="lock"),
            database.writing(engine, patience=0.05) as another,
        ):
            another.execute(more)
    with database.writing(engine, patience=0.05) as connection:
        connection.execute(more)


def test_writing__from_what_was_read_before(engine: Engine) -> None:
    """Each reads, then writes: where both could begin as readers, one would fail or be lost."""
    Pushes(engine).record("acme/models")
    together = threading.Barrier(8)

    def add() -> None:
        together.wait()
        with database.writing(engine) as connection:
            database.lock_exclusively(connection)
            count = connection.execute(select(schema.pushes.c.count)).scalar_one()
            connection.execute(schema.pushes.update().values(count=count + 1))

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Pushes(engine).count("acme/models") == 9


@pytest.mark.servers
def test_open_engine__survives_a_restart_of_the_database(postgres_server: Postgres) -> None:
    url = postgres_server.create_database()
    engine = database.open_engine(url)
    database.migrate(engine)
    Pushes(engine).record("acme/models")
    postgres_server.kill()
    postgres_server.start()
    assert Pushes(engine).count("acme/models") == 1
    engine.dispose()
    postgres_server.drop_database(url)


@pytest.mark.servers
def test_ready__not_while_the_database_is_down(postgres_server: Postgres) -> None:
    url = postgres_server.create_database()
    engine = database.open_engine(url)
    database.migrate(engine)
    postgres_server.kill()
    down = database.ready(engine)
    postgres_server.start()
    assert (down, database.ready(engine)) == (False, True)
    engine.dispose()
    postgres_server.drop_database(url)


def test_open_engine__survives_a_fork(database_url: str) -> None:
    program = (
        "import os, sys\n"
        "from studio_action.server.db import database\n"
        "from studio_action.server.db.pushes import Pushes\n"
        "engine = database.open_engine(sys.argv[1])\n"
        "database.migrate(engine)\n"
        "pushes = Pushes(engine)\n"
        "children = []\n"
        "for _ in range(4):\n"
        "    pushes.record('acme/models')\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        for _ in range(25): pushes.record('acme/models')\n"
        "        os._exit(0)\n"
        "    children.append(child)\n"
        "assert all(os.waitpid(child, 0)[1] == 0 for child in children)\n"
        "print(pushes.count('acme/models'))\n"
    )
    with run(program, database_url) as process:
        assert process.communicate(timeout=60)[0] == "104\n"


def test_migrate__tokens_of_the_first_schema_stay(database_url: str) -> None:
    """A database of release 0.1, with a token in it, becomes one of this release."""
    engine = database.open_engine(database_url)
    config = Config()
    config.set_main_option("script_location", "studio_action.server.db:migrations")
    with database.writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO tokens (id, digest, name, scopes, teams, repositories,"
                " all_repositories, created) VALUES ('0123456789abcdef', :digest, 'ci',"
                " '[\"project\"]', '[\"ml\"]', '[]', :no, '2026-01-01 00:00:00')"
            ),
            {"digest": b"\0" * 32, "no": False},
        )
    database.migrate(engine)

    (token,) = Tokens(engine, Calendar()).all()

    assert (token.name, token.scopes, token.teams) == ("ci", {"project"}, {"ml"})
    assert (token.issuer, token.claims) == (None, None)
    engine.dispose()
