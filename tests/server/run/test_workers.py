"""What the workers of one server share; how they are started and stopped: test_running.py."""

from __future__ import annotations

import multiprocessing
import signal
import socket
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from studio_action.server.run.workers import Workers, metrics_folder, reserve_metrics
from tests.fakes import Time
from tests.server.lines import Lines


def test_run__workers_that_do_not_live() -> None:
    time, lines, before = Time(), Lines(), signal.getsignal(signal.SIGTERM)

    def start() -> BaseProcess:
        worker = multiprocessing.get_context("spawn").Process(target=sys.exit, args=(3,))
        worker.start()
        return worker

    with socket.create_server(("127.0.0.1", 0)) as listening:
        with pytest.raises(RuntimeError, match="workers end soon after they start"):
            Workers(listening, start, lines.log, time.clock).run(2)

        assert listening.fileno() == -1
    assert [line["exit_code"] for line in lines.all] == [3] * 6
    assert time.waits == [1.0] * 5
    assert signal.getsignal(signal.SIGTERM) == before


def test_metrics_folder__is_there_while_it_is_used(tmp_path: Path) -> None:
    with metrics_folder(tmp_path) as folder:
        (folder / "counter_1.db").write_bytes(b"")

    assert list(tmp_path.iterdir()) == []


def test_metrics_folder__each_server_has_its_own(tmp_path: Path) -> None:
    with metrics_folder(tmp_path) as one, metrics_folder(tmp_path) as other:
        assert one != other
        assert one.is_dir()


def test_metrics_folder__what_a_killed_server_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "metrics-killed").mkdir()
    (tmp_path / "metrics-killed/counter_1.db").write_bytes(b"")

    with metrics_folder(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_metrics_folder__other_folders_are_left(tmp_path: Path) -> None:
    (tmp_path / "mirrors").mkdir()

    with metrics_folder(tmp_path):
        pass

    assert (tmp_path / "mirrors").is_dir()


def test_reserve_metrics__nothing_is_to_be_allocated_later(tmp_path: Path) -> None:
    reserve_metrics(tmp_path, 7)

    files = sorted(tmp_path.iterdir())
    assert [each.name for each in files] == ["counter_7.db", "gauge_livesum_7.db", "histogram_7.db"]
    assert all(each.stat().st_blocks * 512 >= each.stat().st_size > 0 for each in files)
