from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import pytest
from benchmarks import load, measuring, results, start
from benchmarks.link import Link, Window
from benchmarks.load import Load
from benchmarks.measuring import Result, Sample
from benchmarks.start import Pair
from benchmarks.table import Target, document, results_table, targets_table
from benchmarks.tools import Command
from starlette.types import Receive, Scope, Send

from tests.server.loopback import served


def result(tool: str, *seconds: float) -> Result:
    return Result(tool, tuple(Sample(each, each / 2, 10 * each) for each in seconds))


def test_results_table__ratio_of_medians() -> None:
    table = results_table([result("studio-action", 2, 1, 9), result("curl", 3, 5, 4)])

    assert table.splitlines()[2:] == [
        "| studio-action | 2.00 | 1.00 to 9.00 | 1.00 | 90 |  |",
        "| curl | 4.00 | 3.00 to 5.00 | 2.00 | 50 | 2.00 |",
    ]


def test_targets_table() -> None:
    table = targets_table(
        [
            Target("1 GiB", "curl", 0.65, 0.64),
            Target("1 GiB", "aria2c", 2, 2.0),
            Target("4 GiB", "peak memory, MiB", 150, 99, most=True),
        ]
    )

    assert table.splitlines()[2:] == [
        "| 1 GiB | curl | at least 0.65 | 0.64 | **no** |",
        "| 1 GiB | aria2c | at least 2 | 2.00 | yes |",
        "| 4 GiB | peak memory, MiB | under 150 | 99.00 | yes |",
    ]


def test_document() -> None:
    text = document("today", {"machine": "this one"}, [("1 GiB", [result("studio-action", 1)])], [])

    assert text.startswith("## today\n\n- machine: this one\n\n| work |")
    assert "### 1 GiB\n\n| tool |" in text


def test_link__one_rate_for_all() -> None:
    link = Link(delay=0.5, rate=100.0)

    assert [link.arrival(100, 0.0), link.arrival(100, 0.0), link.arrival(100, 9.0)] == [
        1.5,
        2.5,
        10.5,
    ]


def test_load__rate_and_p99() -> None:
    found = Load(seconds=10.0, taken=[0.001 * number for number in range(1, 101)])

    assert found.rate == 10
    assert round(found.p99, 4) == 0.099


def test_load__who_still_waits_counts_with_the_time_so_far() -> None:
    assert Load(seconds=60.0, taken=[1.0], waited=[60.0] * 9).p99 == 60


def test_run__asks_again_and_again() -> None:
    asked: list[str] = []

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        asked.append(dict(scope["headers"])[b"authorization"].decode())
        status = 200 if len(asked) % 2 else 503
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"https://h/x?Signature=0"})

    with served(app) as url:
        found = load.run(url, "isat_x", lambda: "/x?a=b", clients=3, seconds=0.2)

    assert set(asked) == {"token isat_x"}
    assert len(found.taken) > 3
    assert abs(len(found.taken) - found.errors) <= 1
    assert len(found.waited) == 3


@pytest.mark.servers
def test_measuring__memory_is_the_program_s_own(tmp_path: Path) -> None:
    block = bytearray(64 << 20)  # a parent that is large, as the benchmark itself

    small = measuring.run(Command(["/bin/true"]), tmp_path, tmp_path / "log")
    allocate = "block = b'x' * (50 << 20)"
    large = measuring.run(Command([sys.executable, "-c", allocate]), tmp_path, tmp_path / "log")

    assert small.memory < 5
    assert 50 < large.memory < 80
    assert len(block) == 64 << 20


def test_results__compared_as_ratios() -> None:
    old = results.run_of("before", {}, [("1 GiB", [result("curl", 2), result("gone", 1)])])
    new = results.run_of("now", {}, [("1 GiB", [result("curl", 1), result("added", 1)])])

    lines = results.comparison(new, old).splitlines()

    assert lines[0] == "Compared with before (below 1: less than before)"
    assert lines[4:] == ["| 1 GiB | curl | 0.50 | 0.50 | 0.50 |"]


def test_window__as_reno_has_it() -> None:
    lossless, lossy = Window(0.0, Random(1)), Window(0.01, Random(1))

    assert not any(lossless.send(1460) for _ in range(1000))
    lost = sum(lossy.send(1460) for _ in range(100_000))
    assert 900 < lost < 1100
    # Mathis et al.: the window is about 1.22 / sqrt(loss) segments
    sizes = []
    for _ in range(20_000):
        lossy.send(1460)
        sizes.append(lossy.size / 1460)
    assert 9 < sum(sizes) / len(sizes) < 15


def test_start__median_of_differences_and_not_the_difference_of_medians() -> None:
    pairs = [Pair(0.30, 0.25), Pair(0.90, 0.83), Pair(0.40, 0.10)]

    target, text = start.report("an-image", pairs)

    assert target.reached == pytest.approx(70.0)  # of 50, 70 and 300; the medians are 150 apart
    assert not target.met
    assert "| start of an-image | /bin/true, ms more | under 60 | 70.00 | **no** |" in text
    assert text.endswith("3 pairs; medians: ours 400 ms, /bin/true 250 ms")


def test_start__pairs_alternate_and_the_first_is_not_counted() -> None:
    order: list[str] = []

    def run(name: str) -> float:
        order.append(name)
        return len(order)

    pairs = start.measured(2, lambda: run("ours"), lambda: run("true"))

    assert order == ["ours", "true", "true", "ours", "ours", "true"]
    assert pairs == [Pair(4, 3), Pair(5, 6)]


def test_start__too_few_pairs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        start.main(["--pairs", "10"])

    assert "fewer than 11" in capsys.readouterr().err
