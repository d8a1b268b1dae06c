"""Fuzz parsers with libFuzzer, by which paths their code takes: `make fuzz`.

    python -m tests.fuzzing CORPUS SECONDS [TARGET...]

Each target gets SECONDS in a process of its own, and a folder below CORPUS, which a later run
begins with. What a parser fails on is left in `crash-*`; the exit code is 1 if any did.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MEGABYTES = 1024
SECONDS_OF_ONE = 10
LONGEST = 20_000


def main(corpus: Path, seconds: int, *names: str) -> int:
    from tests.fuzzing.targets import TARGETS

    failed = []
    for name in names or TARGETS:
        folder = corpus / name
        folder.mkdir(parents=True, exist_ok=True)
        for number, example in enumerate(TARGETS[name].examples):
            (folder / f"example-{number}").write_bytes(example)
        print(f"{name}, {seconds} s", flush=True)
        command = [sys.executable, "-m", "tests.fuzzing", "one", str(folder), str(seconds), name]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    print(f"Failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


def one(folder: Path, seconds: int, name: str) -> None:
    """Fuzz one target in this process, which libFuzzer ends."""
    import atheris

    with atheris.instrument_imports(include=["studio_action", "ruamel.yaml", "configobj"]):
        from tests.fuzzing.targets import TARGETS

    options = {
        "max_total_time": seconds,
        "rss_limit_mb": MEGABYTES,
        "timeout": SECONDS_OF_ONE,
        "max_len": LONGEST,
        "verbosity": 0,
        "print_final_stats": 1,
        "artifact_prefix": f"{folder.parent}/crash-{name}-",
    }
    atheris.Setup(
        [sys.argv[0], *(f"-{key}={value}" for key, value in options.items()), str(folder)],
        TARGETS[name].run,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1] == "one":
        one(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    else:
        sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
