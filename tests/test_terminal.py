"""The program at a real terminal, as a person sees it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.reference import REPOSITORY, ReferenceServer

PROGRAM = (sys.executable, "-c", "from studio_action import cli; cli.main()")
NO_TAGS = "http://127.0.0.1:1/acme/models"


def at_terminal(columns: int, *words: str, **environ: str) -> tuple[int, str]:
    """Run the program at a terminal of that width; give the exit code and what is on the screen."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    kept = {name: text for name, text in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    with subprocess.Popen(
        [*PROGRAM, *words],
        env={**kept, "TERM": "xterm", **environ},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        close_fds=True,
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 1 << 16)
            except OSError:  # the other side has hung up
                break
            if not piece:
                break
            shown += piece
        os.close(ours)
    return process.returncode, shown.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_help__fits(columns: int) -> None:
    code, shown = at_terminal(columns, "download-model", "--help")

    assert code == 0
    assert max(map(len, shown.splitlines())) <= columns
    assert "What:\n  --model NAME" in shown
    assert re.search(r"^More:$", shown, re.MULTILINE)


def test_resolve__a_table_below_the_log(studio: ReferenceServer, workspace: Path) -> None:
    environ = {"DVC_STUDIO_URL": studio.url, "DVC_STUDIO_TOKEN": studio.token}

    code, shown = at_terminal(
        80, "resolve-model", "--model=dir-model", f"--repo={NO_TAGS}", **environ
    )

    assert code == 0
    assert re.search(r"^source +studio$", shown, re.MULTILINE)
    assert "{" not in shown
    assert "Using Studio (token from DVC_STUDIO_TOKEN)" in shown


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_error__in_colour(environ: dict[str, str], coloured: bool) -> None:
    code, shown = at_terminal(80, "download-model", f"--repo={REPOSITORY}", **environ)

    assert code == 10
    assert ("\x1b[31;1merror: input model is missing" in shown) is coloured
    assert "error: input model is missing" in shown
