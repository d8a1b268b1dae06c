"""What the workers of one server share; how they are started and stopped: test_running.py."""

from __future__ import annotations

from pathlib import Path

from studio_action.server.workers import figures_folder


def test_figures_folder__is_there_while_it_is_used(tmp_path: Path) -> None:
    with figures_folder(tmp_path) as folder:
        (folder / "counter_1.db").write_bytes(b"")

    assert list(tmp_path.iterdir()) == []


def test_figures_folder__each_server_has_its_own(tmp_path: Path) -> None:
    with figures_folder(tmp_path) as one, figures_folder(tmp_path) as other:
        assert one != other
        assert one.is_dir()


def test_figures_folder__what_a_killed_server_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "figures-killed").mkdir()
    (tmp_path / "figures-killed/counter_1.db").write_bytes(b"")

    with figures_folder(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_figures_folder__other_folders_are_left(tmp_path: Path) -> None:
    (tmp_path / "mirrors").mkdir()

    with figures_folder(tmp_path):
        pass

    assert (tmp_path / "mirrors").is_dir()
