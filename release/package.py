"""The Python package of a release: built, and looked at as PyPI would."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from studio_action.errors import BadInput


def build(root: Path, folder: Path, epoch: int) -> list[Path]:
    """Build wheel and sdist of a checkout into a folder; return both. The dates are `epoch`."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)],
        cwd=root,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch)},
        check=True,
        capture_output=True,
    )
    return sorted(folder.glob("*.whl")) + sorted(folder.glob("*.tar.gz"))


def check(files: list[Path]) -> None:
    """Raise `BadInput` for what PyPI would refuse, or what does not belong to a wheel."""
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *map(str, files)],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise BadInput(f"twine refuses the package: {done.stdout.strip()}", "Mend pyproject.toml")
    for wheel in files:
        if wheel.suffix == ".whl":
            _check_wheel(wheel)


def _check_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    own = ("studio_action", ".dist-info", ".data")
    if strange := {it for it in tops if not it.endswith(own)}:
        raise BadInput(f"{wheel.name} holds {sorted(strange)}", "Only studio_action belongs there")


def sha256(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
