from __future__ import annotations

import os
from pathlib import Path

import pytest

from studio_action.errors import (
    DeadlinePassed,
    NoSuchModel,
    StudioActionError,
    TokenRefused,
    Unreachable,
    WorkspaceRefused,
)
from studio_action.gitrepo.git.failures import BrokenRepository, UnadvertisedObject
from studio_action.net.clock import Clock, Deadline
from studio_action.server.registry.mirror_folders import Failure, MirrorFolder, State
from tests.fakes import Time


@pytest.fixture
def folder(tmp_path: Path) -> MirrorFolder:
    made = MirrorFolder(tmp_path / "mirror")
    with made.fetching(Deadline(0, Time().clock)) as ours:
        assert ours
    return made


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TokenRefused("refused", "Give a token"), TokenRefused),
        (NoSuchModel("none"), NoSuchModel),
        (Unreachable("away"), Unreachable),
        (WorkspaceRefused("full"), WorkspaceRefused),
        (UnadvertisedObject("old", "Use a newer one"), Unreachable),
        (BrokenRepository("broken"), Unreachable),
        (DeadlinePassed("late"), Unreachable),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else type(value).__name__,
)
def test_save__a_failure_comes_back(
    folder: MirrorFolder, error: StudioActionError, kind: type[StudioActionError]
) -> None:
    folder.save(State("https://h/r", "1", 1.5, 2.5, 3, Failure.of(error)))

    state = MirrorFolder(folder.root).state()

    assert state == State("https://h/r", "1", 1.5, 2.5, 3, Failure.of(error))
    assert state.failure is not None
    assert type(state.failure.error) is kind
    assert str(state.failure.error) == str(error)


def test_state__is_read_again_when_it_is_another(folder: MirrorFolder) -> None:
    other = MirrorFolder(folder.root)
    assert other.state() == State()
    folder.save(State("a"))
    assert other.state() is other.state()
    folder.save(State("b"))

    assert other.state() == State("b")


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"failure": 1}', '{"failure": {"kind": "x"}}', "\x00", '"text"', "null"],
)
def test_state__what_cannot_be_read_says_nothing(folder: MirrorFolder, content: str) -> None:
    (folder.root / "state.json").write_text(content)

    assert folder.state() == State()


def test_fetching__one_at_a_time(folder: MirrorFolder) -> None:
    time, other = Time(), MirrorFolder(folder.root)

    with folder.fetching(Deadline(0, time.clock)) as first:
        with other.fetching(Deadline(1, time.clock)) as second:
            assert (first, second) == (True, False)
        assert 1 <= time.now < 1.1
    with other.fetching(Deadline(1, time.clock)) as third:
        assert third


def test_fetching__where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with (
        pytest.raises(WorkspaceRefused, match="a mirror cannot be written"),
        MirrorFolder(tmp_path / "file/mirror").fetching(Deadline(0, Clock())),
    ):
        pass


def generation(folder: MirrorFolder, current: str = "") -> str:
    """A new generation, with something in it."""
    name = folder.fresh(current)
    (folder.root / name).mkdir()
    (folder.root / name / "HEAD").touch()
    return name


def test_fresh__numbers_are_not_given_twice(folder: MirrorFolder) -> None:
    first = generation(folder)
    second = generation(folder, first)
    folder.sweep(second)

    assert [first, second, generation(folder, second)] == ["1", "2", "3"]


def test_fresh__what_was_begun_and_not_finished_goes(folder: MirrorFolder) -> None:
    current = generation(folder)
    begun = generation(folder, current)

    generation(folder, current)

    assert (folder.root / current).exists()
    assert not (folder.root / begun).exists()


def test_sweep__what_is_read_stays(folder: MirrorFolder) -> None:
    first, second = generation(folder), generation(folder, "1")

    with MirrorFolder(folder.root).reading(first):
        folder.sweep(second)
        assert (folder.root / first / "HEAD").exists()
    folder.sweep(second)

    assert not (folder.root / first).exists()
    with pytest.raises(BrokenRepository, match="no generation 1"), folder.reading(first):
        pass


def test_forget_unfinished__what_a_killed_process_left(folder: MirrorFolder) -> None:
    folder.objects.mkdir()
    for name, when in ((".old", 100), (".new", 300), ("0a" * 20, 100)):
        (folder.objects / name).touch()
        os.utime(folder.objects / name, (when, when))

    folder.forget_unfinished(200)

    assert sorted(path.name for path in folder.objects.iterdir()) == [".new", "0a" * 20]
