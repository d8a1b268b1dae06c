"""`python -m benchmarks`: start the servers, run each tool in turn, print the ratios."""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import pycurl

from benchmarks import measuring, results, storage, table, tools
from benchmarks.measuring import Result, Sample
from benchmarks.scenarios import ALONE, LINK, SCENARIOS, Scenario, Way
from benchmarks.storage import Storage
from benchmarks.table import OURS, Target
from benchmarks.tools import Work

MEMORY_DISK = Path("/dev/shm")


def main(argv: Sequence[str]) -> int:
    """Measure; 1 if a target was missed, 2 if a program is not there."""
    options = _options().parse_args(argv)
    if tools.missing():
        print(f"Not there: {', '.join(tools.missing())}")
        print("apt-get install nginx-light aria2 curl rclone time")
        return 2
    tools.install_peers()
    chosen = [each for each in SCENARIOS if each.name in (options.only or [each.name])]
    targets: list[Target] = []
    sections = []
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        models = sorted({scenario.model for scenario in chosen})
        with storage.serving(folder, options.objects.resolve(), models) as served:
            for scenario in chosen:
                found = _measure(scenario, served, folder, options.rounds)
                sections.append((scenario.title, found))
                targets += _targets(scenario, found, served.sizes[scenario.model])
                print(f"\n### {scenario.title}\n\n{table.results_table(found)}", flush=True)
    date = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    facts = _facts(options.folder, options.rounds)
    print(f"\n{table.targets_table(targets)}")
    run = results.run_of(date, facts, sections)
    if options.compare and (kept := results.kept_runs()):
        print(f"\n{results.comparison(run, kept[0])}")
    if options.json:
        options.json.write_text(json.dumps(run, indent=1) + "\n")
    if options.keep:
        results.keep(table.document(date, facts, sections, targets))
        results.keep_run(run)
    return 0 if all(target.met for target in targets) else 1


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--only", action="append", choices=names, help="this scenario alone")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each tool")
    default = MEMORY_DISK if MEMORY_DISK.is_dir() else Path(tempfile.gettempdir())
    parser.add_argument("--folder", type=Path, default=default, help="where files are put")
    objects = tools.ROOT / "build/benchmarks/objects"
    parser.add_argument("--objects", type=Path, default=objects, help="where they come from")
    parser.add_argument(
        "--keep",
        action="store_true",
        help=f"add the results to {results.PLACE.name} and {results.RUNS.name}",
    )
    parser.add_argument(
        "--compare", action="store_true", help="say what changed since the last run that was kept"
    )
    parser.add_argument("--json", type=Path, help="write every sample of this run to a file")
    return parser


def _measure(scenario: Scenario, served: Storage, folder: Path, rounds: int) -> list[Result]:
    """Each tool once in each round, so that what disturbs one disturbs all."""
    samples: dict[str, list[Sample]] = {name: [] for name in scenario.tools}
    size, keys = served.sizes[scenario.model], served.models[scenario.model]
    with (
        _way(scenario.way, served) as base,
        storage.studio(served, base) as studio,
        storage.repository(folder, scenario.model) as repository,
    ):
        urls = {path: f"{base}/{key}" for path, key in keys.items()}
        for turn in range(rounds):
            for name, tool in scenario.tools.items():
                if turn and name in scenario.once:
                    continue
                workspace = folder / "workspace"
                workspace.mkdir()
                work = Work(
                    scenario.model,
                    size,
                    urls,
                    base,
                    studio,
                    repository,
                    served.authority,
                    workspace,
                )
                sample = measuring.run(tool(work), workspace, folder / "log")
                if "/dev/null" not in name:
                    measuring.check(workspace, list(urls), size)
                samples[name].append(sample)
                shutil.rmtree(workspace)
                print(f"{scenario.name}: {name}: {sample.seconds:.2f} s", file=sys.stderr)
    return [Result(name, tuple(taken)) for name, taken in samples.items()]


@contextmanager
def _way(way: Way, served: Storage) -> Iterator[str]:
    """The base of the objects' URLs."""
    if not way.rate:
        yield f"https://127.0.0.1:{served.tls}{way.path}"
        return
    port = storage.free_port()
    argv = [sys.executable, "-m", "benchmarks.link", str(port), str(served.tls)]
    with subprocess.Popen([*argv, str(way.round_trip), str(way.rate), str(way.loss)]) as relay:
        try:
            storage.wait_for(port)
            yield f"https://127.0.0.1:{port}{way.path}"
        finally:
            relay.terminate()


def _targets(scenario: Scenario, found: Sequence[Result], size: int) -> list[Target]:
    by_name = {result.tool: result for result in found}
    mine = by_name[OURS]
    targets = []
    for against, least in scenario.least.items():
        if against in by_name:
            reached = by_name[against].seconds / mine.seconds
        elif against == ALONE:
            alone = max(_hash("md5") * size / (1 << 30), by_name["dvc artifacts get"].seconds)
            reached = alone / mine.seconds
        else:
            assert against == LINK
            reached = size / scenario.way.rate / mine.seconds
        targets.append(Target(scenario.title, against, least, reached))
    if scenario.most_memory is not None:
        most = scenario.most_memory
        targets.append(Target(scenario.title, "peak memory, MiB", most, mine.memory, most=True))
    return targets


def _facts(folder: Path, rounds: int) -> dict[str, str]:
    """What the figures depend on; MD5 of one file cannot be taken faster than this."""
    return {
        "machine": results.machine(),
        "programs": f"Python {platform.python_version()}, {' '.join(pycurl.version.split()[:3])}, "
        + ", ".join(tools.peers_versions()),
        "files are put into": str(folder),
        "runs of each tool, in turn": str(rounds),
        "1 GiB through one core": f"MD5 {_hash('md5'):.2f} s, SHA-256 {_hash('sha256'):.2f} s",
    }


def _hash(name: str) -> float:
    block = bytes(1 << 18)
    digest = hashlib.new(name, usedforsecurity=False)
    started = time.thread_time()
    for _ in range(1 << 10):
        digest.update(block)
    return 4 * (time.thread_time() - started)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
